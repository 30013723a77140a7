"""Door contacts: what a door reports of itself, and what that means.

Promise: one report, one event, whatever is sent how often; a door opened without a grant is forced, one
that stays open too long is held, and both are alarms even if the report comes late or the end never comes.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.doors import alarms, drivers, wiring
from access.doors.alarms import Kind
from access.places import Door, Kiosk

# A reporter's clock may run ahead of ours by this much; beyond it, ours counts. Clocks behind cannot be
# told from reports that were kept while the network was down, and those are to be believed.
CLOCK_AHEAD = timedelta(seconds=5)
# Pushing the door open takes a moment after the lock was released, and two clocks differ.
PUSHING = timedelta(seconds=5)


class State(StrEnum):
    """What a door is. Part of the API; EXIT is no state but a report: somebody leaves by button or handle."""

    OPEN = "open"
    CLOSED = "closed"
    HELD = "held"
    FORCED = "forced"
    EXIT = "exit"


STANDS_OPEN = (State.OPEN.value, State.HELD.value, State.FORCED.value)


class DoorEvent(models.Model):
    """One report of a door, or the clock's finding that it is held open. No personal data. Never changed;
    goes with a demo's door."""

    door = models.ForeignKey(
        Door, verbose_name=_("door"), on_delete=models.CASCADE, related_name="contact_events"
    )
    # The reporter's own number for it: what is sent twice is written once.
    event = models.UUIDField(_("event"), default=uuid.uuid4)
    kiosk = models.ForeignKey(
        Kiosk,
        verbose_name=_("reported by"),
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
    )
    # What was reported, and what it means here: "open" without a grant is forced.
    reported = models.CharField(_("reported"), max_length=10)
    state = models.CharField(_("state"), max_length=10)
    # Two clocks: theirs and ours; `at` is the one of them that counts.
    taken = models.DateTimeField(_("taken"))
    received = models.DateTimeField(_("received"), default=timezone.now)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("door event")
        verbose_name_plural = _("door events")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["door", "-at", "-id"], name="events_of_a_door")]
        constraints = [models.UniqueConstraint(fields=["door", "event"], name="one_row_per_door_and_event")]

    def __str__(self) -> str:
        return f"door:{self.door_id} {self.state}"


class EventReused(Exception):
    """The event's number was used for another report."""


@dataclass(frozen=True)
class Standing:
    """How a door stands: the state, since when; None where it never reported."""

    state: State | None
    since: datetime | None


def state_of(door: Door) -> Standing:
    """By the latest report on the clock that counts: one that comes late changes nothing newer."""
    last = _latest(door)
    return Standing(State(last.state), last.at) if last else Standing(None, None)


def states_of(doors: Sequence[Door]) -> dict[int, Standing]:
    """How these doors stand, by key, in one query."""
    rows = DoorEvent.objects.filter(door__in=doors).exclude(state=State.EXIT.value)
    last = {row.door_id: row for row in rows.order_by("door_id", "-at", "-id").distinct("door_id")}
    found = {key: Standing(State(row.state), row.at) for key, row in last.items()}
    return {door.pk: found.get(door.pk, Standing(None, None)) for door in doors}


def _latest(door: Door, until: datetime | None = None) -> DoorEvent | None:
    rows = DoorEvent.objects.filter(door=door).exclude(state=State.EXIT.value)
    return (rows if until is None else rows.filter(at__lte=until)).order_by("-at", "-id").first()


@transaction.atomic
def report(
    door: Door,
    state: State,
    *,
    taken: datetime,
    event: uuid.UUID | None = None,
    kiosk: Kiosk | None = None,
) -> DoorEvent:
    """The event of this report: written and judged now, or as it was the first time. Raises EventReused."""
    # One report of a door at a time, so that each is judged by those before it.
    Door.objects.select_for_update(no_key=True).get(pk=door.pk)
    if event is not None and (known := DoorEvent.objects.filter(door=door, event=event).first()):
        if (known.reported, known.taken) != (state.value, taken):
            raise EventReused
        return known
    received = timezone.now()
    ahead = taken > received + CLOCK_AHEAD
    at = received if ahead else taken
    before = _latest(door)
    row = DoorEvent.objects.create(
        door=door,
        event=event or uuid.uuid4(),
        kiosk=kiosk,
        reported=state.value,
        state=_judged(door, state, at).value,
        taken=taken,
        received=received,
        at=at,
    )
    if ahead:
        seconds = round((taken - received).total_seconds())
        alarms.raise_alarm(Kind.CLOCK, kiosk or door, door=door, kiosk=kiosk, ahead_seconds=seconds)
    _sound(door, row, newest=before is None or before.at <= row.at)
    return row


def _judged(door: Door, state: State, at: datetime) -> State:
    """What a report means: an opening that nobody was granted is forced, if this door's contact can tell."""
    if state is not State.OPEN:
        return state
    before = _latest(door, at)
    if before is not None and before.state in STANDS_OPEN:
        return State(before.state)  # said again: no new opening, and no less forced or held than it was
    wired = wiring.of(door)
    first, last = at - timedelta(seconds=wired.open_seconds) - PUSHING, at + PUSHING
    let_out = DoorEvent.objects.filter(door=door, reported=State.EXIT.value, at__range=(first, last))
    if not wired.has_contact or let_out.exists() or drivers.released(door, first, last):
        return State.OPEN
    return State.FORCED


def _sound(door: Door, row: DoorEvent, *, newest: bool) -> None:
    """Raise and end the alarms that follow from an event. A late one raises, but it ends nothing newer."""
    since = row.at.isoformat()
    if row.state == State.FORCED:
        alarms.raise_alarm(Kind.FORCED, door, door=door, kiosk=row.kiosk, at=since)
    elif row.state == State.HELD:
        alarms.raise_alarm(Kind.HELD, door, door=door, kiosk=row.kiosk, at=since)
    if row.state == State.CLOSED and newest:
        alarms.end(Kind.FORCED, door)
        alarms.end(Kind.HELD, door)


def find_held() -> int:
    """How many doors were found standing open for too long, by our clock and without any report."""
    found = 0
    for door_id in _standing_open():
        with transaction.atomic():
            door = Door.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=door_id).first()
            last = _latest(door) if door else None
            if door is None or last is None or last.state not in (State.OPEN, State.FORCED):
                continue  # reported on meanwhile, or by somebody else at this moment: next round
            limit = _opened(door, last) + timedelta(seconds=wiring.of(door).held_seconds)
            if limit > timezone.now():
                continue
            at = max(limit, last.at)  # after what was reported last, so that it is the latest there is
            row = DoorEvent.objects.create(
                door=door, reported="", state=State.HELD.value, taken=at, received=timezone.now(), at=at
            )
            _sound(door, row, newest=True)
            found += 1
    return found


def _standing_open() -> list[int]:
    """Doors whose latest event says open or forced."""
    latest = (
        DoorEvent.objects.filter(door=models.OuterRef("pk"))
        .exclude(state=State.EXIT.value)
        .order_by("-at", "-id")
        .values("state")[:1]
    )
    return list(
        Door.objects.annotate(last=models.Subquery(latest))
        .filter(last__in=(State.OPEN.value, State.FORCED.value))
        .values_list("pk", flat=True)
    )


def _opened(door: Door, last: DoorEvent) -> datetime:
    """When the door was opened: repeated reports of an open door do not begin a new opening."""
    closed = (
        DoorEvent.objects.filter(door=door, state=State.CLOSED.value, at__lte=last.at)
        .order_by("-at", "-id")
        .values_list("at", flat=True)
        .first()
    )
    stretch = DoorEvent.objects.filter(door=door, state__in=STANDS_OPEN, at__lte=last.at)
    if closed is not None:
        stretch = stretch.filter(at__gt=closed)
    return stretch.order_by("at", "id").values_list("at", flat=True).first() or last.at
