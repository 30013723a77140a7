"""Who is in, late, missing or on leave right now: the roll of today, from punches and plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from access import timesheet
from access.attendance import LONGEST_STAY, Punch
from access.hours.loading import Facts
from access.people import Person
from access.timesheet.clock import MINUTE, moment
from access.timesheet.facts import ARRIVING

BATCH = 500


@dataclass(frozen=True)
class Call:
    """How one person stands now. `state`: in, out, late (came late, here or gone), missing, leave, free.

    `since`: the punch that says so, or when the person should have come. `day`: the working day it is for
    them, in the zone where they work.
    """

    person: Person
    state: str
    inside: bool
    since: datetime | None
    day: date
    zone: tzinfo


def call(people: Sequence[Person], now: datetime) -> list[Call]:
    """Everybody's standing, in the order given; each on their own day, in the zone where they work."""
    found: list[Call] = []
    for start in range(0, len(people), BATCH):
        found += _batch(people[start : start + BATCH], now)
    return found


def _batch(people: Sequence[Person], now: datetime) -> list[Call]:
    keys = [person.pk for person in people]
    around = now.date()
    facts = Facts(keys, around, around)
    last = _last_punches(keys, now)
    return [_one(person, facts, last.get(person.pk), now) for person in people]


def _last_punches(people: Sequence[int], now: datetime) -> dict[int, Punch]:
    """The latest punch of each, as long as it can still be the same stay."""
    rows = Punch.objects.filter(person__in=people, at__lte=now, at__gt=now - LONGEST_STAY)
    return {row.person_id: row for row in rows.order_by("person_id", "-at", "-created").distinct("person_id")}


def _one(person: Person, facts: Facts, last: Punch | None, now: datetime) -> Call:
    inside = last is not None and last.direction in ARRIVING
    plan, day = _today(facts, person.pk, now)
    mine = timesheet.by_day([one for one in facts.punches[person.pk] if one.at <= now], plan)[day]
    today = timesheet.workday(day, mine, plan[day])

    def called(state: str, since: datetime | None = None) -> Call:
        return Call(person, state, inside, since, day, plan[day].zone)

    if today["late"]:
        return called("late", mine[0].at)
    if inside:
        return called("in", last.at if last else None)
    if mine:
        return called("out", last.at if last else mine[-1].at)
    if plan[day].leave:
        return called("leave")
    due = _due(plan[day], day)
    if due is not None and now > due + plan[day].rules.grace_in_minutes * MINUTE and today.status == "A":
        return called("missing", due)
    return called("free")


def _today(facts: Facts, person: int, now: datetime) -> tuple[dict[date, timesheet.Plan], date]:
    """The person's plans, and which of their days it is now: a night shift's day began yesterday."""
    plans = facts.of(person)
    around = now.date()
    days = timesheet.by_day([timesheet.Punch(now, "now")], plans)
    found = next((day for day, made in days.items() if made), around)
    return plans, found


def _due(plan: timesheet.Plan, day: date) -> datetime | None:
    """When a fixed shift begins; flexible ones begin when people come."""
    if plan.shift is None or not plan.shift.fixed:
        return None
    return moment(day, plan.shift.parts[0][0], plan.zone)
