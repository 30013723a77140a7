"""Pairing: a tablet becomes a kiosk by a code that works once and for minutes.

The tablet makes its own keys; the server keeps the public halves. Nothing that opens a door is ever sent.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, vault
from access.places import Kiosk, KioskKey

LIFE = timedelta(minutes=10)
# Nothing that looks like something else on a screen across the room. Eight of thirty characters are 39 bits:
# at a thousand guesses a second for all of its life, one code in a million is found.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-4, D.1.2.3)


class NotAKey(ValueError):
    """The bytes are no public key on P-256."""


class PairingCode(models.Model):
    """No personal data. A digest; the row goes when the code is used, replaced or a day old."""

    kiosk = models.OneToOneField(Kiosk, on_delete=models.CASCADE, related_name="pairing")
    digest = models.BinaryField(max_length=32, unique=True)
    expires = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("pairing code")
        verbose_name_plural = _("pairing codes")

    def __str__(self) -> str:
        return f"pairing of kiosk:{self.kiosk_id}"


@dataclass(frozen=True)
class Keys:
    """The public halves a tablet made: for signing, and for what is encrypted to it. Raw SPKI each."""

    signing: bytes
    agreement: bytes

    def __post_init__(self) -> None:
        for key in (self.signing, self.agreement):
            point(key)


def point(spki: bytes) -> ec.EllipticCurvePublicKey:
    """The public key. Raises NotAKey."""
    try:
        key = serialization.load_der_public_key(bytes(spki))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotAKey("Not a public key in SubjectPublicKeyInfo form.") from error
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise NotAKey("The key must be on P-256.")
    return key


def signed(spki: bytes, signature: bytes, data: bytes) -> bool:
    """Did the owner of this key sign `data`? ECDSA with SHA-256, signature as r and s of 32 bytes each."""
    if len(signature) != 64:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        point(spki).verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter in ALPHABET)


def _digest(code: str) -> bytes:
    return hashlib.sha256(b"pairing:" + _plain(code).encode()).digest()


@transaction.atomic
def offer(kiosk: Kiosk, *, by: object = None) -> tuple[str, datetime]:
    """A new code, readable here and never again, and when it ends; an older one of this kiosk ends now."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    expires = timezone.now() + LIFE
    PairingCode.objects.update_or_create(kiosk=kiosk, defaults={"digest": _digest(code), "expires": expires})
    audit.record("kiosk.pairing_offered", kiosk, by=by)
    return f"{code[:4]}-{code[4:]}", expires


def kiosk_of(code: str) -> Kiosk | None:
    """The active kiosk that this code pairs now, or None."""
    found = (
        PairingCode.objects.select_related("kiosk__door__site")
        .filter(digest=_digest(code), expires__gt=timezone.now(), kiosk__active=True)
        .first()
    )
    return found.kiosk if found else None


@transaction.atomic
def pair(code: str, keys: Keys) -> KioskKey | None:
    """The kiosk's new key, its code spent and its older keys ended; None if the code is not in force.

    The row of the code is locked, so of two tablets with one code only the first is paired.
    """
    row = (
        PairingCode.objects.select_for_update(of=("self",))
        .select_related("kiosk__door__site")
        .filter(digest=_digest(code), expires__gt=timezone.now(), kiosk__active=True)
        .first()
    )
    digest = hashlib.sha256(keys.signing).digest()
    if row is None or KioskKey.objects.filter(digest=digest).exists():
        return None
    now = timezone.now()
    # One tablet a kiosk: the one before is paired no longer. A key for programs stays in force.
    row.kiosk.keys.filter(public__isnull=False, revoked=None).update(revoked=now)
    key = KioskKey.objects.create(
        kiosk=row.kiosk,
        digest=digest,
        hint=f"⇄{digest.hex()[:7]}",
        public=keys.signing,
        agreement=keys.agreement,
        wrapped=vault.new_wrapped_key(),
    )
    row.delete()
    audit.record("kiosk.paired", row.kiosk, by=f"kiosk:{row.kiosk.pk}", key=key.pk)
    return key


def own_half(key: KioskKey) -> ec.EllipticCurvePrivateKey:
    """The server's private key for this kiosk, with which it signs bundles; it rests wrapped in the vault.

    A scalar from HKDF with 128 bits to spare over the order, reduced (FIPS 186-5, A.2.1).
    """
    seed = HKDF(hashes.SHA256(), 48, salt=None, info=b"lintel bundle signer").derive(
        vault.unwrap(bytes(key.wrapped))
    )
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def own_public(key: KioskKey) -> bytes:
    """The public half of `own_half`, SPKI: the kiosk is told it once, when it is paired."""
    return (
        own_half(key)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
