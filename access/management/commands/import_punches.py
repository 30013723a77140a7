"""Book punches from a CSV of another system."""

import csv
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.places import Site
from access.reports.csv_file import harmless
from access.terminals import lists


class Command(BaseCommand):
    help = (
        "Book punches from a CSV with the columns badge and time (or date and time), and direction where "
        "known. Times without an offset are wall times of SITE. Rows with an error are left out and "
        "reported; the same row is booked once, however often it is imported. Exit code 1 if a row had "
        "an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="CSV")
        parser.add_argument("site", metavar="SITE")
        parser.add_argument(
            "--days", choices=sorted(lists.DAYS), default="iso", help="how days with slashes read"
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="badge|date|time|direction=NAME",
            help="which column it is, where the header does not say; may be repeated",
        )
        parser.add_argument("--dry-run", action="store_true", help="read and report, change nothing")
        parser.add_argument("--report", type=Path, metavar="CSV", help="write the rows with an error there")

    def handle(self, *args: Any, **options: Any) -> None:
        site = Site.objects.filter(name=options["site"]).first()
        if site is None:
            known = ", ".join(Site.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no site {options['site']!r}; there are: {known}.")
        columns = dict(part.partition("=")[::2] for part in options["column"])
        if unknown := set(columns) - set(lists.NAMES):
            raise CommandError(f"--column knows {', '.join(lists.NAMES)}, not {', '.join(sorted(unknown))}.")
        try:
            data = options["source"].read_bytes()
            sheet = lists.read(data, site=site, days=options["days"], columns=columns)
        except OSError as error:
            raise CommandError(f"{options['source']} cannot be read: {error.strerror}.") from error
        except lists.Unusable as error:
            raise CommandError(str(error)) from error
        made = 0 if options["dry_run"] else lists.book(sheet, by="command")
        self._report(sheet, made, options)
        if sheet.errors:
            sys.exit(1)

    def _report(self, sheet: lists.Sheet, made: int, options: dict[str, Any]) -> None:
        for row in sheet.errors:
            self.stderr.write(f"  row {row.number}: {row.error}")
        said = f"{len(sheet.new)} punches can be booked" if options["dry_run"] else f"{made} punches booked"
        self.stdout.write(f"{said}, {sheet.known} were known, {len(sheet.errors)} rows have an error.")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")
        if path := options["report"]:
            with path.open("w", newline="", encoding="utf-8-sig") as file:
                rows = lists.with_errors(sheet, sheet.errors)
                csv.writer(file).writerows([harmless(cell) for cell in row] for row in rows)
