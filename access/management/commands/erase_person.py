"""Erase a person, with a receipt."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import erasure
from access.people import Person


class Command(BaseCommand):
    help = (
        "Erase a person: photographs, faceprints, the key that opens their pictures, memberships and name. "
        "Punches and decisions stay under a bare number, as the law asks. Cannot be undone; prints "
        "a receipt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("badge")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(badge__iexact=options["badge"], erased=None).first()
        if person is None:
            raise CommandError(f"Nobody has the badge number {options['badge']!r}.")
        if not options["yes"] and input(f"Erase {person}? Type the badge number again: ") != person.badge:
            raise CommandError("Nothing was erased.")
        for line in erasure.erase(person, by="command").lines():
            self.stdout.write(line)
