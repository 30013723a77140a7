"""Would this door open? The verdict for a person, a door and a moment, under the rules of that moment.

Promise: nothing is decided here by other rules than at the door. Facts are gathered by the same code and
decided by the same function; a past decision is made again from what it kept and comes out as recorded.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from access import cases, policy
from access.decisions import Decision
from access.doors import history, modes
from access.people import Person
from access.places import Door
from access.policy import DEMANDS, Case, Evidence, Factor, Moment, Opening, Proof, Shown, Verdict
from access.snapshots import Snapshot


@dataclass(frozen=True)
class Simulation:
    """`rules` is the version of the rules that was read; `mode_until` when the door's mode will be over."""

    case: Case
    verdict: Verdict
    explanation: policy.Explanation
    rules: int
    mode_until: datetime | None = None

    @property
    def sentence(self) -> str:
        """Why, in the reader's language."""
        return gettext(self.explanation.words) % self.explanation.values

    @property
    def opening(self) -> Opening | None:
        return self.case.standing.opening if self.case.standing else None


# Calendars and zones end somewhere; nobody asks about doors beyond.
YEARS = (2000, 2100)


class NothingKept(Exception):
    """No rules are kept of that moment, or the person or door was not there yet."""


def simulate(person: int, door: int, at: datetime, *, shown: frozenset[Factor] | None = None) -> Simulation:
    """The verdict, had this person (by key) been at this door at a moment (with zone), past or future.

    `shown` is what they would show, each good and theirs; None: whatever the door asks for at that hour.
    Where people are, and who came before, is not known of another moment: zones are taken to be empty, doors
    beside shut, and nobody to have come. Raises NothingKept.
    """
    version = history.version() if at >= timezone.now() else history.version_at(at)
    if version is None:
        raise NothingKept
    with history.as_of(version):
        place = Door.objects.select_related("site").filter(pk=door).first()
        who = Person.objects.filter(pk=person).first()
        if place is None or who is None:
            raise NothingKept
        case = Case(
            moment=_moment(place, at),
            door=modes.doorway(place, None, now=at),
            evidence=None,
            standing=None if who.erased else cases.standing(who, place, at=at),
        )
    return replace(_decided(_showing(case, person, shown), version), mode_until=place.mode_until)


def replay(decision: Decision) -> Simulation:
    """A past decision, made again from what it kept and the rules of its moment.

    Raises NothingKept for decisions older than the keeping of rules.
    """
    kept, version = decision.facts.get("case"), decision.facts.get("rules")
    if kept is None or version is None:
        raise NothingKept
    evidence, shown = policy.evidence_of(kept), policy.shown_of(kept)
    at = datetime.fromisoformat(kept["at"])
    with history.as_of(version):
        snapshot = Snapshot.objects.select_related("kiosk__door__site").get(pk=decision.pk)
        door = snapshot.kiosk.door
        who = Person.objects.filter(pk=policy.claimed(evidence, shown), erased=None).first()
        case = Case(
            moment=replace(cases.moment(snapshot), now=datetime.fromisoformat(kept["now"])),
            door=replace(modes.doorway(door, None, now=at), somebody_came=kept["somebody_came"]),
            evidence=evidence,
            shown=shown,
            standing=cases.standing(who, door, at=at) if who is not None else None,
            passage=policy.passage_of(kept),
        )
    return _decided(case, version)


@dataclass(frozen=True)
class Changed:
    """A rule that changed after a version, by key ("door:3"), when, and whether it is gone."""

    what: str
    at: datetime
    gone: bool


def in_force_since(version: int) -> datetime | None:
    """When this version of the rules began, by the database's clock."""
    return history.RuleChange.objects.filter(pk=version).values_list("at", flat=True).first()


def changed_since(version: int, door: int, person: int, *, most: int = 20) -> tuple[list[Changed], int]:
    """Rules of this door and person that changed after a version, oldest first, and how many there are."""
    mine = Q(table="access_door", key=door) | Q(table="access_person", key=person)
    for column, key in (("door_id", door), ("person_id", person)):
        mine |= Q(**{f"row__{column}": key})
    for table in ("schedule", "schedulebar", "accesslevel", "site", "zone", "holiday"):
        mine |= Q(table=f"access_{table}")  # of any door: which ones reach this door is itself a rule
    found = history.RuleChange.objects.filter(mine, pk__gt=version).order_by("pk")
    rows = [
        Changed(f"{row.table.removeprefix('access_')}:{row.key}", row.at, row.gone) for row in found[:most]
    ]
    return rows, found.count()


# A person with a schedule of two bars a day has some sixty edges in the fortnight that is looked at.
MOST_EDGES = 100


def next_grant(
    person: int, door: int, after: datetime, *, shown: frozenset[Factor] | None = None
) -> Simulation | None:
    """The first moment from `after` on at which the door would open, by the rules of today; None within the
    fortnight that schedules are looked ahead. Raises NothingKept."""
    at = max(after, timezone.now())
    for _edge in range(MOST_EDGES):
        found = simulate(person, door, at, shown=shown)
        if found.verdict.granted:
            return found
        edges = [edge for edge in _edges(found) if edge is not None and edge > at]
        if not edges or min(edges) - after > policy.HORIZON:
            return None
        at = min(edges)
    return None


def _edges(found: Simulation) -> list[datetime | None]:
    """When the verdict may change: at the schedule's next change, the person's first day, a mode's end."""
    standing = found.case.standing
    if standing is None:
        return []
    return [standing.opening.until, standing.opening.next_from, standing.valid_from, found.mode_until]


def _decided(case: Case, version: int) -> Simulation:
    verdict = policy.decide(case)
    return Simulation(case, verdict, policy.explain(case, verdict), version)


def _moment(door: Door, at: datetime) -> Moment:
    """A picture taken and decided in no time."""
    freshness = timedelta(seconds=door.freshness_seconds)
    return Moment(at, at, at, at + timedelta(milliseconds=door.deadline_ms), freshness, door.live_by)


def _showing(case: Case, person: int, shown: frozenset[Factor] | None) -> Case:
    """The case of somebody who shows these factors, all of them good."""
    if shown is None:
        shown = DEMANDS.get(policy.asked(case), DEMANDS["face"])[0]
        if case.standing is not None and case.standing.without_face and Factor.FACE in shown:
            shown = frozenset({Factor.CARD, Factor.PIN}) if len(shown) > 1 else frozenset({Factor.CARD})
    face, card, pin = (factor in shown for factor in (Factor.FACE, Factor.CARD, Factor.PIN))
    badge = pin and not (face or card)
    return replace(
        case,
        evidence=Evidence(person=person, live=True, judged_by=case.moment.live_by) if face else None,
        shown=Shown(
            picture=face,
            card=Proof.GOOD if card else None,
            pin=Proof.GOOD if pin else None,
            card_person=person if card else None,
            badge=badge,
            badge_person=person if badge else None,
        ),
    )
