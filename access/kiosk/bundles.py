"""What a kiosk is given for the time without the network: whom it may let pass, by what, and until when.

Promise: only a paired kiosk gets one, sealed to its own key and signed by ours. It names only those whom this
door admits within the lease and who have a card or PIN, and it never holds a face.
"""

import base64
import hashlib
import itertools
import json
import os
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone

from access import cases, policy
from access.attendance import LONGEST_STAY, Punch
from access.doors import credentials, history, levels
from access.doors.credentials import Card, Pin
from access.kiosk import pairing
from access.people import Person, PersonKey
from access.places import Door, Kiosk, KioskKey
from access.policy import offline
from access.policy.offline import Needs

PURPOSE = b"lintel offline bundle 1"


@dataclass(frozen=True)
class Envelope:
    """A bundle on its way: ECDH to the kiosk's key, AES-256-GCM, and our signature over all of it."""

    ephemeral: bytes
    iv: bytes
    sealed: bytes
    signature: bytes


def tag(kiosk: Kiosk) -> str:
    """Changes whenever a new bundle might say something else about who may pass. Cheap: asked each minute."""
    cards = Card.objects.aggregate(n=Count("pk"), issued=Max("issued"), revoked=Max("revoked"))
    pins = Pin.objects.aggregate(n=Count("pk"), changed=Max("changed"))
    said = (kiosk.pk, history.version(), *map(str, cards.values()), *map(str, pins.values()))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def give(key: KioskKey) -> tuple[str, Envelope]:
    """A fresh bundle for this paired kiosk, with its tag."""
    mark = tag(key.kiosk)  # before the rules are read: what changes meanwhile is asked for again
    content = build(key.kiosk, now=timezone.now())
    KioskKey.objects.filter(pk=key.pk).update(
        bundle_until=timezone.now() + _lease(), bundle_people=len(content["people"])
    )
    return mark, seal(key, content)


def _lease() -> timedelta:
    return timedelta(hours=settings.OFFLINE_HOURS)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def build(kiosk: Kiosk, *, now: datetime) -> dict[str, Any]:
    """The bundle in the clear, in the words of policy/offline.py."""
    needs, until, salt = needs_of(kiosk.door), now + _lease(), os.urandom(16)
    return {
        "kiosk": kiosk.pk,
        "issued": _ms(now),
        "expires": _ms(until),
        "needs": needs.value,
        "direction": kiosk.direction,
        "card_salt": base64.b64encode(salt).decode(),
        "people": [] if needs is Needs.NEVER else _people(kiosk.door, salt, now, until),
    }


def needs_of(door: Door) -> Needs:
    """What opens this door offline. What one kiosk alone cannot know keeps it shut: a second person, the door
    beside, a lockdown."""
    site = door.site
    firm = site.locked_down is not None or not (site.keeps_access or site.keeps_attendance)
    # A mode that will be over while the kiosk is alone counts, and the one that comes back too.
    modes = {door.mode_at(timezone.now()), door.mode_after if door.mode_until else door.mode}
    alone = bool(modes & {Door.Mode.LOCKED, Door.Mode.TWO_PERSON}) or door.interlocked.exists()
    if door.offline == Door.Offline.DENY or firm or alone:
        return Needs.NEVER
    return _instead_of(door, door.factors)


def _instead_of(door: Door, asks: str) -> Needs:
    asks = policy.never_alone(asks) if door.second_factor else asks
    return offline.instead_of(asks, pin_only=door.offline == Door.Offline.PIN_ONLY)


def _people(door: Door, salt: bytes, now: datetime, until: datetime) -> list[dict[str, Any]]:
    allowed = _windows(door, now, until)
    rows = Person.objects.filter(pk__in=allowed, active=True, erased=None).in_bulk()
    keys = dict(PersonKey.objects.filter(person__in=rows).values_list("person_id", "wrapped"))
    cards = _cards(keys, salt, now)
    pins = _pins(keys)
    last = _last_punches(rows, now)
    found = []
    for key, person in sorted(rows.items()):
        begins, ends = cases.validity(person, door)
        if not (key in cards or key in pins) or (ends is not None and ends <= now):
            continue
        found.append(
            {
                "person": key,
                "badge": person.badge,
                "name": person.name.partition(" ")[0],  # all that the screen shows
                "from": _ms(begins) if begins else None,
                "until": _ms(ends) if ends else None,
                "windows": allowed[key],
                "cards": cards.get(key, []),
                "last": last.get(key),
            }
            | pins.get(key, {"pin": None, "duress": None})
        )
    return found


def _windows(door: Door, now: datetime, until: datetime) -> dict[int, list[list[Any]]]:
    """The hours of everybody whom the door admits within the lease; many share theirs, made once."""
    zone = zoneinfo.ZoneInfo(door.site.zone)
    everything = levels.permits_of_all(door)
    days = levels.special_days(door, itertools.chain(*everything.values()), now)
    made: dict[tuple[policy.Permit, ...], list[list[Any]]] = {}
    found = {}
    for person, permits in everything.items():
        shared = tuple(permits)
        if shared not in made:
            made[shared] = [
                [_ms(begin), _ms(end), *([_instead_of(door, asks).value] if asks else [])]
                for begin, end, asks in policy.windows(shared, days, zone, now, until)
            ]
        hours = made[shared] if door.site.keeps_access else [[_ms(now), _ms(until)]]
        if hours:
            found[person] = hours
    return found


def _cards(keys: Mapping[int, bytes], salt: bytes, now: datetime) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for card in Card.objects.filter(person__in=keys, revoked=None).order_by("pk"):
        early = card.valid_from is not None and card.valid_from > now
        late = card.valid_until is not None and card.valid_until <= now
        core = None if early or late else credentials.offline_core(card, keys[card.person_id])
        if core is not None:
            ends = _ms(card.valid_until) if card.valid_until else None
            named = {"key": card.pk, "digest": offline.card_digest(salt, core), "until": ends}
            found.setdefault(card.person_id, []).append(named)
    return found


def _pins(keys: Mapping[int, bytes]) -> dict[int, dict[str, Any]]:
    pins = Pin.objects.filter(person__in=keys, offline__isnull=False)
    return {pin.person_id: credentials.offline_hashes(pin, keys[pin.person_id]) for pin in pins}


def _last_punches(rows: Mapping[int, Person], now: datetime) -> dict[int, dict[str, Any]]:
    latest = (
        Punch.objects.filter(person__in=rows, at__gt=now - LONGEST_STAY, at__lte=now)
        .order_by("person_id", "-at", "-created")
        .distinct("person_id")
    )
    return {punch.person_id: {"direction": punch.direction, "at": _ms(punch.at)} for punch in latest}


# --- On the way -----------------------------------------------------------------------------------


def seal(key: KioskKey, content: Mapping[str, Any]) -> Envelope:
    """For this kiosk alone to open, and to be sure that it is from us."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    shared = ephemeral.exchange(ec.ECDH(), pairing.point(bytes(key.agreement)))
    public = ephemeral.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = HKDF(hashes.SHA256(), 32, salt=bytes(key.digest), info=PURPOSE).derive(shared)
    iv = os.urandom(12)
    sealed = AESGCM(secret).encrypt(iv, json.dumps(content).encode(), PURPOSE)
    r, s = decode_dss_signature(
        pairing.own_half(key).sign(signed_part(key, public, iv, sealed), ec.ECDSA(hashes.SHA256()))
    )
    return Envelope(public, iv, sealed, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def signed_part(key: KioskKey, ephemeral: bytes, iv: bytes, sealed: bytes) -> bytes:
    """What our signature covers: the purpose, the kiosk it is for, and all that it carries."""
    return PURPOSE + bytes(key.digest) + hashlib.sha256(ephemeral + iv + sealed).digest()
