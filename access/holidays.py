"""Holidays of a site: the days on which other hours hold, for doors and for attendance alike."""

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

from access import policy
from access.places import Site


class Holiday(models.Model):
    """No personal data."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField(_("day"), help_text=_("In the time of the site."))
    name = models.CharField(_("name"), max_length=80)
    short = models.BooleanField(
        _("short day"),
        default=False,
        help_text=_("A day on which people work, but fewer hours, such as Christmas Eve."),
    )
    yearly = models.BooleanField(_("every year"), default=False, help_text=_("On the same date."))

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["day", "name"]
        constraints = [models.UniqueConstraint("site", "day", name="one_holiday_per_site_and_day")]

    def __str__(self) -> str:
        return self.name


def between(site: int, first: date, last: date) -> list[policy.Holiday]:
    """The holidays of a site that may fall on these days, both included; yearly ones on their first date."""
    found = Holiday.objects.filter(
        models.Q(yearly=True) | models.Q(day__gte=first, day__lte=last), site_id=site
    )
    return [policy.Holiday(row.day, row.name, row.short, row.yearly) for row in found]
