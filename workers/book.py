"""Book what terminals pushed and no request had the time for; also looked for every minute."""

from datetime import timedelta

from django.utils import timezone

from access import queue
from access.queue import app
from access.terminals import pushes

# A worker that books looks at no face: a door never waits longer than this for it.
STEP = timedelta(milliseconds=300)


@app.task(name=queue.BOOK)
def book(_terminal: str = "") -> None:
    """One step through the lines that were received, whichever terminal they came from. Safe to repeat."""
    pushes.book_received(until=timezone.now() + STEP)
    if pushes.waiting():
        queue.send(queue.BOOK, "")
