"""When a planned report is due, in the site's own time; and that it falls due once, whoever plans it."""

from datetime import UTC, datetime, timedelta

import pytest

from access.handouts import schedules
from access.handouts.schedules import ReportMail, ReportSchedule
from access.models import Site, Staff
from access.reports.exports import Layout
from tests import factories
from tests.access.racing import at_once

pytestmark = pytest.mark.django_db


def recipient(name: str = "erika", **fields: object) -> Staff:
    values = {"email": f"{name}@example.org", "roles": ["hr"], "is_staff": True}
    return Staff.objects.create_user(name, password=None, **(values | fields))


def planned(*recipients: Staff, zone: str = "Europe/Berlin", **fields: object) -> ReportSchedule:
    site = Site.objects.filter(zone=zone).first() or factories.site(zone=zone)
    values = {"name": "Late arrivals", "report": "punches", "given": {"period": "last_week"}, "every": "day"}
    values |= {
        "layout": Layout().__dict__,
        "site": site,
        "owner": recipients[0] if recipients else recipient(),
    }
    made = ReportSchedule.objects.create(**(values | fields))
    made.recipients.set(recipients)
    return made


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        ({"every": "day", "hour": 6}, "2026-03-02T04:59", "2026-03-02T05:00"),
        ({"every": "day", "hour": 6}, "2026-03-02T05:00", "2026-03-03T05:00"),
        ({"every": "day", "hour": 0}, "2026-03-02T23:30", "2026-03-03T23:00"),
        ({"every": "week", "weekday": 1, "hour": 6}, "2026-03-02T05:00", "2026-03-09T05:00"),
        ({"every": "week", "weekday": 7, "hour": 6}, "2026-03-02T05:00", "2026-03-08T05:00"),
        ({"every": "month", "monthday": 1, "hour": 6}, "2026-03-01T05:00", "2026-04-01T04:00"),
        ({"every": "month", "monthday": 31, "hour": 6}, "2026-02-01T00:00", "2026-02-28T05:00"),
        ({"every": "month", "monthday": 31, "hour": 6}, "2026-03-31T05:00", "2026-04-30T04:00"),
        # The night on which clocks go forward has no half past two; the one on which they go back has two.
        ({"every": "day", "hour": 2}, "2026-03-28T23:00", "2026-03-29T01:00"),
        ({"every": "day", "hour": 2}, "2026-10-24T22:30", "2026-10-25T00:00"),
        ({"every": "day", "hour": 2}, "2026-10-25T00:00", "2026-10-26T01:00"),
        ({"every": "day", "hour": 6, "zone": "America/New_York"}, "2026-03-02T00:00", "2026-03-02T11:00"),
        ({"every": "day", "hour": 6, "zone": "Asia/Kathmandu"}, "2026-03-02T00:15", "2026-03-03T00:15"),
    ],
)
def test_it_is_due_by_the_clock_of_its_site(fields: dict[str, object], now: str, expected: str) -> None:
    assert planned(**fields).due_after(utc(now)) == utc(expected)


def test_what_is_paused_is_never_due() -> None:
    row = planned(recipient(), active=False)
    schedules.keep(row)
    assert row.next_due is None
    assert schedules.plan(utc("2099-01-01T00:00")) == 0


def test_each_recipient_gets_one_a_time() -> None:
    row = planned(recipient("a"), recipient("b"))
    schedules.keep(row, now=utc("2026-03-02T00:00"))
    assert schedules.plan(utc("2026-03-02T04:59")) == 0
    assert schedules.plan(utc("2026-03-02T05:00")) == 2
    assert schedules.plan(utc("2026-03-02T05:01")) == 0
    assert set(ReportMail.objects.values_list("slot", flat=True)) == {utc("2026-03-02T05:00")}
    row.refresh_from_db()
    assert row.next_due == utc("2026-03-03T05:00")


def test_after_an_outage_the_missed_times_make_one() -> None:
    row = planned(recipient())
    schedules.keep(row, now=utc("2026-03-02T00:00"))
    assert schedules.plan(utc("2026-03-09T12:00")) == 1
    row.refresh_from_db()
    assert row.next_due == utc("2026-03-10T05:00")


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_make_one_e_mail() -> None:
    row = planned(recipient())
    schedules.keep(row, now=utc("2026-03-02T00:00"))
    now = utc("2026-03-02T05:00")
    assert sum(at_once(*[lambda: schedules.plan(now)] * 4)) == 1
    assert ReportMail.objects.count() == 1


def test_old_ones_are_forgotten() -> None:
    row = planned(recipient())
    schedules.keep(row, now=utc("2026-03-02T00:00"))
    now = utc("2026-03-02T05:00")
    schedules.plan(now)
    assert schedules.tidy(now + timedelta(days=89)) == 0
    assert schedules.tidy(now + timedelta(days=91)) == 1
