"""Punches on screen, and the page that hands out the attendance list of a period."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget

from access.admin.audit import ReadOnly
from access.admin.days import Days, at_site, unbroken
from access.admin.lists import ListImport
from access.attendance import Punch
from access.hours import reach
from access.people import Department
from access.places import Site

LONGEST_PERIOD = timedelta(days=366)  # as the API allows


class DaysAtKiosk(Days):
    zone = "kiosk__door__site__zone"


def day_input() -> forms.TextInput:
    return forms.TextInput({"type": "date", "class": " ".join(INPUT_CLASSES)})


class ExportForm(forms.Form):
    first = forms.DateField(label=_("First day"), widget=day_input())
    last = forms.DateField(label=_("Last day"), widget=day_input())
    department = forms.ModelChoiceField(
        Department.objects.all(),
        label=_("Department"),
        required=False,
        empty_label=_("All departments"),
        widget=UnfoldAdminSelectWidget,
    )
    layout = forms.ChoiceField(choices=[("csv", "CSV"), ("xlsx", "XLSX")], required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", _("The period ends before it begins."))
        elif first and last and last - first > LONGEST_PERIOD:
            self.add_error("last", _("At most 366 days at once."))
        return cleaned


def periods(today: date) -> list[tuple[Any, date, date]]:
    """The periods people ask for, each with its first and last day."""
    week = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    return [
        (_("This week"), week, week + timedelta(days=6)),
        (_("This month"), month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)),
        (_("Last month"), before, month - timedelta(days=1)),
    ]


def today() -> date:
    """Today at the first site: which day it is depends on where one stands."""
    zone = Site.objects.values_list("zone", flat=True).first() or "UTC"
    return datetime.now(ZoneInfo(zone)).date()


@admin.register(Punch)
class PunchAdmin(ListImport, ReadOnly):
    person_path = "person"
    list_display = ["when", "person", "department", "way", "where"]
    list_filter = [
        ("at", DaysAtKiosk),
        ("person__department", RelatedDropdownFilter),
        ("kiosk__door__site", RelatedDropdownFilter),
        ("direction", ChoicesDropdownFilter),
    ]
    list_select_related = ["person__department", "kiosk__door__site"]
    search_fields = ["person__badge", "person__name"]
    search_help_text = _("Badge number or name")
    fields = ["when", "person", "department", "way", "where", "source", "snapshot"]
    readonly_fields = fields
    actions_list = ["export", "import_list"]

    @display(description=_("time"), ordering="at")
    def when(self, punch: Punch) -> str:
        return unbroken(at_site(punch.at, punch.kiosk.door.site.zone if punch.kiosk else "UTC"))

    @display(description=_("department"), ordering="person__department__name")
    def department(self, punch: Punch) -> str:
        return str(punch.person.department or "–")

    @display(description=_("direction"), ordering="direction", label={"in": "success", "out": "info"})
    def way(self, punch: Punch) -> tuple[str, str]:
        return punch.direction, punch.get_direction_display()

    @display(description=_("door and kiosk"))
    def where(self, punch: Punch) -> str:
        return f"{punch.kiosk.door} · {punch.kiosk}" if punch.kiosk else "–"

    @action(description=_("Export attendance"), icon="download", permissions=["view"])
    def export(self, request: HttpRequest) -> HttpResponse:
        """Choose a period; the download itself is the API's, so the two can never differ."""
        offered = periods(today())
        _name, first, last = offered[1]
        given = "first" in request.GET
        form = ExportForm(request.GET if given else None, initial={"first": first, "last": last})
        form.fields["department"].queryset = reach.departments_for(request.user)
        if given and form.is_valid() and form.cleaned_data["layout"]:
            wanted = {
                "first": form.cleaned_data["first"].isoformat(),
                "last": form.cleaned_data["last"].isoformat(),
                "layout": form.cleaned_data["layout"],
            }
            if department := form.cleaned_data["department"]:
                wanted["department"] = department.pk
            return HttpResponseRedirect(f"{reverse('api:punches')}?{urlencode(wanted)}")
        chosen = (form["first"].value(), form["last"].value())
        return self.page(
            request,
            "access/export.html",
            None,
            title=_("Export attendance"),
            form=form,
            periods=[
                (
                    name,
                    first.isoformat(),
                    last.isoformat(),
                    str(chosen[0]) == first.isoformat() and str(chosen[1]) == last.isoformat(),
                )
                for name, first, last in offered
            ],
        )
