"""Send what waits in the outbox, in a thread of its own: an endpoint that hangs must not hold up a door.

The worker's one process looks at faces; a task that waited five seconds for somebody's server would keep
everybody at the doors waiting. Asked every few seconds; a round that is under way is left to finish.
"""

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection

from access import queue
from access.hooks import deliveries
from access.queue import app

logger = logging.getLogger(__name__)
_busy = threading.Lock()


@app.task(name=queue.DELIVER)
def deliver(_endpoint: str = "") -> None:
    """Start a round unless one is under way in this process. Safe to repeat."""
    if _busy.acquire(blocking=False):
        threading.Thread(target=_round, name="deliver", daemon=True).start()


def _round() -> None:
    try:
        while deliveries.work_round():
            pass
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the outbox could not be read", extra={"error": type(error).__name__})
    except Exception:
        # The edge of a thread: the row's try is counted and it is tried again after its lease.
        logger.exception("a round of deliveries failed")
    finally:
        connection.close()
        _busy.release()
