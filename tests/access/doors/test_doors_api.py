"""What door controllers report, and alarms for programs."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from access.doors import alarms
from access.doors.alarms import Kind
from access.doors.contacts import DoorEvent
from access.doors.wiring import Wiring
from access.models import AuditEntry, Staff
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def login_with() -> Callable[..., Client]:
    def login(*permissions: str) -> Client:
        staff = Staff.objects.create_user(f"clerk{Staff.objects.count()}", password=None, is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(staff)
        return client

    return login


def post(cast: Cast, **fields: Any) -> Any:
    body = {"id": str(uuid.uuid4()), "state": "open", "taken": timezone.now().isoformat()} | fields
    return Client().post(
        "/api/v1/door-events/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Kiosk {cast.key}"},
    )


def test_a_report_is_judged_and_repeated_without_effect(cast: Cast) -> None:
    Wiring.objects.create(door=cast.front, has_contact=True)
    event, taken = str(uuid.uuid4()), timezone.now().isoformat()
    first = post(cast, id=event, taken=taken)
    assert (first.status_code, first.json()["state"], first.json()["id"]) == (200, "forced", event)
    assert post(cast, id=event, taken=taken).json() == first.json()
    row = DoorEvent.objects.get()
    assert (row.door, row.kiosk, row.reported, row.state) == (cast.front, cast.kiosk, "open", "forced")
    assert alarms.unacknowledged().get().kind == Kind.FORCED
    other = post(cast, id=event, taken=taken, state="closed")
    assert (other.status_code, other.json()["code"]) == (422, "event-reused")
    cast.kiosk.refresh_from_db()
    assert cast.kiosk.last_seen is not None


@pytest.mark.parametrize(
    "fields", [{"id": "7"}, {"state": "ajar"}, {"taken": "2026-03-01T08:00:00"}, {"taken": None}]
)
def test_a_report_that_cannot_be_read_says_what_is_wrong(cast: Cast, fields: dict[str, Any]) -> None:
    answer = post(cast, **fields)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, set(fields))
    assert not DoorEvent.objects.exists()


def test_nobody_reports_without_a_key(cast: Cast) -> None:
    answer = Client().post("/api/v1/door-events/", {}, content_type="application/json")
    assert answer.status_code == 401


def test_alarms_are_listed_newest_first_and_page_by_page(
    cast: Cast, login_with: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from access.api.doors import NewestFirst

    monkeypatch.setattr(NewestFirst, "page_size", 2)
    made = [alarms.raise_alarm(Kind.HELD, f"door:{n}", at="now").pk for n in range(3)]
    clerk = login_with("view_alarm")
    page = clerk.get("/api/v1/alarms/").json()
    assert [row["id"] for row in page["results"]] == made[:0:-1]
    rest = clerk.get(page["next"]).json()
    assert [row["id"] for row in rest["results"]] == made[:1]
    assert (page["results"][0]["about"], page["results"][0]["details"]) == ("door:2", {"at": "now"})


def test_alarms_about_people_out_of_reach_are_neither_shown_nor_acknowledged(
    cast: Cast, login_with: Callable[..., Client]
) -> None:
    alarm = alarms.raise_alarm(Kind.DURESS, cast.kiosk, person=cast.alice)
    clerk = login_with("view_alarm", "acknowledge_alarm")
    assert clerk.get("/api/v1/alarms/").json()["results"] == []
    address = f"/api/v1/alarms/{alarm.pk}/acknowledge/"
    assert clerk.post(address, {}, content_type="application/json").status_code == 404
    alarm.refresh_from_db()
    assert alarm.acknowledged is None


def test_alarms_are_chosen_by_state_kind_and_change(cast: Cast, login_with: Callable[..., Client]) -> None:
    old = alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front)
    alarms.acknowledge(old.pk, by=None)
    alarms.Alarm.objects.update(changed=timezone.now() - timedelta(hours=2))
    new = alarms.raise_alarm(Kind.DURESS, cast.kiosk, person=cast.alice, silent=True)
    clerk = login_with("view_alarm", "reach_everybody")

    def found(**query: str) -> list[int]:
        return [row["id"] for row in clerk.get("/api/v1/alarms/", query).json()["results"]]

    hour_ago = (timezone.now() - timedelta(hours=1)).isoformat()
    assert found() == [new.pk]
    assert found(state="acknowledged") == [old.pk]
    assert found(state="all") == [new.pk, old.pk]
    assert found(state="all", kind="held") == [old.pk]
    assert found(state="all", changed_since=hour_ago) == [new.pk]
    assert clerk.get("/api/v1/alarms/", {"kind": "boredom"}).status_code == 400


def test_an_alarm_is_acknowledged_by_whoever_may(cast: Cast, login_with: Callable[..., Client]) -> None:
    raised = alarms.raise_alarm(Kind.FORCED, cast.front, door=cast.front)
    address = f"/api/v1/alarms/{raised.pk}/acknowledge/"
    assert login_with("view_alarm").post(address).status_code == 403
    assert login_with("acknowledge_alarm").post(address).status_code == 403
    assert Client().post(address).status_code == 403
    guard = login_with("view_alarm", "acknowledge_alarm")
    answer = guard.post(address, {"note": "A delivery."}, content_type="application/json")
    assert (answer.status_code, answer.json()["acknowledged"] is not None) == (200, True)
    raised.refresh_from_db()
    assert raised.note == "A delivery."
    assert AuditEntry.objects.filter(action="alarm.acknowledged", subject=f"alarm:{raised.pk}").exists()
    missing = guard.post("/api/v1/alarms/999/acknowledge/", {}, content_type="application/json")
    assert missing.status_code == 404


def test_alarms_are_closed_to_others(cast: Cast, login_with: Callable[..., Client]) -> None:
    assert Client().get("/api/v1/alarms/").status_code == 403
    assert login_with("view_door").get("/api/v1/alarms/").status_code == 403
