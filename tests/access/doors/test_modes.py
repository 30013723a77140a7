"""What doors are set to, at a real door: modes with an end, two people, airlocks, lockdown of a site."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access import simulator
from access.doors import alarms, contacts, drivers, modes
from access.doors.alarms import Kind
from access.doors.contacts import State
from access.doors.drivers import Order
from access.doors.modes import DoorMemory, Unacceptable
from access.models import Alarm, AuditEntry, Decision, Door, DoorCommand, Punch, Site, Staff
from access.policy import Reason
from tests import factories
from tests.access.doors.acting import show_face
from tests.access.racing import at_once
from tests.factories import Cast

HOUR = timedelta(hours=1)
Mode = Door.Mode


@pytest.fixture
def guard(db: None) -> Staff:
    return Staff.objects.create_user("guard", password=None, is_staff=True, roles=["guard"])


def reason(cast: Cast, person: Any = None, **fields: Any) -> str:
    return show_face(cast.kiosk, person.pk if person else None, **fields).reason


# --- Modes -----------------------------------------------------------------------------------------


def test_a_mode_holds_from_the_next_decision_on_and_says_who_set_it_and_why(cast: Cast, guard: Staff) -> None:
    modes.set_mode(cast.front, Mode.FREE, by=guard, why="Open day")
    assert reason(cast) == Reason.FREE_PASSAGE
    door = Door.objects.get(pk=cast.front.pk)
    assert (door.mode_by, door.mode_why, door.mode_until) == (guard, "Open day", None)
    entry = AuditEntry.objects.get(action="door.mode_set")
    assert (entry.staff, entry.details) == (guard, {"mode": "free", "until": None})
    modes.set_mode(cast.front, Mode.NORMAL, by=guard, why="Over")
    assert reason(cast) == Reason.UNKNOWN_FACE


def test_a_mode_set_for_a_time_is_over_by_itself_and_the_one_before_comes_back(
    cast: Cast, guard: Staff
) -> None:
    modes.set_mode(cast.front, Mode.TWO_PERSON, by=guard, why="Vault rules")
    ends = timezone.now() + HOUR
    modes.set_mode(cast.front, Mode.FREE, by=guard, why="Moving in", until=ends)
    modes.set_mode(cast.front, Mode.LOCKED, by=guard, why="Alarm", until=ends + HOUR)
    door = Door.objects.get(pk=cast.front.pk)
    assert [door.mode_at(at) for at in (ends, ends + HOUR - timedelta(microseconds=1), ends + HOUR)] == [
        Mode.LOCKED,
        Mode.LOCKED,
        Mode.TWO_PERSON,
    ]
    assert reason(cast, cast.alice) == Reason.LOCKED_DOWN
    Door.objects.update(mode_until=timezone.now())
    assert reason(cast, cast.alice) == Reason.SECOND_PERSON_NEEDED
    modes.set_mode(door, Mode.NORMAL, by=guard, why="Vault moved")
    assert reason(cast, cast.alice) == Reason.OK


def test_the_simulator_knows_when_a_mode_will_be_over(cast: Cast, guard: Staff) -> None:
    ends = timezone.now() + HOUR
    modes.set_mode(cast.front, Mode.LOCKED, by=guard, why="Works", until=ends)
    connection.check_constraints()
    before, after = (
        simulator.simulate(cast.alice.pk, cast.front.pk, at).verdict
        for at in (ends - timedelta(seconds=1), ends)
    )
    assert (before.reason, after.reason) == (Reason.LOCKED_DOWN, Reason.OK)


@pytest.mark.parametrize(("why", "hours"), [("  ", 1), ("Works", -1)])
def test_a_mode_without_reason_or_with_an_end_gone_by_is_not_set(
    cast: Cast, guard: Staff, why: str, hours: int
) -> None:
    with pytest.raises(Unacceptable):
        modes.set_mode(cast.front, Mode.FREE, by=guard, why=why, until=timezone.now() + hours * HOUR)
    assert reason(cast) == Reason.UNKNOWN_FACE


def test_the_first_person_opens_for_all_until_the_free_hours_are_over(cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(mode=Mode.FIRST_PERSON)
    assert reason(cast) == Reason.UNKNOWN_FACE
    assert reason(cast, cast.alice) == Reason.OK
    assert reason(cast) == Reason.FREE_PASSAGE
    local = timezone.now().astimezone(connection.timezone or timezone.get_current_timezone())
    over = (local - timedelta(minutes=30)).time()
    Door.objects.update(free_from=(local - HOUR).time(), free_until=over if over != time(0) else time(23, 59))
    DoorMemory.objects.update(came=timezone.now() - timedelta(days=2))
    assert reason(cast) == Reason.UNKNOWN_FACE


def test_two_people_open_together_and_both_are_punched(cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(mode=Mode.TWO_PERSON)
    cast.crew.people.add(cast.bob)
    assert reason(cast, cast.alice) == Reason.SECOND_PERSON_NEEDED
    assert not Punch.objects.exists()
    assert reason(cast, cast.alice) == Reason.SECOND_PERSON_NEEDED  # one is not two
    assert reason(cast, cast.bob) == Reason.OK
    assert set(Punch.objects.values_list("person", flat=True)) == {cast.alice.pk, cast.bob.pk}
    assert reason(cast, cast.alice) == Reason.SECOND_PERSON_NEEDED  # and the next pair begins anew


def test_the_second_person_must_come_in_time(cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(mode=Mode.TWO_PERSON, two_person_seconds=5)
    cast.crew.people.add(cast.bob)
    reason(cast, cast.alice)
    DoorMemory.objects.update(waiting_since=timezone.now() - timedelta(seconds=6))
    assert reason(cast, cast.bob) == Reason.SECOND_PERSON_NEEDED


def test_the_second_of_two_must_be_admitted_too(cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(mode=Mode.TWO_PERSON)
    reason(cast, cast.alice)
    assert reason(cast, cast.bob) == Reason.NO_PERMISSION


# --- Two doors of an airlock -----------------------------------------------------------------------


@pytest.fixture
def airlock(cast: Cast) -> Cast:
    cast.front.interlocked.add(cast.back)
    cast.back.admits.add(cast.crew)
    return cast


def test_a_door_stays_shut_while_the_one_beside_it_was_just_opened(airlock: Cast) -> None:
    inner, _key = factories.kiosk(airlock.back)
    assert show_face(airlock.kiosk, airlock.alice.pk).granted
    assert show_face(inner, airlock.alice.pk).reason == Reason.INTERLOCK
    DoorMemory.objects.update(opened=timezone.now() - timedelta(seconds=11))
    assert show_face(inner, airlock.alice.pk).granted


def test_what_the_contact_says_counts_before_the_clock(airlock: Cast) -> None:
    inner, _key = factories.kiosk(airlock.back)
    show_face(airlock.kiosk, airlock.alice.pk)
    contacts.report(airlock.front, State.CLOSED, taken=timezone.now(), event=factories.sent().nonce)
    assert show_face(inner, airlock.alice.pk).granted
    DoorMemory.objects.update(opened=timezone.now() - HOUR)
    contacts.report(airlock.back, State.OPEN, taken=timezone.now(), event=factories.sent().nonce)
    assert show_face(airlock.kiosk, airlock.alice.pk).reason == Reason.INTERLOCK


@pytest.mark.django_db(transaction=True)
def test_of_two_doors_of_an_airlock_asked_at_once_one_opens() -> None:
    cast = factories.cast()
    cast.front.interlocked.add(cast.back)
    cast.back.admits.add(cast.crew)
    dora = factories.person("Dora Dell")
    cast.crew.people.add(dora)
    inner, _key = factories.kiosk(cast.back)
    for _round in range(5):
        DoorMemory.objects.all().delete()
        made: list[Decision] = at_once(
            lambda: show_face(cast.kiosk, cast.alice.pk), lambda: show_face(inner, dora.pk)
        )
        assert sorted(decision.reason for decision in made) == [Reason.INTERLOCK, Reason.OK]


# --- Lockdown --------------------------------------------------------------------------------------


def test_a_lockdown_holds_at_every_door_of_the_site_at_once_and_is_lifted(cast: Cast, guard: Staff) -> None:
    elsewhere = factories.door(factories.site("Other works"))
    elsewhere.admits.add(cast.crew)
    cast.crew.sites.add(elsewhere.site)
    far, _key = factories.kiosk(elsewhere)
    modes.set_mode(cast.front, Mode.FREE, by=guard, why="Open day")
    assert modes.lock_down(cast.site, by=guard, why="Intruder")
    assert not modes.lock_down(cast.site, by=guard)
    assert reason(cast, cast.alice) == Reason.LOCKED_DOWN
    assert show_face(far, cast.alice.pk).granted
    site = Site.objects.get(pk=cast.site.pk)
    assert (site.lockdown_by, site.lockdown_why) == (guard, "Intruder")
    assert alarms.unacknowledged().get().kind == Kind.LOCKDOWN
    assert modes.lift(cast.site, by=guard)
    assert not modes.lift(cast.site, by=guard)
    assert reason(cast) == Reason.FREE_PASSAGE
    assert Alarm.objects.get().ended is not None
    found = AuditEntry.objects.filter(subject=f"site:{site.pk}").order_by("pk")
    assert [entry.action for entry in found] == ["site.locked_down", "site.lockdown_lifted"]


def test_a_lockdown_locks_what_staff_had_left_unlocked(cast: Cast, guard: Staff) -> None:
    drivers.order(cast.front, Order.UNLOCK, by=guard, reason="Delivery")
    drivers.order(cast.back, Order.UNLOCK, by=guard, reason="Delivery")
    drivers.order(cast.back, Order.LOCK, by=guard, reason="Done")
    modes.lock_down(cast.site, by=guard, why="Intruder")
    made = DoorCommand.objects.filter(reason="Intruder")
    assert [(row.door, row.order) for row in made] == [(cast.front, Order.LOCK)]


def test_a_door_that_is_locked_down_alone_is_locked_too(cast: Cast, guard: Staff) -> None:
    drivers.order(cast.front, Order.UNLOCK, by=guard, reason="Delivery")
    modes.set_mode(cast.front, Mode.LOCKED, by=guard, why="Broken glass")
    assert drivers.last_lasting_order(cast.front).order == Order.LOCK
