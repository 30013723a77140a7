"""A day with its explanation, a month, proposals and payroll on screen; each for one's own people."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access import attendance
from access.hours import ledger
from access.models import (
    Assignment,
    Correction,
    Department,
    PayrollPeriod,
    Person,
    Proposal,
    Punch,
    RuleSet,
    RuleVersion,
    Staff,
    WorkDay,
)
from tests.access.hours.test_plans import shift
from tests.factories import Cast

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


def punch(person: Person, day: date, clock: str, direction: str) -> Punch:
    at = datetime.fromisoformat(f"{day}T{clock}:00+01:00")
    return attendance.note_punch(person, at=at, direction=direction, origin=f"{person.pk}:{at}")


@pytest.fixture
def alice(cast: Cast) -> Person:
    """Works from 8 to 16; on Monday she came late, and stayed until 18."""
    rules = RuleSet.objects.create(name="House rules")
    RuleVersion.objects.create(rule_set=rules, valid_from=date(2026, 1, 1))
    Assignment.objects.create(
        person=cast.alice, site=cast.site, rules=rules, shift=shift("D", (8, 16)), first=date(2026, 1, 1)
    )
    punch(cast.alice, MONDAY, "08:20", "in")
    punch(cast.alice, MONDAY, "18:00", "out")
    return cast.alice


def closed(person: Person) -> None:
    ledger.refresh([person.pk], MONDAY, MONDAY + 4 * DAY)
    ledger.close(MONDAY + 4 * DAY, [person.pk])


def proposed(person: Person) -> Proposal:
    closed(person)
    punch(person, MONDAY, "19:00", "out")
    Correction.objects.create(
        person=person,
        day=MONDAY,
        punch=Punch.objects.get(person=person, at__hour=17),
        reason="x",
        state="approved",
    )
    ledger.refresh([person.pk], MONDAY, MONDAY)
    return Proposal.objects.get(state="open")


def test_a_day_is_explained_from_its_figures_to_its_punches_and_rules(office: Client, alice: Person) -> None:
    page = office.get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").content.decode()
    for told in ("present", "provisional", "9:40 h", "1:40 h", "08:20:00", "18:00:00", "Late by 0:20 h"):
        assert told in page, told
    rules = RuleVersion.objects.get()
    assert f"/admin/access/ruleversion/{rules.pk}/change/" in page
    assert f"/admin/access/punch/{Punch.objects.earliest('at').pk}/change/" in page
    assert f"/admin/access/correction/add/?person={alice.pk}&amp;day=2026-03-02" in page
    assert WorkDay.objects.filter(person=alice, day=MONDAY).exists()


def test_a_month_lists_its_days_and_adds_them_up(office: Client, alice: Person) -> None:
    closed(alice)
    page = office.get(f"/admin/access/workday/month/{alice.pk}/2026-03/").content.decode()
    assert "9:40" in page
    assert "40:00" in page
    assert f"/admin/access/workday/day/{alice.pk}/2026-03-03/" in page
    assert f"month/{alice.pk}/2026-02" in page
    assert f"month/{alice.pk}/2026-04" in page


@pytest.mark.parametrize("address", ["day/{}/2026-13-99/", "month/{}/2026-99/"])
def test_a_day_that_does_not_exist_is_not_found(office: Client, alice: Person, address: str) -> None:
    assert office.get(f"/admin/access/workday/{address.format(alice.pk)}").status_code == 404


def test_a_manager_sees_their_own_people_only(
    alice: Person, cast: Cast, login_with: Callable[..., Client]
) -> None:
    client = login_with("view_workday")
    clerk = Staff.objects.get(username__startswith="clerk")
    clerk.user_permissions.remove(Permission.objects.get(codename="reach_everybody"))
    closed(alice)
    assert client.get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").status_code == 404
    assert not client.get("/admin/access/workday/").context["cl"].queryset.exists()
    works = Department.objects.create(name="Works")
    works.managers.add(clerk)
    Person.objects.filter(pk=alice.pk).update(department=works)
    assert client.get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").status_code == 200
    assert client.get("/admin/access/workday/").context["cl"].queryset.count() == 5
    assert login_with().get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").status_code == 403


def test_a_line_of_the_list_leads_to_the_day(office: Client, alice: Person) -> None:
    closed(alice)
    row = WorkDay.objects.get(person=alice, day=MONDAY)
    answer = office.get(f"/admin/access/workday/{row.pk}/change/")
    assert answer.headers["Location"].endswith(f"/day/{alice.pk}/2026-03-02/")
    assert "9:40" in office.get("/admin/access/workday/?status=P").content.decode()


@pytest.mark.parametrize(("answer", "state", "worked"), [("yes", "accepted", 640), ("no", "rejected", 580)])
def test_a_proposed_change_is_shown_and_decided(
    office: Client, alice: Person, answer: str, state: str, worked: int
) -> None:
    found = proposed(alice)
    address = f"/admin/access/proposal/{found.pk}/change/"
    page = office.get(address).content.decode()
    assert "1 day changes" in page
    assert "+1:00 h worked, +1:00 h overtime" in page
    office.post(address, {"answer_is": answer, "answer": "Seen"})
    found.refresh_from_db()
    assert (found.state, found.note) == (state, "Seen")
    assert WorkDay.objects.get(person=alice, day=MONDAY).figures["worked"] == worked
    assert "answer_is" not in office.get(address).content.decode()


def test_several_proposals_are_accepted_at_once(office: Client, alice: Person) -> None:
    found = proposed(alice)
    values = {"action": "accept_chosen", "_selected_action": [found.pk]}
    office.post("/admin/access/proposal/", values)
    found.refresh_from_db()
    assert found.state == "accepted"


def test_a_period_is_locked_on_a_page_of_its_own(office: Client, alice: Person) -> None:
    period = PayrollPeriod.objects.create(name="Week 10", first=MONDAY, last=MONDAY + 6 * DAY)
    address = f"/admin/access/payrollperiod/{period.pk}/lock/"
    assert "for good" in office.get(address).content.decode()
    period.refresh_from_db()
    assert period.locked is None
    office.post(address)
    period.refresh_from_db()
    assert period.locked is not None
    assert "paid: Week 10" in office.get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").content.decode()
    assert (
        'name="first"' not in office.get(f"/admin/access/payrollperiod/{period.pk}/change/").content.decode()
    )


def test_a_period_with_changes_to_decide_is_not_locked_and_says_why(office: Client, alice: Person) -> None:
    proposed(alice)
    period = PayrollPeriod.objects.create(name="Week 10", first=MONDAY, last=MONDAY + 6 * DAY)
    page = office.post(f"/admin/access/payrollperiod/{period.pk}/lock/", follow=True).content.decode()
    assert "wait for a decision" in page
    period.refresh_from_db()
    assert period.locked is None


def test_what_changed_after_the_lock_is_listed_as_an_adjustment(office: Client, alice: Person) -> None:
    found = proposed(alice)
    Proposal.objects.filter(pk=found.pk).update(state="replaced")
    period = PayrollPeriod.objects.create(name="Week 10", first=MONDAY, last=MONDAY + 6 * DAY)
    WorkDay.objects.update(period=period)
    Proposal.objects.filter(pk=found.pk).update(state="open")
    office.post(f"/admin/access/proposal/{found.pk}/change/", {"answer_is": "yes", "answer": ""})
    assert "+1:00 h worked" in office.get("/admin/access/adjustment/").content.decode()
    assert (
        "Adjustments since"
        in office.get(f"/admin/access/workday/day/{alice.pk}/2026-03-02/").content.decode()
    )
