"""What a door asks of whoever stands before it: to turn the head, or to stand in the colours of the screen.

Promise: what is asked follows from a nonce and a secret that never leaves us, so nobody can prepare an
answer. It is asked of one kiosk, for the snapshot of that nonce, and answered once, within seconds.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import pepper
from access.places import Door, Kiosk

# Two to read the sentence, four to answer, and a slow network twice over.
LASTS = timedelta(seconds=15)
KINDS = (Door.Liveness.COLOUR, Door.Liveness.TURN)
SIDES = ("left", "right")
# As recognition/challenge.py knows them; a test holds the two together.
LIGHTS = ("red", "green", "blue", "white")
COLOURS = 6  # never the same twice running: 4 * 3^5 = 972 sequences


@dataclass(frozen=True)
class Asked:
    """A turn to the person's own `side` and back, or `colours`, one frame to be taken in each."""

    kind: str
    side: str = ""
    colours: tuple[str, ...] = ()


class Challenge(models.Model):
    """No personal data. At most one a kiosk: a new one ends the one before."""

    kiosk = models.OneToOneField(Kiosk, primary_key=True, on_delete=models.CASCADE, related_name="challenge")
    nonce = models.UUIDField(_("nonce"))
    kind = models.CharField(_("kind"), max_length=16)
    issued = models.DateTimeField(_("issued"))

    class Meta:
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")

    def __str__(self) -> str:
        return f"challenge of kiosk:{self.kiosk_id}"

    @property
    def expires(self) -> datetime:
        return self.issued + LASTS

    @property
    def asked(self) -> Asked:
        """The same each time, unforeseeable without the secret."""
        return _asked(self.kind, pepper.digest(f"challenge:{self.kind}", f"{self.kiosk_id}:{self.nonce.hex}"))


def issue(kiosk: Kiosk, nonce: uuid.UUID) -> Challenge | None:
    """What this kiosk's door asks for the snapshot of this nonce; None where it asks nothing.

    Asked again for the same nonce, the first answer holds, and so does its end.
    """
    kind = kiosk.door.liveness
    if kind not in KINDS:
        return None
    fresh = {"nonce": nonce, "kind": kind, "issued": timezone.now()}
    row, made = Challenge.objects.get_or_create(kiosk=kiosk, defaults=fresh)
    if made or (row.nonce == nonce and row.kind == kind):
        return row
    return Challenge.objects.update_or_create(kiosk=kiosk, defaults=fresh)[0]


def take(kiosk: Kiosk, nonce: uuid.UUID, *, at: datetime) -> Asked | None:
    """What was asked for this nonce, once; None if nothing was, or too long before `at`.

    Call it in the transaction that stores the answer: both are kept, or neither.
    """
    row = Challenge.objects.select_for_update().filter(kiosk=kiosk, nonce=nonce).first()
    if row is None:
        return None
    asked = row.asked if row.issued <= at <= row.expires else None
    row.delete()
    return asked


def _asked(kind: str, digest: bytes) -> Asked:
    """A turn can be guessed every second time, a sequence that passes for the right one once in 145."""
    number = int.from_bytes(digest, "big")  # 256 bits: the remainders below are even to 1 in 10^70
    if kind == Door.Liveness.TURN:
        return Asked(kind, side=SIDES[number % 2])
    number, chosen = divmod(number, len(LIGHTS))
    colours = [LIGHTS[chosen]]
    while len(colours) < COLOURS:
        others = [colour for colour in LIGHTS if colour != colours[-1]]
        number, chosen = divmod(number, len(others))
        colours.append(others[chosen])
    return Asked(kind, colours=tuple(colours))
