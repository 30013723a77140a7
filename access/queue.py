"""The one way to ask the workers: by task name and row key, nothing else.

The queue is a hint. Whatever is asked here is already a committed row, and the workers find it there
too when the broker is down or has forgotten; see workers/watch.py.
"""

import logging
import time

from celery import Celery
from celery.exceptions import CeleryError
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

IDENTIFY = "workers.identify"
ENROL = "workers.enrol"
TIDY = "workers.tidy"
BOOK = "workers.book"
DELIVER = "workers.deliver"
CLOSE_DAYS = "workers.close_days"
RETAIN = "workers.retain"
MAKE_REPORTS = "workers.make_reports"
QUEUES = {
    IDENTIFY: "decide",
    ENROL: "enrol",
    TIDY: "enrol",
    BOOK: "enrol",
    DELIVER: "enrol",
    CLOSE_DAYS: "enrol",
    RETAIN: "enrol",
    MAKE_REPORTS: "enrol",
}

# After a failure the broker is left alone for a moment, so that a dead one costs one request its
# connection time-out, not every request.
PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)

app = Celery("lintel", set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")

_broken_until = 0.0


def send(name: str, key: object, *, expires_seconds: float | None = None) -> bool:
    """True if the broker took the message. False means: the workers will find the row by themselves."""
    global _broken_until
    if time.monotonic() < _broken_until:
        return False
    try:
        app.send_task(
            name,
            args=[str(key)],
            queue=QUEUES[name],
            expires=expires_seconds,
            retry=False,
            ignore_result=True,
        )
    except (KombuError, RedisError, CeleryError, OSError) as error:
        _broken_until = time.monotonic() + PAUSE_SECONDS
        logger.warning(
            "broker unreachable; workers will look into the database", extra={"error": type(error).__name__}
        )
        return False
    return True


def send_on_commit(name: str, key: object) -> None:
    """Ask once the surrounding transaction is committed; a rolled-back row asks for nothing."""
    transaction.on_commit(lambda: send(name, key))


def reachable() -> bool:
    """True if the broker answers a ping."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0, timeout=1)
    except (KombuError, RedisError, OSError):
        return False
    return True
