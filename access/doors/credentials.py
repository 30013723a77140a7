"""Cards, QR codes and PINs: what opens a door beside a face, or in its place.

Promise: nothing here can be read back. Card numbers are kept as keyed digests, PINs as slow salted hashes of
keyed digests, the key is wrapped by the master key, and every answer to a wrong one takes the same time. By
what an offline kiosk knows them lies beside, sealed with the person's own key.
"""

import base64
import json
import os
import secrets
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, backoff, people, vault
from access.people import Person
from access.pepper import digest
from access.places import Kiosk
from access.policy import Proof, offline
from access.snapshots import Credentials

# OWASP's least for Argon2id: about 20 ms here. The pepper, which no table holds in the clear, does the rest:
# without it a PIN of a few digits could be tried out of any hash.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
PIN_DIGITS = (4, 12)
# OWASP's least for PBKDF2 with SHA-256, the one slow hash that browsers make by themselves.
OFFLINE_ROUNDS = 600_000
# Many people mistype at one kiosk on a Monday morning; one of them trying numbers does it faster.
FREE_TRIES_AT_KIOSK = 20


class Unacceptable(Exception):
    """The card or PIN cannot be taken; the text says what could."""


class Card(models.Model):
    """Personal data: that somebody holds a card or QR code, and until when. Deleted by erasure."""

    class Kind(models.TextChoices):
        CARD = "card", _("card")
        QR = "qr", _("QR code")

    class Ended(models.TextChoices):
        BLOCKED = "blocked", _("blocked for now")
        LOST = "lost", _("lost or stolen")
        RETURNED = "returned", _("handed back")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="cards"
    )
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices)
    digest = models.BinaryField(max_length=32)
    # For offline bundles: policy.offline.card_core, sealed with the person's key. Empty: known online alone.
    offline = models.BinaryField(null=True, editable=False)
    hint = models.CharField(_("ends with"), max_length=4)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True)
    ended = models.CharField(_("why it ended"), max_length=8, blank=True, choices=Ended.choices)
    issued = models.DateTimeField(_("issued"), auto_now_add=True)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering = ["-issued"]
        constraints = [
            # A card handed back may be given to somebody else.
            models.UniqueConstraint(
                "digest", condition=models.Q(revoked__isnull=True), name="one_holder_per_card"
            )
        ]
        indexes = [models.Index(fields=["digest"], name="cards_by_number")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} …{self.hint}"

    def state_at(self, at: datetime) -> str:
        """ "good", "early", "over", or the word of its end."""
        if self.revoked is not None:
            return self.ended or self.Ended.RETURNED.value
        if self.valid_from is not None and at < self.valid_from:
            return "early"
        return "over" if self.valid_until is not None and at >= self.valid_until else "good"


class Pin(models.Model):
    """Personal data: a person's PINs, as hashes that nobody can turn back. Deleted by erasure."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="pin")
    digest = models.CharField(max_length=200)
    # Opens as the other does, and raises an alarm that nobody at the door sees.
    duress = models.CharField(max_length=200, blank=True)
    # For offline bundles: both as slow hashes without the pepper, sealed with the person's key.
    offline = models.BinaryField(null=True, editable=False)
    changed = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("PIN")
        verbose_name_plural = _("PINs")

    def __str__(self) -> str:
        return f"PIN of person:{self.person_id}"


def card_with(number: str) -> Card | None:
    """The card in force with this whole number."""
    return Card.objects.filter(digest=digest("card", _number(number)), revoked=None).first()


def _number(text: str) -> str:
    """Readers differ in blanks and capitals, never in what they mean."""
    return "".join(text.split()).casefold()


# --- Cards ----------------------------------------------------------------------------------------


@transaction.atomic
def issue_card(
    person: Person,
    number: str,
    *,
    kind: str = Card.Kind.CARD,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    by: object = None,
) -> Card:
    """The card, now this person's. Raises Unacceptable for a number too short or in somebody's hands."""
    if len(_number(number)) < 4:
        raise Unacceptable(_("A card number has at least four characters."))
    try:
        with transaction.atomic():
            card = Card.objects.create(
                person=person,
                kind=kind,
                digest=digest("card", _number(number)),
                hint=_number(number)[-2:],
                valid_from=valid_from,
                valid_until=valid_until,
            )
            card.offline = vault.seal(
                offline.card_core(number), wrapped_key=people.key_of(person), about=f"card:{card.pk}"
            )
            card.save(update_fields=["offline"])
    except IntegrityError as error:
        raise Unacceptable(_("This card is in use. Revoke it there first.")) from error
    audit.record("card.issued", person, by=by, card=card.pk, kind=kind)
    return card


def issue_qr(
    person: Person,
    *,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    by: object = None,
) -> tuple[Card, str]:
    """A QR code's card and its content: 192 random bits, readable here and never again."""
    content = f"LQ{secrets.token_urlsafe(24)}"
    dates = {"valid_from": valid_from, "valid_until": valid_until}
    return issue_card(person, content, kind=Card.Kind.QR, by=by, **dates), content


@transaction.atomic
def revoke_card(card: Card, *, why: str = Card.Ended.RETURNED, by: object = None) -> bool:
    """True if it was good until now: from the next decision on it opens nothing. A blocked card may still be
    called lost, or handed back."""
    open_ones = models.Q(revoked=None) | models.Q(ended=Card.Ended.BLOCKED)
    found = Card.objects.filter(open_ones, pk=card.pk).exclude(ended=why)
    done = found.update(ended=why, revoked=Coalesce("revoked", timezone.now()))
    if done:
        audit.record("card.revoked", card.person, by=by, card=card.pk, why=str(why))
    return bool(done)


@transaction.atomic
def unblock_card(card: Card, *, by: object = None) -> None:
    """It opens again what it opened.

    Raises Unacceptable if it is not blocked, or was given to somebody else.
    """
    try:
        with transaction.atomic():
            blocked = Card.objects.filter(pk=card.pk, ended=Card.Ended.BLOCKED)
            done = blocked.update(revoked=None, ended="")
    except IntegrityError as error:
        raise Unacceptable(_("This card is in use. Revoke it there first.")) from error
    if not done:
        raise Unacceptable(_("Only a blocked card can be opened again; issue a new one."))
    audit.record("card.unblocked", card.person, by=by, card=card.pk)


def card_of(number: str) -> Card | None:
    """The card with this number, as read: the one in somebody's hands, else the one that ended last."""
    found = Card.objects.filter(digest=digest("card", _number(number)))
    return found.order_by(models.F("revoked").desc(nulls_first=True)).first()


def look_at_card(number: str, *, now: datetime) -> tuple[Proof, Card | None]:
    """How the card stands, and the card if anybody has it. Found by digest: the time taken tells nothing."""
    card = card_of(number)
    if card is None:
        return Proof.WRONG, None
    return Proof.GOOD if card.state_at(now) == "good" else Proof.NOT_VALID, card


# --- PINs -----------------------------------------------------------------------------------------


def new_pin() -> str:
    """Six random digits that anybody would accept as a PIN."""
    while True:
        pin = f"{secrets.randbelow(10**6):06d}"
        if not _guessable(pin):
            return pin


def _guessable(pin: str) -> bool:
    """All digits the same, or one after the other: what is tried first."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return steps <= {0} or steps <= {1} or steps <= {9}


def check_form(pin: str) -> None:
    """Raises Unacceptable for what may not be a PIN."""
    least, most = PIN_DIGITS
    if not (pin.isascii() and pin.isdigit() and least <= len(pin) <= most):
        raise Unacceptable(_("A PIN has %(least)d to %(most)d digits.") % {"least": least, "most": most})
    if _guessable(pin):
        raise Unacceptable(_("This PIN is guessed too easily: take other digits."))


@transaction.atomic
def set_pin(person: Person, pin: str, *, duress: str = "", by: object = None) -> None:
    """The person's PIN from now on; without `duress` there is no duress PIN. Raises Unacceptable."""
    check_form(pin)
    if duress:
        check_form(duress)
        if duress == pin:
            raise Unacceptable(_("The duress PIN must differ from the PIN."))
    values = {
        "digest": HASHER.hash(_secret(person.pk, pin)),
        "duress": HASHER.hash(_secret(person.pk, duress)) if duress else "",
        "offline": _sealed_hashes(person, pin, duress),
    }
    Pin.objects.update_or_create(person=person, defaults=values)
    backoff.succeeded("pin of badge", person.badge.casefold())
    audit.record("pin.set", person, by=by, duress=bool(duress))


@transaction.atomic
def clear_pin(person: Person, *, by: object = None) -> None:
    """No PIN opens anything for this person any more."""
    if Pin.objects.filter(person=person).delete()[0]:
        audit.record("pin.cleared", person, by=by)


def _secret(person: int, pin: str) -> bytes:
    return digest(f"pin:{person}", pin)


# --- For kiosks without the network ---------------------------------------------------------------


def _sealed_hashes(person: Person, pin: str, duress: str) -> bytes:
    words = json.dumps({"pin": _offline_hash(pin), "duress": _offline_hash(duress) if duress else None})
    return vault.seal(words.encode(), wrapped_key=people.key_of(person), about=f"pin:{person.pk}")


def _offline_hash(pin: str) -> dict[str, Any]:
    salt = os.urandom(16)
    return {
        "salt": base64.b64encode(salt).decode(),
        "rounds": OFFLINE_ROUNDS,
        "hash": base64.b64encode(offline.pin_hash(pin, salt, OFFLINE_ROUNDS)).decode(),
    }


def offline_hashes(pin: Pin, wrapped_key: bytes) -> dict[str, Any]:
    """`pin` and `duress` as an offline bundle carries them, each None where there is none."""
    if pin.offline is None:
        return {"pin": None, "duress": None}
    plain = vault.unseal(pin.offline, wrapped_key=wrapped_key, about=f"pin:{pin.person_id}")
    return dict(json.loads(plain))


def offline_core(card: Card, wrapped_key: bytes) -> bytes | None:
    """What an offline bundle names the card by; None for cards issued before there were bundles."""
    if card.offline is None:
        return None
    return vault.unseal(card.offline, wrapped_key=wrapped_key, about=f"card:{card.pk}")


# --- Looking at PINs ------------------------------------------------------------------------------


@cache
def _nobodys() -> str:
    """A hash that no PIN fits: who has no PIN is looked at for as long as who has one."""
    return HASHER.hash(secrets.token_bytes(32))


def _fits(stored: str, secret: bytes) -> bool:
    try:
        return HASHER.verify(stored or _nobodys(), secret)
    except (VerifyMismatchError, InvalidHashError):
        return False


def look_at_pin(pin: str, *, person: Person | None, given: Credentials, kiosk: Kiosk) -> Proof:
    """How the PIN stands, in the caller's transaction. Each look counts as a failed try before it is made.

    Two hashes are made whoever it is, known or not, so that the time taken tells nothing.
    """
    whose, here = _whose(person, given), ("pin at kiosk", kiosk.pk)
    if backoff.attempt(*whose) or backoff.attempt(*here, free=FREE_TRIES_AT_KIOSK):
        return Proof.LOCKED
    stored = Pin.objects.filter(person=person).first() if person is not None else None
    secret = _secret(person.pk if person is not None else 0, pin)
    fits = _fits(stored.digest if stored else "", secret)
    forced = _fits(stored.duress if stored else "", secret)
    if fits or forced:
        backoff.succeeded(*whose)
        backoff.take_back(*here)
        return Proof.GOOD if fits else Proof.DURESS
    return Proof.WRONG


def _whose(person: Person | None, given: Credentials) -> tuple[object, ...]:
    """Under what a try counts: badges and cards that nobody has are counted like all others."""
    if person is not None:
        return ("pin of badge", person.badge.casefold())
    if given.badge:
        return ("pin of badge", given.badge.casefold())
    return ("pin of card", _number(given.card))
