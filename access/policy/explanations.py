"""Why a door did or did not open, in one sentence with the facts it went by. For staff, never for a kiosk.

Promise: no name of a person stands in it, so that it may be kept as long as the decision. It is kept as words
with gaps and the values for them; whoever shows it may translate the words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from access.policy.door import asked
from access.policy.facts import Case, Mode, Verdict
from access.policy.reasons import Reason


@dataclass(frozen=True)
class Explanation:
    """`words` with named gaps as of `%`, and the values for the gaps."""

    words: str
    values: dict[str, str]

    def __str__(self) -> str:
        return self.words % self.values


def gettext_noop(text: str) -> str:
    """Marks words for translators; this package knows no Django."""
    return text


def explain(case: Case, verdict: Verdict) -> Explanation:
    """The sentence for a verdict that `decide` gave for this case."""
    words = _ASKED.get(verdict.reason)
    text = words(case) if words else WORDS[verdict.reason]
    return Explanation(text, {name: value for name, value in _values(case).items() if f"%({name})s" in text})


WORDS = {
    Reason.FREE_PASSAGE: gettext_noop("%(door)s stands open for everybody."),
    Reason.DURESS: gettext_noop("%(door)s opened for the person's duress PIN; an alarm was raised."),
    Reason.CLOCK_UNTRUSTED: gettext_noop("The kiosk's clock ran %(ahead)s ahead of ours."),
    Reason.NOT_IN_USE: gettext_noop("Neither doors nor attendance are in use at this site."),
    Reason.NOTED: gettext_noop("Doors are not opened at this site; only attendance is kept."),
    Reason.UNREADABLE: gettext_noop("The file was not a readable picture."),
    Reason.NO_FACE: gettext_noop("There was no face in the picture."),
    Reason.SEVERAL_FACES: gettext_noop("There were several faces in the picture."),
    Reason.TOO_SMALL: gettext_noop("The face was too small."),
    Reason.CUT_OFF: gettext_noop("The face was cut off by the edge of the picture."),
    Reason.BLURRED: gettext_noop("The face was blurred."),
    Reason.TOO_DARK: gettext_noop("The face was too dark."),
    Reason.TOO_BRIGHT: gettext_noop("The face was too bright."),
    Reason.TURNED_AWAY: gettext_noop("The face was turned away."),
    Reason.SPOOF_SUSPECTED: gettext_noop(
        "%(door)s demands a live face, and this was judged to be a picture of one."
    ),
    Reason.LIVENESS_UNJUDGED: gettext_noop("%(door)s demands a live face, and this one could not be judged."),
    Reason.UNKNOWN_FACE: gettext_noop("Nobody found at this site resembles the face enough."),
    Reason.AMBIGUOUS: gettext_noop("Several people resemble the face, and nothing else said which it was."),
    Reason.SECOND_FACTOR_NEEDED: gettext_noop("%(door)s asks for %(asked)s, and only %(shown)s was shown."),
    Reason.CREDENTIAL_REFUSED: gettext_noop("Nobody has the card or badge number that was shown."),
    Reason.CARD_NOT_VALID: gettext_noop("The card is revoked, or not valid on this day."),
    Reason.WRONG_PIN: gettext_noop("The PIN was wrong, or the person has none."),
    Reason.FACTORS_DISAGREE: gettext_noop("What was shown does not belong to one and the same person."),
    Reason.TOO_MANY_TRIES: gettext_noop("After too many wrong PINs none is looked at for a while."),
    Reason.FACE_NEEDED: gettext_noop(
        "%(door)s asks for %(asked)s, and the person may not pass without a face."
    ),
    Reason.SUSPENDED: gettext_noop("The person is suspended."),
    Reason.NOT_CONSENTED: gettext_noop("The person has not agreed that their face be used for this."),
    Reason.NO_PERMISSION: gettext_noop("Nothing admits the person at %(door)s."),
    Reason.ZONE_FULL: gettext_noop("Zone %(full)s is full."),
    Reason.INTERLOCK: gettext_noop("%(door)s stays shut while %(beside)s is open or was just opened."),
    Reason.SECOND_PERSON_NEEDED: gettext_noop("%(door)s opens for two people, and this was the first."),
    Reason.UNCALIBRATED: gettext_noop("The embedding model has no calibration, so nobody may be named."),
    Reason.WORKER_FAILED: gettext_noop("The picture stopped its worker three times."),
}


def _ok(case: Case) -> str:
    opening = case.standing.opening if case.standing else None
    if case.door.mode is Mode.TWO_PERSON:
        return gettext_noop("%(door)s opened for the second of two people, by %(shown)s.")
    if case.passage.inside is not None:
        return gettext_noop(
            "%(door)s opened, although the person was in %(inside)s since %(since)s: that is only noted."
        )
    if opening is not None and opening.level and opening.until:
        return gettext_noop("%(level)s opens %(door)s for the person until %(until)s; shown: %(shown)s.")
    if opening is not None and opening.level:
        return gettext_noop("%(level)s opens %(door)s for the person; shown: %(shown)s.")
    return gettext_noop("%(door)s opens for the person; shown: %(shown)s.")


def _stale(case: Case) -> str:
    if case.shown.step_age is not None:
        return gettext_noop("The face was seen too long before the PIN or card was shown.")
    return gettext_noop("The picture was %(age)s old, and %(door)s takes none older than %(freshness)s.")


def _deadline(case: Case) -> str:
    if case.evidence is None and case.shown.picture:
        return gettext_noop("Nobody had looked at the picture by the deadline.")
    return gettext_noop("The decision was %(late)s late.")


def _locked(case: Case) -> str:
    if case.door.locked_down:
        return gettext_noop("The site is locked down.")
    return gettext_noop("%(door)s is locked down.")


def _validity(case: Case) -> str:
    standing = case.standing
    if standing is not None and standing.valid_from and case.moment.now < standing.valid_from:
        return gettext_noop("The person may pass from %(valid_from)s.")
    return gettext_noop("The person might pass until %(valid_until)s.")


def _hours(case: Case) -> str:
    opening = case.standing.opening if case.standing else None
    if opening is None or opening.next_from is None:
        return gettext_noop("%(door)s does not open for the person at this hour.")
    return gettext_noop("%(door)s opens for the person from %(next_from)s, in %(wait)s.")


def _passback(case: Case) -> str:
    inside = case.passage.inside
    if inside is not None and inside.minutes:
        return gettext_noop(
            "The person entered %(inside)s at %(since)s and may not enter again for %(minutes)s minutes."
        )
    return gettext_noop("The person has been in %(inside)s since %(since)s and has not left.")


_ASKED: dict[Reason, Callable[[Case], str]] = {
    Reason.OK: _ok,
    Reason.STALE: _stale,
    Reason.DEADLINE: _deadline,
    Reason.LOCKED_DOWN: _locked,
    Reason.NOT_VALID_NOW: _validity,
    Reason.OUTSIDE_HOURS: _hours,
    Reason.PASSBACK: _passback,
}
FACTORS = {
    "face": gettext_noop("a face"),
    "face_more": gettext_noop("a face and a card or PIN"),
    "face_pin": gettext_noop("a face and a PIN"),
    "face_card": gettext_noop("a face and a card"),
    "card_pin": gettext_noop("a card and a PIN"),
    "card": gettext_noop("a card"),
    "pin": gettext_noop("a badge number and a PIN"),
}


def _values(case: Case) -> dict[str, str]:
    """Everything that a sentence may name. Times as the clock on the site's wall shows them."""
    moment, inside = case.moment, case.passage.inside
    opening = case.standing.opening if case.standing else None

    def when(instant: datetime | None) -> str:
        return (
            _when(instant.astimezone(case.door.zone), moment.now.astimezone(case.door.zone))
            if instant
            else ""
        )

    return {
        "door": case.door.name,
        "level": opening.level if opening else "",
        "until": when(opening.until) if opening else "",
        "next_from": when(opening.next_from) if opening else "",
        "wait": _span(opening.next_from - moment.now) if opening and opening.next_from else "",
        "valid_from": when(case.standing.valid_from) if case.standing else "",
        "valid_until": when(case.standing.valid_until) if case.standing else "",
        "ahead": _span(moment.taken - moment.received),
        "age": _span(moment.received - moment.taken),
        "freshness": _span(moment.freshness),
        "late": _span(moment.now - moment.deadline),
        "asked": FACTORS.get(asked(case), asked(case)),
        "shown": _shown(case),
        "inside": inside.zone if inside else "",
        "since": when(inside.since) if inside else "",
        "minutes": str(inside.minutes) if inside else "",
        "full": case.passage.full,
        "beside": case.passage.beside,
    }


def _shown(case: Case) -> str:
    shown = case.shown
    found = [
        ("a face", shown.picture),
        ("a card", shown.card is not None),
        ("a badge number", shown.badge),
        ("a PIN", shown.pin is not None),
    ]
    return " and ".join(text for text, there in found if there) or "nothing"


def _when(instant: datetime, now: datetime) -> str:
    """07:30, or with its day where that is not today."""
    if instant.date() == now.date():
        return f"{instant:%H:%M}"
    return f"{instant:%H:%M} on {instant.day} {instant:%B %Y}"


def _span(length: timedelta) -> str:
    """A length in the two units that matter: 4 s, 12 minutes, 3 h 5 min, 2 days."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 120:
        return f"{round(seconds)} s"
    minutes = -int(-seconds // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"
