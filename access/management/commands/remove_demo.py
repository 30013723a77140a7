"""Remove the demo site with everything that happened there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.up import demo


class Command(BaseCommand):
    help = (
        "Remove the demo: its sites, doors, kiosks, people, photographs, decisions and punches. The audit "
        "trail stays. Start `manage.py up` with --no-demo afterwards, or it is made again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = demo.remove()
        except demo.InUse as error:
            raise CommandError(str(error)) from error
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()) + " removed")
