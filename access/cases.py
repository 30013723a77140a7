"""What one decision is made from: the facts gathered for the rule of the door, with their rows locked.

Promise: whoever decides by what is gathered here, in the same transaction, decides by what no other decision
can change before the commit. Locks are taken in one order everywhere: snapshot, doors, people, tries, zone.
"""

import zoneinfo
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from access import attendance, people, policy
from access.doors import credentials, history, levels, modes, passback
from access.doors.credentials import Card
from access.doors.modes import DoorMemory
from access.people import Person
from access.places import Direction, Door, Kiosk
from access.policy import Evidence, Passage, Shown
from access.snapshots import Credentials, Snapshot

# Somebody who edits the rules faster than they are read keeps no door waiting for long.
MOST_ROUNDS = 5


@dataclass(frozen=True)
class Gathered:
    """The case, and the rows it was gathered from. `companion` waited for a second person at this door.

    All rules are of the version `rules`, read for the moment `at`; None where edits left no time to agree.
    """

    case: policy.Case
    person: Person | None
    card: Card | None
    memory: DoorMemory | None
    companion: Person | None
    at: datetime
    rules: int | None


def moment(snapshot: Snapshot) -> policy.Moment:
    """Read it last, with the rows locked, so that waiting for locks counts."""
    door = snapshot.kiosk.door
    return policy.Moment(
        taken=snapshot.taken,
        received=snapshot.received,
        now=timezone.now(),
        deadline=snapshot.deadline,
        freshness=timedelta(seconds=door.freshness_seconds),
        live_by=door.live_by,
    )


def gather(
    snapshot: Snapshot,
    evidence: Evidence | None,
    given: Credentials,
    *,
    step_age: timedelta | None,
    rules: int | None,
) -> Gathered:
    """`evidence` is what was seen now, or in the step before, which was `step_age` ago.

    `rules` is the version of the rules from before the snapshot was read, with its door.
    """
    door, now = snapshot.kiosk.door, timezone.now()
    beside = modes.partners(door)
    memories = modes.hold(door, beside) if modes.remembers(door, beside) else {}
    memory = memories.get(door.pk)
    picture = snapshot.kind != Snapshot.Kind.PASS or step_age is not None
    shown, card = Shown(picture=picture, step_age=step_age), None
    if given and _worth_checking(evidence, picture):
        shown, card = _shown(shown, given, now)
    waiting = modes.waiting(door, memory, now=now)
    person, companion = _people(policy.claimed(evidence, shown), waiting)
    if given.pin and _worth_checking(evidence, picture):
        pin = credentials.look_at_pin(given.pin, person=person, given=given, kiosk=snapshot.kiosk)
        shown = replace(shown, pin=pin)
    passage = Passage(companion=companion is not None)
    if memories:
        passage = replace(passage, beside=modes.beside_open(door, beside, memories, now=now))
    if person is not None and (door.enters_id or door.leaves_id):
        look = passback.look(person, door, direction(person, snapshot), now=now)
        passage = replace(passage, inside=look.inside, full=look.full)
    case = policy.Case(
        moment=moment(snapshot),
        door=modes.doorway(door, memory, now=now),
        evidence=evidence,
        shown=shown,
        standing=standing(person, door, at=now) if person is not None else None,
        passage=passage,
    )
    return _of_one_version(Gathered(case, person, card, memory, companion, now, rules), snapshot)


def _of_one_version(gathered: Gathered, snapshot: Snapshot) -> Gathered:
    """What was edited while we gathered is read again, until nothing was edited while we read."""
    for _round in range(MOST_ROUNDS):
        latest = history.version()
        if latest == gathered.rules:
            return gathered
        snapshot.kiosk = Kiosk.objects.select_related("door__site").get(pk=snapshot.kiosk_id)
        door, person = snapshot.kiosk.door, gathered.person
        case = replace(
            gathered.case,
            moment=moment(snapshot),
            door=modes.doorway(door, gathered.memory, now=gathered.at),
            standing=standing(person, door, at=gathered.at) if person is not None else None,
        )
        gathered = replace(gathered, case=case, rules=latest)
    return replace(gathered, rules=None)


def direction(person: Person, snapshot: Snapshot) -> str:
    """In or out: as the kiosk said, else in turn. Where no punches are kept, by the zone behind the door."""
    if snapshot.direction != Direction.AUTO:
        return snapshot.direction
    door = snapshot.kiosk.door
    if door.site.keeps_attendance:
        return attendance.next_direction(person, snapshot.received)
    return "out" if passback.is_inside(person, door) else "in"


def standing(person: Person, door: Door, *, at: datetime) -> policy.Standing:
    """How the person stands with this door."""
    text = people.consent_in_force(person)
    begins, ends = validity(person, door)
    return policy.Standing(
        active=person.active,
        consented=text is not None and text.for_access,
        attendance_consented=text is not None and text.for_attendance,
        opening=levels.opening(person, door, at),
        without_face=person.without_face,
        valid_from=begins,
        valid_until=ends,
    )


def validity(person: Person, door: Door) -> tuple[datetime | None, datetime | None]:
    """From when until when the person may pass at all, half-open, by the clock on the wall of the site."""
    zone = zoneinfo.ZoneInfo(door.site.zone)
    begins, ends = person.valid_from, person.valid_until
    return (
        _midnight(begins, zone) if begins else None,
        _midnight(ends + timedelta(days=1), zone) if ends else None,
    )


def _worth_checking(evidence: Evidence | None, picture: bool) -> bool:
    """A picture that shows no face to speak of is refused for that, and costs nobody a try."""
    if not picture:
        return True
    return evidence is not None and (evidence.problem is None or evidence.problem in policy.OF_THE_FACE)


def _shown(shown: Shown, given: Credentials, now: datetime) -> tuple[Shown, Card | None]:
    """Whose card and badge these are. The PIN is looked at once it is known whose it must be."""
    card = None
    if given.card:
        proof, card = credentials.look_at_card(given.card, now=now)
        shown = replace(shown, card=proof, card_person=card.person_id if card else None)
    if given.badge:
        known = Person.objects.filter(badge__iexact=given.badge, erased=None).values_list("pk", flat=True)
        shown = replace(shown, badge=True, badge_person=known.first())
    return shown, card


def _people(who: int | None, waiting: DoorMemory | None) -> tuple[Person | None, Person | None]:
    """The person named and the one who waits, locked in one order: their punches alternate one at a time,
    and erasure waits for us."""
    second = waiting.waiting_id if waiting is not None else None
    keys = {key for key in (who, second) if key is not None}
    if who is None or not keys:
        return None, None
    found = Person.objects.select_for_update(no_key=True).filter(pk__in=keys, erased=None).order_by("pk")
    rows = {row.pk: row for row in found}
    companion = rows.get(second) if second is not None and second != who else None
    return rows.get(who), companion if companion is not None and companion.active else None


def _midnight(day: date, zone: zoneinfo.ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone)
