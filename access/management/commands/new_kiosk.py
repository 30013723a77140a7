"""Make a kiosk and print its key, once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import places
from access.places import Direction, Door, Kiosk


class Command(BaseCommand):
    help = "Make a kiosk at a door and print its key. The key is shown only this once; roll it in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("site")
        parser.add_argument("door")
        parser.add_argument("name")
        parser.add_argument("--direction", choices=Direction.values, default=Direction.AUTO)

    def handle(self, *args: Any, **options: Any) -> None:
        door = Door.objects.filter(site__name=options["site"], name=options["door"]).first()
        if door is None:
            known = ", ".join(
                f"{door.site.name!r} {door.name!r}" for door in Door.objects.select_related("site")
            )
            raise CommandError(f"There is no such door; there are: {known or 'none'}.")
        if Kiosk.objects.filter(door=door, name=options["name"]).exists():
            raise CommandError(f"{door} already has a kiosk {options['name']!r}.")
        kiosk = Kiosk.objects.create(door=door, name=options["name"], direction=options["direction"])
        self.stdout.write(places.issue_key(kiosk, by="command"))
