"""The rule of the door: facts in, verdict and reason out. Plain Python, tested as a table.

Promise: a door opens only in time, for one person whom all that the door asks for has proven, who stands well
and whom this door admits at this hour; or because somebody set it to stand open. Everything else is a refusal
with a reason of the closed list.
"""

from datetime import timedelta
from enum import StrEnum

from access.policy.facts import (
    Case,
    Doorway,
    Evidence,
    Mode,
    Moment,
    Passback,
    Proof,
    Shown,
    Standing,
    Verdict,
)
from access.policy.reasons import OF_THE_FACE, Reason

# A kiosk's clock may run ahead by this much before its pictures are distrusted; ordinary NTP keeps
# clocks within a second, and an unsynchronised tablet drifts by a few seconds a day.
CLOCK_AHEAD = timedelta(seconds=10)
# How long a face waits for its PIN or card: long enough to type, too short to walk away from.
STEP_LASTS = timedelta(seconds=30)


class Factor(StrEnum):
    FACE = "face"
    CARD = "card"
    PIN = "pin"


Way = frozenset[Factor]
_FACE_PIN, _FACE_CARD = frozenset({Factor.FACE, Factor.PIN}), frozenset({Factor.FACE, Factor.CARD})
_CARD_PIN = frozenset({Factor.CARD, Factor.PIN})
# What a door asks for, by the word it is set to: each set of factors is enough. "face_more" is what "face"
# becomes where a face alone is never enough.
DEMANDS: dict[str, tuple[Way, ...]] = {
    "face": (frozenset({Factor.FACE}),),
    "face_more": (_FACE_PIN, _FACE_CARD),
    "face_pin": (_FACE_PIN,),
    "face_card": (_FACE_CARD,),
    "card_pin": (_CARD_PIN,),
    "card": (frozenset({Factor.CARD}),),
    "pin": (frozenset({Factor.PIN}),),
}
# What stands in for a face, for people who pass without one: as many factors as the door asks for.
WITHOUT_FACE: dict[str, tuple[Way, ...]] = {
    "face": DEMANDS["card"] + DEMANDS["pin"],
    "face_more": (_CARD_PIN,),
    "face_pin": (_CARD_PIN,),
    "face_card": (_CARD_PIN,),
}
# What even a door that stands open does not overrule: it opens for nobody late, or where it must not.
FIRM = (Reason.STALE, Reason.CLOCK_UNTRUSTED, Reason.DEADLINE, Reason.NOT_IN_USE, Reason.LOCKED_DOWN)

# Refusals that are punched all the same: where no door is opened, and once the second person has come.
NOT_YET = (Reason.NOTED, Reason.SECOND_PERSON_NEEDED)


def decide(case: Case) -> Verdict:
    """The verdict.

    The moment comes first: a late or stale picture must not even tell whether its face is known. Being alive
    comes before being known: a stranger with somebody's photograph must not learn whose it is. Who it is
    is proven by all that the door asks for before anything is told of how that person stands.
    """
    unproven = _moment(case.moment) or _place(case) or _sight(case) or _alive(case) or _identity(case)
    stopped = unproven or _person(case) or _passage(case)
    reason = stopped or (Reason.DURESS if case.shown.pin is Proof.DURESS else Reason.OK)
    proven = unproven is None and _person_stands(case)
    granted = stopped is None
    if not granted and stands_open(case.door) and stopped not in FIRM:
        granted, reason = True, Reason.FREE_PASSAGE
    return Verdict(
        granted,
        reason,
        proven=proven,
        punch=proven and (granted or reason in NOT_YET) and _punched(case),
        needs=_needs(case, reason),
        noticed="passback" if granted and case.passage.inside is not None else "",
    )


def timely(moment: Moment) -> bool:
    """False if the clocks alone already refuse the picture, whatever it shows."""
    return _moment(moment) is None


def stands_open(door: Doorway) -> bool:
    """Whether everybody passes: by its mode, where nobody has locked it down and doors are opened at all."""
    free = door.mode is Mode.FREE or (door.mode is Mode.FIRST_PERSON and door.somebody_came)
    return free and door.keeps_access and not door.locked_down


def claimed(evidence: Evidence | None, shown: Shown) -> int | None:
    """The one person whom everything that was shown names; None if nothing does, or not the same one."""
    seen = evidence.person if evidence is not None else None
    names = {key for key in (seen, shown.card_person, shown.badge_person) if key is not None}
    if len(names) != 1:
        return None
    (who,) = names
    doubt = evidence is not None and evidence.problem is Reason.AMBIGUOUS
    return None if doubt and who not in evidence.people else who  # type: ignore[union-attr]


def asked(case: Case) -> str:
    """What must be shown now: this hour's word where the schedule has one, else the door's own; and more than
    a face where that is never enough."""
    word = (case.standing.opening.factors if case.standing else "") or case.door.factors
    return never_alone(word) if case.door.second_factor else word


def never_alone(word: str) -> str:
    """What a door asks for by this word where a face alone is never enough."""
    return "face_more" if word == "face" else word


def _moment(moment: Moment) -> Reason | None:
    if moment.taken > moment.received + CLOCK_AHEAD:
        return Reason.CLOCK_UNTRUSTED
    if moment.received - moment.taken > moment.freshness:
        return Reason.STALE
    return None


def _place(case: Case) -> Reason | None:
    if not (case.door.keeps_access or case.door.keeps_attendance):
        return Reason.NOT_IN_USE
    if case.shown.step_age is not None and case.shown.step_age > STEP_LASTS:
        return Reason.STALE
    return None


def _sight(case: Case) -> Reason | None:
    if case.shown.picture:
        if case.evidence is None:
            return Reason.DEADLINE
        if case.evidence.problem is not None and case.evidence.problem not in OF_THE_FACE:
            return case.evidence.problem
    if case.moment.now > case.moment.deadline:
        return Reason.DEADLINE
    if case.door.keeps_access and (case.door.locked_down or case.door.mode is Mode.LOCKED):
        return Reason.LOCKED_DOWN
    return None


def _alive(case: Case) -> Reason | None:
    """That it is a picture, any check is believed; that it is live, only the one which was demanded."""
    if not (case.shown.picture and case.moment.live_by):
        return None
    seen = case.evidence
    if seen is not None and seen.live is False:
        return Reason.SPOOF_SUSPECTED
    judged = seen is not None and seen.live is True and seen.judged_by == case.moment.live_by
    return None if judged else Reason.LIVENESS_UNJUDGED


def _identity(case: Case) -> Reason | None:
    """Who it is, and by what. What is missing is asked for before what was shown beside a face is judged, so
    that a card or a badge number gets the same question whether or not anybody has it."""
    return _face(case) or _missing(case) or _shown(case) or _enough(case)


def _face(case: Case) -> Reason | None:
    if not case.shown.picture or case.evidence is None:
        return None
    if case.evidence.problem is Reason.AMBIGUOUS:
        # Never a guess: whom it resembles must be named by something that only they have.
        shown = (case.shown.card, case.shown.pin if case.shown.badge else None)
        return None if any(shown) else Reason.AMBIGUOUS
    if case.evidence.problem is not None:
        return case.evidence.problem
    return Reason.UNKNOWN_FACE if case.evidence.person is None else None


def _missing(case: Case) -> Reason | None:
    ways = _ways(asked(case), without_face=True)
    shown = _presented(case.shown)
    return None if any(way <= shown for way in ways) else Reason.SECOND_FACTOR_NEEDED


def _shown(case: Case) -> Reason | None:
    shown = case.shown
    if shown.pin is Proof.LOCKED:
        return Reason.TOO_MANY_TRIES
    if shown.card is Proof.WRONG or (shown.badge and shown.badge_person is None):
        return Reason.CREDENTIAL_REFUSED
    if shown.card is Proof.NOT_VALID:
        return Reason.CARD_NOT_VALID
    if claimed(case.evidence, shown) is None:
        return Reason.FACTORS_DISAGREE
    if shown.pin is Proof.WRONG:
        return Reason.WRONG_PIN
    if case.standing is None:
        return Reason.UNKNOWN_FACE if shown.picture else Reason.CREDENTIAL_REFUSED
    return None


def _enough(case: Case) -> Reason | None:
    may = case.standing is not None and case.standing.without_face
    shown = _presented(case.shown)
    return None if any(way <= shown for way in _ways(asked(case), without_face=may)) else Reason.FACE_NEEDED


def _ways(word: str, *, without_face: bool) -> tuple[Way, ...]:
    """Each set of factors that is enough. A word that is unknown here is never satisfied by anything less
    than everything."""
    own = DEMANDS.get(word, (frozenset(Factor),))
    return own + (WITHOUT_FACE.get(word, ()) if without_face else ())


def _presented(shown: Shown) -> Way:
    found = ((shown.picture, Factor.FACE), (shown.card, Factor.CARD), (shown.pin, Factor.PIN))
    return frozenset(factor for there, factor in found if there)


def _person(case: Case) -> Reason | None:
    standing, door = case.standing, case.door
    if standing is None:
        return Reason.UNKNOWN_FACE
    if (bad := _stands_badly(case, standing)) is not None:
        return bad
    if not door.keeps_access:
        return Reason.NOTED
    if not standing.opening.admitted:
        return Reason.NO_PERMISSION
    return None if standing.opening.open else Reason.OUTSIDE_HOURS


def _stands_badly(case: Case, standing: Standing) -> Reason | None:
    if not standing.active:
        return Reason.SUSPENDED
    now = case.moment.now
    if (standing.valid_from and now < standing.valid_from) or (
        standing.valid_until and now >= standing.valid_until
    ):
        return Reason.NOT_VALID_NOW
    agreed = standing.consented if case.door.keeps_access else standing.attendance_consented
    return Reason.NOT_CONSENTED if case.shown.picture and not agreed else None


def _person_stands(case: Case) -> bool:
    return case.standing is not None and _stands_badly(case, case.standing) is None


def _passage(case: Case) -> Reason | None:
    passage = case.passage
    if passage.inside is not None and _refused_twice(case):
        return Reason.PASSBACK
    if passage.full:
        return Reason.ZONE_FULL
    if passage.beside:
        return Reason.INTERLOCK
    if case.door.mode is Mode.TWO_PERSON and not passage.companion:
        return Reason.SECOND_PERSON_NEEDED
    return None


def _refused_twice(case: Case) -> bool:
    inside = case.passage.inside
    if inside is None or inside.rule is Passback.SOFT:
        return False
    if inside.rule is Passback.TIMED:
        return case.moment.now - inside.since < timedelta(minutes=inside.minutes)
    return True


def _punched(case: Case) -> bool:
    agreed = case.standing is not None and (case.standing.attendance_consented or not case.shown.picture)
    return agreed and case.door.keeps_attendance


def _needs(case: Case, reason: Reason) -> tuple[str, ...]:
    """What would do next, any one of them: "face", "card", "pin", or "badge_pin" (badge number and PIN)."""
    if reason is Reason.FACE_NEEDED:
        return ("face",)
    if reason is Reason.AMBIGUOUS:
        demanded = _ways(asked(case), without_face=False)
        if all(Factor.CARD in way for way in demanded):
            return ("card",)
        pin = all(Factor.PIN in way for way in demanded)
        return ("badge_pin",) if pin else ("card", "badge_pin")
    if reason is not Reason.SECOND_FACTOR_NEEDED:
        return ()
    shown = _presented(case.shown)
    left = [way - shown for way in _ways(asked(case), without_face=not case.shown.picture)]
    least = min(map(len, left))
    return tuple(sorted({_first(way) for way in left if len(way) == least}))


def _first(missing: Way) -> str:
    """What to ask for first of what is missing: a face or card says who it is, a PIN only confirms."""
    return next(factor.value for factor in Factor if factor in missing)
