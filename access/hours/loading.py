"""The facts of many people and days, loaded in a few queries a batch, and what the rules make of them.

A month for a thousand people is streamed person by person; nothing is written here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from access import timesheet
from access.attendance import Punch
from access.hours import corrections, leave, plans, shifts
from access.hours.corrections import OvertimeApproval
from access.hours.leave import Leave
from access.hours.plans import Plans
from access.hours.rules import RuleVersion
from access.hours.shifts import Shift
from access.hours.workdays import OPEN, Computed

ONE_DAY = timedelta(days=1)
# Punches of the days around, too: no zone is further from UTC than 14 hours, no shift longer than 24.
MARGIN = timedelta(days=2)
# The rules have these fields under the same names.
RULES = tuple(timesheet.Rules.__dataclass_fields__)


class Facts:
    """Everything known of these people from the first to the last day, both included."""

    def __init__(self, people: Sequence[int], first: date, last: date) -> None:
        # Whole weeks, so that weekly overtime sees all of them; and a day around, whose shifts claim punches.
        self.first = min(first - timedelta(days=first.weekday()), first - ONE_DAY)
        self.last = max(last + timedelta(days=6 - last.weekday()), last + ONE_DAY)
        self.plans = Plans(people, self.first, self.last)
        self._rules: dict[int | None, timesheet.Rules] = {None: timesheet.Rules()}
        self._shifts: dict[int, timesheet.Shift] = {}
        self._punches(people)
        self.leaves: defaultdict[int, list[Leave]] = defaultdict(list)
        for row in leave.approved(list(people), self.first, self.last):
            self.leaves[row.person_id].append(row)
        approved = OvertimeApproval.objects.filter(person__in=people, day__gte=self.first, day__lte=self.last)
        self.approved = {(row.person_id, row.day): row.minutes for row in approved}

    def _punches(self, people: Sequence[int]) -> None:
        begin = datetime.combine(self.first, time(), UTC) - MARGIN
        end = datetime.combine(self.last, time(), UTC) + MARGIN
        without = corrections.left_out(list(people), begin, end)
        self.punches: defaultdict[int, list[timesheet.Punch]] = defaultdict(list)
        rows = Punch.objects.filter(person__in=people, at__gte=begin, at__lt=end).order_by()
        columns = ("pk", "person_id", "at", "direction", "explicit")
        for key, person, at, way, explicit in rows.values_list(*columns).iterator(chunk_size=5000):
            if key not in without:
                self.punches[person].append(timesheet.Punch(at, str(key), way, explicit))

    def of(self, person: int) -> dict[date, timesheet.Plan]:
        """The plan of each day of a person, with leave and approved overtime."""
        return {day: self._plan(person, day) for day in plans.days_between(self.first, self.last)}

    def _plan(self, person: int, day: date) -> timesheet.Plan:
        plan = self.plans.of(person, day)
        return timesheet.Plan(
            zone=plans.zone_of(plan.site),
            shift=self.shift(plan.shift),
            rules=self.rules(plan.rules),
            planned=plan.planned,
            holiday=plan.holiday,
            short=plan.short,
            leave=tuple(
                timesheet.Leave(row.type.code, row.part, row.type.paid)
                for row in self.leaves[person]
                if row.first <= day <= row.last
            ),
            approved=self.approved.get((person, day), 0),
        )

    def rules(self, version: RuleVersion | None) -> timesheet.Rules:
        key = version.pk if version else None
        if version is not None and key not in self._rules:
            self._rules[key] = timesheet.Rules(**{name: getattr(version, name) for name in RULES})
        return self._rules[key]

    def shift(self, shift: Shift | None) -> timesheet.Shift | None:
        if shift is None:
            return None
        if shift.pk not in self._shifts:
            self._shifts[shift.pk] = as_shift(shift)
        return self._shifts[shift.pk]


def as_shift(shift: Shift) -> timesheet.Shift:
    times = [(part.begins, part.ends) for part in shift.parts.all()]
    return timesheet.Shift(
        code=shift.code,
        parts=tuple(shifts.spans(times)) if shift.kind == Shift.Kind.FIXED else (),
        target=shift.target_minutes,
        breaks=tuple(timesheet.Break(one.minutes, one.paid) for one in shift.breaks.all()),
        before=shift.window_before_minutes,
        after=shift.window_after_minutes,
    )


def compute(
    people: Sequence[int], first: date, last: date, *, now: datetime | None = None
) -> Iterator[Computed]:
    """What the rules make of these days, person by person in the order given. Give a few hundred people."""
    facts = Facts(people, first, last)
    moment = now or timezone.now()
    for person in people:
        planned = facts.of(person)
        for day in timesheet.days(facts.punches[person], planned, first, last):
            yield _computed(facts, person, _going_on(day, planned[day.day], moment), planned[day.day])


def _going_on(day: timesheet.Day, plan: timesheet.Plan, now: datetime) -> timesheet.Day:
    """While a day is not over, nobody is absent on it and no punch is missing."""
    following = datetime.combine(day.day + ONE_DAY, plan.rules.day_cutoff, plan.zone)
    if now >= following or day.status not in ("A", "M"):
        return day
    return replace(day, status=OPEN, figures=day.figures | {"missed": 0})


def _computed(facts: Facts, person: int, day: timesheet.Day, plan: timesheet.Plan) -> Computed:
    version = facts.plans.of(person, day.day).rules
    return Computed(
        person=person,
        day=day.day,
        status=day.status,
        shift=day.shift,
        rules=version.pk if version else None,
        figures={name: minutes for name, minutes in day.figures.items() if minutes},
        result=explanation(day, plan),
    )


def explanation(day: timesheet.Day, plan: timesheet.Plan) -> dict[str, Any]:
    """What the page of the day shows; instants in UTC, to be read in `zone`."""
    told = day.as_json()
    return {
        "zone": str(plan.zone),
        "planned": plan.planned,
        "pairs": told["pairs"],
        "steps": told["steps"],
        "left_out": told["left_out"],
    }
