"""The chores of every second: done by whichever worker is there; one that fails keeps none from its turn."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from access import audit, chain
from access.doors import alarms, contacts, drivers, silence
from access.doors.alarms import Alarm, Kind
from access.doors.contacts import State
from access.doors.drivers import DoorCommand
from access.models import AuditCheck, AuditPending, Kiosk
from tests import factories
from tests.factories import Cast
from workers import caretaker


@pytest.fixture
def at_work(db: None) -> Iterator[None]:
    """The real thread of a worker."""
    closing = threading.Event()
    thread = caretaker.start(closing)
    yield
    closing.set()
    thread.join(20)
    assert not thread.is_alive()


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def kinds() -> set[str]:
    return set(alarms.unacknowledged().filter(ended=None).values_list("kind", flat=True))


@pytest.mark.django_db(transaction=True)
def test_entries_are_sealed_checked_and_their_head_is_logged(
    at_work: None, caplog: pytest.LogCaptureFixture
) -> None:
    audit.record("site.renamed", "site:1")
    assert until(lambda: not AuditPending.objects.exists())
    assert until(lambda: AuditCheck.objects.exclude(finished=None).exists())
    assert chain.verify().findings == []


@pytest.mark.django_db
def test_the_head_goes_into_the_log_as_an_anchor(caplog: pytest.LogCaptureFixture) -> None:
    audit.record("site.renamed", "site:1")
    chain.seal_all()
    with caplog.at_level(logging.INFO, logger="workers.caretaker"):
        caretaker.log_head()
    [record] = caplog.records
    assert (record.number, record.hash) == (1, chain.head().hash.hex())


@pytest.mark.django_db(transaction=True)
def test_a_held_door_and_an_orphaned_command_are_minded(cast: Cast, at_work: None) -> None:
    contacts.report(cast.front, State.OPEN, taken=timezone.now() - timedelta(minutes=5))
    DoorCommand.objects.create(
        door=cast.back,
        driver="http",
        made=timezone.now() - timedelta(seconds=9),
        deadline=timezone.now() - timedelta(seconds=7),
    )
    assert until(lambda: kinds() >= {Kind.HELD, Kind.COMMAND_FAILED})
    assert DoorCommand.objects.get().state == "expired"


def rewritten(key: int, subject: str) -> None:
    """By somebody who switches the guards off for a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE access_auditentry SET subject = %s WHERE id = %s", [subject, key])
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER USER")


@pytest.mark.django_db
def test_a_trail_that_was_tampered_with_is_an_alarm_until_it_is_whole() -> None:
    key = audit.record("site.renamed", "site:1").pk
    chain.seal_all()
    rewritten(key, "site:9")
    finish_check()
    assert kinds() == {Kind.CHAIN_BROKEN}
    assert alarms.unacknowledged().get().details["first"] == f"Entry {key} was changed."
    rewritten(key, "site:1")
    AuditCheck.objects.update(started=timezone.now() - timedelta(days=2))
    finish_check()
    assert kinds() == set()


def finish_check() -> None:
    count = AuditCheck.objects.exclude(finished=None).count()
    for _ in range(10):
        caretaker.check_trail()
    assert AuditCheck.objects.exclude(finished=None).count() == count + 1


@pytest.mark.django_db
def test_entries_that_nobody_seals_are_an_alarm_that_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    audit.record("site.renamed", "site:1")
    monkeypatch.setattr(chain, "LONGEST_WAIT", timedelta(seconds=-1))
    monkeypatch.setattr(chain, "seal", lambda: 0)
    caretaker.seal()
    caretaker.seal()
    raised = alarms.unacknowledged().get()
    assert (raised.kind, raised.times, raised.details["waiting"]) == (Kind.CHAIN_BEHIND, 1, 1)
    monkeypatch.undo()
    caretaker.seal()
    assert kinds() == set()


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("away"), ValueError("a fault")])
def test_a_chore_that_fails_is_told_and_forgotten(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def breaking() -> None:
        raise error

    with caplog.at_level(logging.WARNING, logger="workers.caretaker"):
        caretaker._do(breaking)
    assert caplog.records[0].chore == "breaking"


@pytest.mark.django_db(transaction=True)
def test_the_thread_goes_on_after_a_chore_that_fails(
    cast: Cast, at_work: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[int] = []

    def breaking() -> int:
        failed.append(1)
        raise ValueError

    monkeypatch.setattr(chain, "seal", breaking)
    contacts.report(cast.front, State.OPEN, taken=timezone.now() - timedelta(minutes=5))
    assert until(lambda: len(failed) > 1 and Kind.HELD in kinds())


# --- Silent kiosks --------------------------------------------------------------------------------


def heard(kiosk: Kiosk, *, minutes: float | None) -> None:
    kiosk.last_seen = None if minutes is None else timezone.now() - timedelta(minutes=minutes)
    kiosk.save()


@pytest.mark.django_db
def test_a_silent_kiosk_is_an_alarm_once_until_it_is_heard_again(cast: Cast) -> None:
    heard(cast.kiosk, minutes=4)
    assert (silence.find_silent(), silence.find_silent()) == (1, 1)
    raised = alarms.unacknowledged().get()
    assert (raised.kind, raised.kiosk, raised.times) == (Kind.KIOSK_SILENT, cast.kiosk, 1)
    alarms.acknowledge(raised.pk, by=None)
    silence.find_silent()
    assert Alarm.objects.count() == 1  # somebody knows
    heard(cast.kiosk, minutes=0)
    assert silence.find_silent() == 0
    assert Alarm.objects.get().ended is not None
    heard(cast.kiosk, minutes=4)
    silence.find_silent()
    assert Alarm.objects.count() == 2


@pytest.mark.django_db
def test_new_kiosks_those_switched_off_and_demos_are_not_missed(cast: Cast) -> None:
    heard(cast.kiosk, minutes=None)
    off, _key = factories.kiosk(cast.front, active=False)
    demo, _key = factories.kiosk(factories.door(factories.site(demo=True)))
    for kiosk in (off, demo):
        heard(kiosk, minutes=60)
    assert silence.find_silent() == 0


@pytest.mark.django_db
def test_a_kiosk_switched_off_while_silent_is_no_longer_missed(cast: Cast) -> None:
    heard(cast.kiosk, minutes=4)
    silence.find_silent()
    Kiosk.objects.update(active=False)
    silence.find_silent()
    assert kinds() == set()


def test_every_chore_has_its_turn() -> None:
    assert {chore.action for chore in caretaker.chores()} >= {drivers.sweep, contacts.find_held}
