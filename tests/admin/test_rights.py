"""Whoever may not see a table sees no page of it; every write is in our own trail."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

import access
from access import decisions, policy, snapshots
from access.admin.audit import ACTIONS
from access.doors import alarms
from access.doors.alarms import Kind
from access.models import AuditEntry, Enrolment, Staff
from tests import factories
from tests.factories import Cast

MODELS = (
    "person", "enrolment", "gallery", "department", "consenttext", "decision", "site", "door", "kiosk",
    "punch", "auditentry", "staff", "terminal", "terminalline",
    "alarm",
)  # fmt: skip


@pytest.fixture
def rows(cast: Cast) -> dict[str, Any]:
    """One row of each table."""
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decision = decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    return {
        "person": cast.alice.pk,
        "enrolment": Enrolment.objects.create(person=cast.alice).pk,
        "gallery": cast.crew.pk,
        "department": access.models.Department.objects.create(name="Yard").pk,
        "consenttext": factories.consent_text().pk,
        "decision": decision.pk,
        "site": cast.site.pk,
        "door": cast.front.pk,
        "kiosk": cast.kiosk.pk,
        "punch": snapshot.punch.pk,
        "auditentry": AuditEntry.objects.first().pk,
        "staff": Staff.objects.create_user("somebody", password=None).pk,
        "alarm": alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front).pk,
        "terminal": (terminal := access.models.Terminal.objects.create(serial="T1", site=cast.site)).pk,
        "terminalline": access.models.TerminalLine.objects.create(
            terminal=terminal, table="ATTLOG", raw="17", identity=b"1"
        ).pk,
    }


@pytest.mark.parametrize("model", MODELS)
def test_without_the_right_every_page_of_a_table_is_closed(
    rows: dict[str, Any], login_with: Callable[..., Client], model: str
) -> None:
    others = Permission.objects.exclude(content_type__model=model).values_list("codename", flat=True)
    clerk = login_with(*others)
    for page in ("", "add/", f"{rows[model]}/change/", f"{rows[model]}/history/", f"{rows[model]}/delete/"):
        assert clerk.get(f"/admin/access/{model}/{page}").status_code == 403, page
    links = [
        item["link"]
        for group in clerk.get("/admin/").context["sidebar_navigation"]
        for item in group["items"]
    ]
    assert not [link for link in links if f"/{model}/" in str(link)]


@pytest.mark.parametrize("model", MODELS)
def test_with_the_right_to_view_every_page_reads_and_none_writes(
    rows: dict[str, Any], login_with: Callable[..., Client], model: str
) -> None:
    clerk = login_with(f"view_{model}")
    for page in ("", f"{rows[model]}/change/", f"{rows[model]}/history/"):
        assert clerk.get(f"/admin/access/{model}/{page}").status_code == 200, page
    assert clerk.post(f"/admin/access/{model}/{rows[model]}/change/", {}).status_code in {403, 405, 200}
    assert clerk.get(f"/admin/access/{model}/add/").status_code == 403


def test_outsiders_are_sent_to_the_login(rows: dict[str, Any]) -> None:
    for page in ("", "access/person/", "access/punch/export/", f"access/person/{rows['person']}/erase/"):
        response = Client().get(f"/admin/{page}")
        assert response.status_code == 302
        assert "/admin/login/" in response.url


@pytest.mark.parametrize(
    "page",
    [
        "person/{person}/suspend/",
        "person/{person}/withdraw/",
        "person/{person}/erase/",
        "kiosk/{kiosk}/issue/",
        "enrolment/{enrolment}/settle/",
        "alarm/{alarm}/acknowledge/",
        "door/{door}/open_now/",
        "door/{door}/unlock/",
        "door/{door}/lock/",
    ],
)
def test_whoever_may_only_look_may_not_act(
    rows: dict[str, Any], login_with: Callable[..., Client], page: str
) -> None:
    clerk = login_with(
        "view_person", "view_kiosk", "view_enrolment", "view_photograph", "view_alarm", "view_door"
    )
    assert clerk.post(f"/admin/access/{page.format(**rows)}").status_code == 403


def test_the_first_page_shows_only_what_a_login_may_see(
    rows: dict[str, Any], login_with: Callable[..., Client], office: Client
) -> None:
    everything = office.get("/admin/").content.decode()
    assert "Alice Able" in everything
    assert "No worker is present" in everything
    nothing = login_with().get("/admin/").content.decode()
    assert "Alice" not in nothing
    assert "people enrolled" not in nothing


def test_the_demo_is_marked(office: Client) -> None:
    assert "remove_demo" not in office.get("/admin/").content.decode()
    factories.site(demo=True)
    assert "remove_demo" in office.get("/admin/").content.decode()


def test_only_a_superuser_hands_out_rights(login_with: Callable[..., Client], office: Client) -> None:
    clerk = login_with("view_staff", "change_staff", "view_group", "change_group")
    chief = Staff.objects.get(username="office")
    other = Staff.objects.create_user("other", password=None, is_staff=True)
    form = {"username": "other", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    form |= {"date_joined_0": "01/02/2026", "date_joined_1": "10:00:00"}
    response = clerk.post(f"/admin/access/staff/{other.pk}/change/", form)
    other.refresh_from_db()
    assert (response.status_code, other.is_superuser) == (302, False)
    assert clerk.post(f"/admin/access/staff/{chief.pk}/change/", form).status_code == 403
    assert clerk.get("/admin/auth/group/add/").status_code == 403


def test_a_new_login_is_on_record(office: Client) -> None:
    office.post(
        "/admin/access/staff/add/",
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": "long enough to pass",
            "password2": "long enough to pass",
        },
    )
    made = Staff.objects.get(username="newcomer")
    assert AuditEntry.objects.filter(action="staff.added", subject=f"staff:{made.pk}").exists()


def test_the_trail_is_searched_by_key(office: Client, rows: dict[str, Any]) -> None:
    found = office.get(f"/admin/access/auditentry/?q=person:{rows['person']}").context["cl"].result_list
    assert {entry.subject for entry in found} == {f"person:{rows['person']}"}


def test_everything_that_is_recorded_has_words() -> None:
    house = Path(access.__file__).parent
    recorded = {
        action
        for file in house.rglob("*.py")
        for action in re.findall(r'audit\.record\(\s*"([a-z_.]+)"', file.read_text(encoding="utf-8"))
    }
    assert recorded
    assert recorded <= set(ACTIONS)


def test_a_manager_sees_their_own_people_and_nobody_else(cast: Cast) -> None:
    """Lists, pages by key, searches and downloads."""
    yard = access.models.Department.objects.create(name="Yard")
    manager = Staff.objects.create_user("m", password=None, is_staff=True, roles=["manager"])
    yard.managers.add(manager)
    own = factories.person("Yolanda Yard", department=yard)
    for person in (own, cast.alice):
        snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
        cast.front.admits.first().people.add(person)
        decisions.settle(snapshot.pk, policy.Evidence(person=person.pk))
    client = Client()
    client.force_login(manager)
    people = client.get("/admin/access/person/?q=a").content.decode()
    assert "Yolanda Yard" in people
    assert "Alice" not in people
    assert client.get(f"/admin/access/person/{own.pk}/change/").status_code == 200
    assert client.get(f"/admin/access/person/{cast.alice.pk}/change/").status_code in {302, 404}
    punches = client.get("/admin/access/punch/").content.decode()
    assert "Yolanda" in punches
    assert "Alice" not in punches
    today = timezone.now().date()
    rows = client.get(f"/api/v1/punches/?first={today - timedelta(days=1)}&last={today + timedelta(days=1)}")
    text = b"".join(rows.streaming_content).decode()
    assert "Yolanda" in text
    assert "Alice" not in text


def test_the_history_of_a_notice_opens(office: Client) -> None:
    notice = access.models.Notice.objects.create(language="en", responsible="The works", contact="office")
    assert office.get(f"/admin/access/notice/{notice.pk}/history/").status_code == 200
    assert "Open" in office.get("/admin/access/notice/").content.decode()


def test_a_manager_s_filters_and_forms_name_their_own_departments_only(cast: Cast) -> None:
    yard, office = (access.models.Department.objects.create(name=name) for name in ("Yard", "Head office"))
    manager = Staff.objects.create_user("m", password=None, is_staff=True, roles=["manager"])
    yard.managers.add(manager)
    factories.person("Yolanda Yard", department=yard)
    factories.person("Olaf Office", department=office)
    client = Client()
    client.force_login(manager)
    for table in ("person", "punch", "workday", "leave", "correction"):
        assert "Head office" not in client.get(f"/admin/access/{table}/").content.decode(), table
    assert "Yard" in client.get("/admin/access/person/").content.decode()
