"""What a kiosk decides by itself while it cannot reach the server. The browser has the same rule.

Promise: static/access/kiosk/offline.js decides as this does: both pass tests/vectors/offline.json. A kiosk
alone opens for nobody and at no hour that its bundle does not name, and never after the bundle's end.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
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
    CARD_AND_PIN = "card_and_pin"
    ANY = "any"  # a card alone, or badge number and PIN


@dataclass(frozen=True)
class Answer:
    """`person` and `direction` only where it opens; `credential` says by what: "pin" or "card:<key>"."""

    granted: bool
    reason: OfflineReason
    person: int | None = None
    direction: str = ""
    credential: str = ""


def decide(bundle: Mapping[str, Any], attempt: Mapping[str, Any], now: int) -> Answer:
    """The answer to what was shown. `bundle` and `attempt` as in the vectors; times in ms since 1970."""
    reason = _moment(bundle, now)
    if reason is not None:
        return Answer(False, reason)
    person, credential = _holder(bundle, attempt)
    if attempt.get("failures", 0) >= MOST_FAILURES:
        return Answer(False, OfflineReason.TOO_MANY_TRIES)
    if person is None or not _pin_fits(person, attempt):
        return Answer(False, OfflineReason.CREDENTIAL_REFUSED)
    if not _enough(bundle["needs"], attempt):
        return Answer(False, OfflineReason.SECOND_FACTOR_NEEDED)
    reason = _hours(person, now)
    if reason is not None:
        return Answer(False, reason)
    direction = next_direction(bundle["direction"], person.get("last"), now)
    return Answer(True, OfflineReason.OK, person["person"], direction, credential)


def _moment(bundle: Mapping[str, Any], now: int) -> OfflineReason | None:
    if bundle["needs"] == Needs.NEVER:
        return OfflineReason.OFFLINE_DENIED
    if now < bundle["issued"] - CLOCK_BEHIND_MS:
        return OfflineReason.CLOCK_UNTRUSTED
    return OfflineReason.BUNDLE_EXPIRED if now >= bundle["expires"] else None


def card_digest(salt: bytes, number: str) -> str:
    """How a bundle names a card: a keyed digest of what the reader read, blanks and capitals aside; hex."""
    plain = "".join(number.split()).lower()
    return hmac.new(salt, plain.encode(), hashlib.sha256).hexdigest()


def pin_hash(pin: str, salt: bytes, rounds: int) -> bytes:
    """PBKDF2 with SHA-256, 32 bytes: the one slow hash that browsers make by themselves."""
    return hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, rounds)


def _holder(bundle: Mapping[str, Any], attempt: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    if attempt.get("card"):
        digest = card_digest(base64.b64decode(bundle["card_salt"]), attempt["card"])
        for person in bundle["people"]:
            for card in person["cards"]:
                if hmac.compare_digest(card["digest"], digest):
                    return person, f"card:{card['key']}"
        return None, ""
    badge = attempt.get("badge", "").lower()
    found = (person for person in bundle["people"] if person["badge"].lower() == badge)
    return next(found, None), "pin"


def _pin_fits(person: Mapping[str, Any], attempt: Mapping[str, Any]) -> bool:
    """A badge number needs its PIN; with a card a PIN may be missing, but never be wrong."""
    if not attempt.get("pin"):
        return bool(attempt.get("card"))
    stored = person["pin"]
    if stored is None:
        return False
    given = pin_hash(attempt["pin"], base64.b64decode(stored["salt"]), stored["rounds"])
    return hmac.compare_digest(given, base64.b64decode(stored["hash"]))


def _enough(needs: str, attempt: Mapping[str, Any]) -> bool:
    if needs == Needs.ANY:
        return True
    return bool(attempt.get("pin")) and (needs == Needs.PIN or bool(attempt.get("card")))


def _hours(person: Mapping[str, Any], now: int) -> OfflineReason | None:
    if now < (person["from"] or 0) or (person["until"] is not None and now >= person["until"]):
        return OfflineReason.NOT_VALID_NOW
    if any(start <= now < end for start, end in person["windows"]):
        return None
    return OfflineReason.OUTSIDE_HOURS


def next_direction(setting: str, last: Mapping[str, Any] | None, now: int) -> str:
    """The kiosk's own direction, else in or out in turn after the last one that the kiosk knows of."""
    if setting != "auto":
        return setting
    if last is None or not 0 <= now - last["at"] < LONGEST_STAY_MS:
        return "in"
    if now - last["at"] < DUPLICATE_MS:
        return str(last["direction"])
    return "out" if last["direction"] in {"in", "break_in"} else "in"
