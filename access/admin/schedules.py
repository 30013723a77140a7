"""Weeks and holidays on screen: when doors are open, and on which days other hours hold."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from access.admin.audit import Audited
from access.admin.week_form import ROWS, ScheduleForm, lines_of
from access.doors import levels
from access.doors.levels import Schedule
from access.holidays import Holiday
from access.policy import Bar


def in_words(bars: list[Bar]) -> str:
    """The week in one line: days with the same hours together."""
    lines = lines_of(bars)
    found: list[tuple[list[str], str]] = []
    for label, hours in zip(ROWS.values(), lines, strict=True):
        if found and found[-1][1] == hours:
            found[-1][0].append(str(label))
        else:
            found.append(([str(label)], hours))
    told = [
        f"{days[0]} – {days[-1]} {hours}" if len(days) > 1 else f"{days[0]} {hours}"
        for days, hours in found
        if hours
    ]
    return "; ".join(told)


@admin.register(Schedule)
class ScheduleAdmin(Audited):
    form = ScheduleForm
    list_display = ["name", "week", "used"]
    search_fields = ["name"]
    fieldsets = [(None, {"fields": ["name", "keeps_holidays"]}), (_("Hours"), {"fields": ["bars"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        counted = Count("levels", distinct=True)
        return super().get_queryset(request).prefetch_related("bars").annotate(level_count=counted)

    @display(description=_("hours"), empty_value=_("never open"))
    def week(self, schedule: Schedule) -> str:
        return in_words(levels.week_of(schedule))

    @display(description=_("access levels"), ordering="level_count")
    def used(self, schedule: Schedule) -> int:
        return schedule.level_count

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, Schedule) and (obj.levels.exists() or obj.grants.exists()):
            return False  # people pass by it: take it from its levels and grants first
        return super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "bars" in form.changed_data:
            levels.set_week(form.instance, form.cleaned_data["bars"])


@admin.register(Holiday)
class HolidayAdmin(Audited):
    list_display = ["date", "name", "site", "kind", "repeats"]
    list_filter = [("site", RelatedDropdownFilter), "yearly"]
    list_select_related = ["site"]
    search_fields = ["name", "site__name"]
    fields = ["site", "day", "name", "short", "yearly"]

    @display(description=_("day"), ordering="day")
    def date(self, holiday: Holiday) -> str:
        text = date_format(holiday.day, "j F" if holiday.yearly else "D j M Y")
        return format_html('<span class="lintel-unbroken">{}</span>', text)

    @display(description=_("hours"), label={"holiday": "info", "short": "warning"})
    def kind(self, holiday: Holiday) -> tuple[str, Any]:
        return ("short", _("short day")) if holiday.short else ("holiday", _("holiday"))

    @display(description=_("every year"), boolean=True, ordering="yearly")
    def repeats(self, holiday: Holiday) -> bool:
        return holiday.yearly
