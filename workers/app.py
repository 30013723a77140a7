"""The Celery application as the workers run it: `celery -A workers.app worker -P solo -Q decide,enrol`.

One process per core with one thread per network. A worker is warm before it takes its first job.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "access.settings")

import django

django.setup()

from celery.schedules import crontab
from celery.signals import setup_logging, worker_process_init
from django.conf import settings

from access import queue
from access.queue import app
from recognition import ModelError
from workers import (  # noqa: F401  registers the tasks
    book,
    caretaker,
    deliver,
    enrol,
    housekeeping,
    identify,
    report,
    sight,
    watch,
)

__all__ = ["app"]

app.conf.beat_schedule = {
    "tidy": {
        "task": queue.TIDY,
        "schedule": crontab(minute="30", hour="2"),
        "options": {"queue": queue.QUEUES[queue.TIDY]},
    },
    "deliver": {
        "task": queue.DELIVER,
        "schedule": 5.0,
        "options": {"queue": queue.QUEUES[queue.DELIVER], "expires": 5},
    },
    "close_days": {
        "task": queue.CLOSE_DAYS,
        "schedule": crontab(minute="45", hour="2"),
        "options": {"queue": queue.QUEUES[queue.CLOSE_DAYS]},
    },
    "retain": {
        "task": queue.RETAIN,
        "schedule": crontab(minute="15", hour="3"),
        "options": {"queue": queue.QUEUES[queue.RETAIN]},
    },
    "make_reports": {
        "task": queue.MAKE_REPORTS,
        "schedule": 20.0,
        "options": {"queue": queue.QUEUES[queue.MAKE_REPORTS], "expires": 20},
    },
    "book": {
        "task": queue.BOOK,
        "schedule": 60.0,
        # With the workers away nothing heaps up: the next one does it all.
        "options": {"queue": queue.QUEUES[queue.BOOK], "expires": 60},
    },
}


@worker_process_init.connect
def get_ready(**_: object) -> None:
    """Load and warm the models, then keep an eye on the table. A missing model ends the worker, loudly."""
    try:
        sight.open_eyes(settings.MODELS_DIR, settings.EMBEDDER or None)
    except ModelError as error:
        # Celery only logs what a signal's receiver raises; a worker without eyes must not stay.
        raise SystemExit(f"The worker cannot start: {error}") from error
    watch.start()
    caretaker.start()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Celery would otherwise replace the one log format of all processes."""
