"""The whole story of one decision: what was seen, how sure, by which rule, what the door did, what counts.

Promise: every number stands beside its limit of that moment, and nothing is shown of a table that the reader
may not see. Whom the face resembled is for those with a right of their own (`access.see_match`).
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.attendance import Punch
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.doors.contacts import DoorEvent
from access.doors.drivers import DoorCommand, Fate
from access.hours import reach, words
from access.hours.workdays import WorkDay
from access.staff import Staff

MATCH = "access.see_match"
# What a door's contact reports so long after a grant belongs to it: somebody who walks through slowly.
AFTERWARDS = timedelta(seconds=60)

MOST_ALARMS = MOST_EVENTS = 6

# Name in the facts: words, and whether more is better.
QUALITY: dict[str, tuple[Any, bool]] = {
    "sharpness": (_("Sharpness (0 to 1)"), True),
    "eye_distance": (_("Distance between the eyes (pixels)"), True),
    "yaw": (_("Turned sideways (°)"), False),
    "pitch": (_("Turned up or down (°)"), False),
    "roll": (_("Tilted (°)"), False),
    "outside": (_("Beyond the edge (share of the face)"), False),
    "dark_end": (_("Darkest twentieth (luma, 0–255)"), False),
    "bright_end": (_("Brightest twentieth (luma, 0–255)"), True),
    "contrast": (_("Contrast (luma)"), True),
    "burnt_out": (_("Burnt out (share)"), False),
}
STAGES = {
    "decode": _("Reading the picture"),
    "detect": _("Finding faces"),
    "align": _("Turning upright and judging"),
    "liveness": _("Judging whether it is live"),
    "embed": _("Embedding"),
    "frames": _("Looking at the frames"),
}
FATES = {
    Fate.PENDING: (_("waiting to be sent"), "warning"),
    Fate.SENDING: (_("being sent"), "warning"),
    Fate.DONE: (_("carried out"), "success"),
    Fate.FAILED: (_("failed"), "danger"),
    Fate.EXPIRED: (_("too late, not sent"), "danger"),
}


@dataclass(frozen=True)
class Measure:
    """One number with the limit that it had to keep, and whether it did."""

    name: Any
    value: Any
    limit: str = ""
    kept: bool | None = None


def quality(facts: dict[str, Any]) -> list[Measure]:
    """What was measured of the face, each beside what the door asked of it then."""
    numbers, limits = facts.get("quality") or {}, facts.get("limits") or {}
    return [_measure(name, numbers[name], limits.get(name)) for name in QUALITY if name in numbers]


def _measure(name: str, value: float, limit: float | None) -> Measure:
    label, more = QUALITY[name]
    if limit is None:
        return Measure(label, value)
    if more:
        return Measure(label, value, f"≥ {limit:g}", value >= limit)
    return Measure(label, value, f"≤ {limit:g}", abs(value) <= limit)


# --- The match --------------------------------------------------------------------------------------


def match(facts: dict[str, Any], staff: Staff) -> dict[str, Any] | None:
    """How near the face came to whom, and what was needed; None for whoever may not see it."""
    if not staff.has_perm(MATCH):
        return None
    score, threshold, rate = (facts.get(name) for name in ("score", "threshold", "rate"))
    lead = facts.get("lead")
    return {
        "model": facts.get("model"),
        "compared": facts.get("gallery"),
        "strangers": round(1 / rate) if rate else None,
        "score": score,
        "threshold": threshold,
        "enough": None if score is None or threshold is None else score >= threshold,
        "scale": _scale(score, threshold),
        "lead": lead,
        "margin": facts.get("margin"),
        "nearest": list(_nearest(facts, staff)),
        "hidden": _hidden(facts, staff),
    }


def _scale(score: float | None, threshold: float | None) -> dict[str, float] | None:
    """Where score and threshold lie on a scale from 0 to 1, as percent of a drawing 100 wide."""
    if score is None or threshold is None:
        return None
    place = [round(100 * min(max(value, 0.0), 1.0), 1) for value in (score, threshold)]
    return {"score": place[0], "threshold": place[1]}


def _keys(facts: dict[str, Any]) -> list[tuple[int, float | None]]:
    """The people who were nearest with their scores; of older decisions those who were too alike."""
    return [(key, score) for key, score in facts.get("nearest", [])] or [
        (key, None) for key in facts.get("people", [])
    ]


def _nearest(facts: dict[str, Any], staff: Staff) -> Iterator[dict[str, Any]]:
    found = reach.people_for(staff).in_bulk([key for key, _score in _keys(facts)])
    for key, score in _keys(facts):
        if person := found.get(key):
            yield {"person": person, "score": score}


def _hidden(facts: dict[str, Any], staff: Staff) -> int:
    """How many of the nearest this login does not reach."""
    keys = {key for key, _score in _keys(facts)}
    return len(keys) - reach.people_for(staff).filter(pk__in=keys).count()


# --- The door ---------------------------------------------------------------------------------------


def door(decision: Decision, staff: Staff) -> dict[str, Any]:
    """The order that a grant gave the lock, what became of it, and what the door did then."""
    found = DoorCommand.objects.filter(decision=decision).first()
    words_of, style = FATES[Fate(found.state)] if found else ("", "")
    return {
        "order": found,
        "fate": words_of,
        "style": style,
        "took": _ms(found.finished - found.made) if found and found.finished else None,
        "events": _events(decision) if found else [],
        "alarms": _alarms(decision, found) if staff.has_perm("access.view_alarm") else [],
    }


def _events(decision: Decision) -> list[tuple[str, int]]:
    """What the door's contact said within a minute, with the milliseconds since the decision."""
    door = decision.snapshot.kiosk.door_id
    rows = DoorEvent.objects.filter(door=door, at__gte=decision.at, at__lt=decision.at + AFTERWARDS)
    return [(row.state, _ms(row.at - decision.at)) for row in rows.order_by("at", "id")[:MOST_EVENTS]]


def _alarms(decision: Decision, order: DoorCommand | None) -> list[Alarm]:
    """What was raised by the decision itself, and by its order to the lock."""
    mine = Q(details__decision=str(decision.pk))
    if order is not None:
        mine |= Q(details__command=order.pk)
    return list(Alarm.objects.filter(mine)[:MOST_ALARMS])


# --- Attendance -------------------------------------------------------------------------------------


def attendance(decision: Decision, staff: Staff) -> dict[str, Any] | None:
    """The punch that was made and the working day it counts in; None for whoever sees no punches."""
    if not staff.has_perm("access.view_punch"):
        return None
    punch = Punch.objects.filter(snapshot=decision.pk).first()
    if punch is None:
        return {"punch": None}
    local = punch.at.astimezone(zoneinfo.ZoneInfo(decision.snapshot.kiosk.door.site.zone))
    found = {"punch": punch, "clock": f"{local:%H:%M:%S}", "corrections": list(punch.corrections.all())}
    if not staff.has_perm("access.view_workday"):
        return found
    day = _working_day(punch, local.date())
    on = day.day if day else local.date()
    found |= {"on": on, "link": reverse("admin:access_workday_day", args=[punch.person_id, on.isoformat()])}
    if day is None:
        return found
    told = [
        (words.FIGURES[name], words.amount(name, day.figures[name]))
        for name in words.TOLD
        if day.figures.get(name)
    ]
    return found | {
        "status": words.status_words(day.status),
        "style": words.status_style(day.status),
        "figures": told,
    }


def _working_day(punch: Punch, local: date) -> WorkDay | None:
    """The day whose result names the punch: the date's own, or of a night shift the one before."""
    around = [local - timedelta(days=1), local, local + timedelta(days=1)]
    rows = WorkDay.objects.filter(person=punch.person_id, day__in=around)
    return next((row for row in rows if str(punch.pk) in _counted(row)), None)


def _counted(row: WorkDay) -> set[str]:
    pairs = row.result.get("pairs", [])
    return {pair[end] for pair in pairs for end in ("arrived", "left")} | set(row.result.get("left_out", []))


# --- The moments ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """A stretch of the way to the door, in milliseconds since the picture was received."""

    name: Any
    begin: float
    length: float
    kind: str  # look, look-odd (so that neighbours differ), rest, door

    @property
    def text(self) -> str:
        return f"{self.length:.1f}" if self.length < 100 else f"{self.length:.0f}"


def moments(decision: Decision, order: DoorCommand | None) -> dict[str, Any]:
    """From the picture to the door in milliseconds: the stages of the look, the rest, the lock, as a drawing.

    The stages are drawn one after the other; the rest is waiting for a worker, searching and writing down.
    """
    received = decision.snapshot.received
    took = _ms(decision.at - received)
    spent = decision.facts.get("milliseconds") or {}
    spans, at = [], 0.0
    rest = max(took - sum(spent.get(name, 0) for name in STAGES), 0)
    for name, label in STAGES.items():
        if spent.get(name):
            spans.append(Span(label, at, spent[name], "look-odd" if len(spans) % 2 else "look"))
            at += spent[name]
    spans.append(
        Span(_("Queue, search, rule, writing down") if spent else _("Rule, writing down"), at, rest, "rest")
    )
    end = float(took)
    if order is not None and order.finished is not None:
        done = _ms(order.finished - received)
        spans.append(Span(_("Telling the lock"), end, max(done - end, 0.0), "door"))
        end = max(end, done)
    # The worker's stages and our clocks may not agree: the longer of both is the whole.
    whole = max(end, at, 1.0)
    return {
        "spans": spans,
        "bars": [
            (span, round(100 * span.begin / whole, 2), round(max(100 * span.length / whole, 0.4), 2))
            for span in spans
        ],
        "took": took,
        "deadline": _ms(decision.snapshot.deadline - received),
        "taken": _ms(received - decision.snapshot.taken),
        "whole": round(whole),
    }


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
