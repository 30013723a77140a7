"""Make the reports that somebody asked for or planned, and send those planned, beside the looking at faces.

Each file is made in a process of its own: a long one keeps no door waiting, and its memory goes with it.
"""

import logging
import os
import subprocess
import sys
import threading

from django.db import DatabaseError, InterfaceError, connection

from access import queue
from access.handouts import files, mail, schedules
from access.queue import app

# A file that takes longer than this is not worth waiting for; its lease runs out and it is tried again.
LONGEST_SECONDS = 3600

logger = logging.getLogger(__name__)
_busy = threading.Lock()


@app.task(name=queue.MAKE_REPORTS)
def make_reports(_file: str = "") -> None:
    """Start a round unless one is under way in this process. Safe to repeat."""
    if _busy.acquire(blocking=False):
        threading.Thread(target=_round, name="report", daemon=True).start()


def _round() -> None:
    try:
        work_round()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("reports could not be read", extra={"error": type(error).__name__})
    except Exception:
        # The edge of a thread: the next round comes in a few seconds.
        logger.exception("a round of reports failed")
    finally:
        connection.close()
        _busy.release()


def work_round() -> None:
    """Plan what fell due, make what waits, send what is ready."""
    schedules.plan()
    mail.work_round()
    while (row := files.due().first()) is not None:
        connection.close()  # while the other process works, ours serves others
        if start(row.pk):
            break  # asked for again in a few seconds, not at once
        mail.work_round()


def start(key: object) -> int:
    """The exit code of a process that made the file, or found that somebody else does."""
    command = [sys.executable, "-m", "django", "make_report", str(key)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "access.settings"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, timeout=LONGEST_SECONDS, check=False
    )
    if done.returncode:
        logger.warning("a maker of reports died", extra={"file": str(key), "code": done.returncode})
    return done.returncode
