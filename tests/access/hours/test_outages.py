"""A kiosk was silent: whom to expect there, and punches that count once somebody else approves them."""

from datetime import date, datetime

import pytest

from access import attendance
from access.doors import silence
from access.hours import corrections, leave, ledger, outages, requests
from access.hours.outages import Expected
from access.hours.requests import State
from access.models import (
    Assignment,
    AuditEntry,
    Department,
    Holiday,
    Kiosk,
    Leave,
    LeaveType,
    Outage,
    Person,
    Punch,
    RuleSet,
    RuleVersion,
    Shift,
    Staff,
    WorkDay,
)
from tests import factories
from tests.access.hours.test_plans import shift
from tests.access.racing import at_once
from tests.factories import Cast, at

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
BEGINS, ENDS = at("2026-03-02T07:30:00+01:00"), at("2026-03-02T10:30:00+01:00")


def staff(name: str, **fields: object) -> Staff:
    return Staff.objects.create_user(name, password=None, is_staff=True, **fields)


@pytest.fixture
def clerk(db: None) -> Staff:
    return staff("clerk", roles=["hr"])


@pytest.fixture
def boss(db: None) -> Staff:
    return staff("boss", roles=["hr"])


@pytest.fixture
def alice(cast: Cast) -> Person:
    """Works from 8 to 16 at the site of the kiosk, as everybody here does."""
    return works(cast.alice, cast)


def works(person: Person, cast: Cast, code: str = "D", *times: tuple[int, int]) -> Person:
    rules, _made = RuleSet.objects.get_or_create(name="House rules")
    RuleVersion.objects.get_or_create(rule_set=rules, valid_from=date(2026, 1, 1))
    hours = Shift.objects.filter(code=code).first() or shift(code, *(times or ((8, 16),)))
    Assignment.objects.create(person=person, site=cast.site, rules=rules, shift=hours, first=date(2026, 1, 1))
    return person


def punch(person: Person, clock: str, way: str, *, explicit: bool = False) -> Punch:
    moment = datetime.fromisoformat(f"{MONDAY}T{clock}:00+01:00")
    return attendance.note_punch(
        person, at=moment, direction=way, explicit=explicit, origin=f"{person.pk}:{moment}"
    )


def found(
    cast: Cast, by: Staff, begins: datetime = BEGINS, ends: datetime = ENDS
) -> list[tuple[str, str, str]]:
    rows = outages.expected(cast.kiosk, begins, ends, staff=by)
    return [(one.person.badge, one.direction, f"{one.at:%H:%M}") for one in rows]  # in UTC


def asked(cast: Cast, by: Staff) -> Outage:
    rows = outages.expected(cast.kiosk, BEGINS, ENDS, staff=by)
    return outages.ask(Outage(kiosk=cast.kiosk, begins=BEGINS, ends=ENDS, reason="Power cut"), rows, by=by)


def test_whose_shift_began_while_the_kiosk_was_silent_is_expected(
    cast: Cast, alice: Person, clerk: Staff
) -> None:
    works(cast.bob, cast, "L", (12, 20))
    assert found(cast, clerk) == [("00017", "in", "07:00")]


def test_whose_shift_ended_is_expected_to_have_left_if_they_were_there(
    cast: Cast, alice: Person, clerk: Staff
) -> None:
    evening = (at("2026-03-02T15:00:00+01:00"), at("2026-03-02T18:00:00+01:00"))
    assert found(cast, clerk, *evening) == []
    punch(alice, "08:00", "in")
    assert found(cast, clerk, *evening) == [("00017", "out", "15:00")]
    punch(alice, "14:00", "out")
    assert found(cast, clerk, *evening) == []


def test_over_a_whole_day_both_are_proposed(cast: Cast, alice: Person, clerk: Staff) -> None:
    whole = (at("2026-03-02T06:00:00+01:00"), at("2026-03-02T22:00:00+01:00"))
    assert found(cast, clerk, *whole) == [("00017", "in", "07:00"), ("00017", "out", "15:00")]


@pytest.mark.parametrize(("clock", "way"), [("07:10", "in"), ("09:00", "in"), ("08:00", "out")])
def test_who_punched_elsewhere_is_not_proposed(
    cast: Cast, alice: Person, clerk: Staff, clock: str, way: str
) -> None:
    """A guessed direction may be either: it was guessed in turn."""
    punch(alice, clock, way)
    assert found(cast, clerk) == []


def test_who_came_after_the_outage_is_proposed_with_that_punch_beside_it(
    cast: Cast, alice: Person, clerk: Staff
) -> None:
    late = punch(alice, "10:40", "in")
    (one,) = outages.expected(cast.kiosk, BEGINS, ENDS, staff=clerk)
    assert one.nearest == late.at


def test_nobody_on_leave_on_a_holiday_or_elsewhere_is_expected(
    cast: Cast, alice: Person, clerk: Staff
) -> None:
    assert found(cast, clerk)
    kind = LeaveType.objects.create(name="Holiday", code="L")
    away = leave.ask(Leave(person=alice, type=kind, first=MONDAY, last=MONDAY), by=clerk)
    leave.decide(away, State.APPROVED, by=clerk)
    assert found(cast, clerk) == []
    leave.decide(away, State.WITHDRAWN, by=clerk)
    day_off = Holiday.objects.create(site=cast.site, day=MONDAY, name="Fair")
    assert found(cast, clerk) == []
    day_off.delete()
    Assignment.objects.update(site=factories.site())
    assert found(cast, clerk) == []


def test_the_second_part_of_a_split_shift_is_expected_by_itself(cast: Cast, clerk: Staff) -> None:
    works(cast.bob, cast, "S", (6, 8), (10, 14))
    punch(cast.bob, "06:00", "in")
    noon = (at("2026-03-02T07:00:00+01:00"), at("2026-03-02T11:00:00+01:00"))
    assert found(cast, clerk, *noon) == [("00018", "out", "07:00"), ("00018", "in", "09:00")]


def test_a_night_shift_is_expected_on_the_day_it_began(cast: Cast, clerk: Staff) -> None:
    works(cast.bob, cast, "N", (22, 6))
    punch(cast.bob, "22:00", "in")
    rows = outages.expected(
        cast.kiosk, at("2026-03-03T05:00:00+01:00"), at("2026-03-03T07:00:00+01:00"), staff=clerk
    )
    assert [(one.day, one.direction) for one in rows] == [(MONDAY, "out")]


def test_nothing_counts_before_it_is_approved_and_then_it_is_marked(
    cast: Cast, alice: Person, clerk: Staff, boss: Staff
) -> None:
    outage = asked(cast, clerk)
    assert not Punch.objects.exists()
    assert found(cast, clerk) == []
    outages.decide(outage, State.APPROVED, by=boss)
    made = Punch.objects.get()
    assert (made.source, made.at, made.direction) == ("outage", at("2026-03-02T08:00:00+01:00"), "in")
    assert made.origin == f"correction:{outage.corrections.get().pk}"
    punch(alice, "16:00", "out")
    ledger.refresh([alice.pk], MONDAY, MONDAY)
    assert WorkDay.objects.get().figures["worked"] == 480
    told = AuditEntry.objects.get(action="outage.approved")
    assert told.details == {"kiosk": cast.kiosk.pk, "punches": 1}
    outages.decide(outage, State.WITHDRAWN, by=boss)
    ledger.refresh([alice.pk], MONDAY, MONDAY)
    assert WorkDay.objects.get().status == "M"


def test_nobody_approves_what_they_asked_for(cast: Cast, alice: Person, clerk: Staff, boss: Staff) -> None:
    outage = asked(cast, clerk)
    with pytest.raises(corrections.OwnRequest):
        outages.decide(outage, State.APPROVED, by=clerk)
    with pytest.raises(corrections.OwnRequest):
        corrections.decide(outage.corrections.get(), State.APPROVED, by=clerk)
    outages.decide(outage, State.REFUSED, by=clerk)
    assert not Punch.objects.exists()
    with pytest.raises(requests.AlreadyDecided):
        outages.decide(outage, State.APPROVED, by=boss)


def test_a_manager_is_offered_their_own_people_and_decides_only_on_all(
    cast: Cast, alice: Person, clerk: Staff
) -> None:
    manager = staff("m", roles=["manager"])
    yard = Department.objects.create(name="Yard")
    yard.managers.add(manager)
    bob = works(cast.bob, cast)
    Person.objects.filter(pk=bob.pk).update(department=yard)
    assert found(cast, manager) == [("00018", "in", "07:00")]
    outage = asked(cast, clerk)
    assert outage.corrections.count() == 2
    with pytest.raises(requests.NotYours):
        outages.decide(outage, State.APPROVED, by=manager)
    Person.objects.filter(pk=alice.pk).update(department=yard)
    outages.decide(outage, State.APPROVED, by=manager)
    assert Punch.objects.count() == 2


def test_a_silence_is_known_from_its_alarm(cast: Cast) -> None:
    seen = at("2026-03-02T08:00:00+01:00")
    Kiosk.objects.filter(pk=cast.kiosk.pk).update(last_seen=seen)
    silence.find_silent()
    (going_on,) = outages.silences()
    assert (going_on.kiosk, going_on.begins, going_on.ends) == (cast.kiosk, seen, None)
    Kiosk.objects.filter(pk=cast.kiosk.pk).update(last_seen=datetime.now().astimezone())
    silence.find_silent()
    (over,) = outages.silences()
    assert over.ends is not None
    assert outages.silences(over.ends + 2 * outages.LOOK_BACK) == []


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_book_once(cast: Cast, alice: Person, clerk: Staff, boss: Staff) -> None:
    outage, other = asked(cast, clerk), staff("other", roles=["hr"])

    def approve(by: Staff) -> str:
        try:
            outages.decide(outage, State.APPROVED, by=by)
        except requests.AlreadyDecided:
            return "late"
        return "done"

    assert sorted(at_once(lambda: approve(boss), lambda: approve(other))) == ["done", "late"]
    assert Punch.objects.count() == 1


def test_a_time_by_hand_is_asked_for_as_it_is(cast: Cast, alice: Person, clerk: Staff) -> None:
    own = Expected(alice, MONDAY, "in", at("2026-03-02T08:20:00+01:00"))
    outage = outages.ask(Outage(kiosk=cast.kiosk, begins=BEGINS, ends=ENDS, reason="x"), [own], by=clerk)
    assert outage.corrections.get().at == at("2026-03-02T08:20:00+01:00")
    assert outage.corrections.get().reason == "x"
