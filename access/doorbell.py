"""Rings when a snapshot is decided, so that a waiting request answers at once without asking over and over.

Postgres NOTIFY carries the row's key at commit. The bell is a convenience: whoever waits also looks
into the table from time to time, so a lost ring costs a fraction of a second and never an answer.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

DECIDED = "lintel_decided"
UNDECIDED = "lintel_undecided"

logger = logging.getLogger(__name__)


def ring(channel: str, key: object) -> None:
    """Ring at the commit of the current transaction (at once outside of one)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, str(key)])


def open_ear(channel: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of its own that listens on one channel; read it with `.notifies(timeout=…)`."""
    # All of the address counts, sslmode above all; only what shapes Django's own cursors is left out.
    parameters = {
        key: value
        for key, value in connection.get_connection_params().items()
        if key not in {"cursor_factory", "context"}
    }
    ear = psycopg.connect(**parameters | {"autocommit": True, "connect_timeout": 3})
    ear.execute(f"LISTEN {channel}")
    return ear


class _Bells:
    """The waiting requests of this process, woken by one listening thread."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.waiting: dict[str, list[threading.Event]] = {}
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.listen, name="doorbell", daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while not self.closing.is_set():
            try:
                with open_ear(DECIDED) as ear:
                    while not self.closing.is_set():
                        for heard in ear.notifies(timeout=1.0, stop_after=1):
                            self.wake(heard.payload)
            except psycopg.Error as error:
                logger.warning("doorbell lost its connection", extra={"error": type(error).__name__})
                self.closing.wait(0.5)

    def wake(self, key: str) -> None:
        with self.lock:
            for bell in self.waiting.get(key, ()):
                bell.set()


_bells: _Bells | None = None
_making = threading.Lock()


def _here() -> _Bells:
    """This process's bells: threads do not survive a fork, so a forked web worker makes its own."""
    global _bells
    with _making:
        if _bells is None or _bells.process != os.getpid():
            _bells = _Bells()
        return _bells


@contextmanager
def expecting(key: object) -> Iterator[threading.Event]:
    """An event set when this key rings. Look into the table after entering: it may have rung before."""
    bells, bell = _here(), threading.Event()
    with bells.lock:
        bells.waiting.setdefault(str(key), []).append(bell)
    try:
        yield bell
    finally:
        with bells.lock:
            bells.waiting[str(key)].remove(bell)
            if not bells.waiting[str(key)]:
                del bells.waiting[str(key)]


def close() -> None:
    """Stop listening and give the connection back; the next waiting request starts anew."""
    global _bells
    with _making:
        bells, _bells = _bells, None
    if bells is not None:
        bells.closing.set()
        bells.thread.join()
