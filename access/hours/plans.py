"""Who should work when, where and under which rules: the plan of many people and days in a few queries.

The roster's entry holds, else the person's own assignment, else that of their department; of several the one
that began last. Without any, nothing is planned and only the punches count.
"""

import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from access.holidays import Holiday
from access.hours import shifts
from access.hours.rules import RuleVersion
from access.hours.shifts import Assignment, PatternDay, RosterEntry, Shift
from access.people import Person
from access.places import Site

FALLBACK_ZONE = "UTC"


@dataclass(frozen=True)
class Plan:
    """One day of one person. `shift` None: free; `planned` False: nobody planned anything."""

    shift: Shift | None
    site: Site | None
    rules: RuleVersion | None
    holiday: str
    short: bool
    planned: bool


class Plans:
    """The plans of these people from the first to the last day, both included."""

    def __init__(self, people: Sequence[int], first: date, last: date) -> None:
        self.departments = dict(Person.objects.filter(pk__in=people).values_list("pk", "department_id"))
        self._assigned(people, first, last)
        self.roster = {
            (row.person_id, row.day): row
            for row in RosterEntry.objects.filter(person__in=people, day__gte=first, day__lte=last)
        }
        self.shifts = {shift.pk: shift for shift in Shift.objects.prefetch_related("parts", "breaks")}
        self._cycles()
        self._rules()
        self._holidays(first, last)
        self.home = Site.objects.order_by("pk").first()

    def _assigned(self, people: Sequence[int], first: date, last: date) -> None:
        rows = Assignment.objects.filter(first__lte=last).exclude(last__lt=first)
        rows = rows.select_related("site", "pattern")
        self.own: defaultdict[int, list[Assignment]] = defaultdict(list)
        self.theirs: defaultdict[int, list[Assignment]] = defaultdict(list)
        for row in rows.filter(person__in=people):
            self.own[row.person_id].append(row)
        for row in rows.filter(department__in={key for key in self.departments.values() if key}):
            self.theirs[row.department_id].append(row)

    def _cycles(self) -> None:
        self.cycles: defaultdict[int, list[int | None]] = defaultdict(list)
        for day in PatternDay.objects.order_by("pattern", "position"):
            cycle = self.cycles[day.pattern_id]
            cycle += [None] * (day.position - 1 - len(cycle))  # a number left out is a free day
            cycle.append(day.shift_id)

    def _rules(self) -> None:
        self.versions: defaultdict[int, list[RuleVersion]] = defaultdict(list)
        for version in RuleVersion.objects.order_by("-valid_from"):
            self.versions[version.rule_set_id].append(version)

    def _holidays(self, first: date, last: date) -> None:
        """By site and date; those that come every year on every year's date, the exact one first."""
        self.days_off: dict[tuple[int, date], Holiday] = {}
        rows = Holiday.objects.order_by("-yearly", "day")
        for row in rows:
            years = range(first.year, last.year + 1) if row.yearly else [row.day.year]
            for year in years:
                if (day := _on(row.day, year)) is not None and row.day <= day:
                    self.days_off[row.site_id, day] = row

    def of(self, person: int, day: date) -> Plan:
        held = self.assignment(person, day)
        entry = self.roster.get((person, day))
        site = held.site if held else self.home
        off = self.days_off.get((site.pk, day)) if site else None
        if entry is not None:
            key = entry.shift_id
        else:
            key = shifts.shift_of(held, day, self.cycles) if held else None
        return Plan(
            shift=self.shifts.get(key) if key else None,
            site=site,
            rules=self.rules_of(held, day),
            holiday=off.name if off else "",
            short=bool(off and off.short),
            planned=entry is not None or held is not None,
        )

    def assignment(self, person: int, day: date) -> Assignment | None:
        department = self.departments.get(person)
        return shifts.in_force(self.own[person], day) or shifts.in_force(
            self.theirs[department] if department else [], day
        )

    def rules_of(self, held: Assignment | None, day: date) -> RuleVersion | None:
        """The version valid on the day; before the first one there are no rules, and the usual ones hold."""
        versions = self.versions[held.rules_id] if held else []
        return next((one for one in versions if one.valid_from <= day), None)


def _on(day: date, year: int) -> date | None:
    """The same date of another year; None where it does not exist."""
    try:
        return day.replace(year=year)
    except ValueError:
        return None


def planned_end(person: Person, day: date) -> datetime | None:
    """When the fixed shift of this day ends, as planned; None if there is none."""
    plan = Plans([person.pk], day, day).of(person.pk, day)
    if plan.shift is None or plan.site is None or plan.shift.kind != Shift.Kind.FIXED:
        return None
    found = shifts.spans([(part.begins, part.ends) for part in plan.shift.parts.all()])
    if not found:
        return None
    wall = datetime.combine(day, time.min) + timedelta(minutes=found[-1][1])
    return wall.replace(tzinfo=zone_of(plan.site))


@lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def zone_of(site: Site | None) -> zoneinfo.ZoneInfo:
    return _zone(site.zone if site else FALLBACK_ZONE)


def zone_on(person: int, day: date) -> zoneinfo.ZoneInfo:
    """The zone in which a day of this person is counted."""
    return zone_of(Plans([person], day, day).of(person, day).site)


def days_between(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
