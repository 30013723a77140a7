"""The other reports of working time, held against the same week worked out by hand."""

import io
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.utils import timezone

from access import attendance
from access.hours import ledger, proposals
from access.models import (
    Holiday,
    Leave,
    LeaveType,
    OvertimeApproval,
    PayrollPeriod,
    Proposal,
    RuleVersion,
    Staff,
    WorkDay,
)
from access.reports import REPORTS, exports, grid
from access.reports.cells import shown
from access.reports.exports import Layout
from access.timesheet import STATUSES
from tests import factories
from tests.access.reports.conftest import MONDAY, SUNDAY, WEEK, Crew, punch

pytestmark = pytest.mark.django_db
MARCH = {"month": "2026-03"}


def read(key: str, staff: Staff, **given: str) -> list[dict[str, str]]:
    """The rows as people read them, by key of column."""
    report = REPORTS[key]
    asked = report.ask(given, staff)
    columns = report.columns(asked)
    return [
        {column.key: shown(column, value, row) for column, value in zip(columns, row.cells, strict=True)}
        for row in report.rows(asked, staff)
    ]


# --- The monthly grid -----------------------------------------------------------------------------


def test_the_grid_has_a_code_for_each_day_and_totals(crew: Crew, hr: Staff) -> None:
    alice, walter = read("grid", hr, **MARCH)
    assert [alice[f"d{n:02}"] for n in range(1, 10)] == ["", "P", "P", "M", "A", "P", "WO", "WP", ""]
    assert "d31" in alice
    totals = ("present", "absent", "leave", "holiday", "off", "missed", "unmarked", "late", "early")
    assert [alice[name] for name in totals] == ["4", "1", "0", "0", "1", "1", "24", "1", "1"]
    assert (alice["worked"], alice["overtime"]) == ("26:40", "3:40")
    assert (walter["name"], walter["present"], walter["absent"]) == ("Walter Yard", "1", "4")


def test_the_totals_of_a_line_are_the_days_of_the_month(crew: Crew, hr: Staff) -> None:
    """Whatever the status; halves on both sides."""
    assert all(sum(shares.values()) == 1 for shares in grid.SHARES.values())
    assert set(STATUSES) - set(grid.SHARES) == {"NP"}  # said by nobody: unmarked, as a day without a row
    leave = LeaveType.objects.create(name="Annual", code="AL")
    Leave.objects.create(
        person=crew.walter, type=leave, first=date(2026, 3, 3), last=date(2026, 3, 4), state="approved"
    )
    Leave.objects.create(
        person=crew.alice, type=leave, first=MONDAY, last=MONDAY, part="first_half", state="approved"
    )
    ledger.refresh([crew.alice.pk, crew.walter.pk], MONDAY, SUNDAY)
    lines = read("grid", hr, **MARCH)
    assert [(line["d02"], line["present"], line["leave"]) for line in lines] == [
        ("HL", "3.5", "0.5"),
        ("P", "1", "2"),
    ]
    for line in lines:
        assert sum(float(line[name]) for name in grid.TOTALS) == 31


@pytest.mark.parametrize(
    ("month", "days"), [("2026-02", 28), ("2028-02", 29), ("2026-04", 30), ("2026-03", 31)]
)
def test_the_grid_has_as_many_columns_as_the_month_has_days(hr: Staff, month: str, days: int) -> None:
    report = REPORTS["grid"]
    columns = report.columns(report.ask({"month": month}, hr))
    assert [column.key for column in columns if column.day] == [f"d{n:02}" for n in range(1, days + 1)]


def test_the_grid_as_a_workbook_has_letters_on_their_colours(crew: Crew, hr: Staff) -> None:
    report = REPORTS["grid"]
    content = b"".join(exports.content(report, report.ask(MARCH, hr), hr, Layout(file="xlsx")))
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Flight"]
    headings = [cell.value for cell in sheet[1]]
    assert headings[:3] == ["Badge", "Name", "1"]
    absent = sheet.cell(2, headings.index("5") + 1)
    assert (absent.value, absent.fill.fgColor.rgb, absent.font.color.rgb) == ("A", "FFFEE2E2", "FFB91C1C")
    worked = sheet.cell(2, headings.index("Worked") + 1)
    assert (worked.value.total_seconds(), worked.number_format) == (1600 * 60, "[h]:mm")
    assert sheet.cell(2, headings.index("Present") + 1).value == 4


def test_the_grid_shows_a_paid_day_as_its_adjustment_says(crew: Crew, hr: Staff) -> None:
    ledger.close(SUNDAY, [crew.alice.pk, crew.walter.pk])
    WorkDay.objects.update(period=PayrollPeriod.objects.create(name="W10", first=MONDAY, last=SUNDAY))
    for clock, way in (("08:00", "in"), ("16:00", "out")):
        punch(crew.alice, date(2026, 3, 5), clock, way)
    ledger.refresh([crew.alice.pk], MONDAY, SUNDAY)
    proposals.accept(Proposal.objects.get(state="open"), by=hr)
    alice = read("grid", hr, people="alice", **MARCH)[0]
    assert (alice["d05"], alice["absent"], alice["worked"]) == ("P", "0", "34:40")


def test_a_manager_sees_their_department_in_the_grid(crew: Crew, manager: Staff) -> None:
    assert [line["name"] for line in read("grid", manager, **MARCH)] == ["Walter Yard"]
    report = REPORTS["grid"]
    assert report.totals(report.ask(MARCH, manager), manager)["worked"] == 480


@pytest.mark.parametrize("more", [0, 2])
def test_the_grid_takes_as_many_queries_for_one_person_as_for_many(
    crew: Crew, hr: Staff, more: int, django_assert_num_queries: Any
) -> None:
    for _ in range(more):
        one = factories.person(department=crew.yard)
        punch(one, MONDAY, "08:00", "in")
        ledger.refresh([one.pk], MONDAY, MONDAY)
    report = REPORTS["grid"]
    asked = report.ask(MARCH, hr)
    hr.has_perm("access.reach_everybody")
    with django_assert_num_queries(2):  # people, and their days
        assert len(list(report.rows(asked, hr))) == 2 + more


# --- Timesheets, exceptions, overtime ---------------------------------------------------------------


def test_timesheets_stand_person_by_person(crew: Crew, hr: Staff) -> None:
    rows = read("timesheet", hr, **MARCH)
    assert [row["name"] for row in rows] == ["Alice Able"] * 7 + ["Walter Yard"] * 7
    assert [row["day"] for row in rows[:7]] == [f"2026-03-0{n}" for n in range(2, 9)]
    first = {name: rows[0][name] for name in ("planned", "worked", "late", "overtime", "paid")}
    assert first == {
        "planned": "8:00",
        "worked": "9:40",
        "late": "0:20",
        "overtime": "1:40",
        "paid": "9:40",
    }


@pytest.mark.parametrize(
    ("exception", "days"),
    [
        ("", ["2", "3", "4", "5"]),
        ("late", ["2"]),
        ("early", ["3"]),
        ("missed", ["4"]),
        ("absent", ["5"]),
    ],
)
def test_exceptions_are_the_days_to_look_at(crew: Crew, hr: Staff, exception: str, days: list[str]) -> None:
    rows = read("exceptions", hr, people="alice", exception=exception, **WEEK)
    assert [row["day"][-1] for row in rows] == days


def test_the_totals_of_exceptions_are_of_what_is_shown(crew: Crew, hr: Staff) -> None:
    report = REPORTS["exceptions"]
    asked = report.ask(WEEK, hr)
    assert report.totals(asked, hr) == {"late": 20, "early": 60, "missed": 1}


def test_overtime_says_of_what_kind_it_is_and_who_approved(crew: Crew, hr: Staff) -> None:
    Holiday.objects.create(site=factories.site("Elsewhere"), day=MONDAY, name="Not here")
    RuleVersion.objects.update(overtime_approval=True)
    OvertimeApproval.objects.create(person=crew.alice, day=MONDAY, minutes=60, by=hr)
    ledger.refresh([crew.alice.pk], MONDAY, SUNDAY)
    monday, sunday = read("overtime", hr, **WEEK)
    assert (monday["overtime_1"], monday["overtime"], monday["overtime_unapproved"]) == (
        "1:00",
        "1:00",
        "0:40",
    )
    assert monday["approved_by"] == "hr"
    assert (sunday["overtime_rest"], sunday["overtime"], sunday["overtime_unapproved"]) == (
        "0:00",
        "0:00",
        "2:00",
    )
    assert sunday["approved_by"] == ""
    report = REPORTS["overtime"]
    totals = report.totals(report.ask(WEEK, hr), hr)
    assert (totals["overtime"], totals["overtime_unapproved"]) == (60, 160)


@pytest.mark.parametrize("key", ["timesheet", "exceptions", "overtime"])
def test_a_manager_reads_their_department_in_each(crew: Crew, manager: Staff, hr: Staff, key: str) -> None:
    given = MARCH if key == "timesheet" else WEEK
    assert "Alice Able" in {row["name"] for row in read(key, hr, **given)}
    assert {row["name"] for row in read(key, manager, **given)} <= {"Walter Yard"}
    foreign = read(key, manager, people="alice", **given)
    assert foreign == []


# --- Now ------------------------------------------------------------------------------------------


def test_presence_calls_everybody_now(crew: Crew, hr: Staff, manager: Staff) -> None:
    just_now = timezone.now() - timedelta(minutes=5)
    attendance.note_punch(crew.walter, at=just_now, direction="in", origin="now")
    rows = {row["name"]: row for row in read("presence", hr)}
    assert rows["Walter Yard"]["inside"] == "yes"
    assert rows["Alice Able"]["inside"] == "no"
    assert [row["name"] for row in read("presence", manager)] == ["Walter Yard"]
    state = next(
        code
        for code, (text, _style) in REPORTS["presence"].columns(None)[3].words.items()
        if str(text) == rows["Walter Yard"]["state"]
    )
    assert "Walter Yard" in {row["name"] for row in read("presence", hr, presence=state)}
    assert "Walter Yard" not in {row["name"] for row in read("presence", hr, presence="leave")}
