"""Files of a report while they are made: seconds, bytes, and the most memory they took.

`python -m tests.load export --rows 1000000`: as many punches in one transaction that is rolled back.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from access.models import Department, Person, Site, Staff
from access.reports import REPORTS, exports
from access.reports.exports import Layout

# A day of the rows' year holds so many; the report's period is that year.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 1000


def measure(key: str, file: str, given: dict[str, str]) -> dict[str, Any]:
    """One report as one file, read as a browser would."""
    report, reader = REPORTS[key], Staff(is_superuser=True, is_staff=True, is_active=True)
    asked = report.ask(given, reader)
    _forget_peak()
    before, began, worked = _memory_mb("VmRSS"), time.perf_counter(), time.process_time()
    chunks: Iterator[bytes] = exports.content(report, asked, reader, Layout(file=file))
    size = sum(len(chunk) for chunk in chunks)
    return {
        f"{key}_{file}_s": round(time.perf_counter() - began, 1),
        f"{key}_{file}_processor_s": round(time.process_time() - worked, 1),
        f"{key}_{file}_mb": round(size / 1024 / 1024, 1),
        f"{key}_{file}_memory_mb": round(_memory_mb("VmHWM") - before),
    }


def run(rows: int, files: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"punches": rows}
    with transaction.atomic():
        _make(rows)
        for file in files:
            found |= measure("punches", file, {"first": "2026-01-01", "last": "2026-12-31"})
        transaction.set_rollback(True)
    return found


def _make(rows: int) -> None:
    """Punches of a thousand people, spread over a year, without a row of Python for each."""
    Site.objects.create(name="Load", zone="Europe/Berlin", demo=True)
    department = Department.objects.create(name="Load")
    Person.objects.bulk_create(
        [
            Person(badge=f"LOAD-{n}", name=f"Person {n}", department=department, demo=True)
            for n in range(PEOPLE)
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO access_punch (id, person_id, at, direction, explicit, source, suspect, created)"
            " SELECT gen_random_uuid(), p.first + n %% %s, %s::timestamptz + n * %s * interval '1 second',"
            " CASE n / %s %% 2 WHEN 0 THEN 'in' ELSE 'out' END, true, 'import', false, now()"
            " FROM generate_series(0, %s - 1) n,"
            " (SELECT min(id) AS first FROM access_person WHERE badge LIKE 'LOAD-%%') p",
            [PEOPLE, FIRST, 360 * 86_400 / rows, PEOPLE, rows],
        )
        cursor.execute("ANALYZE access_punch")


def _forget_peak() -> None:
    """Linux starts counting the most memory anew (proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
