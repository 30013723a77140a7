"""A worker's round of reports: planned, made in a process of its own, sent; beside the looking at faces."""

import os
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from access import queue
from access.handouts import asking, files, mail, schedules
from access.models import ReportFile, ReportMail, Staff
from access.reports.exports import Layout
from tests.access.handouts.test_files import MARCH, punched
from tests.access.handouts.test_mail import Mailbox, mailbox
from tests.access.handouts.test_schedules import planned, recipient
from tests.factories import Cast
from workers import report
from workers.app import app

__all__ = ["mailbox"]


@pytest.fixture
def own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes that are started look into the database of the tests."""
    name = connection.settings_dict["NAME"]
    address = os.environ["DATABASE_URL"].replace("/lintel?", f"/{name}?")
    assert name in address
    monkeypatch.setenv("DATABASE_URL", address)


@pytest.mark.django_db(transaction=True)
def test_what_falls_due_is_made_in_a_process_of_its_own_and_sent(
    cast: Cast, own_database: None, mailbox: Mailbox
) -> None:
    punched(cast, 20)
    erika = recipient()
    row = planned(erika, given=MARCH)
    schedules.keep(row, now=timezone.now() - timedelta(days=2))
    report.work_round()
    made = ReportFile.objects.get()
    assert (made.state, made.rows_done, made.asked_by) == ("ready", 20, erika)
    mail.work_round(timezone.now() + mail.WAIT)
    assert ReportMail.objects.get().state == "sent"
    assert [str(one["To"]) for one in mailbox.messages] == ["erika@example.org"]


@pytest.mark.django_db(transaction=True)
def test_a_maker_that_cannot_start_is_not_started_again_and_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    clerk = Staff.objects.create_superuser("chief", password=None)
    asking.ask("punches", MARCH, Layout(), by=clerk)
    report.work_round()
    assert ReportFile.objects.get().state == "waiting"
    assert files.due().exists()


@pytest.mark.django_db(transaction=True)
def test_one_round_at_a_time_in_a_worker(db: None) -> None:
    assert report._busy.acquire(blocking=False)
    try:
        report.make_reports()
        assert "report" not in {thread.name for thread in threading.enumerate()}
    finally:
        report._busy.release()
    report.make_reports()
    for thread in threading.enumerate():
        if thread.name == "report":
            thread.join(30)
    assert report._busy.acquire(blocking=False)
    report._busy.release()


def test_the_scheduler_sends_rounds_and_they_do_not_heap_up() -> None:
    entry = app.conf.beat_schedule["make_reports"]
    assert entry["task"] == queue.MAKE_REPORTS
    assert entry["options"]["expires"] <= entry["schedule"]
    assert queue.MAKE_REPORTS in app.tasks
