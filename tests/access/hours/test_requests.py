"""What is asked for counts once it is approved, by somebody who reaches the person; and can be taken back."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction

from access.hours import corrections, leave, reach, requests
from access.hours.requests import State
from access.models import AuditEntry, Correction, Department, Leave, LeaveType, Person, Punch, Staff
from tests import factories
from tests.access.racing import at_once
from tests.factories import at

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)


def staff(name: str, *rights: str) -> Staff:
    made = Staff.objects.create_user(name, password=None, is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return made


@pytest.fixture
def boss(db: None) -> Staff:
    return staff("boss", "approve_leave", "approve_correction")


@pytest.fixture
def worker(boss: Staff) -> Person:
    works = Department.objects.create(name="Works")
    works.managers.add(boss)
    return factories.person(department=works)


def holiday(person: Person, **fields: Any) -> Leave:
    kind, _ = LeaveType.objects.get_or_create(name="Holiday", defaults={"code": "L"})
    values = {"type": kind, "first": MONDAY, "last": MONDAY + timedelta(days=4)}
    return leave.ask(Leave(person=person, **(values | fields)), by=None)


def counted(person: Person) -> int:
    return leave.approved([person.pk], MONDAY, MONDAY).count()


# --- Whom a login reaches ---------------------------------------------------------------------------


def test_a_login_reaches_its_own_people_and_its_departments_and_no_others(
    boss: Staff, worker: Person
) -> None:
    own, stranger = factories.person(manager=boss), factories.person()
    assert set(reach.people_for(boss)) == {own, worker}
    assert not reach.reaches(boss, stranger)
    assert set(reach.within(boss, Person.objects.all(), "pk")) == {own, worker}
    assert list(reach.departments_for(boss)) == [worker.department]


def test_the_right_to_reach_everybody_reaches_everybody(worker: Person) -> None:
    hr, nobody = staff("hr", "reach_everybody"), staff("nobody")
    assert list(reach.people_for(hr)) == [worker]
    assert list(reach.departments_for(hr)) == [worker.department]
    assert not reach.people_for(nobody).exists()
    hr.is_active = False
    assert not reach.people_for(hr).exists()
    assert not reach.departments_for(hr).exists()
    assert not reach.within(hr, Person.objects.all(), "pk").exists()


# --- Leave ------------------------------------------------------------------------------------------


def test_leave_counts_once_approved_and_no_more_when_taken_back(boss: Staff, worker: Person) -> None:
    asked = holiday(worker)
    assert counted(worker) == 0
    leave.decide(asked, State.APPROVED, by=boss)
    assert counted(worker) == 1
    taken_back = leave.decide(asked, State.WITHDRAWN, by=boss, answer="Needed here")
    assert (taken_back.state, taken_back.answer, counted(worker)) == (State.WITHDRAWN, "Needed here", 0)
    trail = AuditEntry.objects.filter(subject=f"leave:{asked.pk}").order_by("pk")
    assert [entry.action for entry in trail] == ["leave.asked", "leave.approved", "leave.withdrawn"]
    assert trail[1].staff == boss


def test_a_request_is_decided_once(boss: Staff, worker: Person) -> None:
    asked = holiday(worker)
    leave.decide(asked, State.REFUSED, by=boss)
    for state in (State.APPROVED, State.REFUSED, State.WITHDRAWN):
        with pytest.raises(requests.AlreadyDecided):
            leave.decide(asked, state, by=boss)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_that_it_is_decided(boss: Staff, worker: Person) -> None:
    asked = holiday(worker)

    def decide(state: State) -> str:
        try:
            return str(leave.decide(asked, state, by=boss).state)
        except requests.AlreadyDecided:
            return "late"

    outcome = at_once(lambda: decide(State.APPROVED), lambda: decide(State.REFUSED))
    assert sorted(outcome) in (["approved", "late"], ["late", "refused"])


@pytest.mark.parametrize("rights", [(), ("approve_leave",), ("approve_correction", "reach_everybody")])
def test_nobody_decides_without_the_right_and_the_reach(worker: Person, rights: tuple[str, ...]) -> None:
    asked = holiday(worker)
    with pytest.raises(requests.NotYours):
        leave.decide(asked, State.APPROVED, by=staff("other", *rights))
    assert counted(worker) == 0


def test_half_days_may_share_a_day_and_whole_days_may_not(worker: Person) -> None:
    morning = holiday(worker, last=MONDAY, part=leave.Part.FIRST_HALF)
    afternoon = Leave(
        person=worker, type=morning.type, first=MONDAY, last=MONDAY, part=leave.Part.SECOND_HALF
    )
    assert not leave.overlapping(afternoon).exists()
    afternoon.part = leave.Part.WHOLE
    assert list(leave.overlapping(afternoon)) == [morning]


@pytest.mark.parametrize(
    "wrong", [{"last": MONDAY - timedelta(days=1)}, {"part": leave.Part.FIRST_HALF}], ids=["before", "half"]
)
def test_the_database_refuses_leave_that_cannot_be(worker: Person, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        holiday(worker, **wrong)


# --- Corrections ------------------------------------------------------------------------------------


def correct(person: Person, **fields: Any) -> Correction:
    return corrections.ask(Correction(person=person, day=MONDAY, reason="Forgot", **fields), by="kiosk:3")


def punch(person: Person) -> Punch:
    made, _new = corrections.attendance.note_late(
        person, at=at("2026-03-02T08:00:00+01:00"), origin=f"t:{person.pk}", clock_ahead=timedelta(0)
    )
    return made


def left_out(person: Person) -> set[object]:
    return corrections.left_out([person.pk], at("2026-03-01T00:00:00Z"), at("2026-03-04T00:00:00Z"))


def test_a_correction_adds_a_punch_by_hand_and_the_facts_stay(boss: Staff, worker: Person) -> None:
    wrong = punch(worker)
    asked = correct(worker, punch=wrong, at=at("2026-03-02T07:00:00+01:00"), direction="in")
    assert left_out(worker) == set()
    done = corrections.decide(asked, State.APPROVED, by=boss)
    assert done.made is not None
    assert (done.made.source, done.made.explicit, done.made.at) == ("manual", True, asked.at)
    assert left_out(worker) == {wrong.pk}
    assert Punch.objects.filter(person=worker).count() == 2
    corrections.decide(asked, State.WITHDRAWN, by=boss)
    assert left_out(worker) == {done.made_id}


def test_a_correction_that_was_refused_changes_nothing(boss: Staff, worker: Person) -> None:
    asked = correct(worker, punch=punch(worker))
    corrections.decide(asked, State.REFUSED, by=boss)
    assert left_out(worker) == set()
    assert Punch.objects.count() == 1


def test_a_punch_is_corrected_once_by_constraint(boss: Staff, worker: Person) -> None:
    wrong = punch(worker)
    first, second = correct(worker, punch=wrong), correct(worker, punch=wrong)
    corrections.decide(first, State.APPROVED, by=boss)
    with pytest.raises(corrections.CorrectedBefore):
        corrections.decide(second, State.APPROVED, by=boss)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.filter(pk=second.pk).update(state=State.APPROVED)
    with pytest.raises(IntegrityError), transaction.atomic():
        correct(worker)
