"""Alarms are taken note of, doors are wired and ordered, and the trail says how it stands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import audit, chain
from access.doors import alarms, contacts
from access.doors.alarms import Alarm, Kind
from access.doors.contacts import State
from access.doors.drivers import DoorCommand
from access.doors.wiring import Driver, Wiring
from access.models import AuditCheck, AuditEntry, Door
from tests.factories import Cast


def menu_badge(client: Client) -> object:
    groups = client.get("/admin/").context["sidebar_navigation"]
    [alarm] = [item for group in groups for item in group["items"] if str(item["title"]) == "Alarms"]
    return alarm.get("badge")


def test_an_alarm_is_acknowledged_with_a_note_and_leaves_the_menu(cast: Cast, office: Client) -> None:
    raised = alarms.raise_alarm(Kind.FORCED, cast.front, door=cast.front)
    assert menu_badge(office) == 1
    page = office.get(f"/admin/access/alarm/{raised.pk}/acknowledge/").content.decode()
    assert "Door forced open" in page
    assert "Front door" in page
    response = office.post(f"/admin/access/alarm/{raised.pk}/acknowledge/", {"note": "A delivery."})
    assert response.status_code == 302
    raised.refresh_from_db()
    assert (raised.note, raised.acknowledged_by.username) == ("A delivery.", "office")
    assert menu_badge(office) is None
    assert "A delivery." in office.get(f"/admin/access/alarm/{raised.pk}/change/").content.decode()
    assert "Alarm acknowledged" in office.get(f"/admin/access/alarm/{raised.pk}/history/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"held", "forced", "duress"}),
        ("state=open", {"held", "duress"}),
        ("state=going_on", {"duress"}),
        ("state=noted", {"forced"}),
        ("kind=duress", {"duress"}),
    ],
)
def test_alarms_are_filtered_by_what_is_still_to_do(
    cast: Cast, office: Client, query: str, found: set[str]
) -> None:
    alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front)
    alarms.end(Kind.HELD, cast.front)
    alarms.acknowledge(alarms.raise_alarm(Kind.FORCED, cast.front, door=cast.front).pk, by=None)
    alarms.raise_alarm(Kind.DURESS, cast.kiosk, kiosk=cast.kiosk, person=cast.alice, silent=True)
    rows = office.get(f"/admin/access/alarm/?{query}").context["cl"].result_list
    assert {row.kind for row in rows} == found


def test_the_list_asks_the_database_as_often_for_many_as_for_one(cast: Cast, office: Client) -> None:
    asked = []
    for n in range(4):
        alarms.raise_alarm(Kind.HELD, f"door:{n}", door=cast.front, kiosk=cast.kiosk)
        with CaptureQueriesContext(connection) as queries:
            office.get("/admin/access/alarm/")
        asked.append(len(queries))
    assert asked[1] == asked[3]  # the first page of a test asks for what is cached afterwards


# --- Wiring ---------------------------------------------------------------------------------------


def save(client: Client, door: Door, **wiring: Any) -> Any:
    form = {
        "site": door.site_id,
        "name": door.name,
        "admits": list(door.admits.values_list("pk", flat=True)),
        "wiring-TOTAL_FORMS": 1,
        "wiring-INITIAL_FORMS": int(Wiring.objects.filter(door=door).exists()),
        "wiring-0-door": door.pk,
        "wiring-0-driver": "simulated",
        "wiring-0-address": "",
        "wiring-0-secret": "",
        "wiring-0-open_seconds": 5,
        "wiring-0-held_seconds": 30,
    }
    page = client.get(f"/admin/access/door/{door.pk}/change/").context["adminform"].form
    form |= {
        name: field.initial if page.initial.get(name) is None else page.initial[name]
        for name, field in page.fields.items()
        if name not in form
    }
    form = {name: value for name, value in form.items() if value is not None and value is not False}
    return client.post(
        f"/admin/access/door/{door.pk}/change/", form | {f"wiring-0-{key}": v for key, v in wiring.items()}
    )


def test_a_door_is_wired_and_its_secret_is_sealed_and_never_shown(cast: Cast, office: Client) -> None:
    response = save(
        office,
        cast.front,
        driver="http",
        address="https://relay.example/1",
        secret="s3cret",
        has_contact="on",
    )
    assert response.status_code == 302, response.context["errors"]
    row = Wiring.objects.get()
    assert (row.driver, row.secret, row.has_contact) == (Driver.HTTP, "s3cret", True)
    assert "s3cret" not in office.get(f"/admin/access/door/{cast.front.pk}/change/").content.decode()
    entry = AuditEntry.objects.filter(action="door.changed").latest("id")
    assert "wiring secret" in entry.details["fields"]
    assert "s3cret" not in str(entry.details)

    save(office, cast.front, driver="http", address="https://relay.example/2")
    row.refresh_from_db()
    assert (row.address, row.secret) == ("https://relay.example/2", "s3cret")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"driver": "http", "address": "https://relay.example/"}, "A relay needs a secret"),
        ({"driver": "http", "address": "relay.example", "secret": "x"}, "It begins with http:// or https://"),
        ({"driver": "http", "address": "file:///etc/passwd", "secret": "x"}, "It begins with http://"),
        ({"driver": "http", "address": "http://[::1", "secret": "x"}, "It begins with http://"),
        ({"driver": "mqtt", "address": "http://broker/x"}, "It begins with mqtt:// or mqtts://"),
        ({"driver": "mqtt", "address": "mqtt://broker"}, "Name the lock&#x27;s topics"),
        ({"driver": "mqtt", "address": "mqtt://me:pass@broker/x"}, "Put the password into the field"),
    ],
)
def test_an_address_that_cannot_work_is_refused_with_what_would(
    cast: Cast, office: Client, fields: dict[str, str], said: str
) -> None:
    response = save(office, cast.front, **fields)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not Wiring.objects.exists()


# --- Orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "order"), [("open_now", "open"), ("unlock", "unlock"), ("lock", "lock")])
def test_whoever_may_orders_a_door_with_a_reason(
    cast: Cast, login_with: Callable[..., Client], page: str, order: str
) -> None:
    guard = login_with("view_door", "order_door")
    address = f"/admin/access/door/{cast.front.pk}/{page}/"
    assert guard.get(address).status_code == 200
    assert guard.post(address, {"reason": "  "}).status_code == 200
    assert not DoorCommand.objects.exists()
    assert guard.post(address, {"reason": "The lift is stuck."}).status_code == 302
    row = DoorCommand.objects.get()
    assert (row.order, row.reason, row.state, row.staff.username[:5]) == (
        order,
        "The lift is stuck.",
        "done",
        "clerk",
    )
    shown = guard.get(f"/admin/access/door/{cast.front.pk}/change/").content.decode()
    assert "The lift is stuck." in shown


def test_a_doors_page_shows_how_it_stands(cast: Cast, office: Client) -> None:
    Wiring.objects.create(door=cast.front, has_contact=True)
    contacts.report(cast.front, State.OPEN, taken=timezone.now() - timedelta(seconds=5), kiosk=cast.kiosk)
    page = office.get(f"/admin/access/door/{cast.front.pk}/change/").content.decode()
    assert "forced open" in page
    assert office.get("/admin/access/door/add/").status_code == 200


# --- The trail ------------------------------------------------------------------------------------


def test_the_trail_says_how_far_it_is_sealed_and_when_it_was_checked(cast: Cast, office: Client) -> None:
    assert "No entry is sealed yet" in office.get("/admin/access/auditentry/").content.decode()
    chain.seal_all()
    head = chain.head()
    page = office.get("/admin/access/auditentry/").content.decode()
    assert f"Sealed up to entry {head.entry} at" in page
    assert "Not checked yet." in page
    for _ in range(3):
        chain.check_a_little()
    assert (
        f"{AuditCheck.objects.get().number} entries."
        in office.get("/admin/access/auditentry/").content.decode()
    )


def test_the_trail_says_so_when_it_was_tampered_with(cast: Cast, office: Client) -> None:
    key = audit.record("site.renamed", "site:1").pk
    chain.seal_all()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE access_auditentry SET subject = 'site:2' WHERE id = %s", [key])
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER USER")
    for _ in range(3):
        chain.check_a_little()
    page = office.get("/admin/access/auditentry/").content.decode()
    assert "tampered with" in page
    assert f"Entry {key} was changed." in page


def test_the_trail_says_so_when_nobody_seals(
    cast: Cast, office: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "LONGEST_WAIT", timedelta(seconds=-1))
    assert "not being sealed" in office.get("/admin/access/auditentry/").content.decode()
    assert Alarm.objects.count() == 0
