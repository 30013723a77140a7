"""Daily detail, held against a week worked out by hand."""

from datetime import date, datetime
from typing import Any

import pytest

from access.hours import ledger, proposals
from access.models import Correction, PayrollPeriod, Proposal, Punch, Staff, WorkDay
from access.reports import REPORTS
from access.reports.cells import shown
from access.reports.shape import Row
from tests.access.reports.conftest import MONDAY, SUNDAY, WEEK, Crew, punch

pytestmark = pytest.mark.django_db
REPORT = REPORTS["daily"]


def read(staff: Staff, **given: str) -> list[dict[str, str]]:
    """The rows as people read them, by key of column."""
    asked = REPORT.ask(WEEK | given, staff)
    columns = REPORT.columns(asked)
    return [
        {column.key: shown(column, value, row) for column, value in zip(columns, row.cells, strict=True)}
        for row in REPORT.rows(asked, staff)
    ]


def lines(staff: Staff, *names: str, **given: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in read(staff, **given)]


def test_a_day_says_all_that_the_field_expects(crew: Crew, hr: Staff) -> None:
    assert read(hr, person=str(crew.alice.pk))[0] == {
        "badge": "00017",
        "name": "Alice Able",
        "shift": "D",
        "day": "2026-03-02",
        "status": "present",
        "shift_start": "08:00",
        "shift_end": "16:00",
        "in": "08:20",
        "out": "18:00",
        "worked": "9:40",
        "late": "0:20",
        "early": "0:00",
        "department": "Flight",
        "overtime": "1:40",
        "paid": "9:40",
        "state": "provisional",
    }


def test_a_week_reads_as_worked_out_by_hand(crew: Crew, hr: Staff) -> None:
    assert lines(hr, "day", "status", "in", "out", "worked", "late", "early", people="alice") == [
        ("2026-03-02", "present", "08:20", "18:00", "9:40", "0:20", "0:00"),
        ("2026-03-03", "present", "08:00", "15:00", "7:00", "0:00", "1:00"),
        ("2026-03-04", "missed punch", "08:00", "", "0:00", "0:00", "0:00"),
        ("2026-03-05", "absent", "", "", "0:00", "0:00", "0:00"),
        ("2026-03-06", "present", "08:00", "16:00", "8:00", "0:00", "0:00"),
        ("2026-03-07", "day off", "", "", "0:00", "0:00", "0:00"),
        ("2026-03-08", "worked on a day off", "10:00", "12:00", "2:00", "0:00", "0:00"),
    ]


def test_the_totals_are_the_sum_of_the_rows(crew: Crew, hr: Staff) -> None:
    asked = REPORT.ask(WEEK, hr)
    names = [column.key for column in REPORT.columns(asked)]
    rows = list(REPORT.rows(asked, hr))
    added = {
        name: sum(row.cells[names.index(name)] for row in rows) for name in ("worked", "late", "overtime")
    }
    totals = REPORT.totals(asked, hr)
    assert {name: totals[name] for name in added} == added
    assert totals["worked"] == 9 * 60 + 40 + 7 * 60 + 8 * 60 + 2 * 60 + 8 * 60
    assert REPORT.count(asked, hr) == len(rows) == 14


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ({"status": "A"}, 5),
        ({"people": "00042"}, 7),
        ({"people": "able 017"}, 7),
        ({"people": "nobody"}, 0),
        ({"first": "2026-03-03", "last": "2026-03-03"}, 2),
    ],
)
def test_filters_narrow(crew: Crew, hr: Staff, given: dict[str, str], days: int) -> None:
    assert len(read(hr, **given)) == days


def test_a_night_shift_ends_on_the_day_after(crew: Crew, hr: Staff) -> None:
    column = next(one for one in REPORT.columns(REPORT.ask({}, hr)) if one.key == "out")
    late = datetime.fromisoformat("2026-03-03T06:05:00+01:00")
    assert shown(column, late, Row(1, (), about={"day": MONDAY})) == "06:05 +1"
    assert shown(column, late, Row(1, (), about={"day": date(2026, 3, 3)})) == "06:05"


def test_a_day_that_was_paid_reads_as_its_adjustment_says(crew: Crew, hr: Staff) -> None:
    """In rows, totals and filters alike."""
    ledger.close(SUNDAY, [crew.alice.pk, crew.walter.pk])
    WorkDay.objects.update(period=PayrollPeriod.objects.create(name="W10", first=MONDAY, last=SUNDAY))
    thursday = date(2026, 3, 5)
    for clock, way in (("08:00", "in"), ("16:00", "out")):
        punch(crew.alice, thursday, clock, way)
    ledger.refresh([crew.alice.pk], MONDAY, SUNDAY)
    before = REPORT.totals(REPORT.ask(WEEK, hr), hr)["worked"]
    proposals.accept(Proposal.objects.get(state="open"), by=hr)
    assert lines(
        hr, "status", "in", "out", "worked", "state", people="alice", first="2026-03-05", last="2026-03-05"
    ) == [("present", "08:00", "16:00", "8:00", "paid")]
    assert REPORT.totals(REPORT.ask(WEEK, hr), hr)["worked"] == before + 480
    assert "2026-03-05" not in [day for day, *_ in lines(hr, "day", people="alice", status="A")]


def test_the_footer_names_the_versions_of_the_rules(crew: Crew, hr: Staff) -> None:
    asked = REPORT.ask(WEEK, hr)
    assert list(REPORT.rules(asked, hr)) == ["House rules, 2026-01-01"]


@pytest.mark.parametrize("people", [1, 3])
def test_however_many_rows_the_queries_are_as_many(
    crew: Crew, hr: Staff, people: int, django_assert_num_queries: Any
) -> None:
    asked = REPORT.ask(WEEK | ({"people": "walter"} if people == 1 else {}), hr)
    hr.has_perm("access.view_workday")
    with django_assert_num_queries(2):  # the days, and when their punches were
        assert len(list(REPORT.rows(asked, hr))) == (7 if people == 1 else 14)


def test_a_manager_reads_their_department_only(crew: Crew, manager: Staff) -> None:
    assert {row["name"] for row in read(manager)} == {"Walter Yard"}
    assert REPORT.totals(REPORT.ask(WEEK, manager), manager)["worked"] == 480
    assert REPORT.count(REPORT.ask(WEEK, manager), manager) == 7


def test_corrections_count_as_the_ledger_says(crew: Crew, hr: Staff) -> None:
    left = Punch.objects.get(person=crew.alice, at__date=MONDAY, direction="out")
    Correction.objects.create(person=crew.alice, day=MONDAY, punch=left, reason="x", state="approved")
    ledger.refresh([crew.alice.pk], MONDAY, SUNDAY)
    assert lines(hr, "status", "out", people="alice")[0] == ("missed punch", "")
