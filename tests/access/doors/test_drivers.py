"""Doors are told to open after the commit, before the deadline, once; whatever went wrong is an alarm."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone

from access import decisions, snapshots
from access.doors import alarms, drivers, wiring
from access.doors.alarms import Kind
from access.doors.drivers import DoorCommand, Fate, Order
from access.doors.errand import Errand, Failed
from access.doors.relay import signature
from access.doors.wiring import Driver, Wiring
from access.models import AuditEntry, Door, Staff
from access.policy import Evidence
from tests import factories
from tests.access.doors import locks
from tests.access.racing import at_once
from tests.factories import Cast

SECRET = "the relay knows it too"


@pytest.fixture
def here(settings: LazySettings) -> None:
    """The locks of these tests stand on this machine."""
    settings.DOOR_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def relay(here: None) -> Iterator[locks.Relay]:
    with locks.relay() as standing:
        yield standing


@pytest.fixture
def broker(here: None) -> Iterator[locks.Broker]:
    with locks.broker() as standing:
        yield standing


def wired(door: Door, driver: Driver, address: str, *, secret: str = SECRET, **fields: Any) -> Wiring:
    row = Wiring(door=door, driver=driver.value, address=address, **fields)
    row.keep_secret(secret)
    row.save()
    return row


def granted(cast: Cast, **fields: Any) -> decisions.Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent(**fields))
    return decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))


def finished(seconds: float = 10.0) -> DoorCommand:
    """The one command there is, when its thread is done with it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        row = DoorCommand.objects.get()
        if row.state not in (Fate.PENDING, Fate.SENDING):
            return row
        time.sleep(0.01)
    raise AssertionError("the command does not come to an end")


def alarm() -> alarms.Alarm:
    return alarms.unacknowledged().get()


# --- What a decision causes -----------------------------------------------------------------------


@pytest.mark.django_db
def test_without_wiring_a_grant_opens_the_simulated_lock_at_once(cast: Cast) -> None:
    decision = granted(cast)
    row = DoorCommand.objects.get()
    assert (row.decision, row.door, row.order, row.state) == (decision, cast.front, "open", "done")
    assert row.deadline == decision.snapshot.deadline
    assert drivers.last_order(cast.front) == row


@pytest.mark.django_db
def test_a_refusal_orders_nothing(cast: Cast) -> None:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, Evidence(person=cast.charlie.pk))
    assert not DoorCommand.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_grant_is_sent_signed_and_once(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address, open_seconds=7)
    cast.front.deadline_ms = 10_000
    cast.front.save()
    decision = granted(cast)
    decisions.settle(decision.pk, Evidence(person=cast.alice.pk))  # a late worker
    row = finished()
    assert (row.state, row.error) == ("done", "")
    [(path, headers, body)] = relay.asked
    assert path == "/doors/3/open"
    assert json.loads(body) == {
        "order": "open",
        "door": cast.front.pk,
        "seconds": 7,
        "expires": row.deadline.isoformat(),
    }
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == f"v1,{expected}"
    assert not alarms.unacknowledged().exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_before_the_commit_or_after_a_rollback(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    with transaction.atomic():
        granted(cast)
        time.sleep(0.1)
        assert (DoorCommand.objects.get().state, relay.asked) == ("pending", [])
        transaction.set_rollback(True)
    time.sleep(0.1)
    assert (DoorCommand.objects.count(), relay.asked) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_a_slow_lock_keeps_nobody_waiting_for_the_answer(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    relay.delay = 1.0
    granted(cast)
    assert DoorCommand.objects.get().state in ("pending", "sending")
    assert finished().state == "done"


def test_a_secret_in_the_standards_form_signs_with_its_bytes() -> None:
    plain = base64.b64encode(b"k" * 24).decode()
    headers = signature(7, b"{}", f"whsec_{plain}")
    signed = f"door-command-7.{headers['Webhook-Timestamp']}.{{}}".encode()
    expected = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == f"v1,{expected}"
    with pytest.raises(Failed, match="no base64 follows"):
        signature(7, b"{}", "whsec_no base64")


# --- What goes wrong ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [301, 403, 500])
def test_a_relay_that_says_no_is_an_alarm_and_asked_once(cast: Cast, relay: locks.Relay, status: int) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    relay.status, relay.location = status, relay.address
    granted(cast)
    row = finished()
    assert (row.state, row.error) == ("failed", f"the relay answered {status}")
    assert len(relay.asked) == 1
    found = alarm()
    assert (found.kind, found.door, found.details["command"]) == (Kind.COMMAND_FAILED, cast.front, row.pk)
    relay.status = 200
    DoorCommand.objects.all().delete()
    granted(cast)
    assert finished().state == "done"
    assert alarm().ended is not None


@pytest.mark.django_db(transaction=True)
def test_an_answer_after_the_deadline_does_not_count(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    relay.delay = 1.5
    cast.front.deadline_ms = 700
    cast.front.save()
    granted(cast)
    assert finished().state == "failed"
    assert alarm().kind == Kind.COMMAND_FAILED


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("driver", "address", "why"),
    [
        (Driver.HTTP, "http://127.0.0.1:{port}/", "did not answer"),
        (Driver.HTTP, "http://no-such-relay.invalid/", "does not resolve"),
        (Driver.HTTP, "http://192.0.2.1/", "LINTEL_DOOR_NETWORKS"),
        (Driver.HTTP, "http://[::1]/", "LINTEL_DOOR_NETWORKS"),
        (Driver.MQTT, "mqtt://127.0.0.1:{port}/front", "cannot be reached"),
        (Driver.MQTT, "mqtt://192.0.2.1/front", "LINTEL_DOOR_NETWORKS"),
    ],
)
def test_a_lock_that_is_not_there_or_not_allowed_is_an_alarm(
    cast: Cast, here: None, driver: Driver, address: str, why: str
) -> None:
    wired(cast.front, driver, address.format(port=closed_port()))
    granted(cast)
    row = finished()
    assert (row.state, why in row.error) == ("failed", True), row.error
    assert alarm().kind == Kind.COMMAND_FAILED


@pytest.mark.django_db(transaction=True)
def test_this_machine_itself_is_not_among_the_networks_unless_said_so(cast: Cast) -> None:
    with locks.relay() as standing:
        wired(cast.front, Driver.HTTP, standing.address)
        granted(cast)
        assert "LINTEL_DOOR_NETWORKS" in finished().error
        assert standing.asked == []


@pytest.mark.django_db(transaction=True)
def test_a_secret_that_does_not_open_sends_nothing(
    cast: Cast, relay: locks.Relay, settings: LazySettings
) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    decision = granted(cast)
    finished()
    DoorCommand.objects.all().delete()
    relay.asked.clear()
    settings.MASTER_KEYS = ["bm90IHRoZSBrZXkgdGhhdCBzZWFsZWQgYW55dGhpbmc="]
    with transaction.atomic():
        drivers.command(decision)
    assert "does not open" in finished().error
    assert relay.asked == []


@pytest.mark.django_db(transaction=True)
def test_a_driver_that_this_version_does_not_know_opens_nothing(cast: Cast) -> None:
    Wiring.objects.create(door=cast.front, driver="telepathy")
    granted(cast)
    assert finished().error == "no driver 'telepathy'"


# --- Late -----------------------------------------------------------------------------------------


def waiting(door: Door, *, left: float, made_ago: float = 0.5, state: Fate = Fate.PENDING) -> DoorCommand:
    """A command whose process died before or while sending it."""
    now = timezone.now()
    return DoorCommand.objects.create(
        door=door,
        order=Order.OPEN.value,
        driver=wiring.of(door).driver,
        state=state.value,
        made=now - timedelta(seconds=made_ago),
        deadline=now + timedelta(seconds=left),
    )


@pytest.mark.django_db(transaction=True)
def test_the_sweep_sends_what_its_process_could_not(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    waiting(cast.front, left=5)
    assert drivers.sweep() == 1
    assert finished().state == "done"
    assert len(relay.asked) == 1
    assert drivers.sweep() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["sweep", "thread"])
def test_after_its_deadline_a_command_is_never_sent(cast: Cast, relay: locks.Relay, by: str) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    row = waiting(cast.front, left=-0.01)
    assert (drivers.sweep() if by == "sweep" else drivers.carry_out(row.pk)) in (1, Fate.EXPIRED)
    row.refresh_from_db()
    assert (row.state, relay.asked) == ("expired", [])
    assert alarm().details["error"] == "the deadline came first; not sent"
    assert drivers.carry_out(row.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_command_whose_sender_died_is_not_sent_again_because_nobody_knows(
    cast: Cast, relay: locks.Relay
) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    row = waiting(cast.front, left=-6, made_ago=8, state=Fate.SENDING)
    assert drivers.sweep() == 1
    row.refresh_from_db()
    assert (row.state, relay.asked) == ("failed", [])
    assert alarm().kind == Kind.COMMAND_FAILED


@pytest.mark.django_db(transaction=True)
def test_a_command_just_made_or_under_way_is_left_to_its_own_process(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    waiting(cast.front, left=5, made_ago=0)
    waiting(cast.front, left=5, made_ago=1, state=Fate.SENDING)
    assert drivers.sweep() == 0


@pytest.mark.django_db(transaction=True)
def test_carried_out_by_many_at_once_it_is_sent_once(cast: Cast, relay: locks.Relay) -> None:
    wired(cast.front, Driver.HTTP, relay.address)
    row = waiting(cast.front, left=8)
    fates = at_once(*[lambda: drivers.carry_out(row.pk)] * 8)
    assert (fates.count(Fate.DONE), fates.count(None)) == (1, 7)
    assert len(relay.asked) == 1


# --- MQTT -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_lock_behind_a_broker_gets_one_message_that_expires(cast: Cast, broker: locks.Broker) -> None:
    wired(cast.front, Driver.MQTT, f"mqtt://door%2F1@127.0.0.1:{broker.port}/lintel/front/")
    granted(cast)
    row = finished()
    assert (row.state, row.error) == ("done", "")
    assert broker.logins == [("door/1", SECRET)]
    [(topic, payload, qos, retain, expiry)] = broker.messages
    assert (topic, payload, qos, retain) == ("lintel/front/set", b"OPEN", 1, 0)
    assert 1 <= expiry <= 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("connect", "publish", "why"),
    [
        (0x86, 0, "the broker refused: Bad user name or password"),
        (0, 0x87, "the broker refused the message: Not authorized"),
        (0, 0x10, "no lock listens on this topic"),
        (0, None, "the broker did not confirm in time"),
    ],
)
def test_what_a_broker_refuses_or_nobody_hears_is_an_alarm(
    cast: Cast, broker: locks.Broker, connect: int, publish: int | None, why: str
) -> None:
    broker.connect_code, broker.publish_code = connect, publish
    wired(cast.front, Driver.MQTT, f"mqtt://127.0.0.1:{broker.port}/lintel/front")
    granted(cast)
    row = finished()
    assert (row.state, row.error) == ("failed", why)
    assert alarm().kind == Kind.COMMAND_FAILED


# --- Staff ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", list(Order))
def test_staff_order_with_a_reason_that_stays_out_of_the_trail(
    cast: Cast, broker: locks.Broker, what: Order
) -> None:
    ada = Staff.objects.create_user("ada", password=None)
    wired(cast.front, Driver.MQTT, f"mqtt://127.0.0.1:{broker.port}/lintel/front")
    made = drivers.order(cast.front, what, by=ada, reason=" Delivery for Alice ")
    assert (made.reason, made.staff, made.decision) == ("Delivery for Alice", ada, None)
    assert finished().state == "done"
    assert [message[1].decode() for message in broker.messages] == [what.value.upper()]
    entry = AuditEntry.objects.get(action="door.ordered")
    assert (entry.staff, entry.subject, "Alice" in str(entry.details)) == (
        ada,
        f"door:{cast.front.pk}",
        False,
    )


@pytest.mark.django_db
def test_without_a_reason_nothing_is_ordered(cast: Cast) -> None:
    with pytest.raises(ValueError, match="Say why"):
        drivers.order(cast.front, Order.OPEN, by=None, reason="  ")
    assert not DoorCommand.objects.exists()


# --- Secrets --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_secret_is_sealed_bound_to_its_door_and_in_nobodys_repr(cast: Cast) -> None:
    row = wired(cast.front, Driver.HTTP, "https://relay.example/")
    row.refresh_from_db()
    assert row.secret == SECRET
    assert SECRET.encode() not in bytes(row.sealed)
    other = Wiring(door=cast.back, sealed=row.sealed, wrapped=row.wrapped)
    with pytest.raises(Exception, match="does not open"):
        _ = other.secret
    row.keep_secret("")
    assert (row.secret, row.sealed) == ("", None)
    errand = Errand(1, 2, "open", 5, "http://x/", SECRET, datetime.now().astimezone(), 1.0)
    assert SECRET not in repr(errand)


def test_every_order_has_a_payload() -> None:
    from access.doors.broker import PAYLOADS

    assert set(PAYLOADS) == {order.value for order in Order}


def test_every_driver_but_the_simulated_one_sends() -> None:
    assert set(drivers.SENDERS) == {driver.value for driver in Driver} - {Driver.SIMULATED.value}
