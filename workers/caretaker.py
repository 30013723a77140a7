"""The chores of every second: seal the audit trail, mind door commands, open doors and silent kiosks.

A thread in every worker, beside the watch and never behind it: a worker busy with faces still does them.
Each chore is safe to do twice or by many at once, and one that fails keeps no other from its turn.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from access import chain
from access.doors import alarms, contacts, drivers, passback, silence
from access.doors.alarms import Kind
from access.privacy import retention

ROUND_SECONDS = 0.25
# How long one round may seal, after an upgrade with years of entries to catch up with.
SEALING_SECONDS = 1.0
# What the alarms about the trail are about.
TRAIL = "audit"
# And the one about what should have been deleted.
RETENTION = "retention"

logger = logging.getLogger(__name__)


def seal() -> None:
    """Seal what waits; an alarm while something has waited for too long, whoever should have sealed it."""
    until = time.monotonic() + SEALING_SECONDS
    while chain.seal() == chain.BATCH and time.monotonic() < until:
        pass
    waiting, seconds = chain.unsealed()
    behind = seconds > chain.LONGEST_WAIT.total_seconds()
    alarms.stands_or_falls(Kind.CHAIN_BEHIND, TRAIL, wrong=behind, waiting=waiting, seconds=round(seconds))


def check_trail() -> None:
    """A step of the daily check; an alarm if it found the trail tampered with."""
    check = chain.check_a_little()
    if check is None:
        return
    if check.findings:
        first = check.findings[0]["text"]
        logger.error(
            "the audit trail is not whole", extra={"check": check.pk, "findings": len(check.findings)}
        )
        alarms.raise_alarm(
            Kind.CHAIN_BROKEN, TRAIL, check=check.pk, findings=len(check.findings), first=first
        )
    else:
        alarms.end(Kind.CHAIN_BROKEN, TRAIL)


def log_head() -> None:
    """The head of the chain into the log, which is kept elsewhere: `verify_audit --anchor` reads it there."""
    head = chain.head()
    if head.number:
        logger.info("head of the audit trail", extra=head.as_json())


def mind_retention() -> None:
    """An alarm while nobody deletes what should be gone."""
    alarms.stands_or_falls(Kind.RETENTION, RETENTION, wrong=retention.overdue())


def empty_zones() -> None:
    """Whom a zone's daily hour has put out goes from the list of those inside; they count no more already."""
    passback.forget_yesterday(timezone.now())


@dataclass
class Chore:
    """What is to be done, and how often; due at once at the start."""

    seconds: float
    action: Callable[[], object]
    due: float = 0.0


def chores() -> list[Chore]:
    return [
        Chore(ROUND_SECONDS, drivers.sweep),
        Chore(1.0, seal),
        Chore(1.0, contacts.find_held),
        Chore(1.0, check_trail),
        Chore(5.0, silence.find_silent),
        Chore(60.0, empty_zones),
        Chore(900.0, log_head),
        Chore(900.0, mind_retention),
    ]


def start(closing: threading.Event | None = None) -> threading.Thread:
    """The caretaker of this process, at work until `closing` is set, if ever."""
    ends = closing or threading.Event()
    thread = threading.Thread(target=_rounds, args=(ends,), name="caretaker", daemon=True)
    thread.start()
    return thread


def _rounds(closing: threading.Event) -> None:
    todo = chores()
    while not closing.is_set():
        for chore in todo:
            if chore.due <= time.monotonic():
                chore.due = time.monotonic() + chore.seconds
                _do(chore.action)
        if settings.DATABASE_POOL:
            connection.close()  # between rounds it serves others
        closing.wait(ROUND_SECONDS)
    connection.close()


def _do(action: Callable[[], object]) -> None:
    try:
        action()
    except (DatabaseError, InterfaceError) as error:
        logger.warning(
            "a chore met a database that is away",
            extra={"chore": action.__name__, "error": type(error).__name__},
        )
        connection.close()
    except Exception:
        # The edge of a thread: the other chores must have their turn, and this one its next.
        logger.exception("a chore failed", extra={"chore": action.__name__})
        connection.close()
