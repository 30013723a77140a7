"""What kiosks did while they were alone, told later: each event becomes the decision that it was, once.

Promise: one decision for each event of a kiosk, whatever the order, however often it is told. What is told is
what the door did; if it should not have, that stands beside it, and an alarm says so. Nothing opens here.
"""

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from access import attendance, audit, snapshots
from access.attendance import Punch
from access.decisions import Decision
from access.doors import alarms, passback
from access.doors.alarms import Alarm, Kind
from access.kiosk import conflicts
from access.people import Person
from access.places import Direction, Kiosk, KioskKey
from access.policy import Reason
from access.policy.clocks import Clock, Contact, Moment, Told, moment
from access.policy.offline import OfflineReason
from access.snapshots import Snapshot

GRANTED = gettext_noop(
    "The kiosk decided by itself, without the network, by its data of %(bundle)s; shown: %(shown)s."
)
REFUSED = gettext_noop(
    "The kiosk refused by itself, without the network, by its data of %(bundle)s; shown: %(shown)s."
)


class Result(StrEnum):
    """What became of an event. Part of the API."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"  # its number was used for another event


@dataclass(frozen=True)
class Event:
    """What a kiosk decided by itself. Times in ms, as in policy/clocks.py; `bundle`: when its data were made.

    `seq` counts from 1 without gaps within `line`, the memory of one tablet. `shown`: "card", "badge", "pin".
    """

    id: uuid.UUID
    line: uuid.UUID
    seq: int
    boot: uuid.UUID
    wall: int
    ticks: int
    at: int
    anchored: bool
    bundle: int | None
    granted: bool
    reason: OfflineReason
    person: int | None
    direction: str
    credential: str
    duress: bool
    shown: tuple[str, ...] = ()

    def digest(self) -> bytes:
        return hashlib.sha256(json.dumps(asdict(self), default=str, sort_keys=True).encode()).digest()


class OfflineEvent(models.Model):
    """Personal data: none of its own; how a decision reached us late. Goes with its snapshot."""

    class Trust(models.TextChoices):
        FINE = Clock.FINE.value, _("right")
        DRIFTED = Clock.DRIFTED.value, _("put right by seconds")
        UNTRUSTED = Clock.UNTRUSTED.value, _("not to be trusted")

    snapshot = models.OneToOneField(
        Snapshot, primary_key=True, on_delete=models.CASCADE, related_name="offline"
    )
    key = models.ForeignKey(KioskKey, on_delete=models.CASCADE, related_name="events")
    line = models.UUIDField(_("line"))
    seq = models.PositiveBigIntegerField(_("number"))
    boot = models.UUIDField(_("life of the page"))
    # The kiosk's clocks at the event, milliseconds: what was told, beside what we made of it (Decision.at).
    wall = models.BigIntegerField()
    ticks = models.BigIntegerField()
    bundle = models.DateTimeField(_("data of"), null=True)
    clock = models.CharField(_("clock"), max_length=16, choices=Trust.choices)
    apart_ms = models.BigIntegerField(_("clocks apart by (ms)"))
    # {"reason", "words", "values"}: why the door should not have opened; null where all was well.
    conflict = models.JSONField(_("conflict"), null=True)

    class Meta:
        verbose_name = _("offline event")
        verbose_name_plural = _("offline events")
        ordering = ["-snapshot__received"]
        indexes = [
            models.Index(fields=["line", "seq"], name="offline_events_in_line"),
            models.Index(
                fields=["snapshot"], condition=Q(conflict__isnull=False), name="offline_events_in_conflict"
            ),
        ]

    def __str__(self) -> str:
        return f"offline event {self.seq}"

    @property
    def sentence(self) -> str:
        """The conflict, in the reader's language."""
        return gettext(self.conflict["words"]) % self.conflict["values"] if self.conflict else ""


def take(kiosk: Kiosk, contact: Contact, events: list[Event], *, left: int) -> dict[uuid.UUID, Result]:
    """What became of each. `left`: so many the kiosk still holds; with none left, a gap is an alarm.

    Each event is a transaction of its own, so that nobody at a door waits for a kiosk's past. They do not
    wait for the disk one by one: the last commit, before the kiosk is answered, does.
    """
    rules, known = conflicts.Rules(kiosk), _known(kiosk, events)
    results = {
        event.id: _repeated(event, known[event.id])
        if event.id in known
        else _take(kiosk, contact, event, rules)
        for event in events
    }
    with transaction.atomic():
        audit.record("kiosk.events_told", kiosk, by=f"kiosk:{kiosk.pk}", **_tally(results))
        if left == 0:
            _look_for_gaps(kiosk, {event.line for event in events})
    return results


def _known(kiosk: Kiosk, events: list[Event]) -> dict[uuid.UUID, bytes]:
    """Those that were told before, by what they said: what a kiosk repeats is found here at once."""
    nonces = [event.id for event in events]
    return dict(Snapshot.objects.filter(kiosk=kiosk, nonce__in=nonces).values_list("nonce", "body_digest"))


def _repeated(event: Event, digest: bytes) -> Result:
    return Result.DUPLICATE if bytes(digest) == event.digest() else Result.CONTRADICTION


def _tally(results: dict[uuid.UUID, Result]) -> dict[str, int]:
    found = [result.value for result in results.values()]
    return {result.value: found.count(result.value) for result in Result}


def _take(kiosk: Kiosk, contact: Contact, event: Event, rules: conflicts.Rules) -> Result:
    with snapshots.quick_commit():
        received = datetime.fromtimestamp(contact.received / 1000, UTC)
        snapshot = Snapshot(
            kiosk=kiosk,
            nonce=event.id,
            body_digest=event.digest(),
            kind=Snapshot.Kind.OFFLINE,
            direction=kiosk.direction,
            taken=datetime.fromtimestamp(event.wall / 1000, UTC),
            received=received,
            deadline=received,
        )
        # The constraint settles the race of two equal posts: the second insert waits and does nothing.
        Snapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
        first = Snapshot.objects.get(kiosk=kiosk, nonce=event.id)
        if first.pk != snapshot.pk:
            return _repeated(event, first.body_digest)
        told = Told(str(event.boot), event.wall, event.ticks, event.at, event.anchored)
        _write_down(snapshot, event, moment(told, contact, not_before=event.bundle), rules)
    return Result.STORED


def _write_down(snapshot: Snapshot, event: Event, when: Moment, rules: conflicts.Rules) -> None:
    kiosk, at = snapshot.kiosk, datetime.fromtimestamp(when.at / 1000, UTC)
    bundle = datetime.fromtimestamp(event.bundle / 1000, UTC) if event.bundle is not None else None
    conflict = None
    if event.granted:
        conflict = conflicts.find(rules, event.person, event.credential, at=at, bundle=bundle)
    person = Person.objects.filter(pk=event.person).first() if event.person is not None else None
    reason = Reason.DURESS if event.granted and event.duress else Reason(event.reason.value)
    decision = Decision.objects.create(
        snapshot=snapshot,
        granted=event.granted,
        reason=reason.value,
        person=person,
        direction=event.direction if event.granted else "",
        at=at,
        facts=_facts(event, bundle, kiosk),
    )
    OfflineEvent.objects.create(
        snapshot=snapshot,
        key=kiosk.paired,
        line=event.line,
        seq=event.seq,
        boot=event.boot,
        wall=event.wall,
        ticks=event.ticks,
        bundle=bundle,
        clock=when.clock.value,
        apart_ms=when.apart,
        conflict=asdict(conflict) if conflict else None,
    )
    if event.granted and person is not None:
        _pass(person, decision, event, when)
    audit.record(
        "decision.granted_offline" if event.granted else "decision.refused_offline",
        snapshot,
        by=f"kiosk:{kiosk.pk}",
        reason=reason.value,
        person=person.pk if person else None,
        conflict=conflict.reason.value if conflict else None,
    )
    _raise_alarms(decision, when, conflict=conflict is not None)


def _facts(event: Event, bundle: datetime | None, kiosk: Kiosk) -> dict[str, object]:
    local = bundle.astimezone(ZoneInfo(kiosk.door.site.zone)) if bundle else None
    values = {
        "bundle": f"{local:%Y-%m-%d %H:%M}" if local else "–",
        "shown": ", ".join(event.shown) or "–",
    }
    return {
        "offline": True,
        "shown": list(event.shown),
        "source": _source(event),
        "proven": event.granted,
        "explanation": {"words": GRANTED if event.granted else REFUSED, "values": values},
    }


def _source(event: Event) -> str:
    return Punch.Source.CARD if event.credential.startswith("card:") else Punch.Source.PIN


def _pass(person: Person, decision: Decision, event: Event, when: Moment) -> None:
    """The punch, and the zone behind the door if nothing newer is known of the person."""
    kiosk = decision.snapshot.kiosk
    if kiosk.door.site.keeps_attendance:
        trusted = when.clock is not Clock.UNTRUSTED
        attendance.note_late(
            person,
            at=decision.at,
            origin=f"kiosk:{kiosk.pk}:{event.id}",
            direction=event.direction,
            explicit=kiosk.direction != Direction.AUTO,
            clock_ahead=timedelta(milliseconds=when.apart) if trusted else None,
            source=_source(event),
            kiosk=kiosk,
            snapshot_id=decision.pk,
        )
    if kiosk.door.enters_id or kiosk.door.leaves_id:
        zoned = Q(snapshot__kiosk__door__enters__isnull=False) | Q(
            snapshot__kiosk__door__leaves__isnull=False
        )
        mine = Decision.objects.filter(zoned, person=person, granted=True).exclude(direction="")
        if mine.order_by("-at", "-pk").values_list("pk", flat=True).first() == decision.pk:
            passback.move(person, kiosk.door, event.direction, now=decision.at)


def _raise_alarms(decision: Decision, when: Moment, *, conflict: bool) -> None:
    kiosk = decision.snapshot.kiosk
    told = {"door": kiosk.door, "kiosk": kiosk, "decision": str(decision.pk), "at": decision.at.isoformat()}
    if conflict:
        alarms.raise_alarm(Kind.OFFLINE_CONFLICT, decision.snapshot, person=decision.person, **told)
    if decision.reason == Reason.DURESS and decision.person is not None:
        alarms.raise_alarm(Kind.DURESS, decision.person, person=decision.person, silent=True, **told)
    if decision.reason == Reason.TOO_MANY_TRIES:
        alarms.raise_alarm(Kind.PIN_GUESSING, kiosk, **told)
    if when.clock is Clock.UNTRUSTED:
        alarms.raise_alarm(Kind.CLOCK, kiosk, apart_seconds=round(when.apart / 1000), **told)


def _look_for_gaps(kiosk: Kiosk, lines: set[uuid.UUID]) -> None:
    """An alarm where a kiosk has told all that it holds and a number is missing; told again if more are."""
    counted = OfflineEvent.objects.filter(line__in=lines, snapshot__kiosk=kiosk).values("line")
    found = counted.annotate(last=Max("seq"), n=Count("seq", distinct=True))
    missing = sum(line["last"] - line["n"] for line in found.order_by())
    if missing == 0:
        alarms.end(Kind.MISSING_EVENTS, kiosk)
        return
    known = Alarm.objects.filter(kind=Kind.MISSING_EVENTS.value, kiosk=kiosk, ended=None)
    if not known.filter(details__missing=missing).exists():
        alarms.raise_alarm(Kind.MISSING_EVENTS, kiosk, door=kiosk.door, kiosk=kiosk, missing=missing)
