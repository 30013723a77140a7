"""The forgotten punch-out, asked at the next punch: "Yesterday you did not leave: 17:00 as planned? 17:30?"

The answer files a correction that somebody approves; one answer for each decision of a door.
"""

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import attendance
from access.attendance import Punch
from access.decisions import Decision
from access.hours import corrections, plans
from access.hours.corrections import Correction
from access.hours.requests import State
from access.people import Person
from access.places import Kiosk

# Whoever comes back after a longer time is not asked at a door any more; the missed punch stays listed.
LONGEST_AGO = timedelta(days=5)
# A door's answer on a kiosk is gone by then.
TIME_TO_ANSWER = timedelta(minutes=10)
# What is offered besides the planned end, or without one: so long after the day's arrival.
USUAL_DAY = timedelta(hours=8, minutes=30)
HALF_AN_HOUR = timedelta(minutes=30)


class NoQuestion(Exception):
    """This decision asked nothing of its person, or too long ago."""


class Impossible(Exception):
    """Nobody left then: the time lies before the arrival, or after the next punch."""


@dataclass(frozen=True)
class Question:
    """`since`: the punch-in without a punch-out. `offered`: times to choose from, the planned end first."""

    day: date
    since: datetime
    planned: datetime | None
    offered: tuple[datetime, ...]


def after(punch: Punch) -> Question | None:
    """What to ask whoever has just made this punch; None if there is nothing to ask."""
    if punch.direction != Punch.Way.IN:
        return None
    before = (
        Punch.objects.filter(person=punch.person_id, at__lt=punch.at, at__gt=punch.at - LONGEST_AGO)
        .exclude(pk=punch.pk)
        .order_by("-at", "-created")
        .first()
    )
    forgot = before is not None and before.direction in (Punch.Way.IN, Punch.Way.BREAK_IN)
    if before is None or not forgot or punch.at - before.at < attendance.LONGEST_STAY:
        return None
    if _answered(punch.person, before.at, punch.at):
        return None
    return _question(punch, before)


def _answered(person: Person, since: datetime, until: datetime) -> bool:
    """Whether somebody asked already that a punch be added in between."""
    wanted = [State.ASKED, State.APPROVED]
    return Correction.objects.filter(person=person, at__gt=since, at__lt=until, state__in=wanted).exists()


def _question(punch: Punch, before: Punch) -> Question:
    zone = zoneinfo.ZoneInfo(punch.kiosk.door.site.zone if punch.kiosk else "UTC")
    since = before.at.astimezone(zone)
    planned = plans.planned_end(punch.person, since.date())
    planned = planned.astimezone(zone) if planned is not None and since < planned < punch.at else None
    first = planned or since + USUAL_DAY
    offered = [first, first + HALF_AN_HOUR]
    return Question(
        day=since.date(),
        since=since,
        planned=planned,
        offered=tuple(moment for moment in offered if moment < punch.at),
    )


def answer(kiosk: Kiosk, decision: object, left: datetime) -> Correction:
    """The correction that asks for a punch-out at `left`.

    Raises NoQuestion (unknown or another kiosk's decision, or nothing was asked), Impossible, and
    corrections.AskedBefore.
    """
    found = (
        Decision.objects.select_related("person", "snapshot__punch", "snapshot__kiosk__door__site")
        .filter(pk=decision, snapshot__kiosk=kiosk)
        .first()
    )
    if found is None or found.person is None:
        raise NoQuestion
    if Correction.objects.filter(decision=found).exists():
        raise corrections.AskedBefore
    punch = getattr(found.snapshot, "punch", None)
    question = after(punch) if punch is not None else None
    if question is None or punch is None or timezone.now() - found.at > TIME_TO_ANSWER:
        raise NoQuestion
    if not question.since < left < punch.at:
        raise Impossible
    try:
        with transaction.atomic():
            return corrections.ask(
                Correction(
                    person=found.person,
                    day=question.day,
                    at=left,
                    direction=Punch.Way.OUT,
                    reason="Forgotten punch-out, answered at the kiosk",
                    decision=found,
                ),
                by=f"kiosk:{kiosk.pk}",
            )
    except IntegrityError as error:
        raise corrections.AskedBefore from error
