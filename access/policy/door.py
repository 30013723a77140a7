"""The rule of the door: facts in, verdict and reason out. Plain Python, tested as a table.

Promise: a door opens only for exactly one fresh, clear and, where demanded, live face of one known, active,
consenting person whom this door admits. Everything else is a refusal with a reason of the closed list.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from access.policy.reasons import MESSAGES, OF_THE_FACE, Reason

# A kiosk's clock may run ahead by this much before its pictures are distrusted; ordinary NTP keeps
# clocks within a second, and an unsynchronised tablet drifts by a few seconds a day.
CLOCK_AHEAD = timedelta(seconds=10)


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
