"""Reports for programs: pages by cursor, files, and who may read what."""

import csv
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.test import Client

from access.hours import ledger
from access.models import AuditEntry, Staff
from access.reports import REPORTS
from access.reports.filters import FILTERS
from tests import factories
from tests.access.reports.conftest import MONDAY, SUNDAY, WEEK, Crew, punch

pytestmark = pytest.mark.django_db
DAILY = "/api/v1/reports/daily/"


@pytest.fixture
def office(crew: Crew, hr: Staff, signed_in: Callable[[Staff], Client]) -> Client:
    return signed_in(hr)


def pages(client: Client, size: int, between: Callable[[], None] = lambda: None) -> list[tuple[str, str]]:
    """Name and day of every row, page by page; `between` happens after the first page."""
    answer = client.get(DAILY, WEEK | {"limit": size}).json()
    found = [(row["name"], row["day"]) for row in answer["results"]]
    between()
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        assert len(answer["results"]) <= size
        found += [(row["name"], row["day"]) for row in answer["results"]]
    return found


def test_a_row_carries_its_values_by_key_and_what_it_is_made_of(office: Client, crew: Crew) -> None:
    answer = office.get(DAILY, WEEK | {"people": "alice", "limit": 1}).json()
    [row] = answer["results"]
    assert (row["badge"], row["status"], row["worked"], row["late"]) == ("00017", "P", 580, 20)
    assert (row["in"], row["day"]) == ("2026-03-02T08:20:00+01:00", "2026-03-02")
    assert row["about"]["person"] == crew.alice.pk
    assert answer["totals"]["worked"] == 580 + 420 + 480 + 120
    assert answer["rules"] == ["House rules, 2026-01-01"]
    assert next(one for one in answer["columns"] if one["key"] == "worked")["type"] == "minutes"
    assert next(one for one in answer["columns"] if one["key"] == "status")["codes"]["A"] == "absent"


@pytest.mark.parametrize("size", [1, 3, 14, 100])
def test_the_pages_hold_each_row_once_in_order(office: Client, size: int) -> None:
    found = pages(office, size)
    assert found == sorted(found, key=lambda one: (one[1], one[0]))
    assert len(found) == len(set(found)) == 14


def test_rows_added_meanwhile_shift_no_page(office: Client, crew: Crew) -> None:
    before = pages(office, 5)

    def insert() -> None:
        early = factories.person("Aaron First", badge="00001", department=crew.yard)
        for clock, way in (("08:00", "in"), ("16:00", "out")):
            punch(early, MONDAY, clock, way)
        ledger.refresh([early.pk], MONDAY, SUNDAY)

    assert pages(office, 5, insert) == before
    assert ("Aaron First", "2026-03-02") in pages(office, 5)


def test_a_cursor_is_opaque_and_belongs_to_one_question(office: Client, manager: Staff) -> None:
    following = office.get(DAILY, WEEK | {"limit": 2}).json()["next"]
    assert "Alice" not in following
    for other in (following.replace("limit=2", "limit=2&people=x"), f"{DAILY}?cursor=x", following + "x"):
        answer = office.get(other)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])
    client = Client()
    client.force_login(manager)
    assert client.get(following).status_code == 400


def test_a_page_after_a_row_that_is_gone_says_so(office: Client, crew: Crew) -> None:
    following = office.get(DAILY, WEEK | {"limit": 1}).json()["next"]
    crew.alice.workdays.all().delete()
    answer = office.get(following)
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": "2026-02-30"},
        {"first": "2026-03-09"},
        {"last": "2027-03-04"},
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"period": "next_month"},
        {"department": "99999999999999999999999"},
        {"department": "x"},
        {"person": "x"},
        {"status": "XX"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "²"},
        {"cursor": "\0"},
    ],
    ids=lambda wrong: " ".join(f"{name}={value!r}" for name, value in wrong.items()),
)
def test_what_cannot_be_answered_is_named(office: Client, wrong: dict[str, str]) -> None:
    answer = office.get(DAILY, WEEK | wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert set(answer.json()["errors"]) <= {*wrong, "last"}


def test_a_manager_gets_nobody_of_another_department(
    crew: Crew, manager: Staff, signed_in: Callable[[Staff], Client]
) -> None:
    client = signed_in(manager)
    assert {name for name, _day in pages(client, 3)} == {"Walter Yard"}
    foreign = client.get(DAILY, WEEK | {"person": str(crew.alice.pk)})
    assert (foreign.status_code, list(foreign.json()["errors"])) == (400, ["person"])
    foreign = client.get(DAILY, WEEK | {"department": str(crew.flight.pk)})
    assert (foreign.status_code, list(foreign.json()["errors"])) == (400, ["department"])
    for name in ("csv", "xlsx"):
        content = b"".join(client.get(f"{DAILY}file/", WEEK | {"layout": name}).streaming_content)
        if name == "csv":
            assert b"Walter" in content
            assert b"Alice" not in content
        else:
            assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == ["Yard"]


def test_a_csv_reads_as_asked_for(office: Client) -> None:
    asked = WEEK | {"people": "alice", "separator": "semicolon", "hours": "decimal", "decimal_sign": "comma"}
    content = b"".join(office.get(f"{DAILY}file/", asked | {"mark": "no"}).streaming_content).decode()
    rows = list(csv.reader(io.StringIO(content), delimiter=";"))
    assert rows[0][:5] == ["Badge", "Name", "Shift", "Date", "Status"]
    assert rows[1][:5] == ["00017", "Alice Able", "D", "2026-03-02", "present"]
    assert rows[1][9:11] == ["9,67", "0,33"]
    assert rows[8] == []
    assert rows[9] == ["Daily detail, 2026-03-02 to 2026-03-08"]
    assert rows[10][0].startswith("Generated ")
    assert rows[10][0].endswith("(Europe/Berlin)")
    assert rows[11] == ["Rules: House rules, 2026-01-01"]


def test_a_workbook_has_a_sheet_a_department_with_real_values_and_totals(office: Client) -> None:
    content = b"".join(office.get(f"{DAILY}file/", WEEK | {"layout": "xlsx"}).streaming_content)
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    assert book.sheetnames == ["Flight", "Yard"]
    sheet = book["Flight"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:P8"
    assert (sheet["A2"].value, sheet["D2"].is_date, sheet["H2"].number_format) == ("00017", True, "hh:mm")
    assert (sheet["J2"].value.total_seconds(), sheet["J2"].number_format) == (580 * 60, "[h]:mm")
    assert (sheet["A9"].value, sheet["J9"].value.total_seconds()) == ("Total", (580 + 420 + 480 + 120) * 60)
    assert sheet["A11"].value == "Daily detail, 2026-03-02 to 2026-03-08"
    formulas = openpyxl.load_workbook(io.BytesIO(content))
    assert formulas["Flight"]["J9"].value == "=SUBTOTAL(109,J2:J8)"


def test_decimal_hours_in_a_workbook_are_numbers(office: Client) -> None:
    asked = WEEK | {"layout": "xlsx", "hours": "decimal", "people": "alice"}
    content = b"".join(office.get(f"{DAILY}file/", asked).streaming_content)
    cell = openpyxl.load_workbook(io.BytesIO(content))["Flight"]["J2"]
    assert (cell.value, cell.number_format) == (9.67, "0.00")


def test_a_download_is_noted_with_its_filter_and_without_names(office: Client, hr: Staff) -> None:
    answer = office.get(f"{DAILY}file/", WEEK | {"status": "A", "people": "alice"})
    assert answer["Content-Disposition"] == 'attachment; filename="daily-2026-03-02-2026-03-08.csv"'
    assert answer["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.staff, entry.subject) == (hr, "report:daily")
    assert entry.details["filter"] == "first=2026-03-02 last=2026-03-08 status=A"
    assert "alice" not in str(entry.details).lower()


def test_the_list_names_what_a_login_may_open(office: Client) -> None:
    found = {one["key"]: one for one in office.get("/api/v1/reports/").json()}
    assert found["daily"]["filters"][:3] == ["period", "first", "last"]
    assert found["punches"]["files"] == ["csv", "xlsx"]


@pytest.mark.parametrize("path", ["daily/", "daily/file/"])
@pytest.mark.parametrize("who", ["nobody", "without a right", "not staff", "inactive"])
def test_nobody_else_reads_a_report(crew: Crew, hr: Staff, path: str, who: str) -> None:
    client = Client()
    fields: dict[str, Any] = {
        "without a right": {"roles": ["enroller"]},
        "not staff": {"is_staff": False},
        "inactive": {"is_active": False},
    }.get(who, {})
    if fields:
        Staff.objects.filter(pk=hr.pk).update(**fields)
        client.force_login(hr)
    answer = client.get(f"/api/v1/reports/{path}", WEEK)
    assert answer.status_code == 403
    assert not AuditEntry.objects.filter(action="report.exported").exists()


def test_what_is_no_report_is_not_found(office: Client) -> None:
    for path in ("salaries/", "salaries/file/"):
        assert office.get(f"/api/v1/reports/{path}").status_code == 404


def test_every_report_uses_filters_that_there_are() -> None:
    assert {name for report in REPORTS.values() for name in report.filters} <= set(FILTERS)
