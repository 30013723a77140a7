"""A month of working days for many people: made, worked out, counted, and handed out as files.

`python -m tests.load month --people 1000`. Everything is made in one transaction that is rolled back.
"""

import random
import resource
import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from access.hours import ledger, loading
from access.models import (
    Assignment,
    Department,
    Person,
    Punch,
    RuleSet,
    RuleVersion,
    Shift,
    ShiftPart,
    Site,
)
from tests.load import exports

FIRST, DAYS = date(2026, 3, 1), 31


def run(people: int, seed: int = 0) -> dict[str, Any]:
    """Seconds, memory and queries of computing, then of keeping, a month; nothing is left behind."""
    chance = random.Random(seed)
    with transaction.atomic():
        crew = _make(people, chance)
        last = FIRST + timedelta(days=DAYS - 1)
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            found = sum(1 for batch in ledger.in_batches(crew) for _ in loading.compute(batch, FIRST, last))
        computed = time.perf_counter() - began
        counted, memory = len(queries), _memory_mb()
        began = time.perf_counter()
        first = ledger.refresh(crew, FIRST, last)
        kept = time.perf_counter() - began
        began = time.perf_counter()
        again = ledger.refresh(crew, FIRST, last)
        unchanged = time.perf_counter() - began
        given = {"month": f"{FIRST:%Y-%m}", "department": str(Department.objects.get(name="Load").pk)}
        days = {"first": FIRST.isoformat(), "last": last.isoformat(), "department": given["department"]}
        files = (
            exports.measure("daily", "xlsx", days)
            | exports.measure("grid", "xlsx", given)
            | exports.measure("grid", "pdf", given)
        )
        transaction.set_rollback(True)
    return {
        "people": people,
        "person_days": found,
        "punches": people * 22 * 2,
        "compute_s": round(computed, 2),
        "ms_per_person_day": round(1000 * computed / found, 3),
        "queries": counted,
        "most_memory_mb": round(memory),
        "keep_s": round(kept, 2),
        "again_s": round(unchanged, 2),
        "days_kept": first.new,
        "days_changed_again": again.new + again.updated + again.proposed,
    } | files


def _make(people: int, chance: random.Random) -> list[int]:
    site = Site.objects.create(name="Load", zone="Europe/Berlin", demo=True)
    rules = RuleSet.objects.create(name="Load")
    RuleVersion.objects.create(rule_set=rules, valid_from=date(2026, 1, 1), weekly_minutes=2400)
    shift = Shift.objects.create(name="Load", code="LD")
    ShiftPart.objects.create(shift=shift, begins=clock(8), ends=clock(16, 30))
    department = Department.objects.create(name="Load")
    Assignment.objects.create(department=department, site=site, rules=rules, shift=shift, first=FIRST)
    crew = Person.objects.bulk_create(
        [
            Person(badge=f"LOAD-{n}", name=f"Person {n}", department=department, demo=True)
            for n in range(people)
        ],
        batch_size=2000,
    )
    working = [day for n in range(DAYS) if (day := FIRST + timedelta(days=n)).isoweekday() <= 5]
    for start in range(0, people, 500):
        Punch.objects.bulk_create(
            [
                Punch(person=person, at=_near(day, hour, chance), direction=way, source="import")
                for person in crew[start : start + 500]
                for day in working
                for hour, way in ((7, "in"), (16, "out"))
            ],
            batch_size=5000,
        )
    return [person.pk for person in crew]


def _near(day: date, hour: int, chance: random.Random) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00") + timedelta(minutes=chance.gauss(0, 12))


def _memory_mb() -> float:
    """The most this process has held so far, with what it took to make the people and their punches."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
