"""The roll of today: who is in, late, missing, on leave, at a moment of the day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access import attendance
from access.attendance import Punch
from access.hours import roll
from access.hours.leave import Leave, LeaveType
from access.hours.requests import State
from access.hours.rules import RuleSet, RuleVersion
from access.hours.shifts import Assignment, Shift
from access.people import Person
from tests import factories

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)

pytestmark = pytest.mark.django_db


def at(clock: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), BERLIN)


@pytest.fixture
def worker() -> Person:
    """Planned from eight to four on weekdays, five minutes of grace."""
    rules = RuleSet.objects.create(name="Office")
    RuleVersion.objects.create(rule_set=rules, valid_from=date(2026, 1, 1))
    shift = Shift.objects.create(name="Early", code="E")
    shift.parts.create(begins=time(8), ends=time(16))
    person = factories.person("Wanda Works")
    Assignment.objects.create(
        person=person, site=factories.site(), rules=rules, shift=shift, first=date(2026, 1, 1)
    )
    return person


def punch(person: Person, clock: str, direction: str = "in", day: date = MONDAY) -> None:
    attendance.note_punch(
        person, at=at(clock, day), direction=direction, explicit=True, source=Punch.Source.MANUAL
    )


def standing(person: Person, clock: str, day: date = MONDAY) -> tuple[str, bool]:
    [one] = roll.call([person], at(clock, day))
    return one.state, one.inside


@pytest.mark.parametrize(
    ("made", "clock", "state"),
    [
        ("", "07:59", ("free", False)),
        ("", "08:05", ("free", False)),
        ("", "08:06", ("missing", False)),
        ("07:55 in", "08:30", ("in", True)),
        ("08:20 in", "08:30", ("late", True)),
        ("08:20 in", "08:10", ("missing", False)),
        ("07:55 in, 12:00 out", "12:30", ("out", False)),
        ("07:55 in, 12:00 out, 12:30 in", "13:00", ("in", True)),
        ("07:55 in, 12:00 break_out", "12:10", ("out", False)),
        ("07:55 in, 12:00 break_out, 12:30 break_in", "13:00", ("in", True)),
    ],
)
def test_how_somebody_stands(worker: Person, made: str, clock: str, state: tuple[str, bool]) -> None:
    for word in filter(None, made.split(", ")):
        when, direction = word.split()
        punch(worker, when, direction)
    assert standing(worker, clock) == state


def test_on_a_day_off_nobody_is_missing(worker: Person) -> None:
    assert standing(worker, "12:00", MONDAY - timedelta(days=1)) == ("free", False)


def test_on_leave_nobody_is_missing(worker: Person) -> None:
    kind = LeaveType.objects.create(name="Urlaub", code="UL")
    Leave.objects.create(person=worker, type=kind, first=MONDAY, last=MONDAY, state=State.APPROVED)
    assert standing(worker, "12:00") == ("leave", False)


def test_a_night_shift_is_called_by_the_day_it_began_on(worker: Person) -> None:
    shift = Shift.objects.get()
    shift.parts.all().delete()
    shift.parts.create(begins=time(22), ends=time(6))
    punch(worker, "22:30")
    tuesday = MONDAY + timedelta(days=1)
    assert standing(worker, "02:00", tuesday) == ("late", True)


def test_a_stay_of_yesterday_that_never_ended_is_none(worker: Person) -> None:
    punch(worker, "08:00")
    assert standing(worker, "07:00", MONDAY + timedelta(days=1)) == ("free", False)


def test_many_people_cost_no_more_queries(worker: Person) -> None:
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            roll.call(list(Person.objects.all()), at("09:00"))
        counts.append(len(queries))
        for _person in range(5):
            factories.person()
    assert counts[0] == counts[1]
