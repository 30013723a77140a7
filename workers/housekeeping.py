"""Nightly chores."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from access import backoff, queue
from access.handouts import files, schedules
from access.health import Worker
from access.hooks import deliveries
from access.hours import ledger
from access.kiosk import signing
from access.privacy import retention
from access.queue import app

logger = logging.getLogger(__name__)


@app.task(name=queue.TIDY)
def tidy() -> None:
    """Remove what only takes room: ended sessions, and workers silent for a day."""
    now = timezone.now()
    sessions, _ = Session.objects.filter(expire_date__lt=now).delete()
    deliveries.tidy(now)
    silent, _ = Worker.objects.filter(seen__lt=now - timedelta(days=1)).delete()
    reports = files.tidy(now) + schedules.tidy(now)
    nonces = signing.forget()
    tries = backoff.forget(now)
    found = {"sessions": sessions, "workers": silent, "nonces": nonces, "back_offs": tries}
    found |= {"reports": reports}
    logger.info("tidied", extra=found)


@app.task(name=queue.CLOSE_DAYS)
def close_days(after: str = "0") -> None:
    """Bring working days up to the facts, propose what changes of closed ones, and close what is past.

    A few people at a time, each slice a message of its own: doors are decided in between.
    """
    tally, last = ledger.tidy_slice(int(after))
    if last is not None:
        queue.send(queue.CLOSE_DAYS, last)
    logger.info("days_refreshed", extra=asdict(tally) | {"after": after})


@app.task(name=queue.RETAIN)
def retain(run: str = "") -> None:
    """Delete what is kept long enough, a slice at a time, each a message of its own: see close_days."""
    began = datetime.fromisoformat(run) if run else retention.begin()
    if retention.sweep_slice(began):
        queue.send(queue.RETAIN, began.isoformat())
