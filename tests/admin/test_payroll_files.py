"""A payroll file on screen: looked at, acknowledged, handed out, on record; by those who run the payroll."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access.hours import ledger
from access.models import (
    AuditEntry,
    PayrollExport,
    PayrollPeriod,
    PayrollProfile,
    Person,
    Staff,
    WorkDay,
)
from access.roles import Role
from tests.access.payroll.test_exports import MONDAY, made, profile, week
from tests.admin.conftest import signed_in

__all__ = ["week"]
pytestmark = pytest.mark.django_db
PAGE = "/admin/access/payrollexport/"


def look(own: PayrollProfile, period: PayrollPeriod) -> str:
    return f"{PAGE}add/?period={period.pk}&profile={own.pk}"


def test_a_file_is_looked_at_made_and_downloaded(office: Client, week: PayrollPeriod) -> None:
    ledger.lock(week, by=Staff.objects.get(username="office"))
    own = profile()
    page = office.get(look(own, week))
    text = page.content.decode()
    for told in ("00017", "Alice Able", "40.00", "period locked", "SHA-256", "Make the file"):
        assert told in text, told
    assert "To look at first" not in text
    assert not PayrollExport.objects.exists()
    answer = office.post(look(own, week), {"seen": page.context["found"].seen})
    row = PayrollExport.objects.get()
    assert answer.headers["Location"].endswith(f"{PAGE}{row.pk}/change/")
    shown = office.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert row.sha256 in shown
    file = office.get(f"{PAGE}{row.pk}/file/")
    assert file.headers["Content-Disposition"] == f'attachment; filename="{row.file_name}"'
    assert file.content.startswith(b"\xef\xbb\xbfEmployee,Name")
    assert AuditEntry.objects.filter(action="payrollexport.downloaded").exists()
    assert row.file_name in office.get(PAGE).content.decode()


def test_problems_are_listed_and_hold_the_file_back(office: Client, week: PayrollPeriod) -> None:
    own = profile(code_from="payroll_number")
    Person.objects.filter(badge="00017").update(payroll_number="1")
    page = office.get(look(own, week))
    text = page.content.decode()
    assert "No employee code" in text
    assert "left out" in text
    assert f"/admin/access/workday/month/{Person.objects.get(badge='00018').pk}/2026-03/" in text
    seen = page.context["found"].seen
    again = office.post(look(own, week), {"seen": seen}).content.decode()
    assert "say that you have looked" in again
    assert not PayrollExport.objects.exists()
    office.post(look(own, week), {"seen": seen, "acknowledged": "on"})
    assert PayrollExport.objects.get().people == 1


def test_what_changed_meanwhile_is_shown_again_instead(office: Client, week: PayrollPeriod) -> None:
    own = profile()
    seen = office.get(look(own, week)).context["found"].seen
    WorkDay.objects.filter(day=MONDAY).update(figures={"worked": 1, "paid": 1})
    text = office.post(look(own, week), {"seen": seen, "acknowledged": "on"}).content.decode()
    assert "changed since you looked" in text
    assert not PayrollExport.objects.exists()


def test_the_next_file_shows_what_changed_since(office: Client, week: PayrollPeriod) -> None:
    own = profile()
    made(own, week)
    assert "Nobody’s hours." in office.get(look(own, week)).content.decode()
    WorkDay.objects.filter(day=MONDAY, person__badge="00018").update(figures={"worked": 450, "paid": 450})
    text = office.get(look(own, week)).content.decode()
    assert "What changed" in text
    assert "−0:30" in text
    row = made(own, week)
    assert "−0:30" in office.get(f"{PAGE}{row.pk}/change/").content.decode()


def test_a_file_that_cannot_be_made_again_says_why(office: Client, week: PayrollPeriod) -> None:
    row = made(profile(), week)
    Person.objects.filter(badge="00017").update(badge="00099")
    page = office.get(f"{PAGE}{row.pk}/file/", follow=True).content.decode()
    assert "changed since, so it cannot be made again" in " ".join(page.split())


# --- Profiles ------------------------------------------------------------------------------------------


def edited(own: PayrollProfile, **changes: object) -> dict[str, object]:
    """The form of a profile as it stands, with changes."""
    names = (
        "name",
        "form",
        "rows",
        "most_hours",
        "company",
        "batch",
        "file_name",
        "code_from",
        "code_length",
    )
    names += ("separator", "encoding", "mark", "places", "line_end")
    values: dict[str, object] = {name: getattr(own, name) for name in names}
    values |= {name: "on" for name in ("apart", "headings", "totals", "zeros") if getattr(own, name)}
    for prefix, fields in (("columns", ("position", "heading", "content", "text", "width", "align")),
                           ("codes", ("kind", "code"))):  # fmt: skip
        rows = list(getattr(own, prefix).all())
        values |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": len(rows)}
        for number, row in enumerate(rows):
            values |= {f"{prefix}-{number}-id": row.pk, f"{prefix}-{number}-profile": own.pk}
            values |= {f"{prefix}-{number}-{name}": getattr(row, name) for name in fields}
    return values | changes


def test_a_profile_begins_as_an_example_and_its_mapping_is_edited(office: Client) -> None:
    office.post("/admin/access/payrollprofile/add/", {"name": "ADP", "company": "ABC", "example": "adp"})
    own = PayrollProfile.objects.get()
    assert [one.heading for one in own.columns.all()][:3] == ["Co Code", "Batch ID", "File #"]
    address = f"/admin/access/payrollprofile/{own.pk}/change/"
    assert "Hours 3 Code" in office.get(address).content.decode()
    office.post(address, edited(own, **{"codes-2-code": "HOLS", "columns-3-heading": "Regular"}))
    assert own.codes.get(kind="leave").code == "HOLS"
    assert own.columns.get(position=40).heading == "Regular"
    told = AuditEntry.objects.get(action="payrollprofile.changed")
    assert told.details["fields"] == ["columns", "codes"]


@pytest.mark.parametrize(
    ("example", "change", "message"),
    [
        ("adp", {"file_name": "EPI{nobody}.csv"}, "can be filled in"),
        ("adp", {"file_name": "../EPI.csv"}, "Letters, digits"),
        ("adp", {"company": "A/B"}, "Letters, digits"),
        ("adp", {"columns-2-content": "name"}, "has to hold the employee code"),
        ("adp", {"columns-3-content": "code"}, "fits files with one row for"),
        ("adp", {"rows": "code"}, "have to hold the pay code"),
        ("adp", {"form": "fixed"}, "need a width each"),
        ("adp", {"codes-0-kind": "overtime_1"}, "pay the same hours twice"),
        ("adp", {"mark": ""}, "Without a mark"),
        ("fixed", {"columns-4-content": "hours:regular"}, "have to hold the pay code"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_with_the_reason(
    office: Client, example: str, change: dict[str, object], message: str
) -> None:
    own = profile(example)
    page = office.post(f"/admin/access/payrollprofile/{own.pk}/change/", edited(own, **change))
    assert page.status_code == 200
    assert message in page.content.decode()


# --- Who may -------------------------------------------------------------------------------------------

MAY = {Role.HR: (200, 200, 200), Role.AUDITOR: (200, 403, 403)}


@pytest.mark.parametrize("role", Role.values)
def test_only_hr_makes_and_downloads_and_an_auditor_reads(week: PayrollPeriod, role: str) -> None:
    own = profile()
    row = made(own, week)
    client = signed_in(Staff.objects.create_user("x", password=None, is_staff=True, roles=[role]))
    expected = MAY.get(Role(role), (403, 403, 403))
    pages = (f"{PAGE}{row.pk}/change/", look(own, week), f"{PAGE}{row.pk}/file/")
    assert tuple(client.get(page).status_code for page in pages) == expected
    if expected[1] == 403:
        assert client.post(look(own, week), {"seen": "x", "acknowledged": "on"}).status_code == 403
    assert PayrollExport.objects.count() == 1
    change = client.get(f"/admin/access/payrollprofile/{own.pk}/change/").status_code
    assert change == (200 if role in MAY else 403)


def test_who_reaches_only_some_sees_no_file(login_with: Callable[..., Client], week: PayrollPeriod) -> None:
    row = made(profile(), week)
    client = login_with("view_payrollexport", "add_payrollexport")
    assert client.get(f"{PAGE}{row.pk}/change/").status_code == 200
    clerk = Staff.objects.get(username__startswith="clerk")
    clerk.user_permissions.remove(Permission.objects.get(codename="reach_everybody"))
    for page in ("", "add/", f"{row.pk}/change/", f"{row.pk}/file/", f"{row.pk}/history/"):
        assert client.get(f"{PAGE}{page}").status_code == 403, page


def test_a_locked_period_leads_to_its_file(office: Client, week: PayrollPeriod) -> None:
    address = f"/admin/access/payrollperiod/{week.pk}/"
    assert f"{address}file/" in office.get(f"{address}change/").content.decode()
    assert office.get(f"{address}file/").headers["Location"] == f"{PAGE}add/?period={week.pk}"
