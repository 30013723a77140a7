"""Play a day at a virtual site against the running system."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from access.up.devices import Wrong
from access.up.virtual import play, scenario


class Command(BaseCommand):
    help = (
        "Play a whole day with invented people at virtual kiosks, a door contact and a time clock, through "
        "the HTTP API of a running system (manage.py up), and say line by line what was expected and what "
        "came. 0 if all was right. The site is marked demo and removed in the end; on a system without the "
        "demo, that is made first and removed too. Demo people whose PIN the scenario uses have none "
        "afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        bound = os.environ.get("LINTEL_BIND", "127.0.0.1:8000")
        parser.add_argument("--address", default=f"http://{bound}", help=f"of the website (http://{bound})")
        parser.add_argument(
            "--scenario", type=Path, default=scenario.DAY, help="a TOML file like the one shipped"
        )
        parser.add_argument(
            "--fast", action="store_true", help="without two seconds between the lines to watch"
        )

        parser.add_argument(
            "--day-only", action="store_true", help="without posting every photograph of everybody afterwards"
        )

    def handle(self, *, address: str, fast: bool, day_only: bool, **options: Path) -> None:
        try:
            day = scenario.read(options["scenario"])
            code = play.run(address.rstrip("/"), day, pause=0 if fast else 2, photographs=not day_only)
        except (scenario.Unplayable, Wrong) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{address} does not answer ({error}): is manage.py up running?") from error
        if code:
            sys.exit(code)
