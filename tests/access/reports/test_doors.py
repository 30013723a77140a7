"""Reports of doors: the access log, and the muster list that forgets nobody who may be inside."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from access import attendance, snapshots
from access.doors.passback import Presence, Zone
from access.models import Decision, Department, Grant, Kiosk, Person, Staff
from access.reports import REPORTS
from access.reports.cells import shown
from access.roles import Role
from tests import factories
from tests.factories import Cast, at

pytestmark = pytest.mark.django_db
DAY = {"first": "2026-03-02", "last": "2026-03-02"}


def read(key: str, staff: Staff, **given: str) -> list[dict[str, str]]:
    report = REPORTS[key]
    asked = report.ask(given, staff)
    columns = report.columns(asked)
    return [
        {column.key: shown(column, value, row) for column, value in zip(columns, row.cells, strict=True)}
        for row in report.rows(asked, staff)
    ]


def login(*roles: str) -> Staff:
    number = Staff.objects.count()
    return Staff.objects.create_user(f"s{number}", password=None, is_staff=True, roles=list(roles))


@pytest.fixture
def guard(db: None) -> Staff:
    return login("guard")


def decided(
    kiosk: Kiosk, when: datetime, person: Person | None, reason: str = "ok", way: str = "in"
) -> Decision:
    snapshot, _new = snapshots.receive(kiosk, factories.sent())
    return Decision.objects.create(
        snapshot=snapshot,
        granted=reason == "ok",
        reason=reason,
        person=person,
        direction=way if reason == "ok" else "",
        at=when,
    )


# --- The access log ---------------------------------------------------------------------------------


@pytest.fixture
def log(cast: Cast) -> Cast:
    """2 March: Alice comes at 8, a stranger is refused at 9 and Bob at 10. Alice comes at 0:30 on the 3rd."""
    back, _key = factories.kiosk(cast.back)
    decided(cast.kiosk, at("2026-03-02T08:00:00+01:00"), cast.alice)
    decided(cast.kiosk, at("2026-03-02T09:00:00+01:00"), None, "unknown_face")
    decided(back, at("2026-03-02T10:00:00+01:00"), cast.bob, "outside_hours")
    decided(cast.kiosk, at("2026-03-03T00:30:00+01:00"), cast.alice)
    return cast


def test_the_log_is_newest_first_with_reasons_in_words(log: Cast, guard: Staff) -> None:
    rows = read("passages", guard, **DAY)
    assert [(row["at"], row["name"], row["outcome"], row["reason"]) for row in rows] == [
        ("2026-03-02 10:00:00", "Bob Best", "refused", "The door does not open for the person at this hour."),
        ("2026-03-02 09:00:00", "", "refused", "Nobody found at this site resembles the face enough."),
        (
            "2026-03-02 08:00:00",
            "Alice Able",
            "granted",
            "One person, known for certain, whom this door admits.",
        ),
    ]
    assert (rows[0]["door"], rows[2]["direction"]) == ("Back door", "in")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"reason": "unknown_face"}, [""]),
        ({"outcome": "granted"}, ["Alice Able"]),
        ({"people": "bob"}, ["Bob Best"]),
        ({"door": "front"}, ["", "Alice Able"]),
        ({"site": "other"}, []),
    ],
)
def test_the_log_is_narrowed(log: Cast, guard: Staff, given: dict[str, str], names: list[str]) -> None:
    keys = {"front": str(log.front.pk), "other": str(factories.site().pk)}
    asked = {name: keys.get(value, value) for name, value in given.items()}
    assert [row["name"] for row in read("passages", guard, **DAY, **asked)] == names


def test_pages_of_the_log_hold_while_new_decisions_come(log: Cast, guard: Staff) -> None:
    report = REPORTS["passages"]
    asked = report.ask(DAY, guard)
    first = next(iter(report.rows(asked, guard)))
    decided(log.kiosk, at("2026-03-02T11:00:00+01:00"), log.alice)
    following = list(report.rows(asked, guard, after=str(first.key)))
    assert [row.cells[4] for row in following] == ["", "Alice Able"]


def test_a_reader_with_own_people_gets_no_strangers_and_no_others(log: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    one = Staff.objects.create_user("one", password=None, is_staff=True)
    one.user_permissions.set(Permission.objects.filter(codename="view_decision"))
    yard.managers.add(one)
    assert read("passages", one, **DAY) == []
    Person.objects.filter(pk=log.bob.pk).update(department=yard)
    assert [row["name"] for row in read("passages", one, **DAY)] == ["Bob Best"]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_log_asks_once(log: Cast, guard: Staff, rows: int, django_assert_num_queries: Any) -> None:
    report = REPORTS["passages"]
    asked = report.ask(DAY | ({"people": "bob"} if rows == 1 else {}), guard)
    guard.has_perm("access.reach_everybody")
    with django_assert_num_queries(1):
        assert len(list(report.rows(asked, guard))) == rows


# --- The muster list --------------------------------------------------------------------------------


@pytest.fixture
def minutes_ago() -> Callable[[int], datetime]:
    now = timezone.now()
    return lambda minutes: now - timedelta(minutes=minutes)


def states(staff: Staff, **given: str) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["state"], row["door"]) for row in read("muster", staff, **given)}


def test_whoever_passed_a_door_in_is_inside_until_they_pass_out(
    cast: Cast, guard: Staff, minutes_ago: Callable[[int], datetime]
) -> None:
    decided(cast.kiosk, minutes_ago(60), cast.alice)
    decided(cast.kiosk, minutes_ago(50), cast.bob)
    decided(cast.kiosk, minutes_ago(40), cast.charlie, "suspended")
    assert states(guard) == {"Alice Able": ("inside", "Front door"), "Bob Best": ("inside", "Front door")}
    decided(cast.kiosk, minutes_ago(5), cast.bob, way="out")
    assert states(guard) == {"Alice Able": ("inside", "Front door")}


def test_punches_count_as_doors_do_and_a_break_is_not_outside(
    cast: Cast, guard: Staff, minutes_ago: Callable[[int], datetime]
) -> None:
    attendance.note_punch(cast.alice, at=minutes_ago(60), direction="in", kiosk=cast.kiosk)
    attendance.note_punch(cast.bob, at=minutes_ago(60), direction="in", kiosk=cast.kiosk)
    attendance.note_punch(cast.bob, at=minutes_ago(10), direction="break_out", kiosk=cast.kiosk)
    assert states(guard) == {"Alice Able": ("inside", "Front door"), "Bob Best": ("on a break", "Front door")}
    attendance.note_punch(cast.alice, at=minutes_ago(1), direction="out", source="manual", origin="by hand")
    assert set(states(guard)) == {"Bob Best"}


def test_the_list_is_of_one_site_and_of_a_day(
    cast: Cast, guard: Staff, minutes_ago: Callable[[int], datetime]
) -> None:
    elsewhere, _key = factories.kiosk(factories.door(factories.site("Elsewhere")))
    decided(cast.kiosk, minutes_ago(60), cast.alice)
    decided(elsewhere, minutes_ago(30), cast.alice)
    decided(cast.kiosk, minutes_ago(25 * 60), cast.bob)
    assert states(guard, site=str(cast.site.pk)) == {}
    assert set(states(guard, site=str(elsewhere.door.site_id))) == {"Alice Able"}


def test_a_zone_says_that_somebody_is_inside(
    cast: Cast, guard: Staff, minutes_ago: Callable[[int], datetime]
) -> None:
    zone = Zone.objects.create(site=cast.site, name="Hall")
    Presence.objects.create(zone=zone, person=cast.alice, since=minutes_ago(3000))
    assert states(guard, site=str(cast.site.pk)) == {"Alice Able": ("inside", "Hall")}


def test_visitors_with_a_grant_for_now_are_listed_even_if_nobody_saw_them(
    cast: Cast, guard: Staff, minutes_ago: Callable[[int], datetime]
) -> None:
    for person, ends in ((cast.alice, -60), (cast.bob, -60), (cast.charlie, 60)):
        grant = Grant.objects.create(person=person, begins=minutes_ago(120), ends=minutes_ago(ends))
        grant.doors.add(cast.front)
    decided(cast.kiosk, minutes_ago(60), cast.alice)
    rows = {row["name"]: row for row in read("muster", guard, site=str(cast.site.pk))}
    assert {name: (row["sort"], row["state"]) for name, row in rows.items()} == {
        "Alice Able": ("visitor", "inside"),
        "Bob Best": ("visitor", "expected, not seen"),
    }
    decided(cast.kiosk, minutes_ago(1), cast.alice, way="out")
    assert set(states(guard, site=str(cast.site.pk))) == {"Bob Best"}


def test_a_manager_musters_their_own_people_only(cast: Cast, minutes_ago: Callable[[int], datetime]) -> None:
    manager = login("manager")
    yard = Department.objects.create(name="Yard")
    yard.managers.add(manager)
    Person.objects.filter(pk=cast.bob.pk).update(department=yard)
    for person in (cast.alice, cast.bob):
        decided(cast.kiosk, minutes_ago(60), person)
    assert set(states(manager)) == {"Bob Best"}


@pytest.mark.parametrize("people", [1, 3])
def test_the_list_takes_as_many_queries_for_one_as_for_many(
    cast: Cast,
    guard: Staff,
    people: int,
    minutes_ago: Callable[[int], datetime],
    django_assert_num_queries: Any,
) -> None:
    for person in (cast.alice, cast.bob, cast.charlie)[:people]:
        decided(cast.kiosk, minutes_ago(60), person)
    report = REPORTS["muster"]
    asked = report.ask({}, guard)
    guard.has_perm("access.reach_everybody")
    with django_assert_num_queries(
        9
    ):  # passages and visitors to find them, the people, and once more to tell
        assert len(list(report.rows(asked, guard))) == people


# --- Who may open what --------------------------------------------------------------------------------

WORKING_TIME = {"grid", "daily", "timesheet", "exceptions", "overtime", "presence"}
OPENS = {
    Role.ENROLLER: set(),
    Role.GUARD: {"muster", "passages"},
    Role.HR: WORKING_TIME | {"punches", "muster", "passages"},
    Role.MANAGER: WORKING_TIME | {"punches", "muster"},
    Role.AUDITOR: WORKING_TIME | {"punches", "muster", "passages"},
    Role.PRIVACY: set(),
    Role.SECURITY: {"muster", "passages"},
}


@pytest.mark.parametrize("role", Role.values)
def test_each_role_opens_its_reports_and_no_other(role: str) -> None:
    staff = login(role)
    assert {key for key, report in REPORTS.items() if report.may(staff)} == OPENS[Role(role)]
