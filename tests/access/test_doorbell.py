"""The bell: heard at the commit, by the one who waits, over a connection as safe as any other."""

import threading
import time
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from access import doorbell
from access.doorbell import DECIDED


@pytest.mark.django_db(transaction=True)
def test_it_rings_at_the_commit_and_only_for_its_key() -> None:
    with doorbell.open_ear(DECIDED) as ear:
        with transaction.atomic():
            doorbell.ring(DECIDED, "one")
            assert list(ear.notifies(timeout=0.1)) == []
        assert [heard.payload for heard in ear.notifies(timeout=5, stop_after=1)] == ["one"]
        with transaction.atomic():
            doorbell.ring(DECIDED, "two")
            transaction.set_rollback(True)
        assert list(ear.notifies(timeout=0.1)) == []


@pytest.mark.django_db(transaction=True)
def test_only_those_who_wait_for_it_are_woken() -> None:
    with (
        doorbell.expecting("a") as first,
        doorbell.expecting("a") as second,
        doorbell.expecting("b") as other,
    ):
        end = time.monotonic() + 10
        while not (first.is_set() and second.is_set()) and time.monotonic() < end:
            doorbell.ring(DECIDED, "a")  # the listening thread may just be starting
            time.sleep(0.05)
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
    assert doorbell._here().waiting == {}


@pytest.mark.django_db
def test_the_listening_connection_is_made_with_every_option_of_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}
    connect = psycopg.connect

    def note(**options: Any) -> Any:
        asked.update(options)
        return connect(**options | {"sslmode": "disable"})

    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "sslmode", "verify-full")
    monkeypatch.setattr(psycopg, "connect", note)
    doorbell.open_ear(DECIDED).close()
    assert (asked["sslmode"], asked["autocommit"]) == ("verify-full", True)


@pytest.mark.django_db(transaction=True)
def test_closing_ends_the_thread_and_the_next_wait_begins_anew() -> None:
    with doorbell.expecting("a"):
        pass
    doorbell.close()
    assert "doorbell" not in {thread.name for thread in threading.enumerate()}
    with doorbell.expecting("a"):
        assert "doorbell" in {thread.name for thread in threading.enumerate()}
