"""In and out in turn, whatever the doors, the hour and the clocks."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from access import attendance, snapshots
from access.models import Kiosk, Person, Punch
from tests import factories
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
