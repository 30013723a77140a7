"""Access levels and one-off grants on screen: who passes which doors, in which hours, on which days."""

import zoneinfo
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.admin.audit import Audited
from access.admin.days import at_site
from access.admin.moments import LocalMoment, there
from access.doors.levels import AccessLevel, Grant
from access.hours import reach
from access.people import Person
from access.places import Door


class WithDoors(Audited):
    """Doors and galleries are few and are ticked; people are many and are searched for."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in {"doors", "galleries"}:
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        if db_field.name == "doors":
            kwargs["queryset"] = Door.objects.select_related("site")
        if db_field.name == "people":
            kwargs["queryset"] = Person.objects.filter(erased=None)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            kwargs["queryset"] = reach.people_for(request.user).filter(erased=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(AccessLevel)
class AccessLevelAdmin(WithDoors):
    list_display = ["name", "where", "hours", "who", "days"]
    list_filter = [("doors", RelatedDropdownFilter), ("schedule", RelatedDropdownFilter)]
    list_select_related = ["schedule"]
    search_fields = ["name", "doors__name"]
    autocomplete_fields = ["people"]
    fieldsets = [
        (None, {"fields": ["name"]}),
        (_("Who"), {"fields": ["galleries", "people"]}),
        (_("Where"), {"fields": ["doors"]}),
        (_("When"), {"fields": ["schedule", "first", "last"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessLevel]:
        found = super().get_queryset(request).prefetch_related("doors__site", "galleries")
        return found.annotate(people_count=Count("people", distinct=True))

    @display(description=_("doors"), empty_value=_("no door"))
    def where(self, level: AccessLevel) -> str | None:
        return ", ".join(str(door) for door in level.doors.all()) or None

    @display(description=_("hours"), ordering="schedule__name", label="info")
    def hours(self, level: AccessLevel) -> str:
        return level.schedule.name if level.schedule else str(_("at any hour"))

    @display(description=_("who"), empty_value=_("nobody"))
    def who(self, level: AccessLevel) -> str | None:
        found = [gallery.name for gallery in level.galleries.all()]
        if level.people_count:
            named = ngettext("%(count)d person by name", "%(count)d people by name", level.people_count)
            found.append(named % {"count": level.people_count})
        return ", ".join(found) or None

    @display(description=_("days"), empty_value="–")
    def days(self, level: AccessLevel) -> str | None:
        first, last = (day and date_format(day, "j M Y") for day in (level.first, level.last))
        if first and last:
            return f"{first} – {last}"
        if first:
            return str(_("from %(day)s") % {"day": first})
        return str(_("until %(day)s") % {"day": last}) if last else None


class GrantForm(forms.ModelForm):
    """Times are those of the doors' site."""

    begins = forms.DateTimeField(label=_("From"), widget=LocalMoment())
    ends = forms.DateTimeField(
        label=_("Until"), widget=LocalMoment(), help_text=_("In the time of the doors.")
    )

    class Meta:
        model = Grant
        fields = ["person", "doors", "begins", "ends", "schedule"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and (door := self.instance.doors.select_related("site").first()):
            zone = zoneinfo.ZoneInfo(door.site.zone)
            for name in ("begins", "ends"):
                moment = getattr(self.instance, name)
                self.initial[name] = moment.astimezone(zone).replace(tzinfo=None)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        doors = given.get("doors")
        if not doors:
            return given
        zones = {door.site.zone for door in doors}
        if len(zones) > 1:
            raise ValidationError(
                _("These doors lie in different time zones. Give a grant of its own for each zone.")
            )
        zone = zoneinfo.ZoneInfo(zones.pop())
        for name in ("begins", "ends"):
            if given.get(name) is not None:
                given[name] = self.in_zone(name, given[name], zone)
        if given.get("begins") and given.get("ends") and given["ends"] <= given["begins"]:
            self.add_error("ends", _("This is not after the beginning."))
        return given

    def in_zone(self, name: str, moment: datetime, zone: zoneinfo.ZoneInfo) -> datetime | None:
        found = there(moment, zone.key)
        if found is None:
            self.add_error(name, _("The clocks are put forward then: this time does not exist there."))
        return found


class TimeFilter(DropdownFilter):
    title, parameter_name = _("time"), "time"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("now", _("In force")), ("later", _("Later")), ("over", _("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:
        now = timezone.now()
        match self.value():
            case "now":
                return queryset.filter(begins__lte=now, ends__gt=now)
            case "later":
                return queryset.filter(begins__gt=now)
            case "over":
                return queryset.filter(ends__lte=now)
        return queryset


@admin.register(Grant)
class GrantAdmin(WithDoors):
    person_path = "person"
    form = GrantForm
    list_display = ["person", "where", "from_when", "until_when", "state"]
    list_filter = [TimeFilter, ("doors", RelatedDropdownFilter)]
    list_select_related = ["person", "schedule"]
    search_fields = ["person__name", "person__badge"]
    autocomplete_fields = ["person"]
    fieldsets = [
        (None, {"fields": ["person", "doors"]}),
        (_("When"), {"fields": ["begins", "ends", "schedule"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        return super().get_queryset(request).prefetch_related("doors__site")

    @display(description=_("doors"))
    def where(self, grant: Grant) -> str:
        return ", ".join(str(door) for door in grant.doors.all())

    def zone(self, grant: Grant) -> str:
        return next((door.site.zone for door in grant.doors.all()), "UTC")

    @display(description=_("from"), ordering="begins")
    def from_when(self, grant: Grant) -> str:
        return at_site(grant.begins, self.zone(grant))

    @display(description=_("until"), ordering="ends")
    def until_when(self, grant: Grant) -> str:
        return at_site(grant.ends, self.zone(grant))

    @display(description=_("state"), label={"now": "success", "later": "info", "over": "default"})
    def state(self, grant: Grant) -> tuple[str, Any]:
        now = timezone.now()
        if now >= grant.ends:
            return "over", _("over")
        return ("now", _("in force")) if now >= grant.begins else ("later", _("later"))
