"""Scheduled reports on screen: planned from a report with its filters, by whoever may open it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.models import AuditEntry, Department, ReportMail, ReportSchedule, Staff
from access.roles import Role
from tests.access.handouts.test_schedules import planned, recipient
from tests.admin.conftest import signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/access/reportschedule/"


def values(cast: Cast, *recipients: Staff, **changes: object) -> dict[str, object]:
    given = {"name": "Late", "recipients": [one.pk for one in recipients], "file": "xlsx", "every": "week"}
    given |= {"weekday": 1, "monthday": 1, "hour": 6, "site": cast.site.pk, "active": "on"}
    return given | {"filter_period": "last_week"} | changes


def test_one_is_planned_from_a_report_with_its_filters(cast: Cast) -> None:
    erika = recipient()
    client = signed_in(erika)
    choice = client.get(f"{PAGE}add/").content.decode()
    assert "?report=daily" in choice
    works = Department.objects.create(name="Works")
    address = f"{PAGE}add/?report=daily&period=last_week&department={works.pk}&name=Late"
    form = client.get(address).content.decode()
    assert '<option value="last_week" selected>' in form
    assert f'<option value="{works.pk}" selected>' in form
    client.post(address, values(cast, erika, filter_department=works.pk))
    row = ReportSchedule.objects.get()
    assert (row.report, row.owner, row.layout["file"]) == ("daily", erika, "xlsx")
    assert row.given == {"period": "last_week", "department": str(works.pk)}
    assert row.next_due is not None
    assert list(row.recipients.all()) == [erika]
    assert AuditEntry.objects.filter(action="reportschedule.added").exists()
    page = client.get(PAGE).content.decode()
    assert "every week, Monday 06:00 Works" in page
    shown = client.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert '<option value="last_week" selected>' in shown
    client.post(f"{PAGE}{row.pk}/change/", values(cast, erika, active=""))
    row.refresh_from_db()
    assert row.next_due is None
    assert row.given == {"period": "last_week"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filter_first": "2026-03-31", "filter_last": "2026-03-01", "filter_period": "days"}, "ends before"),
        ({"hour": 24}, "less than or equal to 23"),
        ({"recipients": []}, "This field is required"),
        ({"file": "exe"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    cast: Cast, change: dict[str, object], message: str
) -> None:
    erika = recipient()
    page = signed_in(erika).post(f"{PAGE}add/?report=daily", values(cast, erika, **change))
    assert message in page.content.decode()
    assert not ReportSchedule.objects.exists()


def test_who_has_no_address_or_no_login_is_not_offered(cast: Cast) -> None:
    erika = recipient()
    recipient("mute", email="")
    recipient("gone", is_active=False)
    form = signed_in(erika).get(f"{PAGE}add/?report=daily").context["adminform"].form
    assert list(form.fields["recipients"].queryset) == [erika]


def test_without_a_mail_server_the_pages_say_so(cast: Cast, settings: Any) -> None:
    client = signed_in(recipient())
    for page in (PAGE, f"{PAGE}add/", f"{PAGE}add/?report=daily"):
        assert "No mail server is set up" in client.get(page).content.decode()
    settings.EMAIL_HOST = "mail.example.org"
    assert "No mail server is set up" not in client.get(PAGE).content.decode()


def test_an_attachment_is_not_offered_where_it_is_not_allowed(cast: Cast, settings: Any) -> None:
    erika = recipient()
    client = signed_in(erika)
    client.post(f"{PAGE}add/?report=daily", values(cast, erika, attached="on"))
    assert not ReportSchedule.objects.get().attached
    settings.MAIL_ATTACH = True
    client.post(f"{PAGE}add/?report=daily", values(cast, erika, attached="on", name="Other"))
    assert ReportSchedule.objects.get(name="Other").attached


def test_it_is_sent_at_once_when_asked_and_again_when_it_failed(cast: Cast) -> None:
    erika = recipient()
    row = planned(erika)
    client = signed_in(erika)
    assert "Everybody who receives it" in client.get(f"{PAGE}{row.pk}/send_now/").content.decode()
    assert not ReportMail.objects.exists()
    client.post(f"{PAGE}{row.pk}/send_now/")
    mail = ReportMail.objects.get()
    ReportMail.objects.update(state="failed", error="SMTPDataError (451)", tries=9)
    assert "SMTPDataError (451)" in client.get("/admin/access/reportmail/").content.decode()
    client.post("/admin/access/reportmail/", {"action": "again", "_selected_action": [mail.pk]})
    mail.refresh_from_db()
    assert (mail.state, mail.tries, mail.error) == ("pending", 0, "")


def test_others_are_read_and_not_rewritten(cast: Cast, office: Client) -> None:
    row = planned(recipient("owner"))
    other = signed_in(recipient("other"))
    assert other.get(f"{PAGE}{row.pk}/change/").status_code == 200
    assert other.post(f"{PAGE}{row.pk}/change/", {"name": "Mine"}).status_code == 403
    assert other.post(f"{PAGE}{row.pk}/send_now/").status_code == 403
    assert other.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    manager = signed_in(recipient("manager", roles=["manager"]))
    assert manager.get(PAGE).context["cl"].queryset.count() == 0
    assert office.get(f"{PAGE}{row.pk}/change/").status_code == 200
    assert not ReportMail.objects.exists()


MAY = {Role.HR: (200, 200), Role.MANAGER: (200, 200), Role.SECURITY: (200, 200), Role.AUDITOR: (200, 403)}


@pytest.mark.parametrize("role", Role.values)
def test_who_may_plan(cast: Cast, role: str) -> None:
    client = signed_in(recipient("x", roles=[role]))
    expected = MAY.get(Role(role), (403, 403))
    assert (client.get(PAGE).status_code, client.get(f"{PAGE}add/").status_code) == expected
    # Security plans reports of doors: of working time it may open none.
    page = client.get(f"{PAGE}add/?report=daily")
    offered = b"filter_period" in page.content
    assert offered is (role in (Role.HR, Role.MANAGER))


def test_the_list_asks_no_more_for_more_schedules(cast: Cast, office: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            office.get(PAGE)
        return len(found)

    planned(recipient("a"))
    queries()
    few = queries()
    for name in "bcd":
        planned(recipient(name))
    assert queries() == few
