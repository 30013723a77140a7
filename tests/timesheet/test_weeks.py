"""Weekly overtime and payroll periods: what a single day cannot tell."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from access.timesheet import Rules, Shift, bounds, days, sentence
from access.timesheet.weeks import margin
from tests.timesheet.cases import MONDAY, PLAIN, codes, plan, punched

FULL = Shift("V", ((8 * 60, 16 * 60),))


def week(hours: str, rules: Rules, *, approved: int = 0) -> list[tuple[int, int]]:
    """Per day from Monday, minutes of weekly and of unapproved overtime; "8 10 0" are hours worked."""
    plans, made = {}, []
    for number, length in enumerate(hours.split()):
        day = MONDAY + timedelta(days=number)
        plans[day] = plan(Shift("F", (), 600), rules, approved=approved)
        if length != "0":
            made += [
                replace(one, id=f"{number}{one.id}") for one in punched(f"08:00-{8 + int(length):02}:00", day)
            ]
    found = days(made, plans, MONDAY, MONDAY + timedelta(days=6))
    return [(day["overtime_weekly"], day["overtime_unapproved"]) for day in found]


@pytest.mark.parametrize(
    ("hours", "weekly", "wanted"),
    [
        ("8 8 8 8 8", 40, [0, 0, 0, 0, 0]),
        ("8 8 8 8 9", 40, [0, 0, 0, 0, 60]),
        ("10 10 10 10 2", 38, [0, 0, 0, 120, 120]),
        ("10 10 10 10 10", None, [0, 0, 0, 0, 0]),
    ],
)
def test_weekly_overtime_falls_on_the_days_beyond_the_limit(
    hours: str, weekly: int | None, wanted: list[int]
) -> None:
    rules = replace(PLAIN, weekly_minutes=None if weekly is None else weekly * 60)
    assert [found for found, _unapproved in week(hours, rules)] == wanted


def test_daily_overtime_is_not_weekly_overtime_again() -> None:
    rules = replace(PLAIN, weekly_minutes=40 * 60)
    found = week("12 12 12 0 0", rules)  # 600 planned a day: two hours a day are daily overtime already
    assert found == [(0, 0)] * 5


def test_weekly_overtime_nobody_approved_is_not_paid() -> None:
    rules = replace(PLAIN, weekly_minutes=8 * 60, overtime_approval=True)
    assert week("8 3", rules) == [(0, 0), (0, 180)]
    assert week("8 3", rules, approved=60) == [(0, 0), (60, 120)]


def test_a_week_begins_on_monday() -> None:
    rules = replace(PLAIN, weekly_minutes=8 * 60)
    sunday = MONDAY - timedelta(days=1)
    plans = {day: plan(FULL, rules) for day in (sunday, MONDAY)}
    made = punched("08:00-16:00", sunday) + [replace(one, id=f"m{one.id}") for one in punched("08:00-16:00")]
    assert [day["overtime_weekly"] for day in days(made, plans, sunday, MONDAY)] == [0, 0]


def test_weekly_overtime_says_so() -> None:
    rules = replace(PLAIN, weekly_minutes=60, overtime_daily=False)
    found = days(punched("08:00-10:00"), {MONDAY: plan(FULL, rules)}, MONDAY, MONDAY)[0]
    assert "overtime_weekly" in codes(found)
    assert found["overtime"] == found["overtime_weekly"] == 60
    assert found["paid"] == 120
    assert sentence("overtime_weekly", {"minutes": 60}) == "Beyond the weekly hours: 1:00 h of overtime."


def test_facts_are_needed_from_monday_and_from_the_day_before() -> None:
    assert margin(MONDAY) == MONDAY - timedelta(days=1)
    assert margin(MONDAY + timedelta(days=3)) == MONDAY


@pytest.mark.parametrize(
    ("kind", "day", "first", "last"),
    [
        ("weekly", "2026-03-04", "2026-03-02", "2026-03-08"),
        ("biweekly", "2026-03-04", "2026-02-23", "2026-03-08"),
        ("semi_monthly", "2026-02-15", "2026-02-01", "2026-02-15"),
        ("semi_monthly", "2026-02-16", "2026-02-16", "2026-02-28"),
        ("monthly", "2026-02-10", "2026-02-01", "2026-02-28"),
        ("monthly", "2026-12-31", "2026-12-01", "2026-12-31"),
    ],
)
def test_payroll_periods(kind: str, day: str, first: str, last: str) -> None:
    found = bounds(kind, date.fromisoformat(day))
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


def test_a_month_may_begin_on_another_day() -> None:
    assert bounds("monthly", date(2026, 1, 20), date(2026, 1, 21)) == (date(2025, 12, 21), date(2026, 1, 20))
    assert bounds("monthly", date(2026, 3, 1), date(2026, 1, 31)) == (date(2026, 2, 28), date(2026, 3, 30))


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="weekly, biweekly"):
        bounds("yearly", MONDAY)


@given(
    kind=some.sampled_from(("weekly", "biweekly", "semi_monthly", "monthly")),
    day=some.dates(date(2020, 1, 1), date(2035, 12, 31)),
    anchor=some.dates(date(2020, 1, 1), date(2024, 12, 31)),
)
def test_periods_follow_one_another_without_a_gap(kind: str, day: date, anchor: date) -> None:
    first, last = bounds(kind, day, anchor)
    assert first <= day <= last
    assert bounds(kind, first, anchor) == bounds(kind, last, anchor) == (first, last)
    assert bounds(kind, last + timedelta(days=1), anchor)[0] == last + timedelta(days=1)
