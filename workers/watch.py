"""The second way to find work: the table itself. Doors keep working when the broker is down or forgets.

A thread in every worker listens for the website's ring, looks into the table a few times a second,
settles what is past its deadline, and signs the worker in as alive.
"""

import logging
import os
import socket
import threading
import time

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from access import decisions, enrolment, health, snapshots
from access.doorbell import UNDECIDED, open_ear
from workers import identify, sight
from workers.enrol import enrol

LOOK_SECONDS = 0.25
SIGN_IN_SECONDS = 5.0

logger = logging.getLogger(__name__)


def start(closing: threading.Event | None = None) -> threading.Thread:
    """The watching thread of this process, running until `closing` is set, if ever."""
    ends = closing or threading.Event()
    thread = threading.Thread(target=_watch, args=(ends,), name="watch", daemon=True)
    thread.start()
    return thread


def _watch(closing: threading.Event) -> None:
    """Listen and look; a database that is away is asked again a second later."""
    while not closing.is_set():
        try:
            with open_ear(UNDECIDED) as ear:
                _rounds(ear, closing)
        except (psycopg.Error, DatabaseError, InterfaceError) as error:
            logger.warning("the database is away; asking again", extra={"error": type(error).__name__})
        except Exception:
            # The edge of a thread: whatever one row did to us, the next round must come. The row's try
            # is counted, so it cannot come back for ever.
            logger.exception("a round of watching failed")
        connection.close()
        closing.wait(1.0)


def _rounds(ear: psycopg.Connection[tuple[object, ...]], closing: threading.Event) -> None:
    signed_in = 0.0
    while not closing.is_set():
        rung = bool(list(ear.notifies(timeout=LOOK_SECONDS, stop_after=1)))
        if time.monotonic() - signed_in > SIGN_IN_SECONDS:
            sign_in()
            signed_in = time.monotonic()
        look_round(at_once=rung)
        if settings.DATABASE_POOL:
            close_old_connections()


def look_round(*, at_once: bool = False) -> int:
    """Do the forgotten work there is; how much it was.

    Under more work than one process can do, the round ends all the same: a worker too busy to sign in
    would be taken for dead.
    """
    done, until = 0, time.monotonic() + SIGN_IN_SECONDS
    while time.monotonic() < until and (claimed := snapshots.claim_forgotten(at_once=at_once)):
        identify.look_and_settle(*claimed)
        done += 1
    for snapshot_id in snapshots.overdue(timezone.now()):
        decisions.settle(snapshot_id, None)
        done += 1
    for enrolment_id in enrolment.forgotten():
        enrol(str(enrolment_id))
        done += 1
    return done


def sign_in() -> None:
    with sight.eyes() as recognizer:
        card, detector = recognizer.card, recognizer.detector.card.id
        liveness = recognizer.passive.card.id if recognizer.passive else ""
    name = f"{socket.gethostname()}:{os.getpid()}"
    health.sign_in(name, embedder=card.id, detector=detector, liveness=liveness)
    identify.publish_risks(card)
