"""Doors, zones and lockdown in the admin: who may set what, and that it holds at once."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.admin.moments import there
from access.doors import credentials, modes, passback
from access.doors.passback import Presence, Zone
from access.models import AuditEntry, Door, Person, Site, Staff
from access.policy import Reason
from access.roles import Role
from tests import factories
from tests.access.doors.acting import show_face
from tests.admin.conftest import signed_in
from tests.factories import Cast

Login = Callable[..., Client]
NOON = (datetime.now(UTC) + timedelta(days=7)).replace(hour=12, minute=0, second=0, microsecond=0)
NEXT_WEEK = f"{NOON:%Y-%m-%dT%H:%M}"


@pytest.fixture
def guard(db: None) -> Client:
    return signed_in(Staff.objects.create_user("guard", password=None, is_staff=True, roles=[Role.GUARD]))


def door_form(door: Door, **fields: Any) -> dict[str, Any]:
    values = {
        "site": door.site_id, "name": door.name, "factors": "face", "liveness": "nothing",
        "two_person_seconds": 10, "free_from": "", "free_until": "", "enters": "", "leaves": "",
        "interlock_seconds": 10, "offline": "deny", "deadline_ms": 2000, "freshness_seconds": 30,
        "wiring-TOTAL_FORMS": 0, "wiring-INITIAL_FORMS": 0, "wiring-MIN_NUM_FORMS": 0,
    }  # fmt: skip
    return values | fields


# --- The form --------------------------------------------------------------------------------------


def test_all_that_a_door_can_be_set_to_is_saved(office: Client, cast: Cast) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall")
    fields = {
        "factors": "face_pin", "free_from": "07:00", "free_until": "19:00", "enters": hall.pk,
        "interlocked": [cast.back.pk], "offline": "pin_only", "two_person_seconds": 20,
    }  # fmt: skip
    office.post(f"/admin/access/door/{cast.front.pk}/change/", door_form(cast.front, **fields))
    door = Door.objects.get(pk=cast.front.pk)
    assert (door.factors, door.enters, door.offline) == ("face_pin", hall, "pin_only")
    assert (door.two_person_seconds, door.free_from) == (20, time(7))
    assert [list(door.interlocked.all()), list(cast.back.interlocked.all())] == [[cast.back], [door]]


def test_what_does_not_go_together_is_refused_with_the_field_named(office: Client, cast: Cast) -> None:
    other = factories.site("Elsewhere")
    hall = Zone.objects.create(site=cast.site, name="Hall")
    away = Zone.objects.create(site=other, name="Away")
    far = factories.door(other)
    wrong = {
        "enters": {"enters": away.pk},
        "leaves": {"enters": hall.pk, "leaves": hall.pk},
        "interlocked": {"interlocked": [far.pk]},
        "free_until": {"free_from": "07:00"},
    }
    for field, fields in wrong.items():
        answer = office.post(f"/admin/access/door/{cast.front.pk}/change/", door_form(cast.front, **fields))
        assert list(answer.context["adminform"].form.errors) == [field]


def test_the_mode_is_no_field_of_the_form(office: Client, cast: Cast) -> None:
    office.post(f"/admin/access/door/{cast.front.pk}/change/", door_form(cast.front, mode="free"))
    assert Door.objects.get(pk=cast.front.pk).mode == "normal"


# --- Modes -----------------------------------------------------------------------------------------


def test_a_mode_set_for_a_time_says_on_the_page_who_and_until_when(guard: Client, cast: Cast) -> None:
    address = f"/admin/access/door/{cast.front.pk}/mode/"
    assert guard.get(address).status_code == 200
    guard.post(address, {"mode": "free", "lasting": "60", "why": "Moving in"})
    door = Door.objects.get(pk=cast.front.pk)
    assert (door.mode, door.mode_after) == ("free", "normal")
    assert timedelta(minutes=59) < door.mode_until - timezone.now() <= timedelta(minutes=60)
    assert show_face(cast.kiosk, None).reason == Reason.FREE_PASSAGE
    page = guard.get(f"/admin/access/door/{cast.front.pk}/change/").content.decode()
    assert "by guard: Moving in" in page
    assert "then: normal" in page
    assert "free passage" in guard.get("/admin/access/door/").content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"why": " "}, "why"),
        ({"lasting": "moment"}, "until"),
        ({"lasting": "moment", "until": "2001-01-01T10:00"}, "until"),
        ({"lasting": "moment", "until": "2027-03-28T02:30"}, "until"),
        ({"mode": "ajar"}, "mode"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused(
    guard: Client, cast: Cast, fields: dict[str, str], field: str
) -> None:
    form = {"mode": "free", "lasting": "60", "why": "Moving in"} | fields
    answer = guard.post(f"/admin/access/door/{cast.front.pk}/mode/", form)
    assert field in answer.context["form"].errors
    assert Door.objects.get(pk=cast.front.pk).mode == "normal"


@pytest.mark.parametrize(("lasting", "until"), [("day", ""), ("moment", NEXT_WEEK), ("", "")])
def test_how_long_a_mode_holds_is_counted_on_the_wall_of_the_door(
    guard: Client, cast: Cast, lasting: str, until: str
) -> None:
    guard.post(
        f"/admin/access/door/{cast.front.pk}/mode/",
        {"mode": "locked", "lasting": lasting, "until": until, "why": "Works"},
    )
    end = Door.objects.get(pk=cast.front.pk).mode_until
    if lasting == "day":
        midnight = factories.at(f"{end:%Y-%m-%d}T00:00+00:00")
        assert end - midnight in (timedelta(hours=22), timedelta(hours=23))  # Berlin's midnight, in UTC
    else:
        assert end == (there(NOON, "Europe/Berlin") if until else None)


# --- Lockdown --------------------------------------------------------------------------------------


def test_a_site_is_locked_down_from_the_first_page_and_lifted(guard: Client, cast: Cast) -> None:
    address = f"/admin/access/site/{cast.site.pk}/lock-down/"
    assert address in guard.get("/admin/").content.decode()
    guard.post(address, {"why": ""})
    assert show_face(cast.kiosk, cast.alice.pk).reason == Reason.LOCKED_DOWN
    home = guard.get("/admin/").content.decode()
    assert "Works is locked down: no door opens." in home
    assert "by guard: Emergency" in home
    assert address not in home
    assert guard.post(address, {"why": "again"}).status_code == 403
    lift = f"/admin/access/site/{cast.site.pk}/lift/"
    assert lift in guard.get(f"/admin/access/site/{cast.site.pk}/change/").content.decode()
    guard.post(lift)
    assert show_face(cast.kiosk, cast.alice.pk).granted
    assert "Works is locked down" not in guard.get("/admin/").content.decode()


def test_asking_locks_nothing_down(guard: Client, cast: Cast) -> None:
    for page in (f"site/{cast.site.pk}/lock-down/", f"door/{cast.front.pk}/mode/"):
        assert guard.get(f"/admin/access/{page}").status_code == 200
    assert Site.objects.get(pk=cast.site.pk).locked_down is None


def test_the_two_purposes_of_a_site_are_switched_and_say_who_agreed(office: Client, cast: Cast) -> None:
    factories.consent_text()
    nora = factories.person("Nora New", consented=False, without_face=True)
    cast.crew.people.add(nora)
    page = " ".join(office.get(f"/admin/access/site/{cast.site.pk}/change/").content.decode().split())
    assert page.count("2 of 2 people who show their face here agreed to it.") == 2
    assert page.count("1 pass without a face and need not agree.") == 2
    form = {"name": "Works", "zone": "Europe/Berlin", "keeps_access": "on"}
    office.post(f"/admin/access/site/{cast.site.pk}/change/", form)
    site = Site.objects.get(pk=cast.site.pk)
    assert (site.keeps_access, site.keeps_attendance) == (True, False)
    made = show_face(cast.kiosk, cast.alice.pk)
    assert made.granted
    assert not hasattr(made.snapshot, "punch")


# --- Zones -----------------------------------------------------------------------------------------


def test_a_zone_is_made_and_shows_who_is_inside(office: Client, guard: Client, cast: Cast) -> None:
    form = {"site": cast.site.pk, "name": "Hall", "passback": "hard", "passback_minutes": 15, "most": 20}
    office.post("/admin/access/zone/add/", form)
    hall = Zone.objects.get()
    Presence.objects.create(zone=hall, person=cast.alice, since=timezone.now())
    Door.objects.filter(pk=cast.front.pk).update(enters=hall)
    page = guard.get(f"/admin/access/zone/{hall.pk}/change/").content.decode()
    assert "Alice Able" in page
    assert "1 of 20" in page
    assert "Front door" in page
    listed = guard.get("/admin/access/zone/").content.decode()
    assert "1 of 20" in listed
    assert office.post(f"/admin/access/zone/{hall.pk}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEntry.objects.filter(action="zone.added").exists()


def test_a_zone_is_emptied_and_one_person_let_in_again(guard: Client, cast: Cast) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall", passback="hard")
    for person in (cast.alice, cast.bob):
        Presence.objects.create(zone=hall, person=person, since=timezone.now())
    again = f"/admin/access/person/{cast.alice.pk}/enter-again/"
    assert again in guard.get(f"/admin/access/zone/{hall.pk}/change/").content.decode()
    guard.post(again)
    assert [row.person for row in hall.presences.all()] == [cast.bob]
    assert guard.post(again).status_code == 403
    guard.post(f"/admin/access/zone/{hall.pk}/empty/")
    assert not passback.inside(hall, timezone.now()).exists()


@pytest.mark.parametrize(
    "page",
    ["door/{door}/mode/", "site/{site}/lock-down/", "site/{site}/lift/", "zone/{zone}/empty/",
     "person/{person}/enter-again/", "person/{person}/issue-card/", "person/{person}/issue-qr/",
     "person/{person}/set-pin/", "person/{person}/clear-pin/"],
)  # fmt: skip
def test_whoever_may_only_look_sets_nothing(cast: Cast, login_with: Login, page: str) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall")
    Presence.objects.create(zone=hall, person=cast.alice, since=timezone.now())
    keys = {"door": cast.front.pk, "site": cast.site.pk, "zone": hall.pk, "person": cast.alice.pk}
    views = ("door", "site", "zone", "person", "presence", "card", "pin", "accesslevel")
    clerk = login_with(*[f"view_{name}" for name in views])
    if "lift" in page:
        modes.lock_down(cast.site)
    address = f"/admin/access/{page.format(**keys)}"
    assert (clerk.get(address).status_code, clerk.post(address).status_code) == (403, 403)
    assert hall.presences.exists()
    shown = "".join(
        clerk.get(f"/admin/access/{model}/{keys[model]}/change/").content.decode() for model in keys
    )
    assert f'href="{address}"' not in shown


@pytest.mark.parametrize("model", ["door", "zone", "card", "site"])
def test_one_more_row_costs_no_more_queries(office: Client, cast: Cast, model: str) -> None:
    def more(n: int) -> None:
        hall = Zone.objects.create(site=factories.site(), name=f"Hall {n}", most=5)
        door = factories.door(hall.site, enters=hall)
        door.admits.add(cast.crew)
        person: Person = factories.person()
        Presence.objects.create(zone=hall, person=person, since=timezone.now())
        credentials.issue_card(person, f"NUMBER{n}")

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert office.get(f"/admin/access/{model}/").status_code == 200
        return len([one for one in found if "FROM" in one["sql"]])

    more(1)
    asked()
    few = asked()
    for n in range(2, 5):
        more(n)
    assert asked() == few
