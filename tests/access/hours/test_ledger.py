"""Working days follow the facts until they are closed; then nothing is rewritten that nobody accepted."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access import attendance
from access.hours import corrections, ledger, loading, payroll, proposals, today, workdays
from access.hours.requests import AlreadyDecided, NotYours, State
from access.models import (
    Adjustment,
    Assignment,
    Correction,
    PayrollPeriod,
    Person,
    Proposal,
    Punch,
    RuleSet,
    RuleVersion,
    Shift,
    Site,
    Staff,
    WorkDay,
)
from tests import factories
from tests.access.hours.test_plans import shift
from workers import housekeeping

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
FRIDAY = MONDAY + 4 * DAY
Came = Callable[..., Punch]


@pytest.fixture
def rules(db: None) -> RuleSet:
    made = RuleSet.objects.create(name="House rules")
    RuleVersion.objects.create(rule_set=made, valid_from=date(2026, 1, 1))
    return made


@pytest.fixture
def worker(rules: RuleSet) -> Person:
    """Works from 8 to 16 in Berlin, Monday to Friday."""
    person = factories.person(consented=False)
    site: Site = factories.site()
    Assignment.objects.create(
        person=person, site=site, rules=rules, shift=shift("D", (8, 16)), first=date(2026, 1, 1)
    )
    return person


@pytest.fixture
def boss(db: None) -> Staff:
    return Staff.objects.create_superuser("boss", password=None)


def punch(person: Person, day: date, clock: str, direction: str = "in") -> Punch:
    at = datetime.fromisoformat(f"{day}T{clock}:00+01:00")
    return attendance.note_punch(person, at=at, direction=direction, origin=f"{person.pk}:{at}")


def whole_day(person: Person, day: date, until: str = "16:00") -> None:
    punch(person, day, "08:00")
    punch(person, day, until, "out")


def refresh(person: Person, first: date = MONDAY, last: date = FRIDAY) -> ledger.Tally:
    return ledger.refresh([person.pk], first, last)


def stands(person: Person) -> list[tuple[str, int]]:
    days = WorkDay.objects.filter(person=person).order_by("day")
    return [(day.status, day.figures.get("worked", 0)) for day in days]


def content(person: Person) -> list[Any]:
    return list(
        WorkDay.objects.filter(person=person).order_by("day").values_list("day", "digest", "computed")
    )


# --- Until they are closed --------------------------------------------------------------------------


def test_days_are_worked_out_and_refreshing_again_changes_nothing(worker: Person) -> None:
    whole_day(worker, MONDAY)
    assert refresh(worker).new == 5
    assert stands(worker) == [("P", 480), *[("A", 0)] * 4]
    before = content(worker)
    assert refresh(worker) == ledger.Tally()
    assert content(worker) == before


def test_an_open_day_follows_its_punches(worker: Person) -> None:
    punch(worker, MONDAY, "08:00")
    refresh(worker)
    assert stands(worker)[0] == ("M", 0)
    punch(worker, MONDAY, "16:00", "out")
    assert refresh(worker).updated == 1
    assert stands(worker)[0] == ("P", 480)
    assert not Proposal.objects.exists()


def test_a_day_still_going_on_is_neither_absent_nor_missed(worker: Person) -> None:
    punch(worker, MONDAY, "08:00")
    noon = datetime.fromisoformat("2026-03-02T12:00:00+01:00")
    found = list(loading.compute([worker.pk], MONDAY, MONDAY + DAY, now=noon))
    assert [one.status for one in found] == [workdays.OPEN, workdays.OPEN]
    assert "missed" not in found[0].figures


def test_a_day_without_plan_and_punches_is_not_kept(rules: RuleSet) -> None:
    nobody = factories.person(consented=False)
    refresh(nobody)
    assert not WorkDay.objects.exists()
    punch(nobody, MONDAY, "08:00")
    refresh(nobody)
    assert WorkDay.objects.count() == 1


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    moments=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1439)), max_size=10, unique=True),
    seed=st.integers(0, 99),
)
def test_the_order_in_which_punches_arrive_changes_nothing(
    rules: RuleSet, moments: list[tuple[int, int]], seed: int
) -> None:
    site, early = factories.site(), shift(f"{Shift.objects.count()}", (8, 16))
    results = []
    for order in (moments, random.Random(seed).sample(moments, len(moments))):
        person = factories.person(consented=False)
        Assignment.objects.create(person=person, site=site, rules=rules, shift=early, first=date(2026, 1, 1))
        for day, minute in order:
            punch(person, MONDAY + day * DAY, f"{minute // 60:02}:{minute % 60:02}")
        refresh(person)
        results.append(
            [(day.status, day.figures) for day in WorkDay.objects.filter(person=person).order_by("day")]
        )
    assert results[0] == results[1]


# --- Once they are closed ---------------------------------------------------------------------------


@pytest.fixture
def closed(worker: Person) -> Person:
    """A week of whole days, closed."""
    for n in range(5):
        whole_day(worker, MONDAY + n * DAY)
    refresh(worker)
    assert ledger.close(FRIDAY, [worker.pk]) == 5
    return worker


def late_overtime(person: Person) -> Proposal:
    """Two hours on Monday that nobody knew of when the day was closed."""
    corrected = Punch.objects.get(person=person, at__date=MONDAY, direction="out")
    attendance.note_late(
        person,
        at=corrected.at + timedelta(hours=2),
        origin="late",
        direction="out",
        clock_ahead=timedelta(0),
    )
    Correction.objects.create(person=person, day=MONDAY, punch=corrected, reason="x", state=State.APPROVED)
    tally = refresh(person)
    assert (tally.updated, tally.proposed, tally.people) == (0, 1, 1)
    return Proposal.objects.get(person=person, state="open")


def test_a_late_punch_proposes_a_change_and_rewrites_nothing(closed: Person) -> None:
    before = content(closed)
    found = late_overtime(closed)
    assert content(closed) == before
    assert list(found.changes) == ["2026-03-02"]
    assert (found.days, found.difference["overtime"], found.difference["worked"]) == (1, 120, 120)


def test_proposing_twice_proposes_once(closed: Person) -> None:
    first = late_overtime(closed)
    refresh(closed)
    assert list(Proposal.objects.all()) == [first]


def test_an_accepted_change_holds_and_the_rest_stays(closed: Person, boss: Staff) -> None:
    proposals.accept(late_overtime(closed), by=boss, note="Seen")
    assert stands(closed) == [("P", 600), *[("P", 480)] * 4]
    assert refresh(closed) == ledger.Tally()
    decided = Proposal.objects.get()
    assert (decided.state, decided.decided_by, decided.note) == ("accepted", boss, "Seen")


def test_a_rejected_change_is_not_proposed_again_unless_the_facts_change(closed: Person, boss: Staff) -> None:
    proposals.reject(late_overtime(closed), by=boss)
    assert stands(closed)[0] == ("P", 480)
    assert refresh(closed).proposed == 0
    corrections.decide(
        corrections.ask(
            Correction(
                person=closed,
                day=MONDAY,
                at=datetime.fromisoformat("2026-03-02T19:00:00+01:00"),
                direction="out",
                reason="Longer",
                punch=Punch.objects.get(origin="late"),
            ),
            by=boss,
        ),
        State.APPROVED,
        by=boss,
    )
    assert refresh(closed).proposed == 1
    assert Proposal.objects.get(state="open").difference["overtime"] == 180


def test_a_proposal_that_is_no_longer_needed_goes(closed: Person) -> None:
    late_overtime(closed)
    Correction.objects.update(state=State.WITHDRAWN)
    Correction.objects.create(
        person=closed, day=MONDAY, punch=Punch.objects.get(origin="late"), reason="x", state=State.APPROVED
    )
    refresh(closed)
    assert not Proposal.objects.filter(state="open").exists()


def test_a_look_at_other_days_keeps_what_was_proposed(closed: Person) -> None:
    first = late_overtime(closed)
    refresh(closed, MONDAY + DAY, FRIDAY)
    assert Proposal.objects.get(state="open") == first


def test_a_proposal_is_decided_once_and_not_when_outdated(closed: Person, boss: Staff) -> None:
    found = late_overtime(closed)
    other = Staff.objects.create_user("other", password=None, is_staff=True)
    with pytest.raises(NotYours):
        proposals.accept(found, by=other)
    WorkDay.objects.filter(person=closed, day=MONDAY).update(digest="another")
    with pytest.raises(proposals.Outdated):
        proposals.accept(found, by=boss)
    assert Proposal.objects.get().state == "open"
    proposals.reject(found, by=boss)
    with pytest.raises(AlreadyDecided):
        proposals.accept(found, by=boss)


def test_new_rules_propose_what_they_change(closed: Person, rules: RuleSet) -> None:
    RuleVersion.objects.create(
        rule_set=rules, valid_from=MONDAY + 2 * DAY, breaks="allowance", break_minutes=30
    )
    assert refresh(closed).proposed == 3
    found = Proposal.objects.get()
    assert found.difference["worked"] == -90
    assert stands(closed) == [("P", 480)] * 5


def test_new_words_for_the_same_figures_are_no_change(closed: Person, rules: RuleSet) -> None:
    RuleVersion.objects.create(rule_set=rules, valid_from=MONDAY, grace_in_minutes=1)
    assert refresh(closed).proposed == 0


# --- Payroll ----------------------------------------------------------------------------------------


@pytest.fixture
def period(db: None) -> PayrollPeriod:
    return PayrollPeriod.objects.create(name="Week 10", first=MONDAY, last=FRIDAY)


def test_a_locked_period_freezes_its_days_in_the_database(
    closed: Person, period: PayrollPeriod, boss: Staff
) -> None:
    locked = ledger.lock(period, by=boss)
    assert (locked.locked_by, WorkDay.objects.filter(period=locked).count()) == (boss, 5)
    for change in ({"status": "A"}, {"figures": {}}, {"period": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WorkDay.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkDay.objects.all().delete()
    with pytest.raises(payroll.NotYet):
        ledger.lock(period, by=boss)


def test_what_changes_after_the_lock_is_an_adjustment_paid_with_the_next_period(
    closed: Person, period: PayrollPeriod, boss: Staff
) -> None:
    ledger.lock(period, by=boss)
    proposals.accept(late_overtime(closed), by=boss)
    assert stands(closed)[0] == ("P", 480)
    line = Adjustment.objects.get()
    assert (line.difference["overtime"], line.paid_in) == (120, None)
    assert refresh(closed) == ledger.Tally()
    later = PayrollPeriod.objects.create(name="Week 11", first=FRIDAY + DAY, last=FRIDAY + 7 * DAY)
    ledger.lock(later, by=boss)
    line.refresh_from_db()
    assert line.paid_in == later


def test_a_period_is_not_locked_while_changes_wait_or_before_it_is_over(
    closed: Person, period: PayrollPeriod, boss: Staff
) -> None:
    late_overtime(closed)
    with pytest.raises(payroll.NotYet, match="wait"):
        ledger.lock(period, by=boss)
    future = timezone.now().date()
    early = PayrollPeriod.objects.create(name="Now", first=future, last=future + 30 * DAY)
    with pytest.raises(payroll.NotYet, match="over"):
        ledger.lock(early, by=boss)
    assert not PayrollPeriod.objects.exclude(locked=None).exists()


def test_periods_do_not_overlap_by_constraint(period: PayrollPeriod) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PayrollPeriod.objects.create(name="Again", first=FRIDAY, last=FRIDAY + DAY)


# --- The nightly job and the kiosk ------------------------------------------------------------------


def test_the_nightly_job_closes_what_is_past_and_leaves_yesterday_open(worker: Person) -> None:
    _tally, more = ledger.tidy_slice(0, datetime.fromisoformat("2026-03-06T02:30:00+00:00"))
    assert more is None
    rows = WorkDay.objects.filter(person=worker, day__gte=MONDAY).order_by("day")
    assert [row.closed is not None for row in rows] == [True, True, True, False, False]


def test_the_nightly_job_takes_everybody_in_slices(
    worker: Person, run_queue: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SLICE", 2)
    others = [factories.person(consented=False) for _ in range(4)]
    for one in others:
        punch(one, timezone.now().date() - 10 * DAY, "08:00")
    housekeeping.close_days()
    assert [key for _name, key in run_queue] == [str(others[0].pk), str(others[2].pk)]
    assert WorkDay.objects.filter(person__in=others).exclude(closed=None).count() == 4


def test_the_kiosk_says_how_long_somebody_worked_today(worker: Person) -> None:
    assert today.minutes_until(punch(worker, MONDAY, "08:00")) == 0
    assert today.minutes_until(punch(worker, MONDAY, "12:00", "out")) == 240
    assert today.minutes_until(punch(worker, MONDAY, "13:00")) == 240
    assert today.minutes_until(punch(worker, MONDAY, "15:30", "out")) == 390


def test_many_people_take_as_many_queries_as_one(
    worker: Person, rules: RuleSet, django_assert_max_num_queries: Any
) -> None:
    crew = [factories.person(consented=False).pk for _ in range(40)]
    with django_assert_max_num_queries(16):
        assert len(list(loading.compute([worker.pk, *crew], MONDAY, FRIDAY))) == 41 * 5
