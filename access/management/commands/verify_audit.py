"""Check the audit trail against its chain of seals, or print the chain's head for anchoring outside."""

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import chain
from access.chain import Anchor, NoAnchor, Report


class Command(BaseCommand):
    help = (
        "Check every audit entry against its seal, and the seals against each other. Exits 1 and names what "
        "was changed, deleted, inserted, reordered, truncated or sealed anew. Truncation and sealing anew by "
        "somebody who thinks of everything show only against a head kept elsewhere: --anchor."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", action="store_true", help="print the head of the chain as JSON, and check nothing"
        )
        parser.add_argument(
            "--anchor",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="heads kept elsewhere: what --head printed, or a log with them; may be given again",
        )
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="TIME",
            help="only what was sealed since: 2026-03-01, or with time",
        )
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        chain.seal_all()
        if options["head"]:
            self.stdout.write(json.dumps(chain.head().as_json()))
            return
        anchors = [anchor for path in options["anchor"] for anchor in _read(path)]
        report = chain.verify(anchors=anchors, since=options["since"], progress=self.show)
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        self.tell(report, as_json=options["json"])
        if report.findings:
            sys.exit(1)

    def show(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {total:,} entries", ending="")

    def tell(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            findings = [finding.as_json() for finding in report.findings]
            self.stdout.write(
                json.dumps({"checked": report.checked, "findings": findings, "head": report.head.as_json()})
            )
            return
        for finding in report.findings:
            self.stdout.write(self.style.ERROR(f"{finding.kind}: {finding.text}"))
        if report.findings:
            self.stdout.write(f"{report.checked:,} entries checked, {len(report.findings)} findings.")
        else:
            self.stdout.write(self.style.SUCCESS(f"{report.checked:,} entries checked; the trail is whole."))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read(path: Path) -> list[Anchor]:
    try:
        return chain.anchors_from(path.read_text(encoding="utf-8"), source=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error
    except NoAnchor as error:
        raise CommandError(str(error)) from error
