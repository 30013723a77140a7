"""Zones, and who is in them: the same person may not enter twice, and only so many may be inside.

Promise: `look` locks the zone, and its caller the person, until the decision is committed; so a badge handed
back over the fence lets nobody in twice, however many kiosks see it. A person is in one zone at a time.
"""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, policy
from access.people import Person
from access.places import Direction, Door, Site


class Zone(models.Model):
    """No personal data."""

    class Passback(models.TextChoices):
        OFF = "off", _("not watched")
        SOFT = "soft", _("soft: noted only")
        HARD = "hard", _("hard: refused")
        TIMED = "timed", _("timed: refused for some minutes")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.CASCADE, related_name="zones")
    name = models.CharField(_("name"), max_length=120)
    passback = models.CharField(
        _("entering twice"),
        max_length=8,
        choices=Passback.choices,
        default=Passback.OFF,
        help_text=_("Needs a kiosk with a fixed direction on each side. Nobody is ever kept in."),
    )
    passback_minutes = models.PositiveIntegerField(
        _("for so many minutes"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text=_("For timed only."),
    )
    most = models.PositiveIntegerField(
        _("most people"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: no limit."),
    )
    reset_at = models.TimeField(
        _("emptied daily at"),
        null=True,
        blank=True,
        help_text=_("In the site's time: whoever forgot to go out starts the next day outside."),
    )
    exempt = models.ManyToManyField(
        "access.Gallery",
        verbose_name=_("exempt"),
        blank=True,
        related_name="exempt_in",
        help_text=_("People of these galleries may enter twice. They count as people inside."),
    )

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ["site__name", "name"]
        constraints = [models.UniqueConstraint("site", "name", name="one_zone_per_name_and_site")]

    def __str__(self) -> str:
        return f"{self.site.name} · {self.name}"


class Presence(models.Model):
    """Personal data: that a person is in a zone, since when. Deleted when they leave, or by a reset."""

    zone = models.ForeignKey(Zone, verbose_name=_("zone"), on_delete=models.CASCADE, related_name="presences")
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="presences"
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("person in a zone")
        verbose_name_plural = _("people in zones")
        ordering = ["-since"]
        constraints = [models.UniqueConstraint("zone", "person", name="one_presence_per_zone_and_person")]

    def __str__(self) -> str:
        return f"person:{self.person_id} in zone:{self.zone_id}"


@dataclass(frozen=True)
class Look:
    """How the zone that somebody asks to enter stands: whether they are in it already, and if it is full."""

    inside: policy.Inside | None = None
    full: str = ""


def entered(door: Door, direction: str) -> int | None:
    """The zone that a person enters by passing this door in this direction; None is the street."""
    return door.leaves_id if direction == Direction.OUT else door.enters_id


def look(person: Person, door: Door, direction: str, *, now: datetime) -> Look:
    """Call it in the decision's transaction with the person locked."""
    key = entered(door, direction)
    if key is None:
        return Look()
    zone = Zone.objects.select_for_update(no_key=True, of=("self",)).select_related("site").get(pk=key)
    there = inside(zone, now)
    full = ""
    if zone.most is not None and there.exclude(person=person).count() >= zone.most:
        full = zone.name
    if zone.passback == Zone.Passback.OFF:
        return Look(full=full)
    since = there.filter(person=person).values_list("since", flat=True).first()
    if since is None or zone.exempt.filter(people=person).exists():
        return Look(full=full)
    minutes = zone.passback_minutes if zone.passback == Zone.Passback.TIMED else 0
    return Look(policy.Inside(zone.name, since, policy.Passback(zone.passback), minutes), full)


def inside(zone: Zone, now: datetime) -> "models.QuerySet[Presence]":
    """Who is in the zone; whom the night has put out counts no more."""
    return zone.presences.filter(since__gte=_last_reset(zone, now))


def counts(zones: Sequence[Zone], now: datetime) -> dict[int, int]:
    """How many people are in each of these zones, by key, in one query; empty zones are left out."""
    there = models.Q()
    for zone in zones:
        there |= models.Q(zone=zone, since__gte=_last_reset(zone, now))
    if not there:
        return {}
    counted = Presence.objects.filter(there).order_by().values("zone").annotate(n=models.Count("id"))
    return dict(counted.values_list("zone", "n"))


def move(person: Person, door: Door, direction: str, *, now: datetime) -> None:
    """The person went through: they are in the zone behind the door, and in no other."""
    if door.enters_id is None and door.leaves_id is None:
        return
    person.presences.all().delete()
    key = entered(door, direction)
    if key is not None:
        Presence.objects.create(zone_id=key, person=person, since=now)


def is_inside(person: Person, door: Door) -> bool:
    """Whether the person is in the zone this door leads into: what "in turn" means where no punches are."""
    return door.enters_id is not None and person.presences.filter(zone_id=door.enters_id).exists()


@transaction.atomic
def reset_person(person: Person, *, by: object = None) -> int:
    """In how many zones the person was; they may enter any again."""
    ended = person.presences.all().delete()[0]
    audit.record("person.passback_reset", person, by=by, count=ended)
    return ended


@transaction.atomic
def reset_zone(zone: Zone, *, by: object = None) -> int:
    """How many people were in the zone; it is empty now, and everybody may enter again."""
    ended = zone.presences.all().delete()[0]
    audit.record("zone.reset", zone, by=by, count=ended)
    return ended


def forget_yesterday(now: datetime) -> int:
    """Delete the presences that a daily reset has ended. They count for nothing already: this only tidies."""
    ended = 0
    for zone in Zone.objects.exclude(reset_at=None).select_related("site"):
        ended += zone.presences.filter(since__lt=_last_reset(zone, now)).delete()[0]
    return ended


def _last_reset(zone: Zone, now: datetime) -> datetime:
    """The last time the clock on the site's wall showed the hour of the reset."""
    if zone.reset_at is None:
        return datetime.min.replace(tzinfo=timezone.get_default_timezone())
    local = now.astimezone(zoneinfo.ZoneInfo(zone.site.zone))
    today = datetime.combine(local.date(), zone.reset_at, local.tzinfo)
    return (
        today
        if today <= now
        else datetime.combine(local.date() - timedelta(days=1), zone.reset_at, local.tzinfo)
    )
