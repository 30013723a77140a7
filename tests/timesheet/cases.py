"""How a payroll clerk writes a day down: "08:00-12:00 12:30-17:00", and what should come of it."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from access.timesheet import Break, Day, Plan, Punch, Rules, Shift, workday

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)
OFFICE = Shift("O", ((8 * 60, 17 * 60),), breaks=(Break(60),))
PLAIN = Rules(grace_in_minutes=0, grace_out_minutes=0)


def clock(text: str, day: date = MONDAY, zone: ZoneInfo = BERLIN) -> datetime:
    """ "08:00", "08:00:30" or, on the next day, "+06:00"."""
    if text.startswith("+"):
        return clock(text[1:], day + timedelta(days=1), zone)
    return datetime.combine(day, time.fromisoformat(text), zone)


def punched(text: str, day: date = MONDAY, zone: ZoneInfo = BERLIN) -> list[Punch]:
    """ "08:00-12:00": in and out; "08:00-" has no out, "-17:00" no in; of "08:00 17:00" nobody said which."""
    found: list[Punch] = []
    for word in text.split():
        if "-" not in word:
            found.append(Punch(clock(word, day, zone), f"p{len(found)}"))
            continue
        begin, end = word.split("-")
        for moment, direction in ((begin, "in"), (end, "out")):
            if moment:
                found.append(Punch(clock(moment, day, zone), f"p{len(found)}", direction, explicit=True))
    return found


def plan(shift: Shift | None = OFFICE, rules: Rules = PLAIN, **fields: Any) -> Plan:
    return Plan(zone=BERLIN, shift=shift, rules=rules, **fields)


def worked_out(text: str, held: Plan | None = None, day: date = MONDAY) -> Day:
    held = held or plan()
    return workday(day, punched(text, day, held.zone), held)  # type: ignore[arg-type]


def with_rules(**fields: Any) -> Plan:
    """A day at the office under these rules."""
    return agreed(OFFICE, **fields)


def agreed(shift: Shift | None, *, approved: int = 0, **fields: Any) -> Plan:
    """A day with this shift under these rules."""
    return plan(shift, replace(PLAIN, **fields), approved=approved)


def minutes(text: str) -> int:
    """ "8:30" is 510."""
    hours, colon, rest = text.partition(":")
    return int(hours) * 60 + int(rest) if colon else int(hours)


def codes(found: Day) -> set[str]:
    return {step.code for step in found.steps}


def shuffled(punches: Iterable[Punch], seed: int) -> list[Punch]:
    mixed = list(punches)
    random.Random(seed).shuffle(mixed)
    return mixed
