"""Writes offline.json: `python -m tests.vectors.make`. The answers are stated by hand, never computed."""

import base64
import json
from pathlib import Path
from typing import Any

from access.policy.offline import card_core, card_digest, pin_hash

SALT, CARD_SALT, ROUNDS = b"offline vectors", b"card salt of the vectors", 1_000
ISSUED, HOUR = 1_772_438_100_000, 3_600_000  # 2026-03-02 07:55 UTC
NOW = ISSUED + 9 * 60_000


def hashed(pin: str) -> dict[str, Any] | None:
    if not pin:
        return None
    return {
        "salt": base64.b64encode(SALT).decode(),
        "rounds": ROUNDS,
        "hash": base64.b64encode(pin_hash(pin, SALT, ROUNDS)).decode(),
    }


def person(key: int, badge: str, **fields: Any) -> dict[str, Any]:
    pin, duress = fields.pop("digits", "2704"), fields.pop("forced", "")
    until = fields.pop("cards_until", None)
    cards = [
        {"key": key * 10 + n, "digest": card_digest(CARD_SALT, card_core(text)), "until": until}
        for n, text in enumerate(fields.pop("numbers", []))
    ]
    return {
        "person": key,
        "badge": badge,
        "name": f"Person {key}",
        "from": None,
        "until": None,
        "windows": [[ISSUED, ISSUED + 8 * HOUR]],
        "pin": hashed(pin),
        "duress": hashed(duress),
        "cards": cards,
        "last": None,
    } | fields


def bundle(needs: str = "any", direction: str = "auto", **changed: Any) -> dict[str, Any]:
    people = [
        person(17, "00017", numbers=["04 A2 2B 9C"]),
        person(18, "DEMO-18", digits="", numbers=["LQabcDEF"]),
        person(19, "00019", until=NOW),
        person(20, "00020", **{"from": NOW + 1}),
        person(21, "00021", windows=[]),
        person(22, "00022", windows=[[NOW - HOUR, NOW], [NOW + 1, NOW + HOUR]]),
        person(23, "00023", last={"direction": "in", "at": NOW - 4 * HOUR}),
        person(24, "00024", last={"direction": "out", "at": NOW - 4 * HOUR}),
        person(25, "00025", last={"direction": "in", "at": NOW - 59_999}),
        person(26, "00026", last={"direction": "in", "at": NOW - 16 * HOUR}),
        person(27, "00027", last={"direction": "in", "at": NOW + 1}),
        person(28, "00028", last={"direction": "break_out", "at": NOW - HOUR}),
        person(29, "00029", numbers=["29"], forced="9119"),
        person(30, "00030", digits="", numbers=["30"], cards_until=NOW),
        person(
            31, "00031", numbers=["31"], windows=[[ISSUED, NOW, "card_and_pin"], [NOW, NOW + HOUR, "pin"]]
        ),
    ]
    made = {
        "issued": ISSUED,
        "expires": ISSUED + 8 * HOUR,
        "needs": needs,
        "direction": direction,
        "card_salt": base64.b64encode(CARD_SALT).decode(),
        "people": people,
    }
    return made | changed


def yes(key: int, direction: str = "in", credential: str = "pin", *, duress: bool = False) -> dict[str, Any]:
    return {
        "granted": True,
        "reason": "ok",
        "person": key,
        "direction": direction,
        "credential": credential,
        "duress": duress,
    }


def no(reason: str) -> dict[str, Any]:
    return {
        "granted": False,
        "reason": reason,
        "person": None,
        "direction": "",
        "credential": "",
        "duress": False,
    }


PIN = {"badge": "00017", "pin": "2704"}
CARD = {"card": "04A22B9C"}
BOTH = CARD | {"pin": "2704"}
BUNDLES = {
    "any": bundle(),
    "pin": bundle("pin"),
    "card": bundle("card"),
    "card_and_pin": bundle("card_and_pin"),
    "never": bundle("never"),
    "out": bundle(direction="out"),
}
CASES: list[tuple[str, str, dict[str, Any], int, dict[str, Any]]] = [
    ("badge and PIN", "any", PIN, NOW, yes(17)),
    ("a card alone", "any", CARD, NOW, yes(17, credential="card:170")),
    ("a card as another reader spells it", "any", {"card": " 04 a2 2b 9c "}, NOW,
     yes(17, credential="card:170")),
    ("a badge in small letters, without a PIN of its own", "any", {"badge": "demo-18", "pin": "2704"}, NOW,
     no("credential_refused")),
    ("a QR code", "any", {"card": "LQabcDEF"}, NOW, yes(18, credential="card:180")),
    ("a wrong PIN", "any", {"badge": "00017", "pin": "2705"}, NOW, no("credential_refused")),
    ("no PIN", "any", {"badge": "00017"}, NOW, no("credential_refused")),
    ("an empty PIN", "any", {"badge": "00017", "pin": ""}, NOW, no("credential_refused")),
    ("a badge that nobody has", "any", {"badge": "99999", "pin": "2704"}, NOW, no("credential_refused")),
    ("a card that nobody has", "any", {"card": "04A22B9D"}, NOW, no("credential_refused")),
    ("a card with a wrong PIN", "any", CARD | {"pin": "1"}, NOW, no("credential_refused")),
    ("nothing", "any", {}, NOW, no("credential_refused")),
    ("a card where a PIN is needed", "pin", CARD, NOW, no("second_factor_needed")),
    ("a card and PIN where a PIN is needed", "pin", BOTH, NOW, yes(17, credential="card:170")),
    ("badge and PIN where a PIN is needed", "pin", PIN, NOW, yes(17)),
    ("badge and PIN where card and PIN are needed", "card_and_pin", PIN, NOW, no("second_factor_needed")),
    ("card and PIN where both are needed", "card_and_pin", BOTH, NOW, yes(17, credential="card:170")),
    ("a card where a card is needed", "card", CARD, NOW, yes(17, credential="card:170")),
    ("a card and PIN where a card is needed", "card", BOTH, NOW, yes(17, credential="card:170")),
    ("badge and PIN where a card is needed", "card", PIN, NOW, no("second_factor_needed")),
    ("a duress PIN", "any", {"badge": "00029", "pin": "9119"}, NOW, yes(29, duress=True)),
    ("a card and a duress PIN", "card_and_pin", {"card": "29", "pin": "9119"}, NOW,
     yes(29, credential="card:290", duress=True)),
    ("the PIN of somebody who has a duress PIN too", "any", {"badge": "00029", "pin": "2704"}, NOW, yes(29)),
    ("somebody else's duress PIN", "any", {"badge": "00017", "pin": "9119"}, NOW, no("credential_refused")),
    ("a card that ends now", "any", {"card": "30"}, NOW, no("credential_refused")),
    ("and a moment before", "any", {"card": "30"}, NOW - 1, yes(30, credential="card:300")),
    ("an hour that asks for more than the door", "any", {"card": "31"}, NOW - 1, no("second_factor_needed")),
    ("and gets it", "any", {"card": "31", "pin": "2704"}, NOW - 1, yes(31, credential="card:310")),
    ("an hour that asks for something else", "card", {"badge": "00031", "pin": "2704"}, NOW, yes(31)),
    ("a wrong PIN is told as that, whatever is needed", "card_and_pin", {"badge": "00017", "pin": "9"}, NOW,
     no("credential_refused")),
    ("a door that opens for nobody", "never", BOTH, NOW, no("offline_denied")),
    ("the last millisecond of the bundle", "any", PIN, ISSUED + 8 * HOUR - 1, yes(17)),
    ("the end of the bundle", "any", PIN, ISSUED + 8 * HOUR, no("bundle_expired")),
    ("a clock two minutes behind", "any", {"badge": "00022", "pin": "2704"}, ISSUED - 120_000, yes(22)),
    ("a clock further behind", "any", PIN, ISSUED - 120_001, no("clock_untrusted")),
    ("a permission that ends now", "any", {"badge": "00019", "pin": "2704"}, NOW, no("not_valid_now")),
    ("and a moment before", "any", {"badge": "00019", "pin": "2704"}, NOW - 1, yes(19)),
    ("a permission that has not begun", "any", {"badge": "00020", "pin": "2704"}, NOW, no("not_valid_now")),
    ("and once it has", "any", {"badge": "00020", "pin": "2704"}, NOW + 1, yes(20)),
    ("nobody's hour", "any", {"badge": "00021", "pin": "2704"}, NOW, no("outside_hours")),
    ("between two hours", "any", {"badge": "00022", "pin": "2704"}, NOW, no("outside_hours")),
    ("as the second hour begins", "any", {"badge": "00022", "pin": "2704"}, NOW + 1, yes(22)),
    ("out after in", "any", {"badge": "00023", "pin": "2704"}, NOW, yes(23, "out")),
    ("in after out", "any", {"badge": "00024", "pin": "2704"}, NOW, yes(24, "in")),
    ("still in within a minute", "any", {"badge": "00025", "pin": "2704"}, NOW, yes(25, "in")),
    ("in again after the longest stay", "any", {"badge": "00026", "pin": "2704"}, NOW, yes(26, "in")),
    ("in after an in of the future", "any", {"badge": "00027", "pin": "2704"}, NOW, yes(27, "in")),
    ("in after a break began", "any", {"badge": "00028", "pin": "2704"}, NOW, yes(28, "in")),
    ("out where the kiosk stands at the way out", "out", PIN, NOW, yes(17, "out")),
    ("the fifth try", "any", PIN | {"failures": 4}, NOW, yes(17)),
    ("the sixth try", "any", PIN | {"failures": 5}, NOW, no("too_many_tries")),
]  # fmt: skip


def main() -> None:
    cases = [
        {"name": name, "bundle": bundle, "attempt": attempt, "now": now, "answer": answer}
        for name, bundle, attempt, now, answer in CASES
    ]
    path = Path(__file__).with_name("offline.json")
    path.write_text(json.dumps({"bundles": BUNDLES, "cases": cases}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
