"""Signed requests: who a paired kiosk is, proven anew with each request by a key that never leaves it.

Promise: a request whose time is more than two minutes off, whose nonce was seen, or that differs by one bit
from what was signed is refused.
"""

import base64
import binascii
import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import places
from access.kiosk import pairing
from access.places import KioskKey

WINDOW = timedelta(seconds=120)
# Longer than a request can be valid: two minutes early until two minutes late.
REMEMBERED = timedelta(minutes=10)
SCHEME = "kiosk-signed"
_PART = re.compile(r'\s*(key|time|nonce|signature)="([^"]{1,200})"\s*')


class SignatureNonce(models.Model):
    """No personal data. A number used once; nightly tidying removes what is older than ten minutes."""

    key = models.ForeignKey(KioskKey, on_delete=models.CASCADE, related_name="+")
    nonce = models.UUIDField()
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("signature nonce")
        verbose_name_plural = _("signature nonces")
        constraints = [models.UniqueConstraint("key", "nonce", name="one_request_per_signature_nonce")]

    def __str__(self) -> str:
        return f"nonce {self.pk}"


@dataclass(frozen=True)
class Refusal:
    """Why a signature does not count: a stable code, and what to do."""

    code: str
    detail: str


@dataclass(frozen=True)
class Signature:
    """The four parts of the header: which key, when (milliseconds since 1970), once, and the signature."""

    key: bytes
    time: int
    nonce: uuid.UUID
    signature: bytes


MALFORMED = Refusal(
    "malformed-signature",
    'Send: Kiosk-Signed key="<hex>", time="<ms>", nonce="<UUID>", signature="<base64url>".',
)
UNKNOWN = Refusal("unknown-kiosk", "This kiosk key is not in force.")
CLOCK = Refusal(
    "clock", "The request's time is more than two minutes off; see the Date header and sign again."
)
WRONG = Refusal("wrong-signature", "The signature does not belong to this request.")
REPLAYED = Refusal("replayed", "This signature was used before; sign each request with a new nonce.")


def canonical(method: str, path: str, time: int, nonce: uuid.UUID, body: bytes) -> bytes:
    """What is signed, line by line: version, method, path with query, time, nonce, SHA-256 of the body."""
    lines = ("lintel-1", method.upper(), path, str(time), str(nonce), hashlib.sha256(body).hexdigest())
    return "\n".join(lines).encode()


def parse(header: str) -> Signature | None:
    """The parts of `key="…", time="…", nonce="…", signature="…"`; None if it is not that."""
    found = [_PART.fullmatch(part) for part in header.split(",")]
    parts = {match[1]: match[2] for match in found if match}
    if len(found) != 4 or len(parts) != 4:
        return None
    try:
        padded = parts["signature"] + "=" * (-len(parts["signature"]) % 4)
        return Signature(
            key=bytes.fromhex(parts["key"]),
            time=int(parts["time"]) if parts["time"].isascii() and len(parts["time"]) < 16 else -1,
            nonce=uuid.UUID(parts["nonce"]),
            signature=base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True),
        )
    except (ValueError, binascii.Error):
        return None


def verify(header: str, *, method: str, path: str, body: bytes) -> KioskKey | Refusal:
    """The key that signed this very request just now, or why it does not count."""
    given = parse(header)
    if given is None:
        return MALFORMED
    key = places.paired_key(given.key)
    if key is None:
        return UNKNOWN
    if not _in_time(given.time):
        return CLOCK
    data = canonical(method, path, given.time, given.nonce, body)
    if not pairing.signed(bytes(key.public), given.signature, data):
        return WRONG
    # Last, so that nobody else can use up a kiosk's nonces.
    return key if _first_time(key, given.nonce) else REPLAYED


def _in_time(milliseconds: int) -> bool:
    try:
        signed = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return False
    return abs(timezone.now() - signed) <= WINDOW


def _first_time(key: KioskKey, nonce: uuid.UUID) -> bool:
    """The constraint settles the race of two equal requests."""
    try:
        with transaction.atomic():
            SignatureNonce.objects.create(key=key, nonce=nonce)
    except IntegrityError:
        return False
    return True


def forget() -> int:
    """Remove the nonces of requests that their time alone refuses by now; how many."""
    return SignatureNonce.objects.filter(at__lt=timezone.now() - REMEMBERED).delete()[0]
