"""What a door reports of itself, and what that means."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from access.doors import alarms, contacts
from access.doors.alarms import Kind
from access.doors.contacts import DoorEvent, State
from access.doors.drivers import DoorCommand, Fate, Order
from access.doors.wiring import Wiring
from access.models import Door
from tests import factories
from tests.access.racing import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(db: None) -> Door:
    """One with a contact that can tell."""
    made = factories.door(factories.site())
    Wiring.objects.create(door=made, has_contact=True)
    return made


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def ordered(door: Door, *, seconds: float, order: Order = Order.OPEN, state: Fate = Fate.DONE) -> None:
    DoorCommand.objects.create(
        door=door, order=order.value, state=state.value, made=ago(seconds), deadline=ago(seconds - 2)
    )


def open_alarms() -> set[str]:
    return {alarm.kind for alarm in alarms.unacknowledged().filter(ended=None)}


def test_a_door_that_never_reported_has_no_state(door: Door) -> None:
    assert contacts.state_of(door) == contacts.Standing(None, None)


def test_opened_after_a_grant_is_open(door: Door) -> None:
    ordered(door, seconds=3)
    taken = ago(1)
    contacts.report(door, State.OPEN, taken=taken)
    assert contacts.state_of(door) == contacts.Standing(State.OPEN, taken)
    assert open_alarms() == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], State.FORCED),
        ([(3, Order.OPEN, Fate.DONE)], State.OPEN),
        ([(3, Order.OPEN, Fate.FAILED)], State.OPEN),  # it may have been carried out all the same
        ([(3, Order.OPEN, Fate.EXPIRED)], State.FORCED),  # this one was never sent
        ([(60, Order.OPEN, Fate.DONE)], State.FORCED),
        ([(600, Order.UNLOCK, Fate.DONE)], State.OPEN),
        ([(600, Order.UNLOCK, Fate.DONE), (300, Order.LOCK, Fate.DONE)], State.FORCED),
        ([(600, Order.UNLOCK, Fate.DONE), (300, Order.OPEN, Fate.DONE)], State.OPEN),
    ],
)
def test_opened_without_an_order_is_forced(
    door: Door, before: list[tuple[float, Order, Fate]], after: State
) -> None:
    for seconds, order, state in before:
        ordered(door, seconds=seconds, order=order, state=state)
    assert contacts.report(door, State.OPEN, taken=ago(1)).state == after
    assert open_alarms() == ({Kind.FORCED} if after is State.FORCED else set())


def test_the_order_of_another_door_opens_nothing_here(door: Door) -> None:
    ordered(factories.door(door.site), seconds=2)
    assert contacts.report(door, State.OPEN, taken=ago(1)).state == State.FORCED


def test_leaving_by_the_button_forces_nothing(door: Door) -> None:
    contacts.report(door, State.EXIT, taken=ago(3))
    assert contacts.report(door, State.OPEN, taken=ago(1)).state == State.OPEN
    assert contacts.state_of(door).state is State.OPEN


def test_a_forced_door_stays_forced_until_it_is_closed(door: Door) -> None:
    assert contacts.report(door, State.OPEN, taken=ago(8)).state == State.FORCED
    ordered(door, seconds=6)
    assert contacts.report(door, State.OPEN, taken=ago(5)).state == State.FORCED
    contacts.report(door, State.CLOSED, taken=ago(4))
    ordered(door, seconds=3)
    assert contacts.report(door, State.OPEN, taken=ago(2)).state == State.OPEN


def test_without_a_contact_that_can_tell_nothing_is_forced() -> None:
    plain = factories.door(factories.site())
    assert contacts.report(plain, State.OPEN, taken=ago(1)).state == State.OPEN
    assert contacts.report(plain, State.FORCED, taken=ago(0)).state == State.FORCED  # it says so itself
    assert open_alarms() == {Kind.FORCED}


def test_closing_ends_the_alarms_but_nobody_has_seen_them_yet(door: Door) -> None:
    contacts.report(door, State.OPEN, taken=ago(5))
    contacts.report(door, State.HELD, taken=ago(4))
    assert open_alarms() == {Kind.FORCED, Kind.HELD}
    contacts.report(door, State.CLOSED, taken=ago(3))
    assert open_alarms() == set()
    assert alarms.unacknowledged().count() == 2


def test_a_report_that_comes_late_is_judged_by_its_time_and_changes_nothing_newer(door: Door) -> None:
    ordered(door, seconds=3600)
    contacts.report(door, State.CLOSED, taken=ago(10))
    assert contacts.report(door, State.OPEN, taken=ago(3598)).state == State.OPEN
    contacts.report(door, State.CLOSED, taken=ago(3590))
    assert contacts.report(door, State.OPEN, taken=ago(3000)).state == State.FORCED
    contacts.report(door, State.CLOSED, taken=ago(2990))
    assert contacts.state_of(door).state is State.CLOSED
    assert open_alarms() == {Kind.FORCED}


def test_what_is_sent_twice_is_written_once(door: Door) -> None:
    event, taken = uuid.uuid4(), ago(1)
    first = contacts.report(door, State.OPEN, taken=taken, event=event)
    assert contacts.report(door, State.OPEN, taken=taken, event=event).pk == first.pk
    assert alarms.unacknowledged().get().times == 1
    with pytest.raises(contacts.EventReused):
        contacts.report(door, State.CLOSED, taken=taken, event=event)


def test_a_clock_that_runs_ahead_is_not_believed(door: Door) -> None:
    row = contacts.report(door, State.CLOSED, taken=timezone.now() + timedelta(hours=1))
    assert row.at == row.received
    assert open_alarms() == {Kind.CLOCK}


def test_a_door_that_stays_open_is_held_without_any_report(door: Door) -> None:
    ordered(door, seconds=32)
    contacts.report(door, State.OPEN, taken=ago(31))
    contacts.report(door, State.OPEN, taken=ago(5))  # said again: the same opening
    assert (contacts.find_held(), contacts.find_held()) == (1, 0)
    assert contacts.report(door, State.OPEN, taken=ago(0)).state == State.HELD  # and so is this
    assert contacts.state_of(door).state is State.HELD
    assert open_alarms() == {Kind.HELD}


def test_a_door_opened_a_moment_ago_is_not_held_and_a_closed_one_never(door: Door) -> None:
    other = factories.door(door.site)
    contacts.report(door, State.OPEN, taken=ago(10))
    contacts.report(other, State.OPEN, taken=ago(100))
    contacts.report(other, State.CLOSED, taken=ago(99))
    assert contacts.find_held() == 0
    assert Kind.HELD not in open_alarms()


def test_what_a_door_reported_is_never_changed_or_deleted(door: Door) -> None:
    contacts.report(door, State.CLOSED, taken=ago(1))
    for change in (
        lambda: DoorEvent.objects.update(state="open"),
        lambda: DoorEvent.objects.all().delete(),
        lambda: Door.objects.filter(pk=door.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_demos_door_goes_with_its_events() -> None:
    door = factories.door(factories.site(demo=True))
    contacts.report(door, State.CLOSED, taken=ago(1))
    door.delete()
    assert not DoorEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_report_from_many_at_once_is_one_event() -> None:
    door = factories.door(factories.site())
    event, taken = uuid.uuid4(), ago(1)
    rows = at_once(*[lambda: contacts.report(door, State.OPEN, taken=taken, event=event).pk] * 8)
    assert len(set(rows)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_sweepers_find_a_held_door_once() -> None:
    door = factories.door(factories.site())
    contacts.report(door, State.OPEN, taken=ago(100))
    assert sum(at_once(*[contacts.find_held] * 6)) == 1
    assert DoorEvent.objects.filter(state=State.HELD.value).count() == 1
    assert alarms.unacknowledged().get().times == 1
