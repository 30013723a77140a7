"""The rule of the door: facts in, verdict and reason out. Plain Python, tested as a table.

Promise: a door opens only for exactly one fresh, clear and, where demanded, live face of one known, active,
consenting person whom this door admits. Everything else is a refusal with a reason of the closed list.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# A kiosk's clock may run ahead by this much before its pictures are distrusted; ordinary NTP keeps
# clocks within a second, and an unsynchronised tablet drifts by a few seconds a day.
CLOCK_AHEAD = timedelta(seconds=10)


class Reason(StrEnum):
    """Why a door did or did not open. Strings are part of the API and never change."""

    OK = "ok"
    # The moment
    STALE = "stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DEADLINE = "deadline"
    # The picture
    UNREADABLE = "unreadable"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    # A face, or a picture of one
    SPOOF_SUSPECTED = "spoof_suspected"
    LIVENESS_UNJUDGED = "liveness_unjudged"
    # The face
    UNKNOWN_FACE = "unknown_face"
    AMBIGUOUS = "ambiguous"
    # The person
    SUSPENDED = "suspended"
    NOT_CONSENTED = "not_consented"
    NO_PERMISSION = "no_permission"
    # Ourselves
    UNCALIBRATED = "uncalibrated"
    WORKER_FAILED = "worker_failed"


# Problems that say something about a face wait until the moment is judged, and whether the face is live.
OF_THE_FACE = (Reason.AMBIGUOUS, Reason.UNCALIBRATED)
# What the kiosk says. Guidance where the person can do something; silence about whom we know.
MESSAGES = {
    Reason.OK: "Welcome.",
    Reason.STALE: "That picture is too old. Please try again.",
    Reason.CLOCK_UNTRUSTED: "This kiosk's clock is wrong. Please tell the office.",
    Reason.DEADLINE: "That took too long. Please try again.",
    Reason.UNREADABLE: "The picture could not be read. Please try again.",
    Reason.NO_FACE: "Please look into the camera.",
    Reason.SEVERAL_FACES: "One person at a time, please.",
    Reason.TOO_SMALL: "Please come closer.",
    Reason.CUT_OFF: "Please stand in the middle of the picture.",
    Reason.BLURRED: "Please hold still.",
    Reason.TOO_DARK: "It is too dark to see you.",
    Reason.TOO_BRIGHT: "It is too bright to see you.",
    Reason.TURNED_AWAY: "Please look straight into the camera.",
    # The same words as for a stranger: whoever holds up a picture learns neither whose it is nor what gave
    # it away.
    Reason.SPOOF_SUSPECTED: "You were not recognised.",
    Reason.LIVENESS_UNJUDGED: "You were not recognised.",
    Reason.UNKNOWN_FACE: "You were not recognised.",
    Reason.AMBIGUOUS: "You were not recognised for certain. Please use another way in.",
    Reason.SUSPENDED: "This door does not open for you. Please ask the office.",
    Reason.NOT_CONSENTED: "This door does not open for you. Please ask the office.",
    Reason.NO_PERMISSION: "This door does not open for you.",
    Reason.UNCALIBRATED: "Recognition is not set up here yet. Please tell the office.",
    Reason.WORKER_FAILED: "The picture could not be examined. Please try again.",
}


@dataclass(frozen=True)
class Moment:
    """When and where: two clocks and a limit, all with zone, and whether the door demands a live face."""

    taken: datetime
    received: datetime
    now: datetime
    deadline: datetime
    freshness: timedelta
    must_live: bool


@dataclass(frozen=True)
class Evidence:
    """What recognition saw, in the words of a door: a problem, or a person, or nobody, or a doubt.

    `problem` is one of the picture's reasons, AMBIGUOUS, UNCALIBRATED or WORKER_FAILED; `person` is the
    key of a person. `live` is None where nothing judged it, which never counts as live. `facts` are the
    numbers behind it, for the auditor; nothing here decides by them.
    """

    problem: Reason | None = None
    person: int | None = None
    live: bool | None = None
    facts: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.problem is Reason.OK:
            raise ValueError("OK is not a problem: a door opens for a person, never for a word.")


@dataclass(frozen=True)
class Standing:
    """How a known person stands with a door at the moment of the decision."""

    active: bool
    consented: bool
    admitted: bool


@dataclass(frozen=True)
class Verdict:
    granted: bool
    reason: Reason

    @property
    def message(self) -> str:
        return MESSAGES[self.reason]


def decide(moment: Moment, evidence: Evidence | None, standing: Standing | None) -> Verdict:
    """The verdict. No evidence means nobody looked in time; no standing means nobody we know.

    The moment comes first: a late or stale picture must not even tell whether its face is known. Being alive
    comes before being known: a stranger with somebody's photograph must not learn whose it is.
    """
    reason = _moment(moment) or _sight(evidence) or _alive(evidence, moment) or _person(evidence, standing)
    return Verdict(reason is Reason.OK, reason)


def timely(moment: Moment) -> bool:
    """False if the clocks alone already refuse the picture, whatever it shows."""
    return _moment(moment) is None


def _moment(moment: Moment) -> Reason | None:
    if moment.taken > moment.received + CLOCK_AHEAD:
        return Reason.CLOCK_UNTRUSTED
    if moment.received - moment.taken > moment.freshness:
        return Reason.STALE
    return None


def _sight(evidence: Evidence | None) -> Reason | None:
    if evidence is None:
        return Reason.DEADLINE
    return None if evidence.problem in OF_THE_FACE else evidence.problem


def _alive(evidence: Evidence | None, moment: Moment) -> Reason | None:
    if moment.now > moment.deadline:
        return Reason.DEADLINE
    if not moment.must_live or (evidence is not None and evidence.live is True):
        return None
    judged = evidence is not None and evidence.live is not None
    return Reason.SPOOF_SUSPECTED if judged else Reason.LIVENESS_UNJUDGED


def _person(evidence: Evidence | None, standing: Standing | None) -> Reason:
    if evidence is not None and evidence.problem is not None:
        return evidence.problem
    if evidence is None or evidence.person is None or standing is None:
        return Reason.UNKNOWN_FACE
    if not standing.active:
        return Reason.SUSPENDED
    if not standing.consented:
        return Reason.NOT_CONSENTED
    if not standing.admitted:
        return Reason.NO_PERMISSION
    return Reason.OK
