"""Who passes which door in which hours, read from the tables."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from access import erasure, policy
from access.doors import levels
from access.doors.levels import AccessLevel, Grant, Schedule, ScheduleBar
from access.holidays import Holiday
from tests import factories
from tests.factories import Cast

MONDAY = factories.at("2026-03-02T10:00+01:00")
HOUR = timedelta(hours=1)


def office() -> Schedule:
    week = Schedule.objects.create(name="Office")
    for row in range(5):
        ScheduleBar.objects.create(schedule=week, row=row, start=time(7, 30), end=time(18))
    ScheduleBar.objects.create(schedule=week, row=6, start=time(22), end=time(6), factors="face_pin")
    return week


def level(cast: Cast, name: str = "Office staff", **fields: Any) -> AccessLevel:
    made = AccessLevel.objects.create(name=name, **fields)
    made.doors.add(cast.front)
    return made


def test_a_gallery_that_the_door_admits_opens_it_at_any_hour(cast: Cast) -> None:
    assert levels.opening(cast.alice, cast.front, MONDAY) == policy.Opening(True, True, "Crew")
    assert levels.opening(cast.bob, cast.front, MONDAY) == policy.Opening(admitted=False, open=False)


def test_a_level_opens_its_doors_to_its_people_by_its_schedule(cast: Cast) -> None:
    level(cast, schedule=office()).people.add(cast.bob)
    found = levels.opening(cast.bob, cast.front, MONDAY)
    assert (found.open, found.level, found.week) == (True, "Office staff", "Office")
    assert found.until == factories.at("2026-03-02T18:00+01:00")
    assert found.bar == policy.Bar(0, time(7, 30), time(18))
    evening = levels.opening(cast.bob, cast.front, MONDAY + 9 * HOUR)
    assert (evening.admitted, evening.open) == (True, False)
    assert evening.next_from == factories.at("2026-03-03T07:30+01:00")
    night = levels.opening(cast.bob, cast.front, factories.at("2026-03-09T01:00+01:00"))
    assert (night.open, night.factors) == (True, "face_pin")
    other = factories.door(cast.site)
    assert not levels.opening(cast.bob, other, MONDAY).admitted


def test_a_level_takes_galleries_as_it_takes_people(cast: Cast) -> None:
    guests = cast.bob.galleries.get()
    level(cast, schedule=office()).galleries.add(guests)
    assert levels.opening(cast.bob, cast.front, MONDAY).open
    guests.people.remove(cast.bob)
    assert not levels.opening(cast.bob, cast.front, MONDAY).admitted


def test_a_level_without_a_schedule_is_open_within_its_days(cast: Cast) -> None:
    level(cast, first=date(2026, 3, 2), last=date(2026, 3, 2)).people.add(cast.bob)
    found = levels.opening(cast.bob, cast.front, MONDAY)
    assert (found.open, found.until) == (True, factories.at("2026-03-03T00:00+01:00"))
    assert not levels.opening(cast.bob, cast.front, MONDAY + 14 * HOUR).admitted
    assert not levels.opening(cast.bob, cast.front, MONDAY - 11 * HOUR).open


def test_a_one_off_grant_opens_its_doors_for_its_time(cast: Cast) -> None:
    grant = Grant.objects.create(person=cast.bob, begins=MONDAY, ends=MONDAY + 2 * HOUR)
    grant.doors.add(cast.front)
    found = levels.opening(cast.bob, cast.front, MONDAY)
    assert (found.open, found.level, found.until) == (True, "one-off grant", MONDAY + 2 * HOUR)
    early = levels.opening(cast.bob, cast.front, MONDAY - HOUR)
    assert (early.admitted, early.open, early.next_from) == (True, False, MONDAY)
    assert not levels.opening(cast.bob, cast.front, MONDAY + 2 * HOUR).admitted
    assert levels.opening(cast.charlie, cast.front, MONDAY).level == "Crew"


def test_a_holiday_of_the_site_has_its_own_hours(cast: Cast) -> None:
    level(cast, schedule=office()).people.add(cast.bob)
    Holiday.objects.create(site=factories.site(), day=date(2026, 3, 2), name="Elsewhere")
    assert levels.opening(cast.bob, cast.front, MONDAY).open
    Holiday.objects.create(site=cast.site, day=date(2025, 3, 2), name="Founder's day", yearly=True)
    found = levels.opening(cast.bob, cast.front, MONDAY)
    assert (found.open, found.holiday) == (False, "Founder's day")
    Schedule.objects.update(keeps_holidays=False)
    assert levels.opening(cast.bob, cast.front, MONDAY).open


def test_the_hours_are_those_of_the_site(cast: Cast) -> None:
    tokyo = factories.door(factories.site(zone="Asia/Tokyo"))
    level(cast, schedule=office()).people.add(cast.bob)
    AccessLevel.objects.get().doors.add(tokyo)
    morning = factories.at("2026-03-03T08:00+09:00")
    assert levels.opening(cast.bob, tokyo, morning).open
    assert not levels.opening(cast.bob, cast.front, morning).open


def test_an_opening_takes_two_queries_at_most(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        levels.opening(cast.alice, cast.front, MONDAY)
    for n in range(5):
        level(cast, f"Level {n}", schedule=Schedule.objects.create(name=f"Week {n}")).people.add(cast.alice)
    with django_assert_num_queries(2):
        levels.opening(cast.alice, cast.front, MONDAY)


def test_a_schedule_in_use_stays(cast: Cast) -> None:
    level(cast, schedule=office())
    with pytest.raises(ProtectedError):
        Schedule.objects.get().delete()


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        (AccessLevel, {"name": "Wrong", "first": date(2026, 3, 2), "last": date(2026, 3, 1)}),
        (Grant, {"begins": MONDAY, "ends": MONDAY}),
    ],
)
def test_nothing_ends_before_it_begins(cast: Cast, table: Any, fields: dict[str, Any]) -> None:
    if table is Grant:
        fields = fields | {"person": cast.bob}
    with pytest.raises(IntegrityError), transaction.atomic():
        table.objects.create(**fields)


def test_erasure_takes_a_person_out_of_levels_and_grants(cast: Cast) -> None:
    level(cast).people.add(cast.bob)
    Grant.objects.create(person=cast.bob, begins=MONDAY, ends=MONDAY + HOUR).doors.add(cast.front)
    receipt = erasure.erase(cast.bob)
    assert (receipt.access_levels_left, receipt.grants_deleted) == (1, 1)
    assert not levels.permits(cast.bob, cast.front)
