"""Shifts, patterns, assignments and rules on screen: what cannot be worked is refused, used rules stay."""

from datetime import date, time
from typing import Any

import pytest
from django.test import Client

from access.models import Assignment, Pattern, RuleSet, RuleVersion, Shift, WorkDay
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def rows(prefix: str, *given: dict[str, Any]) -> dict[str, Any]:
    """The fields of an inline as a browser sends them."""
    values: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(given), f"{prefix}-INITIAL_FORMS": 0}
    for number, row in enumerate(given):
        values |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return values


def add_shift(office: Client, *times: tuple[str, str], **fields: Any) -> Any:
    values = {"name": "Late", "code": "L", "kind": "fixed", "active": "on", "target_minutes": 480}
    values |= {"window_before_minutes": 60, "window_after_minutes": 120} | fields
    parts = [{"begins": begins, "ends": ends} for begins, ends in times]
    breaks = rows("breaks", {"minutes": 30})
    return office.post("/admin/access/shift/add/", values | rows("parts", *parts) | breaks)


def test_a_shift_is_made_with_its_times_and_breaks(office: Client) -> None:
    assert add_shift(office, ("14:00", "22:00")).status_code == 302
    made = Shift.objects.get()
    assert [(part.begins, part.ends) for part in made.parts.all()] == [(time(14), time(22))]
    assert [(one.minutes, one.paid) for one in made.breaks.all()] == [(30, False)]
    listed = office.get("/admin/access/shift/").content.decode()
    assert "14:00–22:00" in listed
    assert "7:30" in listed


@pytest.mark.parametrize("times", [(), (("08:00", "17:00"), ("09:00", "12:00"))], ids=["none", "overlapping"])
def test_a_fixed_shift_that_cannot_be_worked_is_refused(office: Client, times: Any) -> None:
    assert add_shift(office, *times).status_code == 200
    assert not Shift.objects.exists()


def test_a_flexible_shift_needs_no_times(office: Client) -> None:
    assert add_shift(office, kind="flexible").status_code == 302
    assert Shift.objects.get().kind == "flexible"


def test_a_pattern_is_made_day_by_day(office: Client) -> None:
    early = Shift.objects.create(name="Early", code="E")
    page = office.get("/admin/access/pattern/add/").content.decode()
    assert 'value="7"' in page
    values = {"name": "Two and one", "anchor": "2026-03-02"}
    days = [
        {"position": 1, "shift": early.pk},
        {"position": 2, "shift": early.pk},
        {"position": 3, "shift": ""},
    ]
    office.post("/admin/access/pattern/add/", values | rows("days", *days))
    made = Pattern.objects.get()
    assert [day.shift_id for day in made.days.all()] == [early.pk, early.pk, None]
    assert "E E ·" in office.get("/admin/access/pattern/").content.decode()


def test_an_assignment_is_made_with_its_weekdays(office: Client, cast: Cast) -> None:
    early = Shift.objects.create(name="Early", code="E")
    rules = RuleSet.objects.create(name="House")
    values = {
        "person": cast.alice.pk, "department": "", "site": cast.site.pk, "rules": rules.pk, "shift": early.pk,
        "weekdays": [1, 6], "pattern": "", "offset": 0, "first": "2026-03-02", "last": "",
    }  # fmt: skip
    answer = office.post("/admin/access/assignment/add/", values)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Assignment.objects.get().weekdays == [1, 6]
    assert "Mo Sa" in office.get("/admin/access/assignment/").content.decode()
    refused = office.post("/admin/access/assignment/add/", values | {"person": ""})
    assert refused.status_code == 200


def test_rules_that_were_used_are_followed_by_a_new_version_and_not_edited(office: Client) -> None:
    house = RuleSet.objects.create(name="House")
    first = RuleVersion.objects.create(rule_set=house, valid_from=date(2026, 1, 1), grace_in_minutes=7)
    address = f"/admin/access/ruleversion/{first.pk}/change/"
    assert 'name="grace_in_minutes"' in office.get(address).content.decode()
    WorkDay.objects.create(person=factories.person(), day=date(2026, 1, 5), status="present", rules=first)
    assert 'name="grace_in_minutes"' not in office.get(address).content.decode()
    assert office.post(address, {"grace_in_minutes": 99}).status_code == 403
    form = office.get(f"/admin/access/ruleversion/{first.pk}/follow", follow=True)
    initial = form.context["adminform"].form.initial
    assert (initial["grace_in_minutes"], initial["rule_set"]) == (7, house.pk)
    assert "valid_from" not in initial
