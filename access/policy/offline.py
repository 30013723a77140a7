"""What a kiosk decides by itself while it cannot reach the server. The browser has the same rule.

Promise: static/access/kiosk/offline.js decides as this does: both pass tests/vectors/offline.json. A kiosk
alone opens for nobody and at no hour that its bundle does not name, and never after the bundle's end.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# A clock this much behind the bundle's own making is wrong.
CLOCK_BEHIND_MS = 120_000
# Wrong PINs in a row for one badge; the server would slow down further tries, a kiosk alone ends them.
MOST_FAILURES = 5
# As access/attendance.py: standing there a little longer is not leaving, and nobody works longer.
DUPLICATE_MS = 60_000
LONGEST_STAY_MS = 16 * 3_600_000


class OfflineReason(StrEnum):
    """Why a kiosk alone did or did not open. Strings are part of the API and never change."""

    OK = "ok"
    CLOCK_UNTRUSTED = "clock_untrusted"
    OFFLINE_DENIED = "offline_denied"
    BUNDLE_EXPIRED = "bundle_expired"
    TOO_MANY_TRIES = "too_many_tries"
    CREDENTIAL_REFUSED = "credential_refused"
    SECOND_FACTOR_NEEDED = "second_factor_needed"
    NOT_VALID_NOW = "not_valid_now"
    OUTSIDE_HOURS = "outside_hours"


class Needs(StrEnum):
    """What opens the door offline."""

    NEVER = "never"
    PIN = "pin"  # with a badge number or a card
    CARD = "card"  # with or without its PIN
    CARD_AND_PIN = "card_and_pin"
    ANY = "any"  # a card alone, or badge number and PIN


# What stands in for what the door asks for while no face can be recognised: never fewer factors.
_INSTEAD = {
    "face": Needs.ANY,
    "face_more": Needs.CARD_AND_PIN,
    "face_pin": Needs.CARD_AND_PIN,
    "face_card": Needs.CARD_AND_PIN,
    "card_pin": Needs.CARD_AND_PIN,
    "card": Needs.CARD,
    "pin": Needs.PIN,
}


@dataclass(frozen=True)
class Answer:
    """`person` and `direction` only where it opens; `credential` says by what: "pin" or "card:<key>".

    `duress`: by the PIN that calls for help, which the screen must not show.
    """

    granted: bool
    reason: OfflineReason
    person: int | None = None
    direction: str = ""
    credential: str = ""
    duress: bool = False


def instead_of(factors: str, *, pin_only: bool) -> Needs:
    """What a door that asks for these factors asks for offline; a word unknown here asks for everything."""
    needs = _INSTEAD.get(factors, Needs.CARD_AND_PIN)
    if not pin_only:
        return needs
    return Needs.CARD_AND_PIN if needs in {Needs.CARD, Needs.CARD_AND_PIN} else Needs.PIN


def decide(bundle: Mapping[str, Any], attempt: Mapping[str, Any], now: int) -> Answer:
    """The answer to what was shown. `bundle` and `attempt` as in the vectors; times in ms since 1970."""
    reason = _moment(bundle, now)
    if reason is not None:
        return Answer(False, reason)
    person, credential = _holder(bundle, attempt, now)
    if attempt.get("failures", 0) >= MOST_FAILURES:
        return Answer(False, OfflineReason.TOO_MANY_TRIES)
    by = _fitting(person, attempt) if person is not None else ""
    if person is None or not by:
        return Answer(False, OfflineReason.CREDENTIAL_REFUSED)
    window = _window(person, now)
    # An hour may ask for more than the door does.
    if not _enough(window[2] if window and len(window) > 2 else bundle["needs"], attempt):
        return Answer(False, OfflineReason.SECOND_FACTOR_NEEDED)
    if now < (person["from"] or 0) or (person["until"] is not None and now >= person["until"]):
        return Answer(False, OfflineReason.NOT_VALID_NOW)
    if window is None:
        return Answer(False, OfflineReason.OUTSIDE_HOURS)
    direction = next_direction(bundle["direction"], person.get("last"), now)
    return Answer(True, OfflineReason.OK, person["person"], direction, credential, by == "duress")


def _moment(bundle: Mapping[str, Any], now: int) -> OfflineReason | None:
    if bundle["needs"] == Needs.NEVER:
        return OfflineReason.OFFLINE_DENIED
    if now < bundle["issued"] - CLOCK_BEHIND_MS:
        return OfflineReason.CLOCK_UNTRUSTED
    return OfflineReason.BUNDLE_EXPIRED if now >= bundle["expires"] else None


def card_core(number: str) -> bytes:
    """What the server keeps of a card's number for bundles, sealed; blanks and capitals aside."""
    return hashlib.sha256("".join(number.split()).lower().encode()).digest()


def card_digest(salt: bytes, core: bytes) -> str:
    """How a bundle names a card: keyed with the bundle's own salt; hex."""
    return hmac.new(salt, core, hashlib.sha256).hexdigest()


def pin_hash(pin: str, salt: bytes, rounds: int) -> bytes:
    """PBKDF2 with SHA-256, 32 bytes: the one slow hash that browsers make by themselves."""
    return hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, rounds)


def _holder(
    bundle: Mapping[str, Any], attempt: Mapping[str, Any], now: int
) -> tuple[Mapping[str, Any] | None, str]:
    if attempt.get("card"):
        digest = card_digest(base64.b64decode(bundle["card_salt"]), card_core(attempt["card"]))
        for person in bundle["people"]:
            for card in person["cards"]:
                if hmac.compare_digest(card["digest"], digest):
                    over = card["until"] is not None and now >= card["until"]
                    return (None, "") if over else (person, f"card:{card['key']}")
        return None, ""
    badge = attempt.get("badge", "").lower()
    found = (person for person in bundle["people"] if person["badge"].lower() == badge)
    return next(found, None), "pin"


def _fitting(person: Mapping[str, Any], attempt: Mapping[str, Any]) -> str:
    """By which secret: "pin", "duress", or "card" alone; "" if it is wrong. A badge number needs its PIN;
    with a card a PIN may be missing, but never be wrong."""
    if not attempt.get("pin"):
        return "card" if attempt.get("card") else ""
    for name in ("pin", "duress"):
        stored = person[name]
        if stored is not None:
            given = pin_hash(attempt["pin"], base64.b64decode(stored["salt"]), stored["rounds"])
            if hmac.compare_digest(given, base64.b64decode(stored["hash"])):
                return name
    return ""


def _enough(needs: str, attempt: Mapping[str, Any]) -> bool:
    card, pin = bool(attempt.get("card")), bool(attempt.get("pin"))
    return {
        Needs.ANY: card or pin,
        Needs.CARD: card,
        Needs.PIN: pin,
        Needs.CARD_AND_PIN: card and pin,
    }.get(Needs(needs), False)


def _window(person: Mapping[str, Any], now: int) -> Sequence[Any] | None:
    """The hours that are now: [from, until] or, where they ask for something else, [from, until, needs]."""
    return next((window for window in person["windows"] if window[0] <= now < window[1]), None)


def next_direction(setting: str, last: Mapping[str, Any] | None, now: int) -> str:
    """The kiosk's own direction, else in or out in turn after the last one that the kiosk knows of."""
    if setting != "auto":
        return setting
    if last is None or not 0 <= now - last["at"] < LONGEST_STAY_MS:
        return "in"
    if now - last["at"] < DUPLICATE_MS:
        return str(last["direction"])
    return "out" if last["direction"] in {"in", "break_in"} else "in"
