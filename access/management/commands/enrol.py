"""Enrol many people from a folder or a list."""

import csv
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import bulk, health
from access.gallery import Gallery
from access.people import ConsentText


class Command(BaseCommand):
    help = (
        "Enrol people from FOLDER (one subfolder per badge number, photographs inside) or from a CSV with "
        "the columns badge, name, department, photograph. Can be interrupted and run again: nothing is done "
        "twice. The workers must be running. Exit code 1 if anything was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="FOLDER|CSV")
        parser.add_argument(
            "--gallery", action="append", default=[], help="add everybody to this gallery; may be repeated"
        )
        parser.add_argument("--department", default="", help="for new people of whom the list names none")
        parser.add_argument(
            "--consent",
            metavar="VERSION",
            help="note that everybody consented to this text (VERSION or VERSION/LANGUAGE)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="check files and badge numbers, change nothing"
        )
        parser.add_argument(
            "--report", type=Path, metavar="CSV", help="write every refused file with its reason"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            entries = bulk.read(options["source"])
        except bulk.Unusable as error:
            raise CommandError(str(error)) from error
        if options["dry_run"]:
            tally = bulk.check(entries)
            self.stdout.write(
                f"{tally.people} people, {tally.accepted} files can be handed in. Nothing was changed."
            )
        else:
            tally = self._run(entries, self._terms(options))
        self._report(tally, options["report"])
        if tally.refused:
            sys.exit(1)

    def _terms(self, options: dict[str, Any]) -> bulk.Terms:
        galleries = []
        for name in options["gallery"]:
            found = Gallery.objects.filter(name=name).first()
            if found is None:
                known = ", ".join(Gallery.objects.values_list("name", flat=True)) or "none"
                raise CommandError(f"There is no gallery {name!r}; there are: {known}.")
            galleries.append(found)
        consent = None
        if version := options["consent"]:
            number, _slash, language = version.partition("/")
            texts = ConsentText.objects.filter(version=number)
            consent = (texts.filter(language=language) if language else texts).first()
            if consent is None:
                known = (
                    ", ".join(f"{one.version}/{one.language}" for one in ConsentText.objects.all()) or "none"
                )
                raise CommandError(f"There is no consent text {version!r}; there are: {known}.")
        return bulk.Terms(tuple(galleries), consent, options["department"])

    def _run(self, entries: list[bulk.Entry], terms: bulk.Terms) -> bulk.Tally:
        if not health.present().exists():
            raise CommandError("No worker is running: start `manage.py up`, or a Celery worker, first.")
        try:
            tally = bulk.run(
                entries, terms, lambda now, under_way: self._progress(now, under_way, len(entries))
            )
        except KeyboardInterrupt:
            raise CommandError(
                "\nInterrupted. What was handed in goes on; run the command again for the rest."
            ) from None
        self.stdout.write("")
        self.stdout.write(
            f"{tally.people} people, {tally.accepted} photographs accepted, {len(tally.refused)} refused, "
            f"{tally.to_review} people to review, {tally.skipped} files skipped (known, or unreadable)."
        )
        return tally

    def _progress(self, tally: bulk.Tally, under_way: int, total: int) -> None:
        if not self.stdout.isatty():
            return
        settled = tally.people - under_way
        bar = "█" * (30 * settled // total)
        self.stdout.write(
            f"\r{bar:<30} {settled}/{total} people, {len(tally.refused)} files refused", ending=""
        )
        self.stdout.flush()

    def _report(self, tally: bulk.Tally, path: Path | None) -> None:
        for one in tally.refused:
            self.stderr.write(f"  {one.badge}  {one.file}  {one.reason}: {one.advice}")
        if path is not None:
            with path.open("w", newline="", encoding="utf-8-sig") as file:
                rows = csv.writer(file)
                rows.writerow(["badge", "file", "reason", "advice"])
                rows.writerows([one.badge, one.file, one.reason, one.advice] for one in tally.refused)
            self.stdout.write(f"Refusals are in {path}.")
