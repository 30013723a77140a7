"""Who should work when: roster before person before department, patterns that rotate, rules by date."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from access.hours import plans, shifts
from access.hours.plans import Plan, Plans
from access.models import (
    Assignment,
    Department,
    Holiday,
    Pattern,
    PatternDay,
    Person,
    RosterEntry,
    RuleSet,
    RuleVersion,
    Shift,
    ShiftPart,
    Site,
)
from tests import factories

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


def shift(code: str, *times: tuple[int, int], **fields: Any) -> Shift:
    made = Shift.objects.create(name=f"Shift {code}", code=code, **fields)
    for begins, ends in times:
        ShiftPart.objects.create(shift=made, begins=time(begins % 24), ends=time(ends % 24))
    return made


@pytest.fixture
def works(db: None) -> Site:
    return factories.site()


@pytest.fixture
def rules(db: None) -> RuleSet:
    made = RuleSet.objects.create(name="House rules")
    RuleVersion.objects.create(rule_set=made, valid_from=date(2026, 1, 1))
    RuleVersion.objects.create(rule_set=made, valid_from=MONDAY, grace_in_minutes=10)
    return made


@pytest.fixture
def worker(db: None) -> Person:
    return factories.person(department=Department.objects.create(name="Works"))


def assign(rules: RuleSet, works: Site, **fields: Any) -> Assignment:
    made = Assignment(**({"rules": rules, "site": works, "first": date(2026, 1, 1)} | fields))
    made.full_clean()
    made.save()
    return made


def plan(person: Person, day: date) -> Plan:
    return Plans([person.pk], day, day).of(person.pk, day)


def code(person: Person, day: date) -> str | None:
    found = plan(person, day).shift
    return found.code if found else None


def test_the_roster_beats_the_person_and_the_person_beats_the_department(
    worker: Person, rules: RuleSet, works: Site
) -> None:
    early, late, night = shift("E", (6, 14)), shift("L", (14, 22)), shift("N", (22, 6))
    assert (code(worker, MONDAY), plan(worker, MONDAY).planned) == (None, False)
    assign(rules, works, department=worker.department, shift=early)
    assert code(worker, MONDAY) == "E"
    assign(rules, works, person=worker, shift=late)
    assert code(worker, MONDAY) == "L"
    RosterEntry.objects.create(person=worker, day=MONDAY, shift=night)
    RosterEntry.objects.create(person=worker, day=MONDAY + DAY)
    assert [code(worker, MONDAY + n * DAY) for n in range(3)] == ["N", None, "L"]
    assert plan(worker, MONDAY + DAY).planned


def test_of_several_assignments_the_last_to_begin_holds_until_it_ends(
    worker: Person, rules: RuleSet, works: Site
) -> None:
    assign(rules, works, person=worker, shift=shift("E", (6, 14)))
    assign(rules, works, person=worker, shift=shift("L", (14, 22)), first=MONDAY, last=MONDAY + DAY)
    days = [MONDAY + n * DAY for n in (-3, 0, 1, 2)]
    assert [code(worker, day) for day in days] == ["E", "L", "L", "E"]


def test_a_shift_is_worked_on_its_weekdays_only(worker: Person, rules: RuleSet, works: Site) -> None:
    assign(rules, works, person=worker, shift=shift("E", (6, 14)), weekdays=[1, 3, 7])
    assert [code(worker, MONDAY + n * DAY) for n in range(7)] == ["E", None, "E", None, None, None, "E"]


def test_a_pattern_rotates_from_its_anchor_and_crews_follow_each_other(
    worker: Person, rules: RuleSet, works: Site
) -> None:
    early, night = shift("E", (6, 14)), shift("N", (22, 6))
    cycle = Pattern.objects.create(name="2-1-1", anchor=MONDAY)
    for position, planned in enumerate([early, early, night, None], start=1):
        PatternDay.objects.create(pattern=cycle, position=position, shift=planned)
    assign(rules, works, person=worker, pattern=cycle)
    assert [code(worker, MONDAY + n * DAY) for n in range(-2, 5)] == ["N", None, "E", "E", "N", None, "E"]
    other = factories.person()
    assign(rules, works, person=other, pattern=cycle, offset=2)
    assert [code(other, MONDAY + n * DAY) for n in range(3)] == ["N", None, "E"]


def test_a_pattern_without_days_plans_nothing(worker: Person, rules: RuleSet, works: Site) -> None:
    empty = Pattern.objects.create(name="Empty", anchor=MONDAY)
    assign(rules, works, person=worker, pattern=empty)
    assert code(worker, MONDAY) is None


def test_rules_hold_from_their_date(worker: Person, rules: RuleSet, works: Site) -> None:
    assign(rules, works, person=worker, first=date(2025, 1, 1))
    found = [plan(worker, day).rules for day in (MONDAY, MONDAY - DAY, date(2025, 6, 1))]
    assert [one.grace_in_minutes if one else None for one in found] == [10, 5, None]


def test_holidays_are_those_of_the_site(worker: Person, rules: RuleSet, works: Site) -> None:
    assign(rules, works, person=worker)
    Holiday.objects.create(site=works, day=date(2020, 3, 2), name="Founding", yearly=True)
    Holiday.objects.create(site=works, day=date(2020, 2, 29), name="Leap", yearly=True)
    Holiday.objects.create(site=works, day=MONDAY + DAY, name="Half", short=True)
    Holiday.objects.create(site=factories.site(), day=MONDAY + 2 * DAY, name="Elsewhere")
    found = Plans([worker.pk], date(2019, 1, 1), date(2028, 12, 31))
    assert found.of(worker.pk, MONDAY).holiday == "Founding"
    assert found.of(worker.pk, date(2019, 3, 2)).holiday == ""
    assert found.of(worker.pk, date(2028, 2, 29)).holiday == "Leap"
    half = found.of(worker.pk, MONDAY + DAY)
    assert (half.holiday, half.short) == ("Half", True)
    assert found.of(worker.pk, MONDAY + 2 * DAY).holiday == ""


def test_plans_of_many_take_as_many_queries_as_of_one(
    rules: RuleSet, works: Site, django_assert_num_queries: Any
) -> None:
    crew = [factories.person(consented=False) for _ in range(30)]
    early = shift("E", (6, 14))
    for one in crew:
        assign(rules, works, person=one, shift=early)
    with django_assert_num_queries(10):
        found = Plans([one.pk for one in crew], MONDAY, MONDAY + 30 * DAY)
        assert all(found.of(one.pk, MONDAY).shift == early for one in crew)


@pytest.mark.parametrize(
    ("times", "minutes", "possible"),
    [
        ([(8, 17)], [(480, 1020)], True),
        ([(22, 6)], [(1320, 1800)], True),
        ([(6, 10), (16, 20)], [(360, 600), (960, 1200)], True),
        ([(20, 0), (2, 6)], [(1200, 1440), (1560, 1800)], True),
        ([(8, 8)], [(480, 1920)], True),
        ([(8, 17), (9, 12)], [(480, 1020), (1980, 2160)], False),
        ([], [], False),
    ],
    ids=["day", "night", "split", "split over midnight", "24 hours", "overlapping", "none"],
)
def test_parts_of_a_shift_lie_one_after_the_other(
    times: list[tuple[int, int]], minutes: list[tuple[int, int]], possible: bool
) -> None:
    given = [(time(begins), time(ends)) for begins, ends in times]
    assert shifts.spans(given) == minutes
    assert shifts.in_order(given) is possible


def test_the_planned_end_of_a_night_shift_is_on_the_next_morning(
    worker: Person, rules: RuleSet, works: Site
) -> None:
    assign(rules, works, person=worker, shift=shift("N", (22, 6)))
    end = plans.planned_end(worker, MONDAY)
    assert end is not None
    assert end.isoformat() == "2026-03-03T06:00:00+01:00"
    assert plans.planned_end(worker, MONDAY + 5 * DAY) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"person": True, "department": True},
        {"person": True, "shift": True, "pattern": True},
        {"person": True, "last": date(2025, 1, 1)},
        {"person": True, "weekdays": [0]},
    ],
    ids=["nobody", "both", "two plans", "ends before", "no such day"],
)
def test_an_assignment_that_cannot_be_is_refused_with_a_reason(
    worker: Person, rules: RuleSet, works: Site, wrong: dict[str, Any]
) -> None:
    rows = {
        "person": worker,
        "department": worker.department,
        "shift": shift("E", (6, 14)),
        "pattern": Pattern.objects.create(name="P", anchor=MONDAY),
    }
    fields = {key: rows[key] if value is True else value for key, value in wrong.items()}
    with pytest.raises(ValidationError):
        assign(rules, works, **fields)
