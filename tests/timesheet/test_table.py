"""The rules as a payroll clerk reads them: punches, what is agreed, and what comes of the day.

One row at least for each status, figure and kind of step; one without a row fails.
"""

from datetime import date, time

import pytest

from access.timesheet import FIGURES, STATUSES, Break, Leave, Plan, Shift, sentence
from access.timesheet.words import WORDS
from tests.timesheet.cases import BERLIN, MONDAY, agreed, codes, minutes, plan, with_rules, worked_out

NIGHT = Shift("N", ((22 * 60, 30 * 60),), breaks=())
SPLIT = Shift("S", ((10 * 60, 14 * 60), (17 * 60, 21 * 60)))
FLEX = Shift("F", (), target=480, breaks=(Break(30),))
PAID_BREAK = Shift("B", ((8 * 60, 16 * 60),), breaks=(Break(15, paid=True), Break(30)))
FULL = Shift("V", ((8 * 60, 16 * 60),))
HALF = Leave("UL", "first_half")

# Fields: what it is about; punches; plan; status; figures as "name hours:minutes"; steps that must stand there.
ROWS = [
    ("as planned", "08:00-12:00 13:00-17:00", plan(), "P", "planned 8:00 worked 8:00 paid 8:00 break_taken 1:00 break_deducted 1:00", "shift break_actual"),
    ("seconds are not read", "08:00:59-12:00:01 13:00-17:00:59", plan(), "P", "worked 8:00 late 0", ""),
    ("nobody came", "", plan(), "A", "planned 8:00 worked 0 paid 0", "absent"),
    ("late beyond the grace counts from the start", "08:11-17:00", with_rules(grace_in_minutes=10), "P", "late 0:11", "late"),
    ("late within the grace is on time", "08:10-17:00", with_rules(grace_in_minutes=10), "P", "late 0", "late_within_grace"),
    ("early beyond the grace", "08:00-16:49", with_rules(grace_out_minutes=10), "P", "early 0:11", "early"),
    ("early within the grace", "08:00-16:50", with_rules(grace_out_minutes=10), "P", "early 0", "early_within_grace"),
    ("time before the start does not count", "07:30-16:00", plan(FULL), "P", "worked 8:00 overtime 0", "outside"),
    ("time before the start counts if agreed", "07:30-16:00", agreed(FULL, early_counts=True), "P", "worked 8:30 overtime 0:30", ""),
    ("time after the end does not count if so agreed", "08:00-18:00", agreed(FULL, late_counts=False), "P", "worked 8:00 overtime 0", "outside"),
    ("arrival rounded up", "08:07-16:00", agreed(FULL, round_in_minutes=15, round_in_way="up"), "P", "worked 7:45 late 0:07", "rounded_in"),
    ("arrival rounded to the nearest", "08:07-16:00", agreed(FULL, round_in_minutes=15), "P", "worked 8:00 late 0:07", "rounded_in"),
    ("half a unit goes up", "08:15-16:00", agreed(FULL, round_in_minutes=30), "P", "worked 7:30", "rounded_in"),
    ("leaving rounded down, 7:12 to 7:10", "08:00-16:12", agreed(FULL, round_out_minutes=10, round_out_way="down"), "P", "worked 8:10 overtime 0:10", "rounded_out"),
    ("a second punch within the interval is left out", "08:00 08:00:50 16:00", plan(FULL), "P", "worked 8:00", "duplicate"),
    ("directions in turn whatever was given", "08:00-12:00 13:00-17:00", with_rules(directions="in_turn"), "P", "worked 8:00", ""),
    ("first in to last out", "08:00-12:00 13:00-16:00", agreed(FULL, pairing="first_last"), "P", "worked 8:00 break_taken 0", ""),
    ("one punch alone, first to last", "08:00", agreed(FULL, pairing="first_last"), "M", "worked 0 missed 1", "missed_out"),
    ("a punch out alone", "-16:00", plan(FULL), "M", "worked 0 missed 1", "missed_in"),
    ("a punch in alone counts for nothing", "08:00-", plan(FULL), "M", "worked 0 missed 1 paid 0", "missed_out"),
    ("a punch in alone counts to the planned end", "09:00-", agreed(FULL, missed="planned"), "P", "worked 7:00 missed 1 late 1:00", "missed_out"),
    ("a punch out alone counts from the planned start", "-15:00", agreed(FULL, missed="planned"), "P", "worked 7:00 missed 1 early 1:00", "missed_in"),
    ("a missed punch is worth half a day", "08:00-", agreed(FULL, missed="half_day"), "P", "worked 4:00 missed 1", "missed_half_day"),
    ("a stay beyond the maximum is two missed punches", "08:00-+01:00", agreed(FLEX, maximum_minutes=960), "M", "worked 0 missed 2", "missed_in missed_out"),
    ("a longer break than planned is deducted as taken", "08:00-12:00 13:30-17:00", plan(), "P", "worked 7:30 break_deducted 1:30", "break_actual"),
    ("only the excess of a break is deducted", "08:00-12:00 13:30-17:00", with_rules(breaks="excess"), "P", "worked 8:30 break_taken 1:30 break_deducted 0:30", "break_excess"),
    ("the allowance is deducted from who takes no break", "08:00-17:00", with_rules(breaks="allowance"), "P", "worked 8:00 break_taken 0 break_deducted 1:00", "break_allowance"),
    ("the allowance is deducted whatever was taken", "08:00-12:00 12:20-17:00", with_rules(breaks="allowance"), "P", "worked 8:00 break_taken 0:20 break_deducted 1:00", "break_allowance"),
    ("a short day has no break to deduct", "08:00-13:00", with_rules(breaks="allowance"), "P", "worked 5:00 break_deducted 0 early 4:00", "early"),
    ("a paid break counts as work", "08:00-12:00 12:45-16:00", plan(PAID_BREAK), "P", "worked 7:30 break_taken 0:45 break_deducted 0:30", "paid_break break_actual"),
    ("less than the minimum is half a day", "08:00-12:00", agreed(FULL, minimum_minutes=360), "HD", "worked 4:00", "below_whole_day"),
    ("less than half a day is absent", "08:00-09:00", agreed(FULL, half_day_minutes=120), "A", "worked 1:00 paid 1:00", "below_half_day absent"),
    ("daily overtime", "08:00-18:30", plan(FULL), "P", "worked 10:30 overtime 2:30 overtime_1 2:30 paid 10:30", "overtime_1"),
    ("daily overtime in two tiers", "08:00-18:30", agreed(FULL, tier_minutes=120), "P", "overtime 2:30 overtime_1 2:00 overtime_2 0:30", "overtime_1 overtime_2"),
    ("too little overtime is none", "08:00-16:20", agreed(FULL, overtime_after_minutes=30), "P", "worked 8:20 overtime 0 paid 8:20", "overtime_too_little"),
    ("no daily overtime agreed", "08:00-18:00", agreed(FULL, overtime_daily=False), "P", "worked 10:00 overtime 0", ""),
    ("overtime nobody approved is not paid", "08:00-18:00", agreed(FULL, overtime_approval=True), "P", "worked 10:00 overtime 0 overtime_unapproved 2:00 paid 8:00", "unapproved"),
    ("overtime approved in part", "08:00-18:00", agreed(FULL, approved=90, overtime_approval=True), "P", "overtime 1:30 overtime_unapproved 0:30 paid 9:30", "unapproved"),
    ("a day off", "", plan(None), "WO", "planned 0 paid 0", ""),
    ("work on a day off is overtime", "10:00-12:00", plan(None), "WP", "worked 2:00 overtime 2:00 overtime_rest 2:00", "overtime_rest"),
    ("work on a day off is work if so agreed", "10:00-12:00", agreed(None, overtime_rest_day=False), "WP", "worked 2:00 overtime 0", ""),
    ("nothing was planned", "", plan(None, planned=False), "NP", "planned 0", ""),
    ("work without a plan is work", "10:00-12:00", plan(None, planned=False), "P", "worked 2:00 overtime 0 paid 2:00", ""),
    ("a holiday is paid", "", plan(FULL, holiday="Labour Day"), "H", "planned 0 holiday 8:00 paid 8:00", "holiday"),
    ("a holiday on a day off is not", "", plan(None, holiday="Labour Day"), "H", "holiday 0 paid 0", "holiday"),
    ("work on a holiday is overtime on top", "08:00-10:00", plan(FULL, holiday="Labour Day"), "HP", "worked 2:00 overtime_holiday 2:00 holiday 8:00 paid 10:00", "overtime_holiday"),
    ("a short day before a holiday", "08:00-12:00", plan(FULL, holiday="Christmas Eve", short=True), "P", "planned 4:00 worked 4:00 early 0 holiday 4:00 paid 8:00", "short_holiday"),
    ("a day of leave", "", plan(FULL, leave=(Leave("UL"),)), "L", "planned 0 leave 8:00 paid 8:00", "leave"),
    ("unpaid leave", "", plan(FULL, leave=(Leave("LWP", paid=False),)), "L", "leave 0 paid 0", "leave"),
    ("half a day of leave, the other half worked", "12:00-16:00", plan(FULL, leave=(HALF,)), "HL", "planned 4:00 worked 4:00 late 0 leave 4:00 paid 8:00", "leave"),
    ("half a day of leave, the other half missing", "", plan(FULL, leave=(HALF,)), "A", "worked 0 leave 4:00 paid 4:00", "leave absent"),
    ("two halves make a day of leave", "", plan(FULL, leave=(HALF, Leave("SL", "second_half"))), "L", "leave 8:00", "leave"),
    ("leave on a holiday takes nothing", "", plan(FULL, holiday="Labour Day", leave=(Leave("UL"),)), "H", "leave 0 holiday 8:00 paid 8:00", "holiday leave"),
    ("a night shift", "22:00-+06:00", plan(NIGHT), "P", "planned 8:00 worked 8:00 night 7:00", "night"),
    ("a split shift: the pause is no break", "10:00-14:00 17:00-21:00", plan(SPLIT), "P", "worked 8:00 break_taken 0 late 0 early 0", "shift"),
    ("late to the second part of a split shift", "10:00-14:00 17:30-21:00", plan(SPLIT), "P", "worked 7:30 late 0:30", "late"),
    ("a flexible day", "09:13-12:00 12:45-18:00", plan(FLEX), "P", "planned 8:00 worked 8:02 late 0 early 0 overtime 0:02 break_deducted 0:45", "break_actual"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("about", "made", "held", "status", "figures", "steps"), ROWS, ids=[row[0] for row in ROWS]
)
def test_a_day(about: str, made: str, held: Plan, status: str, figures: str, steps: str) -> None:
    found = worked_out(made, held)
    words = figures.split()
    wanted = dict(zip(words[::2], map(minutes, words[1::2]), strict=True))
    assert (found.status, {name: found[name] for name in wanted}) == (status, wanted)
    assert set(steps.split()) <= codes(found)


def test_every_status_figure_and_step_has_a_row() -> None:
    steps = {code for row in ROWS for code in row[5].split()}
    named = {name for row in ROWS for name in row[4].split()[::2]}
    # What only a week can tell has its table in test_weeks.py.
    assert set(WORDS) - steps == {"overtime_weekly"}
    assert set(FIGURES) - named == {"overtime_weekly"}
    assert set(STATUSES) == {row[3] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_step_reads_as_a_sentence(row: tuple[str, str, Plan, str, str, str]) -> None:
    for step in worked_out(row[1], row[2]).steps:
        said = sentence(step.code, step.values)
        assert said.endswith(".")
        assert "{" not in said


@pytest.mark.parametrize(
    ("day", "worked"),
    [(date(2026, 3, 28), 7 * 60), (date(2026, 10, 24), 9 * 60), (MONDAY, 8 * 60)],
    ids=["clocks go forward", "clocks go back", "an ordinary night"],
)
def test_a_night_shift_lasts_as_long_as_the_night_did(day: date, worked: int) -> None:
    found = worked_out("22:00-+06:00", plan(NIGHT), day)
    assert found["worked"] == worked
    assert found["night"] == worked - 60
    assert found["late"] == found["early"] == 0


def test_a_night_that_begins_before_midnight_or_after_it() -> None:
    day = agreed(FLEX, night_begins=time(0), night_ends=time(4))
    assert worked_out("21:00-+02:00", day)["night"] == 120
    assert worked_out("01:00-05:00", day)["night"] == 180
    assert worked_out("20:00-+06:00", agreed(FLEX, night_begins=time(5), night_ends=time(5)))["night"] == 0


def test_the_zone_of_the_site_says_when_a_shift_begins() -> None:
    assert worked_out("08:00-16:00", Plan(zone=BERLIN, shift=FULL, rules=plan().rules))["late"] == 0
