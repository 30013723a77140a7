"""The table is the second way to find work: doors keep working without a broker."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone

from access import decisions, enrolment, health, queue, snapshots
from access.models import Decision, Punch, Snapshot, SnapshotPicture
from recognition import Problem
from tests import factories
from tests.factories import ALICE, Cast
from workers import identify, sight, watch


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue as it is when no server listens: a real client that finds nobody."""
    dead = Celery("dead", broker="redis+socket:///nowhere/valkey.sock", set_as_current=False)
    dead.conf.broker_transport_options = queue.app.conf.broker_transport_options
    monkeypatch.setattr(queue, "app", dead)
    monkeypatch.setattr(queue, "_broken_until", 0.0)


@pytest.fixture
def watching(db: None, camera_sees: Callable[..., Any]) -> Iterator[None]:
    """The real watching thread of a worker."""
    camera_sees(ALICE)
    closing = threading.Event()
    thread = watch.start(closing)
    yield
    closing.set()
    thread.join(20)
    assert not thread.is_alive()


def patient(cast: Cast) -> None:
    """A deadline that leaves a busy machine its time: these tests are about being found at all."""
    cast.front.deadline_ms = 10_000
    cast.front.save()


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_ring_brings_a_worker_at_once(
    cast: Cast, watching: None, dead_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "FORGOTTEN", timedelta(hours=1))  # only the ring can bring it
    patient(cast)
    assert until(lambda: health.present().exists())  # it listens before it signs in
    began = time.monotonic()
    made = decisions.reach(cast.kiosk, factories.sent())
    assert (made.granted, made.reason, made.person) == (True, "ok", cast.alice)
    assert time.monotonic() - began < 5.0


@pytest.mark.django_db(transaction=True)
def test_what_the_queue_forgets_is_found_in_the_table(
    cast: Cast, watching: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient(cast)
    taken: list[object] = []
    monkeypatch.setattr(queue, "send", lambda name, key, **_: taken.append(key) or True)
    made = decisions.reach(cast.kiosk, factories.sent())
    assert (made.reason, taken) == ("ok", [made.pk])


@pytest.mark.django_db(transaction=True)
def test_the_thread_outlives_a_picture_that_makes_the_eyes_fail(
    cast: Cast, watching: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    patient(cast)
    look, calls = sight._recognizer.look, []  # type: ignore[union-attr]

    def fail_once(data: bytes, **options: object) -> Any:
        calls.append(data)
        if len(calls) == 1:
            raise ArithmeticError("broken")
        return look(data, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sight._recognizer, "look", fail_once)
    monkeypatch.setattr(queue, "send", lambda *_args, **_options: True)
    made = decisions.reach(cast.kiosk, factories.sent())
    assert (made.reason, made.facts["tries"], len(calls)) == ("ok", 2, 2)


@pytest.mark.django_db
def test_a_round_settles_what_its_website_left_behind(cast: Cast, camera_sees: Callable[..., Any]) -> None:
    camera_sees(ALICE)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    past = timezone.now() - timedelta(seconds=5)
    Snapshot.objects.filter(pk=snapshot.pk).update(received=past, taken=past, deadline=past)
    assert watch.look_round() == 1
    assert (Decision.objects.get().reason, Punch.objects.count()) == ("deadline", 0)
    assert not SnapshotPicture.objects.exists()
    assert watch.look_round() == 0


@pytest.mark.django_db
def test_a_round_does_every_kind_of_forgotten_work(
    cast: Cast, camera_sees: Callable[..., Any], run_queue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient(cast)
    monkeypatch.setattr(watch, "SIGN_IN_SECONDS", 60.0)  # a busy machine may need the usual five for one look
    camera_sees(problem=Problem.NO_FACE)
    for _ in range(3):
        snapshots.receive(cast.kiosk, factories.sent())
    handed_in = enrolment.submit(cast.bob, [("bob.jpg", factories.picture())])
    enrolment.Enrolment.objects.update(submitted=timezone.now() - timedelta(seconds=5))
    assert watch.look_round(at_once=True) == 4
    handed_in.refresh_from_db()
    assert (handed_in.state, Decision.objects.filter(reason="no_face").count()) == ("refused", 3)


@pytest.mark.django_db
def test_a_picture_that_kills_its_workers_is_tried_three_times_and_then_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A killed worker leaves what this leaves: a counted try and a lease that runs out."""
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    for attempt in (1, 2, 3):
        assert snapshots.claim_forgotten(at_once=True) == (snapshot.pk, attempt)
        Snapshot.objects.update(claimed_until=timezone.now() - timedelta(milliseconds=1))

    def never(*_: object) -> None:
        raise AssertionError("the fourth worker must not look")

    monkeypatch.setattr(snapshots, "picture_of", never)
    identify.identify(str(snapshot.pk))
    made = Decision.objects.get()
    assert (made.granted, made.reason, made.facts["tries"]) == (False, "worker_failed", 4)
    assert "stopped its worker" in caplog.text


@pytest.mark.django_db
def test_a_round_ends_although_work_keeps_coming(
    cast: Cast, camera_sees: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a busy worker would never sign in, and be taken for dead."""
    camera_sees(problem=Problem.NO_FACE)
    monkeypatch.setattr(watch, "SIGN_IN_SECONDS", 0.2)
    look = identify.look_and_settle

    def and_one_more(*claimed: Any) -> None:
        look(*claimed)
        snapshots.receive(cast.kiosk, factories.sent())

    monkeypatch.setattr(identify, "look_and_settle", and_one_more)
    snapshots.receive(cast.kiosk, factories.sent())
    assert watch.look_round(at_once=True) >= 1
    assert SnapshotPicture.objects.count() == 1


@pytest.mark.django_db
def test_a_worker_that_signs_in_is_present_until_it_falls_silent(
    cast: Cast, camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    watch.sign_in()
    watch.sign_in()
    worker = health.present().get()
    assert (worker.embedder, worker.detector) == ("test-model", "test-model")
    assert not health.without_risk("test-model")
    health.Worker.objects.update(seen=timezone.now() - health.WORKER_SILENCE)
    assert not health.present().exists()


def test_closed_eyes_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "_recognizer", None)
    with pytest.raises(RuntimeError, match="eyes are closed"), sight.eyes():
        pass
