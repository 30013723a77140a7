"""In and out in turn, whatever the doors, the hour and the clocks."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from access import attendance, snapshots
from access.models import Kiosk, Person, Punch
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast, at

MORNING = at("2026-03-02T08:00:00+01:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def punch(person: Person, when: datetime, direction: str, kiosk: Kiosk) -> Punch:
    snapshot, _new = snapshots.receive(kiosk, factories.sent())
    return attendance.note_punch(person, at=when, direction=direction, kiosk=kiosk, snapshot_id=snapshot.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "when", "direction"),
    [
        ([], MORNING, "in"),
        ([("in", MORNING)], MORNING, "in"),
        ([("in", MORNING)], MORNING + 59 * SECOND, "in"),
        ([("in", MORNING)], MORNING + 60 * SECOND, "out"),
        ([("in", MORNING), ("out", MORNING + HOUR)], MORNING + HOUR + 30 * SECOND, "out"),
        ([("in", MORNING), ("out", MORNING + HOUR)], MORNING + 2 * HOUR, "in"),
        ([("in", MORNING)], MORNING + 16 * HOUR - SECOND, "out"),
        ([("in", MORNING)], MORNING + 16 * HOUR, "in"),
        ([("out", MORNING)], MORNING + HOUR, "in"),
        ([("in", MORNING + HOUR)], MORNING, "in"),
        ([("in", MORNING), ("in", MORNING + 30 * SECOND)], MORNING + 80 * SECOND, "in"),
        ([("in", MORNING), ("in", MORNING + 30 * SECOND)], MORNING + 90 * SECOND, "out"),
        ([("in", at("2026-03-28T22:00:00+01:00"))], at("2026-03-29T06:00:00+02:00"), "out"),
        ([("in", at("2026-10-25T01:30:00+02:00"))], at("2026-10-25T02:30:00+01:00"), "out"),
        ([("in", at("2026-10-25T02:59:30+02:00"))], at("2026-10-25T02:00:15+01:00"), "in"),
    ],
    ids=[
        "the first punch of all",
        "the same instant",
        "still standing there",
        "a minute later",
        "still standing there while leaving",
        "back after lunch",
        "a very long shift",
        "a forgotten punch-out",
        "after an explicit out",
        "a later punch does not count",
        "lingering starts anew with each look",
        "lingering has ended",
        "a night in which an hour is missing",
        "a night with an hour twice",
        "45 seconds across the hour that comes twice",
    ],
)
def test_the_automatic_direction(
    cast: Cast, before: list[tuple[str, datetime]], when: datetime, direction: str
) -> None:
    for past, moment in before:
        punch(cast.alice, moment, past, cast.kiosk)
    punch(cast.bob, when - HOUR, "in", cast.kiosk)  # somebody else's punches never matter
    assert attendance.next_direction(cast.alice, when) == direction


@pytest.mark.django_db
def test_one_snapshot_makes_one_punch_by_constraint(cast: Cast) -> None:
    first = punch(cast.alice, MORNING, "in", cast.kiosk)
    with pytest.raises(IntegrityError), transaction.atomic():
        attendance.note_punch(
            cast.alice, at=MORNING, direction="in", kiosk=cast.kiosk, snapshot_id=first.snapshot_id
        )


@pytest.mark.django_db
def test_a_punch_is_named_by_its_key(cast: Cast) -> None:
    made = punch(cast.alice, MORNING, "in", cast.kiosk)
    assert str(made) == f"punch:{made.pk}"


def told(person: Person, when: datetime, **fields: object) -> tuple[Punch, bool]:
    values: dict[str, object] = {"origin": f"offline:{when.isoformat()}", "clock_ahead": timedelta(0)}
    return attendance.note_late(person, at=when, **(values | fields))  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_punch_told_late_is_written_once_however_often_it_is_told(cast: Cast) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    first, new = told(cast.alice, yesterday, kiosk=cast.kiosk)
    again, new_again = told(cast.alice, yesterday, kiosk=cast.kiosk)
    assert (again.pk, new, new_again) == (first.pk, True, False)
    assert (first.direction, first.explicit, first.suspect) == ("in", False, False)
    out, _new = told(cast.alice, yesterday + HOUR)
    assert out.direction == "out"
    given, _new = told(cast.alice, yesterday + 2 * HOUR, direction="out")
    assert (given.direction, given.explicit) == ("out", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ago", "ahead", "suspect"),
    [
        (HOUR, timedelta(0), False),
        (HOUR, -2 * MINUTE, False),
        (HOUR, 2 * MINUTE + SECOND, True),
        (HOUR, -2 * MINUTE - SECOND, True),
        (HOUR, None, True),
        (-HOUR, timedelta(0), True),
        (timedelta(days=59), timedelta(0), False),
        (timedelta(days=61), timedelta(0), True),
        (timedelta(days=9600), timedelta(0), True),
    ],
    ids=["right", "2 min slow", "fast", "slow", "unknown", "future", "59 days", "61 days", "2000-01-01"],
)
def test_a_clock_that_is_off_marks_its_punches_and_changes_none(
    cast: Cast, ago: timedelta, ahead: timedelta | None, suspect: bool
) -> None:
    when = timezone.now() - ago
    punch, _new = told(cast.alice, when, clock_ahead=ahead)
    assert (punch.at, punch.clock_ahead, punch.suspect) == (when, ahead, suspect)


@pytest.mark.django_db(transaction=True)
def test_of_two_equal_uploads_at_once_one_writes(cast: Cast) -> None:
    when = timezone.now() - HOUR
    outcome = at_once(*(lambda: told(cast.alice, when) for _ in range(4)))
    assert sorted(new for _punch, new in outcome) == [False, False, False, True]
    assert Punch.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [True, False])
def test_punches_without_a_snapshot_go_with_demo_people_only(demo: bool) -> None:
    punch, _new = told(factories.person(demo=demo), timezone.now())
    if demo:
        punch.delete()
        assert not Punch.objects.exists()
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            punch.delete()
