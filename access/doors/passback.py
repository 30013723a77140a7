"""Zones, and who is in them: the same person may not enter twice, and only so many may be inside.

Promise: whoever asks with the person's and the zone's rows locked (`hold`) reads what the last grant wrote,
so a badge handed back over the fence lets nobody in twice, however many kiosks see it at once.
"""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from access.people import Person
from access.places import Site


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
