"""What each person has in a payroll period, in minutes by kind of pay, and what a clerk should know of it.

Promise: what people get for their hours is each counted once. `regular`, the overtimes, `leave` and `holiday`
add up to what the timesheet calls paid; `night` is within them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from access.hours.payroll import Adjustment, PayrollPeriod
from access.hours.proposals import Proposal
from access.hours.workdays import WorkDay
from access.people import Person

# Kind of pay: its words, and the figures of a day that make it, each with its sign. Sums only, so that a
# kind of a difference is the difference of that kind.
KINDS: dict[str, tuple[Any, dict[str, int]]] = {
    "regular": (_("regular hours"), {"worked": 1, "overtime_unapproved": -1, "overtime": -1}),
    "overtime": (_("overtime, all kinds"), {"overtime": 1}),
    "overtime_1": (_("overtime, first tier"), {"overtime_1": 1}),
    "overtime_2": (_("overtime, second tier"), {"overtime_2": 1}),
    "overtime_weekly": (_("weekly overtime"), {"overtime_weekly": 1}),
    "overtime_rest": (_("overtime on days off"), {"overtime_rest": 1}),
    "overtime_holiday": (_("overtime on holidays"), {"overtime_holiday": 1}),
    "leave": (_("paid leave"), {"leave": 1}),
    "holiday": (_("holiday not worked"), {"holiday": 1}),
    "night": (_("at night, within the others"), {"night": 1}),
    "paid": (_("all that is paid"), {"paid": 1}),
}
OVERTIMES = ("overtime_1", "overtime_2", "overtime_weekly", "overtime_rest", "overtime_holiday")


def by_kind(figures: Mapping[str, int]) -> Counter[str]:
    """Minutes by kind of pay of one day, or of the difference of one."""
    return Counter(
        {
            kind: minutes
            for kind, (_words, parts) in KINDS.items()
            if (minutes := sum(sign * figures.get(name, 0) for name, sign in parts.items()))
        }
    )


@dataclass
class Account:
    """One person's period: hours of its days, adjustments of earlier ones paid with it, and what is odd."""

    person: Person
    minutes: Counter[str] = field(default_factory=Counter)
    # Key of the adjustment: the day that changed, and by how much of each kind.
    adjustments: dict[int, tuple[date, Counter[str]]] = field(default_factory=dict)
    missed: list[date] = field(default_factory=list)
    not_closed: list[date] = field(default_factory=list)
    worked: dict[date, int] = field(default_factory=dict)
    proposed: bool = False

    @property
    def total(self) -> Counter[str]:
        """All of it; unlike the sum of Counters, with what is less than nothing."""
        found = Counter(self.minutes)
        for _day, minutes in self.adjustments.values():
            found.update(minutes)
        return Counter({kind: minutes for kind, minutes in found.items() if minutes})

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: keys, days and minutes; no names."""
        return {
            "person": self.person.pk,
            "minutes": dict(self.minutes),
            "adjustments": {
                str(key): {"day": day.isoformat(), "minutes": dict(minutes)}
                for key, (day, minutes) in self.adjustments.items()
            },
        }


def kept(person: Person, told: Mapping[str, Any]) -> Account:
    """The account that was kept, as far as a file is made from it."""
    return Account(
        person,
        Counter(told["minutes"]),
        {
            int(key): (date.fromisoformat(line["day"]), Counter(line["minutes"]))
            for key, line in told["adjustments"].items()
        },
    )


def accounts(period: PayrollPeriod, departments: Iterable[int] = ()) -> list[Account]:
    """Everybody with days or adjustments in the period, by name; of these departments, or of all.

    Four queries, however many people. While the period is open, the adjustments waiting are those that would
    be paid with it.
    """
    chosen = set(departments)
    mine = Q(person__department__in=chosen) if chosen else Q()
    found: dict[int, Account] = {}

    def of(person: int) -> Account:
        if person not in found:
            found[person] = Account(Person(pk=person))
        return found[person]

    days = WorkDay.objects.filter(mine, day__gte=period.first, day__lte=period.last).order_by("day")
    for person, day, figures, closed in days.values_list("person_id", "day", "figures", "closed").iterator(
        chunk_size=5000
    ):
        _count(of(person), day, figures, closed is not None)
    for line in waiting(period).filter(mine).order_by("day", "pk"):
        of(line.person_id).adjustments[line.pk] = (line.day, by_kind(line.difference))
    first, last = period.first.isoformat(), period.last.isoformat()
    proposals = Proposal.objects.filter(mine, state=Proposal.State.OPEN)
    for person, changes in proposals.values_list("person_id", "changes"):
        if person in found and any(first <= day <= last for day in changes):
            found[person].proposed = True
    people = Person.objects.select_related("department").in_bulk(list(found))
    for key, account in found.items():
        account.person = people[key]
    return sorted(found.values(), key=lambda one: (one.person.name.casefold(), one.person.pk))


def _count(account: Account, day: date, figures: dict[str, int], closed: bool) -> None:
    account.minutes.update(by_kind(figures))
    if figures.get("missed"):
        account.missed.append(day)
    if not closed:
        account.not_closed.append(day)
    if worked := figures.get("worked", 0):
        account.worked[day] = worked


def waiting(period: PayrollPeriod) -> QuerySet[Adjustment]:
    """The adjustments paid with the period, or that would be if it were locked now."""
    return Adjustment.objects.filter(paid_in=period if period.locked else None)
