"""Punches on screen and the way to the attendance list."""

from datetime import date

import pytest
from django.test import Client

from access import decisions, policy, snapshots
from access.admin.attendance import periods
from access.models import AuditEntry, Department, Punch
from tests import factories
from tests.factories import Cast

EXPORT = "/admin/access/punch/export/"


@pytest.fixture
def punch(cast: Cast) -> Punch:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    return Punch.objects.get()


def test_the_list_and_a_punch_are_shown_and_unchangeable(office: Client, punch: Punch) -> None:
    assert "Alice Able" in office.get("/admin/access/punch/").content.decode()
    assert "CE" in office.get(f"/admin/access/punch/{punch.pk}/change/").content.decode()
    assert office.post(f"/admin/access/punch/{punch.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("layout", ["csv", "xlsx"])
def test_the_export_is_the_list_of_the_api(office: Client, cast: Cast, punch: Punch, layout: str) -> None:
    cast.alice.name = "=cmd|' /C calc'!A0"
    cast.alice.save()
    period = {"first": punch.at.date().replace(day=1), "last": punch.at.date().replace(day=28)}
    period["last"] = max(period["last"], punch.at.date())
    response = office.get(EXPORT, period | {"department": "", "layout": layout}, follow=True)
    content = b"".join(response.streaming_content)
    assert response.status_code == 200
    assert content.startswith(b"\xef\xbb\xbfBadge" if layout == "csv" else b"PK")
    if layout == "csv":
        assert "'=cmd|" in content.decode()
    assert AuditEntry.objects.filter(action="attendance.exported").count() == 1


def test_the_export_keeps_to_a_department(office: Client, punch: Punch) -> None:
    other = Department.objects.create(name="Other")
    period = {"first": punch.at.date(), "last": punch.at.date()}
    response = office.get(EXPORT, period | {"department": other.pk, "layout": "csv"}, follow=True)
    assert b"00017" not in b"".join(response.streaming_content)


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2026-02-01", "2026-01-01", "ends before it begins"),
        ("2024-01-01", "2026-01-01", "At most 366 days"),
        ("", "2026-01-01", "required"),
    ],
)
def test_a_period_that_is_none_is_explained(office: Client, first: str, last: str, says: str) -> None:
    response = office.get(EXPORT, {"first": first, "last": last, "layout": "csv"})
    assert says in response.content.decode()


def test_the_usual_periods_begin_and_end_where_people_expect() -> None:
    assert [period[1:] for period in periods(date(2026, 3, 1))] == [
        (date(2026, 2, 23), date(2026, 3, 1)),
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 2, 1), date(2026, 2, 28)),
    ]
    assert periods(date(2026, 1, 31))[2][1:] == (date(2025, 12, 1), date(2025, 12, 31))
