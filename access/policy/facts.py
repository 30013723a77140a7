"""What the rule of the door decides by: frozen facts, gathered elsewhere, in the words of a door."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from access.policy.reasons import Reason
from access.policy.schedule import Opening


class Mode(StrEnum):
    """What a door does with a verdict. A site that is locked down overrules its doors."""

    NORMAL = "normal"
    LOCKED = "locked"
    FREE = "free"
    FIRST_PERSON = "first_person"
    TWO_PERSON = "two_person"


class Passback(StrEnum):
    """What a zone does about somebody who enters it twice without having left."""

    SOFT = "soft"
    HARD = "hard"
    TIMED = "timed"


class Proof(StrEnum):
    """How something that was shown turned out. What was not shown has no proof at all (None)."""

    GOOD = "good"
    DURESS = "duress"  # a PIN that opens and calls for help
    WRONG = "wrong"  # unknown, or not this person's
    NOT_VALID = "not_valid"  # a known card, revoked or out of its dates
    LOCKED = "locked"  # not looked at: too many tries


@dataclass(frozen=True)
class Moment:
    """When: two clocks and a limit, all with zone. `live_by`: which check must find the face live, if any."""

    taken: datetime
    received: datetime
    now: datetime
    deadline: datetime
    freshness: timedelta
    live_by: str = ""


@dataclass(frozen=True)
class Evidence:
    """What recognition saw, in the words of a door: a problem, or a person, or nobody, or a doubt.

    `problem` is one of the picture's reasons, AMBIGUOUS, UNCALIBRATED or WORKER_FAILED; `person` is the
    key of a person; `people` are those that an ambiguous face resembles. `live` is None where nothing judged
    it, which never counts as live; else the check `judged_by` did. `facts` are the numbers behind it, for the
    auditor; nothing decides by them.
    """

    problem: Reason | None = None
    person: int | None = None
    live: bool | None = None
    judged_by: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    people: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.problem is Reason.OK:
            raise ValueError("OK is not a problem: a door opens for a person, never for a word.")


@dataclass(frozen=True)
class Shown:
    """What was shown besides a face, already checked: `card` and `pin` say how, the keys whose they are.

    `picture`: whether a picture was sent, now or in the step before, which was `step_age` ago.
    """

    picture: bool = True
    card: Proof | None = None
    pin: Proof | None = None
    card_person: int | None = None
    badge: bool = False
    badge_person: int | None = None
    step_age: timedelta | None = None


@dataclass(frozen=True)
class Standing:
    """How a known person stands with a door at the moment of the decision.

    `consented` is for the face and this door's purpose, `attendance_consented` for the face and the punch;
    who shows no face needs neither. `without_face`: may show something else in its place.
    """

    active: bool
    consented: bool
    opening: Opening
    attendance_consented: bool = True
    without_face: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True)
class Doorway:
    """The door and its site as they are set. `second_factor`: a face alone is never enough, whatever is asked
    for at this hour. `somebody_came`: its first person of the day, in its hours."""

    name: str
    zone: tzinfo = UTC
    mode: Mode = Mode.NORMAL
    factors: str = "face"
    second_factor: bool = False
    locked_down: bool = False
    keeps_access: bool = True
    keeps_attendance: bool = True
    somebody_came: bool = False


@dataclass(frozen=True)
class Inside:
    """That the person is in the zone they ask to enter: since when, and what the zone does about it."""

    zone: str
    since: datetime
    rule: Passback
    minutes: int = 0


@dataclass(frozen=True)
class Passage:
    """What stands behind and beside the door. `companion`: another person was let through this door's rule
    just now and waits for a second; `beside` names an interlocked door that is open or was just opened."""

    inside: Inside | None = None
    full: str = ""
    beside: str = ""
    companion: bool = False


@dataclass(frozen=True)
class Case:
    """All that one decision is made from. No evidence means nobody looked in time, where there was a picture;
    no standing means nobody we know."""

    moment: Moment
    door: Doorway
    evidence: Evidence | None
    shown: Shown = Shown()
    standing: Standing | None = None
    passage: Passage = Passage()


@dataclass(frozen=True)
class Verdict:
    """Open or not, and why. `proven`: who it is was proven by all that the door asks, and the person stands
    well; only then may the answer name them. `punch`: in or out may be written down, of a first of two people
    once the second has come. `needs`: each a way to go on. `noticed`: a breach that did not stop anybody."""

    granted: bool
    reason: Reason
    proven: bool = False
    punch: bool = False
    needs: tuple[str, ...] = ()
    noticed: str = ""
