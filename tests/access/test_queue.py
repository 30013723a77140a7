"""The queue is a hint: names that workers know, and an answer at once when nobody listens."""

import time
import uuid
from collections.abc import Iterator

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import transaction

from access import queue
from access.folder import DataFolder


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """The real client with the real options, and no server behind it."""
    app = Celery("dead", broker="redis+socket:///nowhere/valkey.sock", set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(queue, "app", app)
    monkeypatch.setattr(queue, "_broken_until", 0.0)
    return app


@pytest.fixture
def broker(servers: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """The running broker, with empty queues."""
    monkeypatch.setattr(queue, "_broken_until", 0.0)
    client = redis.Redis(unix_socket_path=str(servers.valkey_socket))
    client.flushall()  # other tests ask, too, and nobody takes their messages
    yield client
    client.close()


def test_what_the_website_asks_for_is_what_the_workers_do() -> None:
    from workers.app import app

    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == set(queue.QUEUES)


def test_the_nightly_chores_go_to_a_queue_somebody_reads() -> None:
    from workers.app import app

    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["queue"] == queue.QUEUES[entry["task"]]
    assert queue.TIDY in {entry["task"] for entry in app.conf.beat_schedule.values()}


def test_a_message_holds_a_task_name_and_a_key_and_nothing_else(broker: redis.Redis) -> None:
    key = uuid.uuid4()
    assert queue.send(queue.ENROL, key)
    [message] = broker.lrange("enrol", 0, -1)
    broker.delete("enrol")
    assert str(key).encode() in message
    assert len(message) < 2000


def test_a_dead_broker_is_noticed_long_before_a_door_gives_up(dead: Celery) -> None:
    began = time.monotonic()
    assert queue.send(queue.IDENTIFY, uuid.uuid4()) is False
    assert not queue.reachable()
    assert time.monotonic() - began < 1.0


def test_a_dead_broker_is_left_alone_for_a_moment(dead: Celery, caplog: pytest.LogCaptureFixture) -> None:
    assert [queue.send(queue.IDENTIFY, uuid.uuid4()) for _ in range(50)] == [False] * 50
    assert [record.message for record in caplog.records].count(
        "broker unreachable; workers will look into the database"
    ) == 1


def test_a_broker_that_came_back_is_used_again(
    broker: redis.Redis, dead: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not queue.send(queue.ENROL, 1)
    assert not queue.reachable()
    monkeypatch.undo()
    monkeypatch.setattr(queue, "_broken_until", time.monotonic() - 0.001)
    assert queue.reachable()
    assert queue.send(queue.ENROL, 1)
    broker.delete("enrol")


@pytest.mark.django_db
def test_what_is_rolled_back_asks_for_nothing(
    run_queue: list[tuple[str, str]], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:  # type: ignore[operator]
        try:
            with transaction.atomic():
                queue.send_on_commit(queue.ENROL, 1)
                raise KeyError
        except KeyError:
            pass
    assert (callbacks, run_queue) == ([], [])
