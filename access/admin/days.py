"""Days and times as the site counts them: a punch at half past eleven at night belongs to its own day."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import DateField, DateTimeField, F, Func, QuerySet
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import INPUT_CLASSES

# No zone is further from UTC than this; a search by index first, then the exact day.
ZONE_SPREAD = timedelta(hours=14)


def at_site(moment: datetime, zone: str) -> str:
    """The wall time there, with the zone's own short name: "21 Nov 2026, 09:14:02 CET"."""
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    return f"{date_format(local, 'j M Y, H:i:s')} {local:%Z}"


def unbroken(text: str) -> str:
    """The text on one line of a table, however narrow."""
    return format_html('<span class="lintel-unbroken">{}</span>', text)


class DaysForm(forms.Form):
    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for end, label in (("from", _("First day")), ("to", _("Last day"))):
            attributes = {
                "type": "date",
                "class": " ".join(INPUT_CLASSES),
                "aria-label": label,
                "title": label,
            }
            self.fields[f"{name}_{end}"] = forms.DateField(
                required=False, label=label, widget=forms.TextInput(attributes)
            )


class Days(RangeDateFilter):
    """From the first to the last day, both included, counted in UTC or in the zone found at `zone`."""

    form_class = DaysForm
    zone: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("day")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self.day(end) for end in ("from", "to"))
        field = self.field_path
        if first:
            queryset = queryset.filter(
                **{f"{field}__gte": datetime.combine(first, time.min, UTC) - self.spread()}
            )
        if last:
            queryset = queryset.filter(
                **{f"{field}__lte": datetime.combine(last, time.max, UTC) + self.spread()}
            )
        if self.zone is None or not (first or last):
            return queryset
        wall = Func(F(self.zone), F(field), function="timezone", output_field=DateTimeField())
        queryset = queryset.alias(local_day=Cast(wall, DateField()))
        if first:
            queryset = queryset.filter(local_day__gte=first)
        return queryset.filter(local_day__lte=last) if last else queryset

    def spread(self) -> timedelta:
        return ZONE_SPREAD if self.zone else timedelta(0)

    def day(self, end: str) -> date | None:
        """The day asked for; what is not a day asks for nothing."""
        try:
            return date.fromisoformat(str(self.used_parameters.get(f"{self.parameter_name}_{end}", "")))
        except ValueError:
            return None
