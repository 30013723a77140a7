"""The ledger of working days: `refresh` brings it up to the facts, `close` and `lock` make it hold.

Promise: refreshing twice changes nothing, and what is closed changes only by a proposal that one accepts.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.hours import loading, payroll, proposals, workdays
from access.hours.payroll import PayrollPeriod
from access.hours.workdays import Computed, WorkDay
from access.people import Person
from access.staff import Staff

# The nightly job closes days this long past: what happened yesterday may still be told today.
OPEN_DAYS = 2
# How far back the nightly job looks for facts that changed.
LOOK_BACK = timedelta(days=45)
PEOPLE_AT_ONCE = 200
# People of one slice of the nightly job: short enough to keep no door waiting.
SLICE = 20
# One refresh at a time: two would propose the same changes twice. (The number is a name for Postgres.)
_TURN = 7_204_651


@dataclass
class Tally:
    """What a refresh found, in days; and how many people have a proposal to decide on."""

    new: int = 0
    updated: int = 0
    proposed: int = 0
    people: int = 0


def refresh(people: Sequence[int], first: date, last: date) -> Tally:
    """Bring these days up to the facts: provisional ones in place, closed ones by a proposal."""
    tally = Tally()
    for batch in in_batches(people):
        with transaction.atomic():
            _take_turn()
            _refresh(batch, first, last, tally)
    return tally


def in_batches(people: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        yield people[start : start + PEOPLE_AT_ONCE]


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def _refresh(people: Sequence[int], first: date, last: date, tally: Tally) -> None:
    rows = {
        (row.person_id, row.day): row
        for row in WorkDay.objects.filter(person__in=people, day__gte=first, day__lte=last)
    }
    stands = workdays.standing(rows.values())
    new: list[WorkDay] = []
    updated: list[WorkDay] = []
    changes: defaultdict[int, dict[date, tuple[workdays.Standing, Computed]]] = defaultdict(dict)
    looked_at: defaultdict[int, set[date]] = defaultdict(set)
    for found in loading.compute(people, first, last):
        looked_at[found.person].add(found.day)
        row = rows.get((found.person, found.day))
        if row is None:
            if _of_no_interest(found):
                continue
            row = WorkDay(person_id=found.person, day=found.day)
            row.fill(found)
            new.append(row)
        elif row.closed is None and row.digest != found.digest:
            row.fill(found)
            row.computed = timezone.now()
            updated.append(row)
        elif row.closed is not None and proposals.changed(stands[row.pk], found):
            changes[found.person][found.day] = (stands[row.pk], found)
    WorkDay.objects.bulk_create(new, batch_size=1000)
    WorkDay.objects.bulk_update(updated, [*_FILLED, "computed"], batch_size=500)
    for person in set(changes) | _with_proposal(people):
        days = proposals.propose(person, looked_at[person], changes[person])
        tally.proposed += days
        tally.people += bool(days)
    tally.new += len(new)
    tally.updated += len(updated)


def _of_no_interest(found: Computed) -> bool:
    """Nobody planned the day and nobody came: no row is kept of it."""
    return found.status == NOTHING_PLANNED and not found.result["pairs"]


NOTHING_PLANNED = "NP"
_FILLED = ("status", "shift", "rules", "figures", "result", "digest")


def _with_proposal(people: Sequence[int]) -> set[int]:
    found = proposals.Proposal.objects.filter(person__in=people, state=proposals.Proposal.State.OPEN)
    return set(found.values_list("person_id", flat=True))


@transaction.atomic
def close(until: date, people: Sequence[int]) -> int:
    """How many days of these people up to `until`, itself included, are closed now; refresh them before."""
    _take_turn()
    days = WorkDay.objects.filter(person__in=people, day__lte=until, closed=None)
    return days.update(closed=timezone.now())


def everybody() -> list[int]:
    """Keys of the people whose working time is kept: those not erased, in a fixed order."""
    return list(Person.objects.filter(erased=None).order_by("pk").values_list("pk", flat=True))


def tidy_slice(after: int, now: datetime | None = None) -> tuple[Tally, int | None]:
    """The nightly job for the next few people: the last weeks brought up to the facts, what is past closed.

    `after` and the second answer are keys of people: where to begin and where to go on, None at the end.
    """
    today = (now or timezone.now()).astimezone(UTC).date()
    last = today - timedelta(days=OPEN_DAYS)
    people = [key for key in everybody() if key > after][:SLICE]
    tally = refresh(people, last - LOOK_BACK, today)
    close(last, people)
    return tally, people[-1] if len(people) == SLICE else None


def lock(period: PayrollPeriod, *, by: Staff | None) -> PayrollPeriod:
    """Freeze the days of the period as they stand now.

    Raises payroll.NotYet while it is not over or changes of its days wait for a decision.
    """
    if period.last > timezone.now().date() - timedelta(days=1):
        raise payroll.NotYet(_("The period is not over yet."))
    refresh(everybody(), period.first, period.last)
    with transaction.atomic():
        _take_turn()
        if waiting := open_changes(period):
            raise payroll.NotYet(
                _("Changes of %(people)d people wait for a decision; decide on them first.")
                % {"people": waiting}
            )
        held = payroll.mark_locked(period, by=by)
        rows = WorkDay.objects.filter(day__gte=period.first, day__lte=period.last)
        rows.filter(closed=None).update(closed=held.locked)
        rows.update(period=held)
    return held


def open_changes(period: PayrollPeriod) -> int:
    """How many people have changes of days of this period to decide on."""
    first, last = period.first.isoformat(), period.last.isoformat()
    waiting = proposals.Proposal.objects.filter(state=proposals.Proposal.State.OPEN)
    return sum(any(first <= day <= last for day in one.changes) for one in waiting.only("changes"))
