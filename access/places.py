"""Sites, their doors, and the kiosks that watch them.

A kiosk's key is shown once and stored only as a digest, or made by the kiosk itself, which keeps it; rolling
or revoking it takes effect with the next request.
"""

import hashlib
import secrets
import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit

LONGEST_OVERLAP = timedelta(hours=24)
# As LINTEL_FALSE_IDENTIFICATION_RATE.
LEAST_RATE, MOST_RATE = 1e-6, 0.1


class Direction(models.TextChoices):
    AUTO = "auto", _("in or out in turn")
    IN = "in", _("in")
    OUT = "out", _("out")


def check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a time zone such as Europe/Berlin."), params={"name": name})


class Site(models.Model):
    """No personal data."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    zone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[check_zone])
    # Argon2, as a password: it lets staff leave the kiosk page or open its settings, and nothing else.
    kiosk_pin = models.CharField(max_length=128, blank=True, editable=False)
    false_identification_rate = models.FloatField(
        _("wanted false-identification rate"),
        null=True,
        blank=True,
        validators=[MinValueValidator(LEAST_RATE), MaxValueValidator(MOST_RATE)],
        help_text=_(
            "Of the unknown people at a kiosk, the share that may be taken for somebody: 0.003 is 1 in 333. "
            "The score needed follows from it and grows with the gallery. Empty: the system's own rate."
        ),
    )
    # Two purposes, each with a switch of its own: see access/policy/door.py for what each takes away.
    keeps_access = models.BooleanField(
        _("doors are opened here"),
        default=True,
        help_text=_("Off: no decision opens a door, and whoever is recognised is only punched in or out."),
    )
    keeps_attendance = models.BooleanField(
        _("attendance is kept here"),
        default=True,
        help_text=_("Off: doors open as before and their log is kept, but nobody is punched in or out."),
    )
    locked_down = models.DateTimeField(_("locked down since"), null=True, editable=False)
    lockdown_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    lockdown_why = models.CharField(max_length=200, blank=True, editable=False)
    demo = models.BooleanField(_("demo"), default=False, editable=False)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["name"]
        permissions = [("lock_down_site", "Can lock down a site, and lift it")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(false_identification_rate=None)
                | models.Q(false_identification_rate__range=(LEAST_RATE, MOST_RATE)),
                name="false_identification_rate_within_reason",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def wanted_rate(self) -> float:
        """The site's own rate, else the system's."""
        own = self.false_identification_rate
        return settings.FALSE_IDENTIFICATION_RATE if own is None else own


class Door(models.Model):
    """No personal data."""

    class Liveness(models.TextChoices):
        NOTHING = "nothing", _("nothing")
        PASSIVE = "passive", _("that each picture is judged, and judged live")
        COLOUR = "colour", _("that the face takes the colours which the screen shows")
        TURN = "turn", _("that the head turns as the screen asks")
        TWO_FACTOR = "two_factor", _("that nobody passes by a face alone: a card or PIN too")

    class Mode(models.TextChoices):
        NORMAL = "normal", _("normal: the rule decides")
        LOCKED = "locked", _("locked down: nobody passes")
        FREE = "free", _("free passage: everybody passes")
        FIRST_PERSON = "first_person", _("free passage once the first person has come")
        TWO_PERSON = "two_person", _("two people, one after the other")

    class Factors(models.TextChoices):
        FACE = "face", _("a face")
        FACE_PIN = "face_pin", _("a face and a PIN")
        FACE_CARD = "face_card", _("a face and a card or QR code")
        CARD_PIN = "card_pin", _("a card or QR code and a PIN")
        CARD = "card", _("a card or QR code")
        PIN = "pin", _("a badge number and a PIN")

    class Offline(models.TextChoices):
        DENY = "deny", _("opens for nobody")
        PIN_ONLY = "pin_only", _("opens for a PIN known to the kiosk")
        ALLOW_CACHED = "allow_cached", _("opens for whoever the kiosk knows")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.CASCADE, related_name="doors")
    name = models.CharField(_("name"), max_length=120)
    admits = models.ManyToManyField(
        "access.Gallery",
        verbose_name=_("admits"),
        blank=True,
        related_name="doors",
        help_text=_("People of these galleries may pass at any hour. Access levels admit by the hour."),
    )
    deadline_ms = models.PositiveIntegerField(
        _("deadline (ms)"),
        default=2000,
        validators=[MinValueValidator(300), MaxValueValidator(10_000)],
        help_text=_("A decision that is not made by then is a refusal; nothing opens later."),
    )
    freshness_seconds = models.PositiveIntegerField(
        _("oldest picture (s)"),
        default=30,
        validators=[MinValueValidator(2), MaxValueValidator(600)],
        help_text=_("A picture taken longer ago opens nothing."),
    )
    liveness = models.CharField(
        _("against pictures of faces"),
        max_length=10,
        choices=Liveness.choices,
        default=Liveness.NOTHING,
        help_text=_(
            "What this door demands; what cannot be judged is refused. Judging a picture stops some prints "
            "and screens, and refuses everybody while the workers have no model for it. Colours stop films "
            "made before, not prints; a turn stops prints, not films; both need the kiosk page and some five "
            "seconds. Only a card or PIN stops a good picture of a face."
        ),
    )

    # Set by modes.set_mode alone: until `mode_until`, where there is one, and then the one after it.
    mode = models.CharField(
        _("mode"), max_length=12, choices=Mode.choices, default=Mode.NORMAL, editable=False
    )
    mode_until = models.DateTimeField(null=True, editable=False)
    mode_after = models.CharField(max_length=12, choices=Mode.choices, default=Mode.NORMAL, editable=False)
    mode_set = models.DateTimeField(null=True, editable=False)
    mode_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    mode_why = models.CharField(max_length=200, blank=True, editable=False)
    factors = models.CharField(
        _("what must be shown"),
        max_length=10,
        choices=Factors.choices,
        default=Factors.FACE,
        help_text=_(
            "People who pass without a face show their card, or badge number and PIN, in its place; where a "
            "second factor is asked, card and PIN. A schedule may ask for something else by the hour."
        ),
    )
    two_person_seconds = models.PositiveIntegerField(
        _("second person within (s)"),
        default=10,
        validators=[MinValueValidator(2), MaxValueValidator(120)],
    )
    free_from = models.TimeField(
        _("free from"), null=True, blank=True, help_text=_("Each day, once the first person has come.")
    )
    free_until = models.TimeField(_("free until"), null=True, blank=True)
    enters = models.ForeignKey(
        "access.Zone",
        verbose_name=_("leads into"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="doors_into",
        help_text=_("The zone that whoever goes in enters, and whoever goes out leaves."),
    )
    leaves = models.ForeignKey(
        "access.Zone",
        verbose_name=_("leads out of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="doors_out_of",
        help_text=_("The zone that whoever goes in leaves. Empty: the street."),
    )
    interlocked = models.ManyToManyField(
        "self",
        verbose_name=_("interlocked with"),
        blank=True,
        help_text=_("This door stays shut while one of these is open or was just opened, and they likewise."),
    )
    interlock_seconds = models.PositiveIntegerField(
        _("just opened means within (s)"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
    )
    offline = models.CharField(
        _("without the network"),
        max_length=12,
        choices=Offline.choices,
        default=Offline.DENY,
        help_text=_(
            "What a kiosk at this door does by itself while it cannot reach us. Faces are then recognised by "
            "nobody: a card or PIN stands in for them, and with what else the door asks for, both."
        ),
    )

    class Meta:
        verbose_name = _("door")
        verbose_name_plural = _("doors")
        ordering = ["site__name", "name"]
        constraints = [models.UniqueConstraint("site", "name", name="one_door_per_name_and_site")]
        permissions = [("set_door_mode", "Can set the mode of a door")]

    def __str__(self) -> str:
        return f"{self.site.name} · {self.name}"

    @property
    def second_factor(self) -> bool:
        """Whether a face alone is never enough here."""
        return self.liveness == self.Liveness.TWO_FACTOR

    @property
    def live_by(self) -> str:
        """The check that must find a face live here; empty where none has to."""
        none = {self.Liveness.NOTHING, self.Liveness.TWO_FACTOR}
        return "" if self.liveness in none else self.liveness

    def mode_at(self, at: datetime) -> str:
        """What the door does at a moment (with zone): a mode that was set for a time is over by itself."""
        return self.mode_after if self.mode_until is not None and at >= self.mode_until else self.mode


class Kiosk(models.Model):
    """No personal data."""

    class Faces(models.TextChoices):
        ONE = "one", _("refuse when several people stand before it")
        LARGEST = "largest", _("take the nearest of several people")

    door = models.ForeignKey(Door, verbose_name=_("door"), on_delete=models.CASCADE, related_name="kiosks")
    name = models.CharField(_("name"), max_length=120)
    direction = models.CharField(
        _("direction"), max_length=4, choices=Direction.choices, default=Direction.AUTO
    )
    faces = models.CharField(_("several faces"), max_length=8, choices=Faces.choices, default=Faces.ONE)
    active = models.BooleanField(_("active"), default=True)
    last_seen = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    # What the kiosk page says of itself, at most a minute old while it is online.
    version = models.CharField(_("version"), max_length=40, blank=True, editable=False)
    queued = models.PositiveIntegerField(_("events waiting"), null=True, editable=False)
    clock_offset_ms = models.BigIntegerField(_("clock offset (ms)"), null=True, editable=False)
    reported = models.DateTimeField(_("reported"), null=True, editable=False)
    # The key that the request at hand was signed with, if it was; never stored.
    paired: "KioskKey | None" = None

    class Meta:
        verbose_name = _("kiosk")
        verbose_name_plural = _("kiosks")
        ordering = ["door__site__name", "name"]
        constraints = [models.UniqueConstraint("door", "name", name="one_kiosk_per_name_and_door")]

    def __str__(self) -> str:
        return self.name


class KioskKey(models.Model):
    """No personal data. Plain SHA-256: the key is 256 random bits, so there is nothing to stretch.

    A paired kiosk made its keys itself: here are only the public halves (SubjectPublicKeyInfo, P-256), and
    `digest` is that of `public`. `wrapped` is the secret of the server's own half for this kiosk.
    """

    kiosk = models.ForeignKey(Kiosk, on_delete=models.CASCADE, related_name="keys")
    public = models.BinaryField(null=True)
    agreement = models.BinaryField(null=True)
    wrapped = models.BinaryField(null=True)
    # The offline data it got last: until when they count, and how many people they name.
    bundle_until = models.DateTimeField(_("offline data until"), null=True, editable=False)
    bundle_people = models.PositiveIntegerField(_("people in it"), null=True, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(_("begins with"), max_length=12)
    issued = models.DateTimeField(_("issued"), auto_now_add=True)
    expires = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("kiosk key")
        verbose_name_plural = _("kiosk keys")
        ordering = ["-issued"]

    def __str__(self) -> str:
        return f"{self.hint}…"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


@transaction.atomic
def issue_key(kiosk: Kiosk, *, by: object = None) -> str:
    """A new key for this kiosk, readable here and never again."""
    key = f"kk_{secrets.token_urlsafe(32)}"
    row = KioskKey.objects.create(kiosk=kiosk, digest=_digest(key), hint=key[:8])
    audit.record("kiosk.key_issued", kiosk, by=by, key=row.pk)
    return key


@transaction.atomic
def roll_key(kiosk: Kiosk, *, overlap: timedelta = timedelta(0), by: object = None) -> str:
    """A new key; the old ones end after the overlap, at once by default and within 24 hours at most."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueError("The overlap must be from 0 to 24 hours.")
    Kiosk.objects.select_for_update().get(pk=kiosk.pk)
    end = timezone.now() + overlap
    in_force(kiosk).filter(models.Q(expires=None) | models.Q(expires__gt=end)).update(expires=end)
    return issue_key(kiosk, by=by)


@transaction.atomic
def revoke_keys(kiosk: Kiosk, *, by: object = None) -> int:
    """How many keys ended, for good."""
    ended = in_force(kiosk).update(revoked=timezone.now())
    audit.record("kiosk.keys_revoked", kiosk, by=by, count=ended)
    return ended


def in_force(kiosk: Kiosk) -> models.QuerySet[KioskKey]:
    fresh = models.Q(expires=None) | models.Q(expires__gt=Now())
    return KioskKey.objects.filter(fresh, kiosk=kiosk, revoked=None)


def kiosk_for(key: str) -> Kiosk | None:
    """The active kiosk this key belongs to; None for a key unknown, expired, revoked or switched off.

    Found by digest, so the time taken tells nothing about how close a guess was.
    """
    fresh = models.Q(keys__expires=None) | models.Q(keys__expires__gt=Now())
    return (
        Kiosk.objects.select_related("door__site")
        .filter(fresh, keys__digest=_digest(key), keys__public=None, keys__revoked=None, active=True)
        .first()
    )


def paired_key(digest: bytes) -> KioskKey | None:
    """The key in force that an active kiosk made itself, by the SHA-256 of its public half."""
    fresh = models.Q(expires=None) | models.Q(expires__gt=Now())
    return (
        KioskKey.objects.select_related("kiosk__door__site")
        .filter(fresh, digest=digest, public__isnull=False, revoked=None, kiosk__active=True)
        .first()
    )


@dataclass(frozen=True)
class Report:
    """What a kiosk page says of itself; the offset is server time minus its own clock."""

    version: str
    queued: int
    clock_offset_ms: int


def note_report(kiosk: Kiosk, report: Report) -> None:
    now = timezone.now()
    Kiosk.objects.filter(pk=kiosk.pk).update(**vars(report), reported=now, last_seen=now)


def note_seen(kiosk: Kiosk) -> None:
    """Remember that the kiosk is alive, at most every ten seconds: its row is not worth a write a request."""
    now = timezone.now()
    stale = models.Q(last_seen=None) | models.Q(last_seen__lt=now - timedelta(seconds=10))
    Kiosk.objects.filter(stale, pk=kiosk.pk).update(last_seen=now)


def zone_of(site: str) -> zoneinfo.ZoneInfo:
    """The zone of a site, by its name."""
    return zoneinfo.ZoneInfo(Site.objects.get(name=site).zone)
