"""Punches: one person clocking in or out. A raw fact; the database refuses to change it."""

import uuid
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.people import Person
from access.places import Kiosk

# Standing before the kiosk a little longer is not leaving again: within this interval an automatic
# direction stays what it was. (Time clocks call it the duplicate punch interval; 60 s is usual.)
DUPLICATE_INTERVAL = timedelta(seconds=60)
# An automatic "out" belongs to an "in" at most this old; a forgotten punch-out starts a new day.
LONGEST_STAY = timedelta(hours=16)
# A clock that differs from ours by more than this gave a time that nobody should take for granted.
CLOCK_TOLERANCE = timedelta(minutes=2)
# A punch told later than this after it is said to have happened comes from a clock that was reset.
LONGEST_OUTAGE = timedelta(days=60)


class Punch(models.Model):
    """Personal data: working time. Kept as the law asks; after erasure it names only a bare key."""

    class Source(models.TextChoices):
        KIOSK = "kiosk", _("kiosk")
        PIN = "pin", _("PIN")
        CARD = "card", _("card or QR")
        MANUAL = "manual", _("by hand")
        IMPORT = "import", _("import")
        TERMINAL = "terminal", _("terminal")
        OUTAGE = "outage", _("repair of an outage")

    class Way(models.TextChoices):
        IN = "in", _("in")
        OUT = "out", _("out")
        BREAK_OUT = "break_out", _("to a break")
        BREAK_IN = "break_in", _("back from a break")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="punches"
    )
    at = models.DateTimeField(_("at"), db_index=True)
    direction = models.CharField(_("direction"), max_length=9, choices=Way.choices)
    # False: the direction was guessed in turn when the punch came in, which depends on the order of arrival.
    # Rules that count punches in turn look at the order of `at` instead.
    explicit = models.BooleanField(_("direction was given"), default=False)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    # Where a punch that no kiosk made comes from ("terminal:SN123:2026-03-02T07:58:11:17"): what comes twice
    # is written once.
    origin = models.CharField(_("origin"), max_length=200, null=True, blank=True, unique=True)
    kiosk = models.ForeignKey(
        Kiosk, verbose_name=_("kiosk"), null=True, on_delete=models.PROTECT, related_name="punches"
    )
    snapshot = models.OneToOneField(
        "access.Snapshot",
        verbose_name=_("snapshot"),
        null=True,
        on_delete=models.PROTECT,
        related_name="punch",
    )
    # Of a punch told late: how far the clock that gave `at` ran ahead of ours when it told. Empty: not known,
    # or `at` is by our own clock.
    clock_ahead = models.DurationField(_("clock ahead by"), null=True, blank=True)
    suspect = models.BooleanField(_("clock not to be trusted"), default=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("punch")
        verbose_name_plural = _("punches")
        ordering = ["-at"]
        indexes = [models.Index(fields=["person", "-at"], name="punches_of_a_person")]

    def __str__(self) -> str:
        return f"punch:{self.pk}"


def next_direction(person: Person, at: datetime) -> str:
    """In or out in turn. Call it with the person's row locked, or two doors count the same turn."""
    last = person.punches.filter(at__lte=at, at__gt=at - LONGEST_STAY).order_by("-at", "-created").first()
    if last is None:
        return "in"
    if at - last.at < DUPLICATE_INTERVAL:
        return str(last.direction)
    return "out" if last.direction == "in" else "in"


def note_punch(
    person: Person,
    *,
    at: datetime,
    direction: str,
    explicit: bool = False,
    source: str = Punch.Source.KIOSK,
    kiosk: Kiosk | None = None,
    snapshot_id: uuid.UUID | None = None,
    origin: str | None = None,
) -> Punch:
    """Write the punch down. One per snapshot and per origin, by constraint."""
    return Punch.objects.create(
        person=person,
        at=at,
        direction=direction,
        explicit=explicit,
        source=source,
        kiosk=kiosk,
        snapshot_id=snapshot_id,
        origin=origin,
    )


@transaction.atomic
def note_late(
    person: Person,
    *,
    at: datetime,
    origin: str,
    direction: str = "",
    explicit: bool = True,
    clock_ahead: timedelta | None,
    source: str = Punch.Source.KIOSK,
    kiosk: Kiosk | None = None,
    snapshot_id: uuid.UUID | None = None,
) -> tuple[Punch, bool]:
    """A punch made while its device was offline, and whether it is new: the same origin is written once.

    `at` is when it happened by the device's clock, which ran `clock_ahead` of ours when it told (None: not
    known). Nothing is put right in silence: `at` stays as told, and a clock that is off, unknown, in the
    future or long ago marks the punch as suspect. Without a direction it is in or out in turn; `explicit` is
    false for one that the device counted in turn itself.
    """
    if found := Punch.objects.filter(origin=origin).first():
        return found, False
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    told = timezone.now()
    suspect = (
        clock_ahead is None
        or abs(clock_ahead) > CLOCK_TOLERANCE
        or not told - LONGEST_OUTAGE <= at <= told + CLOCK_TOLERANCE
    )
    punch = Punch(
        person=person,
        at=at,
        direction=direction or next_direction(person, at),
        explicit=bool(direction) and explicit,
        source=source,
        kiosk=kiosk,
        snapshot_id=snapshot_id,
        origin=origin,
        clock_ahead=clock_ahead,
        suspect=suspect,
    )
    # The constraint settles the race of two equal uploads: the second insert does nothing.
    Punch.objects.bulk_create([punch], ignore_conflicts=True)
    first = Punch.objects.get(origin=origin)
    return first, first.pk == punch.pk
