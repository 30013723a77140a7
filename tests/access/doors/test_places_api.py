"""Places and decisions by the API: how doors stand, lockdown, who is where, what was decided and would be."""

import uuid
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.doors import contacts, levels, modes
from access.doors.contacts import State
from access.doors.levels import AccessLevel, Schedule
from access.doors.passback import Presence, Zone
from access.models import AuditEntry, Decision, Department, Door, Staff
from access.policy import Bar, Reason
from access.roles import Role
from tests import factories
from tests.access.doors.acting import show_face
from tests.factories import Cast

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def login(*roles: str, rights: tuple[str, ...] = ()) -> Client:
    staff = Staff.objects.create_user(
        f"s{Staff.objects.count()}", password=None, is_staff=True, roles=list(roles)
    )
    staff.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def guard(db: None) -> Client:
    return login(Role.GUARD)


def get(client: Client, address: str, **query: Any) -> Any:
    return client.get(f"/api/v1/{address}/", query)


def post(client: Client, address: str, **body: Any) -> Any:
    return client.post(f"/api/v1/{address}/", body, content_type="application/json")


# --- Doors and sites -------------------------------------------------------------------------------


def test_doors_are_told_with_their_mode_and_contact(guard: Client, cast: Cast) -> None:
    ends = (timezone.now() + HOUR).replace(microsecond=0)
    modes.set_mode(cast.front, "free", by=Staff.objects.get(), why="Open day", until=ends)
    contacts.report(cast.front, State.OPEN, taken=timezone.now(), event=uuid.uuid4())
    front, back = get(guard, "doors").json()["results"]
    assert front["mode"]["mode"] == "free"
    assert (front["mode"]["then"], front["mode"]["why"]) == ("normal", "Open day")
    assert factories.at(front["mode"]["until"]) == ends
    assert front["contact"] == "open"
    assert (back["mode"], back["contact"]) == (
        {"mode": "normal", "until": None, "then": None, "set": None, "why": ""},
        None,
    )
    assert get(guard, f"doors/{cast.front.pk}").json() == front
    Door.objects.update(mode_until=timezone.now() - HOUR)
    over = get(guard, f"doors/{cast.front.pk}").json()["mode"]
    assert over == {"mode": "normal", "until": None, "then": None, "set": None, "why": ""}


def test_doors_of_one_site_are_chosen(guard: Client, cast: Cast) -> None:
    other = factories.door(factories.site())
    assert [row["id"] for row in get(guard, "doors", site=other.site_id).json()["results"]] == [other.pk]
    assert get(guard, "doors", site=10**6).status_code == 400
    assert get(guard, "doors/999999").status_code == 404


def test_a_guard_sets_the_mode_of_a_door(guard: Client, cast: Cast) -> None:
    address = f"doors/{cast.front.pk}/mode"
    answer = post(guard, address, mode="locked", why="Works", until=(timezone.now() + HOUR).isoformat())
    assert (answer.status_code, answer.json()["mode"]["mode"]) == (200, "locked")
    assert show_face(cast.kiosk, cast.alice.pk).reason == Reason.LOCKED_DOWN
    for wrong in (
        {"mode": "ajar"},
        {"why": ""},
        {"until": "2026-03-01T10:00"},
        {"until": "2001-03-01T10:00+00:00"},
    ):
        refused = post(guard, address, **({"mode": "free", "why": "Works"} | wrong))
        assert (refused.status_code, set(refused.json()["errors"])) == (400, set(wrong))
    assert post(guard, "doors/999999/mode", mode="free", why="x").status_code == 404


def test_a_site_is_locked_down_and_lifted_and_both_twice_is_once(guard: Client, cast: Cast) -> None:
    down = f"sites/{cast.site.pk}/lock-down"
    assert post(guard, down).status_code == 400
    for _n in range(2):
        answer = post(guard, down, why="Intruder").json()
        assert (answer["locked_down"] is not None, answer["why"]) == (True, "Intruder")
    assert get(guard, "doors").json()["results"][0]["locked_down"] is True
    assert get(guard, "sites").json()["results"][0]["why"] == "Intruder"
    for _n in range(2):
        assert post(guard, f"sites/{cast.site.pk}/lift").json()["locked_down"] is None
    found = AuditEntry.objects.filter(subject=f"site:{cast.site.pk}").order_by("pk")
    assert [entry.action for entry in found] == ["site.locked_down", "site.lockdown_lifted"]
    assert post(guard, "sites/999999/lift").status_code == 404


# --- Zones and levels ------------------------------------------------------------------------------


def test_zones_say_how_full_they_are_and_who_is_in_them(guard: Client, cast: Cast) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall", most=20, passback="hard")
    Zone.objects.create(site=cast.site, name="Lab")
    now = timezone.now()
    for person in (cast.alice, cast.bob):
        Presence.objects.create(zone=hall, person=person, since=now)
    rows = get(guard, "zones").json()["results"]
    assert [(row["name"], row["inside"], row["most"]) for row in rows] == [("Hall", 2, 20), ("Lab", 0, None)]
    people = get(guard, f"zones/{hall.pk}/people").json()["results"]
    assert [row["person"]["name"] for row in people] == ["Alice Able", "Bob Best"]
    assert get(guard, "zones/999999/people").status_code == 404
    hour_ago = (now - HOUR).astimezone(ZoneInfo(cast.site.zone)).time()
    Zone.objects.filter(pk=hall.pk).update(reset_at=hour_ago)
    Presence.objects.filter(person=cast.bob).update(since=now - timedelta(days=2))
    assert get(guard, "zones").json()["results"][0]["inside"] == 1
    assert len(get(guard, f"zones/{hall.pk}/people").json()["results"]) == 1


def test_a_login_sees_those_people_of_a_zone_and_a_level_that_it_reaches(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    own = factories.person("Yolanda Yard", department=yard)
    hall = Zone.objects.create(site=cast.site, name="Hall")
    level = AccessLevel.objects.create(name="Staff")
    for person in (own, cast.alice):
        Presence.objects.create(zone=hall, person=person, since=timezone.now())
        level.people.add(person)
    manager = login(Role.MANAGER, rights=("view_zone", "view_presence", "view_accesslevel"))
    yard.managers.add(Staff.objects.get())
    people = get(manager, f"zones/{hall.pk}/people").json()["results"]
    assert [row["person"]["id"] for row in people] == [own.pk]
    assert get(manager, "access-levels").json()["results"][0]["people"] == [own.pk]
    everybody = get(login(Role.SECURITY), "access-levels").json()["results"][0]["people"]
    assert everybody == sorted([own.pk, cast.alice.pk])


def test_an_access_level_is_told_with_its_hours(cast: Cast) -> None:
    week = Schedule.objects.create(name="Office hours")
    levels.set_week(week, [Bar(0, time(8), time(18), "face_pin")])
    level = AccessLevel.objects.create(name="Staff", schedule=week)
    level.doors.add(cast.front)
    level.galleries.add(cast.crew)
    [row] = get(login(Role.SECURITY), "access-levels").json()["results"]
    assert (row["doors"], row["galleries"]) == (
        [{"id": cast.front.pk, "name": "Front door"}],
        [{"id": cast.crew.pk, "name": "Crew"}],
    )
    assert row["schedule"]["bars"] == [
        {"day": 0, "start": "08:00:00", "end": "18:00:00", "factors": "face_pin"}
    ]


# --- Decisions and simulations ---------------------------------------------------------------------


def test_decisions_come_newest_first_page_by_page_and_chosen(guard: Client, cast: Cast) -> None:
    made = [show_face(cast.kiosk, who) for who in (cast.alice.pk, None, cast.bob.pk)]
    first = get(guard, "decisions", limit=2).json()
    rest = guard.get(first["next"]).json()
    keys = [row["id"] for row in first["results"] + rest["results"]]
    assert keys == [str(one.pk) for one in reversed(made)]
    assert rest["next"] is None

    def found(**query: Any) -> list[str]:
        return [row["id"] for row in get(guard, "decisions", **query).json()["results"]]

    alice, stranger, bob = (str(one.pk) for one in made)
    assert found(granted="true") == found(person=cast.alice.pk) == [alice]
    assert found(reason="unknown_face") == [stranger]
    assert found(since=made[2].at.isoformat()) == [bob]
    assert found(until=made[1].at.isoformat()) == [alice]
    assert found(door=cast.back.pk) == []
    assert get(guard, "decisions", reason="whim").status_code == 400


def test_one_decision_says_why_and_by_which_rules(guard: Client, cast: Cast) -> None:
    made = show_face(cast.kiosk, cast.bob.pk)
    row = get(guard, f"decisions/{made.pk}").json()
    assert (row["granted"], row["reason"], row["person"]["name"]) == (False, "no_permission", "Bob Best")
    assert (row["explanation"], row["shown"]) == ("Nothing admits the person at Front door.", ["face"])
    assert row["rules"] == made.facts["rules"]
    assert get(guard, f"decisions/{uuid.uuid4()}").status_code == 404


def test_a_simulation_says_whether_why_and_when_next(guard: Client, cast: Cast) -> None:
    start = (timezone.now() + 3 * HOUR).replace(minute=0, second=0, microsecond=0)
    cast.site.zone = "UTC"
    cast.site.save()
    week = Schedule.objects.create(name="Office hours")
    levels.set_week(week, [Bar(start.weekday(), start.time(), (start + HOUR).time())])
    level = AccessLevel.objects.create(name="Staff", schedule=week)
    level.people.add(cast.bob)
    level.doors.add(cast.front)
    connection.check_constraints()
    question = {"person": cast.bob.pk, "door": cast.front.pk}
    early = post(guard, "simulations", **question, at=(start - HOUR).isoformat()).json()
    assert (early["granted"], early["reason"], early["schedule"]) == (False, "outside_hours", "Office hours")
    assert factories.at(early["opens_next"]) == start
    good = post(guard, "simulations", **question, at=start.isoformat()).json()
    assert (good["granted"], good["admitted_by"], good["opens_next"]) == (True, "Staff", None)
    card = post(guard, "simulations", **question, at=start.isoformat(), shown=["card"]).json()
    assert card["reason"] == "face_needed"
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"at": "2026-03-01T10:00"}, 400),
        ({"at": "2001-03-01T10:00+00:00"}, 404),
        ({"person": 10**9}, 404),
        ({"door": 10**9}, 400),
        ({"shown": ["charm"]}, 400),
        ({"at": "9999-12-31T23:59+00:00"}, 400),
        ({"person": None}, 400),
    ],
)
def test_a_simulation_of_what_is_not_there_is_a_clear_error(
    guard: Client, cast: Cast, fields: dict[str, Any], status: int
) -> None:
    connection.check_constraints()
    question = {"person": cast.alice.pk, "door": cast.front.pk, "at": timezone.now().isoformat()}
    answer = post(guard, "simulations", **(question | fields))
    assert (answer.status_code, "code" in answer.json()) == (status, True)


# --- Who may ---------------------------------------------------------------------------------------

NEEDED = {
    "sites": {"view_site"},
    "doors": {"view_door"},
    "zones": {"view_zone"},
    "access-levels": {"view_accesslevel"},
    "decisions": {"view_decision", "view_person"},
    "zones/{zone}/people": {"view_zone", "view_presence", "view_person"},
    "POST simulations": {"view_door", "view_person", "view_decision"},
    "POST doors/{door}/mode": {"view_door", "set_door_mode"},
    "POST sites/{site}/lock-down": {"view_site", "lock_down_site"},
    "POST sites/{site}/lift": {"view_site", "lock_down_site"},
}


@pytest.mark.parametrize("what", NEEDED)
def test_each_address_wants_all_its_rights_and_a_login(cast: Cast, what: str) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall")
    verb, _blank, address = what.rpartition(" ")
    address = address.format(zone=hall.pk, door=cast.front.pk, site=cast.site.pk)
    ask: Callable[..., Any] = post if verb else get
    assert ask(Client(), address).status_code == 403
    for missing in NEEDED[what]:
        rights = tuple(NEEDED[what] - {missing})
        assert ask(login(rights=(*rights, "reach_everybody")), address).status_code == 403, missing
    assert ask(login(rights=tuple(NEEDED[what])), address).status_code in {200, 400}


@pytest.mark.parametrize("address", ["doors", "zones", "access-levels", "decisions"])
def test_one_more_row_costs_no_more_queries(cast: Cast, address: str) -> None:
    client = Client()
    client.force_login(Staff.objects.create_superuser("chief", password=None))

    def more() -> None:
        hall = Zone.objects.create(site=factories.site(), name="Hall", reset_at=time(3))
        door = factories.door(hall.site, enters=hall)
        person = factories.person()
        Presence.objects.create(zone=hall, person=person, since=timezone.now())
        contacts.report(door, State.CLOSED, taken=timezone.now(), event=uuid.uuid4())
        week = Schedule.objects.create(name=str(door))
        level = AccessLevel.objects.create(name=f"Level {door.pk}", schedule=week)
        level.people.add(person)
        level.doors.add(door)
        show_face(factories.kiosk(door)[0], person.pk)

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert get(client, address).status_code == 200
        return len(found)

    more()
    asked()  # what is read once and kept counts for neither
    few = asked()
    more()
    more()
    assert asked() == few
