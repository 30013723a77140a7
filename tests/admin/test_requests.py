"""Leave and corrections on screen: asked with a form, decided on a page, by managers for their own people."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access.hours import corrections, leave
from access.models import (
    Correction,
    Department,
    Leave,
    LeaveBalance,
    LeaveType,
    OvertimeApproval,
    Person,
    Punch,
    Staff,
)
from tests import factories
from tests.factories import Cast

MONDAY = date(2026, 3, 2)
RIGHTS = (
    "view_leave", "add_leave", "approve_leave", "view_correction", "add_correction", "approve_correction",
    "view_person",
)  # fmt: skip


@pytest.fixture
def holiday(db: None) -> LeaveType:
    return LeaveType.objects.create(name="Holiday", code="L")


@pytest.fixture
def manager(cast: Cast, login_with: Callable[..., Client]) -> Client:
    """Manages Alice's department; Bob is somebody else's."""
    client = login_with(*RIGHTS)
    clerk = Staff.objects.get(username__startswith="clerk")
    clerk.user_permissions.remove(Permission.objects.get(codename="reach_everybody"))
    works = Department.objects.create(name="Works")
    works.managers.add(clerk)
    cast.alice.department = works
    cast.alice.save()
    return client


def asked(person: Person, kind: LeaveType) -> Leave:
    return leave.ask(Leave(person=person, type=kind, first=MONDAY, last=MONDAY), by=None)


def fields(person: Person, kind: LeaveType, **changes: Any) -> dict[str, Any]:
    values = {"person": person.pk, "type": kind.pk, "first": MONDAY, "last": MONDAY, "part": "whole"}
    return values | {"note": ""} | changes


def test_a_manager_asks_and_approves(manager: Client, cast: Cast, holiday: LeaveType) -> None:
    LeaveBalance.objects.create(person=cast.alice, type=holiday, year=2026, days=30)
    page = manager.post("/admin/access/leave/add/", fields(cast.alice, holiday), follow=True)
    filed = Leave.objects.get()
    assert (filed.state, filed.asked_by.get_username()[:5]) == ("asked", "clerk")  # type: ignore[union-attr]
    assert "Approve" in page.content.decode()
    assert "30" in page.content.decode()
    page = manager.post(
        f"/admin/access/leave/{filed.pk}/change/", {"state": "approved", "answer": "Enjoy"}, follow=True
    )
    filed.refresh_from_db()
    assert (filed.state, filed.answer) == ("approved", "Enjoy")
    assert "Take back" in page.content.decode()


def test_a_manager_sees_and_decides_only_for_their_own(
    manager: Client, cast: Cast, holiday: LeaveType
) -> None:
    own, other = asked(cast.alice, holiday), asked(cast.bob, holiday)
    listed = manager.get("/admin/access/leave/?state__exact=asked").context["cl"].queryset
    assert list(listed) == [own]
    answer = manager.post(f"/admin/access/leave/{other.pk}/change/", {"state": "approved"})
    assert answer.status_code in (302, 404)
    other.refresh_from_db()
    assert other.state == "asked"
    refused = manager.post("/admin/access/leave/add/", fields(cast.bob, holiday))
    assert "person" in refused.context["adminform"].form.errors
    names = manager.get(
        "/admin/autocomplete/?app_label=access&model_name=leave&field_name=person&term="
    ).json()["results"]
    assert [one["id"] for one in names] == [str(cast.alice.pk)]


def test_the_menu_counts_what_waits_for_this_login(manager: Client, cast: Cast, holiday: LeaveType) -> None:
    asked(cast.alice, holiday)
    asked(cast.bob, holiday)
    groups = manager.get("/admin/").context["sidebar_navigation"]
    badges = {str(item["title"]): item.get("badge") for group in groups for item in group["items"]}
    assert (badges["Leave to approve"], badges["Corrections to approve"]) == (1, None)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"last": date(2026, 3, 1)}, "last"),
        ({"last": date(2026, 3, 3), "part": "first_half"}, "part"),
        ({}, "first"),
    ],
    ids=["ends before", "half of two days", "there already"],
)
def test_leave_that_cannot_be_is_refused_with_a_reason(
    office: Client, cast: Cast, holiday: LeaveType, changes: dict[str, Any], wrong: str
) -> None:
    if not changes:
        asked(cast.alice, holiday)
    answer = office.post("/admin/access/leave/add/", fields(cast.alice, holiday, **changes))
    assert wrong in answer.context["adminform"].form.errors


def test_what_somebody_else_decided_meanwhile_is_said(office: Client, cast: Cast, holiday: LeaveType) -> None:
    row = asked(cast.alice, holiday)
    leave.decide(row, leave.State.REFUSED, by=Staff.objects.get(username="office"))
    answer = office.post(f"/admin/access/leave/{row.pk}/change/", {"state": "approved"}, follow=True)
    assert "decided this meanwhile" in answer.content.decode()


def test_a_correction_is_given_as_a_clock_time_at_the_persons_site(office: Client, cast: Cast) -> None:
    values = {"person": cast.alice.pk, "day": MONDAY, "clock": "06:00", "next_day": "on", "direction": "out"}
    office.post("/admin/access/correction/add/", values | {"reason": "Forgot"})
    filed = Correction.objects.get()
    assert filed.at is not None
    assert filed.at.isoformat() == "2026-03-03T05:00:00+00:00"
    page = office.get(f"/admin/access/correction/{filed.pk}/change/").content.decode()
    assert "06:00:00 CET" in page
    office.post(f"/admin/access/correction/{filed.pk}/change/", {"state": "approved"})
    assert Punch.objects.get(source="manual").at == filed.at


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"clock": ""}, "clock"),
        ({"direction": ""}, "direction"),
        ({"punch": "bob"}, "punch"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_a_reason(
    office: Client, cast: Cast, changes: dict[str, Any], wrong: str
) -> None:
    made = corrections.attendance.note_punch(
        cast.bob, at=factories.at("2026-03-02T08:00:00Z"), direction="in", origin="x"
    )
    values = {"person": cast.alice.pk, "day": MONDAY, "clock": "06:00", "direction": "out", "reason": "F"}
    values |= {key: made.pk if value == "bob" else value for key, value in changes.items()}
    answer = office.post("/admin/access/correction/add/", values)
    assert wrong in answer.context["adminform"].form.errors


def test_approved_overtime_says_who_approved_it(office: Client, cast: Cast) -> None:
    office.post(
        "/admin/access/overtimeapproval/add/",
        {"person": cast.alice.pk, "day": MONDAY, "minutes": 90, "note": ""},
    )
    made = OvertimeApproval.objects.get()
    assert (made.minutes, made.by) == (90, Staff.objects.get(username="office"))
