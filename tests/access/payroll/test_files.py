"""Payroll files against figures worked out by hand: what each row says, byte by byte."""

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from access.payroll import checks, files, layouts
from access.payroll.amounts import Account, by_kind
from access.payroll.files import Frame
from access.payroll.layouts import Column
from access.payroll.profiles import ADP, FIXED_WIDTH, GENERIC
from access.people import Department, Person

MARCH = Frame(date(2026, 3, 1), date(2026, 3, 31), serial=7, draft=False)
WORKS = Department(name="Works")

# Ten days of 8:20 h with 0:20 h overtime each, one day of leave (8 h), one holiday (8 h), 3:07 h at night:
# worked 5000, overtime 200, unapproved 30, so regular 5000 - 30 - 200 = 4770 minutes = 79.50 h.
FIGURES = {
    "worked": 5000,
    "overtime": 200,
    "overtime_1": 200,
    "overtime_unapproved": 30,
    "night": 187,
    "leave": 480,
    "holiday": 480,
    "paid": 5930,
}


def account(badge: str = "00017", name: str = "Alice Able", figures: dict[str, int] = FIGURES) -> Account:
    person = Person(pk=hash(badge) % 10_000, badge=badge, name=name, department=WORKS)
    return Account(person, by_kind(figures))


def lines(file: files.File) -> list[str]:
    return file.content.decode("utf-8-sig").splitlines()


def test_the_kinds_of_pay_add_up_to_what_is_paid() -> None:
    found = by_kind(FIGURES)
    assert found["regular"] + found["overtime"] + found["leave"] + found["holiday"] == found["paid"]


def test_decimal_hours_side_by_side_with_totals() -> None:
    bob = account("00018", "Bob Best", {"worked": 125, "paid": 125})
    file = files.render(GENERIC, [account(), bob], MARCH)
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert lines(file) == [
        "Employee,Name,Department,First day,Last day,Adjusts,Regular,Overtime,Night,Leave,Holiday,Paid",
        "00017,Alice Able,Works,2026-03-01,2026-03-31,,79.50,3.33,3.12,8.00,8.00,98.83",
        "00018,Bob Best,Works,2026-03-01,2026-03-31,,2.08,0.00,0.00,0.00,0.00,2.08",
        "Total,,,,,,81.58,3.33,3.12,8.00,8.00,100.91",
    ]
    assert file.totals["Paid"] == Decimal("100.91")
    assert file.people == 2


def test_adp_begins_with_its_three_columns_and_is_named_by_company_and_number() -> None:
    file = files.render(replace(ADP, company="ABC"), [account()], MARCH)
    assert file.name == "EPIABC07.csv"
    assert file.content.decode() == (
        "Co Code,Batch ID,File #,Reg Hours,O/T Hours,Hours 3 Code,Hours 3 Amount,"
        "Hours 4 Code,Hours 4 Amount\r\n"
        "ABC,2026-03-31,000017,79.50,3.33,VAC,8.00,HOL,8.00\r\n"
    )


def test_a_pay_code_stands_only_beside_hours() -> None:
    file = files.render(ADP, [account(figures={"worked": 60, "paid": 60})], MARCH)
    assert lines(file)[1] == ",2026-03-31,000017,1.00,,,,,"


def test_fixed_width_has_a_row_for_each_pay_code_and_every_row_is_as_long() -> None:
    file = files.render(FIXED_WIDTH, [account()], MARCH)
    assert lines(file) == [
        "E0000000017Works       REG   000079502026030120260331",
        "E0000000017Works       OT    000003332026030120260331",
        "E0000000017Works       VAC   000008002026030120260331",
        "E0000000017Works       HOL   000008002026030120260331",
    ]
    assert file.totals == {"REG": Decimal("79.50"), "OT": Decimal("3.33"), "VAC": 8, "HOL": 8}


def test_kinds_under_the_same_code_are_one_row() -> None:
    layout = replace(FIXED_WIDTH, codes=(("overtime_1", "OT"), ("overtime_rest", "OT")))
    both = account(figures={"overtime_1": 60, "overtime_rest": 90})
    assert files.render(layout, [both], MARCH).totals == {"OT": Decimal("2.50")}


@pytest.mark.parametrize(
    ("minutes", "places", "expected"),
    [(500, 2, "8.33"), (505, 2, "8.42"), (510, 2, "8.50"), (-20, 2, "-0.33"), (1, 2, "0.02"), (510, 0, "9")],
)
def test_hours_are_rounded_half_up(minutes: int, places: int, expected: str) -> None:
    assert str(files.decimal_hours(minutes, places)) == expected


def test_other_countries_write_a_comma_and_part_by_semicolons() -> None:
    layout = replace(GENERIC, mark=",", separator=";", totals=False)
    assert lines(files.render(layout, [account()], MARCH))[1].startswith("00017;Alice Able;Works;")
    assert ";79,50;3,33;" in lines(files.render(layout, [account()], MARCH))[1]


def test_an_adjustment_has_its_own_row_or_is_added() -> None:
    alice = account(figures={"worked": 600, "paid": 600})
    alice.adjustments[3] = (date(2026, 2, 10), by_kind({"worked": -90, "overtime": -30, "paid": -90}))
    apart = lines(files.render(replace(GENERIC, totals=False), [alice], MARCH))
    assert apart[1].endswith(",,10.00,0.00,0.00,0.00,0.00,10.00")
    assert apart[2].endswith(",2026-02-10,-1.00,-0.50,0.00,0.00,0.00,-1.50")
    added = lines(files.render(replace(GENERIC, totals=False, apart=False), [alice], MARCH))
    assert len(added) == 2
    assert added[1].endswith(",,9.00,-0.50,0.00,0.00,0.00,8.50")


def test_a_name_that_begins_like_a_formula_stays_a_name() -> None:
    evil = account("-1+1", "=HYPERLINK(1)")
    row = lines(files.render(replace(GENERIC, totals=False), [evil], MARCH))[1]
    assert row.startswith("'-1+1,'=HYPERLINK(1),Works")


def test_who_has_no_hours_has_no_row() -> None:
    assert files.render(GENERIC, [account(figures={"late": 5})], MARCH).rows == []


def test_a_draft_says_so_in_its_name() -> None:
    assert files.name_of(ADP, replace(MARCH, draft=True)).startswith("DRAFT-")


def test_a_layout_is_read_back_as_it_was_kept() -> None:
    for layout in (GENERIC, ADP, FIXED_WIDTH):
        assert layouts.read(layout.as_json()) == layout


def test_cut_names_and_whole_codes() -> None:
    name, code = Column("", "name", width=5), Column("", "employee", width=3)
    assert files.fitted(name, "Alexander") == "Alexa"
    assert files.fits(FIXED_WIDTH, name, "Alexander")
    assert not files.fits(FIXED_WIDTH, code, "00017")


# --- What is odd ----------------------------------------------------------------------------------------


def kinds(layout: layouts.Layout, *people: Account) -> list[tuple[str, bool]]:
    return [(str(one.kind), one.left_out) for one in checks.find(layout, people, MARCH)]


def test_nothing_is_odd_about_an_ordinary_month() -> None:
    assert kinds(GENERIC, account()) == []


def test_without_an_employee_code_somebody_is_left_out() -> None:
    assert kinds(replace(GENERIC, code_from="payroll_number"), account()) == [("no_code", True)]


def test_two_with_the_same_code_are_both_left_out() -> None:
    found = kinds(replace(ADP, code_length=6), account("17"), account("0017", "Bob"))
    assert found == [("same_code", True), ("same_code", True)]


def test_a_code_too_long_for_its_column_is_left_out() -> None:
    assert kinds(ADP, account("1234567")) == [("too_wide", True)]


def test_hours_too_long_for_their_column_are_left_out() -> None:
    narrow = replace(
        FIXED_WIDTH, columns=(Column("Code", "employee", width=10), Column("h", "hours", width=3))
    )
    assert kinds(narrow, account(figures={"worked": 6000, "paid": 6000})) == [("too_wide", True)]


def test_less_than_nothing_a_long_day_and_missed_punches_are_told() -> None:
    odd = account(figures={"worked": -60, "paid": -60})
    odd.worked = {date(2026, 3, 2): 15 * 60, date(2026, 3, 3): 14 * 60}
    odd.missed, odd.not_closed, odd.proposed = [date(2026, 3, 4)], [date(2026, 3, 31)], True
    found = checks.find(GENERIC, [odd], MARCH)
    assert [(one.kind, one.text) for one in found][:4] == [
        ("negative", "regular hours −1:00 h, all that is paid −1:00 h"),
        ("long_day", "2 Mar: 15:00 h"),
        ("missed", "4 Mar"),
        ("not_closed", "31 Mar"),
    ]
    assert [one.kind for one in found][4:] == ["proposed"]


def test_paid_time_that_the_file_has_no_place_for_is_told() -> None:
    layout = replace(ADP, columns=ADP.columns[:4])
    told = [(one.kind, one.text) for one in checks.find(layout, [account()], MARCH)]
    assert told == [
        ("not_carried", "overtime, all kinds 3:20 h"),
        ("not_carried", "paid leave 8:00 h"),
        ("not_carried", "holiday not worked 8:00 h"),
    ]


def test_a_split_of_overtime_has_to_be_whole() -> None:
    layout = replace(
        FIXED_WIDTH, codes=(("regular", "R"), ("overtime_1", "O"), ("leave", "V"), ("holiday", "H"))
    )
    assert kinds(layout, account()) == []
    rest = account(figures={"worked": 120, "overtime": 120, "overtime_rest": 120, "paid": 120})
    assert kinds(layout, rest) == [("not_carried", False)]


def test_the_total_keeps_what_is_less_than_nothing() -> None:
    one = account(figures={})
    one.adjustments[1] = (date(2026, 2, 1), Counter({"regular": -5}))
    assert one.total == {"regular": -5}
