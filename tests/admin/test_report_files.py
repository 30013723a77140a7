"""Reports made by a worker, on screen: asked for, watched, cancelled, fetched by who asked alone."""

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.handouts import asking, making
from access.models import ReportFile, Staff
from access.reports.exports import Layout
from access.roles import Role
from tests.access.handouts.test_files import MARCH, punched
from tests.admin.conftest import signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/access/reportfile/"


def clerk(name: str = "clerk", *roles: str) -> Staff:
    return Staff.objects.create_user(name, password=None, is_staff=True, roles=list(roles or ["hr"]))


def asked(by: Staff) -> ReportFile:
    return asking.ask("punches", MARCH, Layout(), by=by)


def test_a_report_is_asked_for_watched_and_fetched(cast: Cast) -> None:
    punched(cast, 5)
    client = signed_in(clerk())
    values = {"report": "punches", "layout": "csv", "separator": "semicolon", **MARCH}
    page = client.post(f"{PAGE}ask/", values, follow=True).content.decode()
    assert "A worker makes it" in page
    assert "waiting for a worker" in page
    assert f'data-live="{PAGE}live/"' in page
    row = ReportFile.objects.get()
    making.make(row.pk)
    part = client.get(f"{PAGE}live/").content.decode()
    assert f"{PAGE}{row.pk}/file/" in part
    file = client.get(f"{PAGE}{row.pk}/file/")
    content = b"".join(file.streaming_content)
    assert content.count(b"Alice Able") + content.count(b"Bob Best") == 5
    assert b"Badge;Name" in content
    assert file.headers["Content-Length"] == str(len(content))
    assert file.headers["Content-Disposition"] == f'attachment; filename="{row.file_name}"'
    assert "no-store" in file.headers["Cache-Control"]


def test_the_page_of_a_report_offers_both_with_its_filters(cast: Cast) -> None:
    page = signed_in(clerk()).get("/admin/reports/punches/?period=last_week").content.decode()
    assert f'action="{PAGE}ask/"' in page
    assert '<input type="hidden" name="period" value="last_week">' in page
    assert "/admin/access/reportschedule/add/?report=punches&amp;period=last_week" in page
    guard = signed_in(clerk("guard", "guard")).get("/admin/reports/passages/").content.decode()
    assert f'action="{PAGE}ask/"' in guard
    assert "reportschedule" not in guard  # a guard plans nothing


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ({"report": "nothing"}, 404, ""),
        ({"report": "punches", "layout": "exe"}, 200, "layout"),
        ({"report": "punches", "first": "2026-03-31", "last": "2026-03-01"}, 200, "ends before it begins"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    cast: Cast, values: dict[str, str], status: int, message: str
) -> None:
    page = signed_in(clerk()).post(f"{PAGE}ask/", values, follow=True)
    assert page.status_code == status
    assert message in page.content.decode()
    assert not ReportFile.objects.exists()


def test_one_can_be_cancelled_by_who_asked(cast: Cast) -> None:
    by = clerk()
    row = asked(by)
    assert signed_in(clerk("other")).post(f"{PAGE}{row.pk}/cancel/").status_code == 404
    client = signed_in(by)
    assert client.get(f"{PAGE}{row.pk}/cancel/").status_code == 405
    assert "cancelled" in client.post(f"{PAGE}{row.pk}/cancel/", follow=True).content.decode()
    assert "finished already" in client.post(f"{PAGE}{row.pk}/cancel/", follow=True).content.decode()


def test_nobody_sees_what_somebody_else_asked_for(cast: Cast, office: Client) -> None:
    row = asked(clerk())
    making.make(row.pk)
    assert row.file_name not in office.get(PAGE).content.decode()
    for page in ("file/", "change/", "history/"):
        assert office.get(f"{PAGE}{row.pk}/{page}").status_code in {302, 404}, page
    assert office.get(f"{PAGE}{uuid.uuid4()}/file/").status_code == 404


def test_what_is_not_ready_is_not_fetched(cast: Cast) -> None:
    by = clerk()
    row = asked(by)
    assert signed_in(by).get(f"{PAGE}{row.pk}/file/").status_code == 404


MAY = {Role.HR, Role.MANAGER, Role.AUDITOR, Role.GUARD, Role.SECURITY}
MAY_READ_PUNCHES = {Role.HR, Role.MANAGER, Role.AUDITOR}


@pytest.mark.parametrize("role", Role.values)
def test_who_may_ask_for_what(cast: Cast, role: str) -> None:
    client = signed_in(clerk("x", role))
    assert client.get(PAGE).status_code == (200 if role in MAY else 403)
    assert client.get(f"{PAGE}live/").status_code == (200 if role in MAY else 403)
    answer = client.post(f"{PAGE}ask/", {"report": "punches", **MARCH})
    assert answer.status_code == (302 if role in MAY_READ_PUNCHES else 403)
    assert ReportFile.objects.exists() is (role in MAY_READ_PUNCHES)


def test_more_files_ask_no_more_of_the_database(cast: Cast) -> None:
    by = clerk()
    client = signed_in(by)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(f"{PAGE}live/")
        return len(found)

    asked(by)
    queries()
    few = queries()
    for _number in range(3):
        asked(by)
    assert queries() == few
