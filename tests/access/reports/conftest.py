"""A small week of two departments, worked out by hand, and logins that reach one, both or none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from access import attendance
from access.hours import ledger
from access.models import Assignment, Department, Person, Punch, RuleSet, RuleVersion, Staff
from tests import factories
from tests.access.hours.test_plans import shift
from tests.factories import Cast

MONDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 8)
WEEK = {"first": "2026-03-02", "last": "2026-03-08"}


@dataclass(frozen=True)
class Crew:
    """Alice works in Flight, Walter in Yard; both should work from 8 to 16, Monday to Friday.

    Alice: Monday 8:20 to 18:00 (20 minutes late, 9:40 h worked, 1:40 h overtime), Tuesday 8:00 to 15:00 (an
    hour early), Wednesday 8:00 without an end, Thursday absent, Friday 8:00 to 16:00, Sunday 10:00 to 12:00.
    Walter: Monday 8:00 to 16:00, absent for the rest of the week.
    """

    alice: Person
    walter: Person
    flight: Department
    yard: Department


def punch(person: Person, day: date, clock: str, way: str) -> Punch:
    at = datetime.fromisoformat(f"{day}T{clock}:00+01:00")
    return attendance.note_punch(person, at=at, direction=way, origin=f"{person.pk}:{at}")


@pytest.fixture
def crew(cast: Cast) -> Crew:
    flight, yard = (Department.objects.create(name=name) for name in ("Flight", "Yard"))
    rules = RuleSet.objects.create(name="House rules")
    RuleVersion.objects.create(rule_set=rules, valid_from=date(2026, 1, 1))
    walter = factories.person("Walter Yard", badge="00042", department=yard)
    cast.alice.department = flight
    cast.alice.save()
    day_shift = shift("D", (8, 16))
    for person in (cast.alice, walter):
        Assignment.objects.create(
            person=person, site=cast.site, rules=rules, shift=day_shift, first=date(2026, 1, 1)
        )
    alices = ["08:20 18:00", "08:00 15:00", "08:00", "", "08:00 16:00", "", "10:00 12:00"]
    for n, times in enumerate(alices):
        for clock, way in zip(times.split(), ("in", "out"), strict=False):
            punch(cast.alice, MONDAY + timedelta(days=n), clock, way)
    for clock, way in (("08:00", "in"), ("16:00", "out")):
        punch(walter, MONDAY, clock, way)
    ledger.refresh([cast.alice.pk, walter.pk], MONDAY, SUNDAY)
    return Crew(cast.alice, walter, flight, yard)


@pytest.fixture
def hr(db: None) -> Staff:
    return Staff.objects.create_user("hr", password=None, is_staff=True, roles=["hr"])


@pytest.fixture
def manager(crew: Crew) -> Staff:
    """Manages Yard alone."""
    made = Staff.objects.create_user("manager", password=None, is_staff=True, roles=["manager"])
    crew.yard.managers.add(made)
    return made


@pytest.fixture
def signed_in() -> Callable[[Staff], Client]:
    def sign_in(staff: Staff) -> Client:
        client = Client()
        client.force_login(staff)
        return client

    return sign_in
