"""Make a report file that somebody asked for: what the workers start in a process of its own."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from access.handouts import making

# Doors come first: whoever makes a report takes what they leave of the processor.
NICE = 10


class Command(BaseCommand):
    help = (
        "Make the report file with this key, if it waits to be made. The workers do so by themselves, each "
        "file in a process of its own, so that a long report neither keeps a door waiting nor holds memory."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the key of the report file")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        os.nice(NICE)
        made = making.make(key)
        self.stdout.write("made" if made else "nothing to make")
