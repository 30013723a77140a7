"""Alarms on screen: what is wrong, what is over, and who took note."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from access.admin.audit import ReadOnly
from access.admin.days import Days, at_site, unbroken
from access.doors import alarms
from access.doors.alarms import WORDS, Alarm
from access.places import Door

MOST_NOTE = 1000


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(kind.value, words) for kind, words in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> QuerySet[Alarm]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class StateFilter(DropdownFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [
            ("open", _("Not acknowledged")),
            ("going_on", _("Still going on")),
            ("noted", _("Acknowledged")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> QuerySet[Alarm]:
        chosen = {
            "open": {"acknowledged": None},
            "going_on": {"ended": None, "acknowledged": None},
            "noted": {"acknowledged__isnull": False},
        }
        return queryset.filter(**chosen.get(self.value() or "", {}))


class DaysAtDoor(Days):
    zone = "door__site__zone"


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("What was found and done"),
        required=False,
        max_length=MOST_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("Kept with the alarm. It can be left empty."),
    )


@admin.register(Alarm)
class AlarmAdmin(ReadOnly):
    person_path, some_of_nobody = "person", True
    list_display = ["when", "what", "where", "standing", "repeats", "noted"]
    list_filter = [StateFilter, KindFilter, ("door__site", RelatedDropdownFilter), ("opened", DaysAtDoor)]
    list_select_related = ["door__site", "kiosk__door__site", "acknowledged_by"]
    search_fields = ["=subject", "=kind", "door__name", "kiosk__name"]
    search_help_text = _("A key such as door:3 or kiosk:3, or the name of a door or kiosk")
    fieldsets = [
        (None, {"fields": ["what", "stands", "where", "about", "who"]}),
        (_("When"), {"fields": ["when", "last", "over", "repeats"]}),
        (_("Details"), {"fields": ["more"]}),
        (_("Acknowledged"), {"fields": ["noted", "note"]}),
    ]
    readonly_fields = [
        "what",
        "standing",
        "where",
        "about",
        "who",
        "when",
        "last",
        "over",
        "repeats",
        "more",
        "noted",
        "note",
    ]
    actions_detail = ["acknowledge"]
    actions_row = ["acknowledge"]
    actions = ["acknowledge_chosen"]

    def has_acknowledge_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.acknowledge_alarm")

    @display(description=_("time"), ordering="opened")
    def when(self, alarm: Alarm) -> str:
        return unbroken(self.at(alarm, alarm.opened))

    @display(description=_("latest"))
    def last(self, alarm: Alarm) -> str:
        return self.at(alarm, alarm.latest)

    @display(description=_("over since"), empty_value=_("going on, or nothing that ends"))
    def over(self, alarm: Alarm) -> str | None:
        return self.at(alarm, alarm.ended) if alarm.ended else None

    @display(description=_("alarm"), ordering="kind")
    def what(self, alarm: Alarm) -> str:
        silent = format_html(' <span class="lintel-quiet">{}</span>', _("silent")) if alarm.silent else ""
        return format_html('<strong title="{}">{}</strong>{}', alarm.kind, alarm.words, silent)

    @display(description=_("where"), empty_value="–")
    def where(self, alarm: Alarm) -> str | None:
        found = [
            str(place) for place in (alarm.door or (alarm.kiosk and alarm.kiosk.door), alarm.kiosk) if place
        ]
        return " · ".join(found) or None

    @display(
        description=_("state"),
        label={"open": "danger", "over": "warning", "noted": "success"},
    )
    def standing(self, alarm: Alarm) -> tuple[str, Any]:
        if alarm.acknowledged:
            return "noted", _("acknowledged")
        return ("over", _("over, not acknowledged")) if alarm.ended else ("open", _("not acknowledged"))

    @display(description=_("state"))
    def stands(self, alarm: Alarm) -> str:
        return str(self.standing(alarm)[1])

    @display(description=_("times"), ordering="times")
    def repeats(self, alarm: Alarm) -> int:
        return alarm.times

    @display(description=_("acknowledged"), empty_value="–")
    def noted(self, alarm: Alarm) -> str | None:
        if not alarm.acknowledged:
            return None
        by = alarm.acknowledged_by.get_username() if alarm.acknowledged_by else "–"
        return f"{by}, {self.at(alarm, alarm.acknowledged)}"

    @display(description=_("about"))
    def about(self, alarm: Alarm) -> str:
        return linked(alarm.subject)

    @display(description=_("person"), empty_value="–")
    def who(self, alarm: Alarm) -> str | None:
        return linked(f"person:{alarm.person_id}") if alarm.person_id else None

    @display(description=_("details"), empty_value="–")
    def more(self, alarm: Alarm) -> str | None:
        return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in alarm.details.items()) or None

    def at(self, alarm: Alarm, moment: Any) -> str:
        door = door_of(alarm)
        return at_site(moment, door.site.zone if door else "UTC")

    def subjects(self, obj: Model) -> list[str]:
        return [f"alarm:{obj.pk}"]

    @action(description=_("Acknowledge those chosen"), permissions=["acknowledge"])
    def acknowledge_chosen(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> None:
        chosen = list(queryset.filter(acknowledged=None))
        for alarm in chosen:
            alarms.acknowledge(alarm.pk, by=request.user)
        text = ngettext("%(n)d alarm acknowledged.", "%(n)d alarms acknowledged.", len(chosen))
        messages.success(request, text % {"n": len(chosen)})

    @action(description=_("Acknowledge"), icon="check", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        alarm = self.seen(request, object_id)
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            noted = alarms.acknowledge(alarm.pk, by=request.user, note=form.cleaned_data["note"])
            if noted.acknowledged_by == request.user:
                messages.success(request, _("Acknowledged."))
            else:
                messages.info(request, _("Somebody else was first; their note stays."))
            overview = request.POST.get("back") == "overview"
            return HttpResponseRedirect(reverse("admin:index") if overview else self.url("changelist"))
        about = {
            "where": self.where(alarm) or alarm.subject,
            "time": self.last(alarm),
            "times": alarm.times,
        }
        return self.page(
            request,
            "access/confirm.html",
            alarm,
            title=_("Acknowledge: %(alarm)s") % {"alarm": alarm.words},
            text=[
                ngettext(
                    "%(where)s, %(time)s. You say that you have seen it.",
                    "%(where)s, %(times)d times, last on %(time)s. You say that you have seen it.",
                    alarm.times,
                )
                % about,
                _("The next one of its kind is a new alarm."),
            ],
            form=form,
            button=_("Acknowledge"),
        )


def door_of(alarm: Alarm) -> Door | None:
    return alarm.door or (alarm.kiosk.door if alarm.kiosk else None)


def linked(key: str) -> str:
    """A row's key, as a link to its page where it has one."""
    model, _colon, number = key.partition(":")
    try:
        address = reverse(f"admin:access_{model}_change", args=[number])
    except NoReverseMatch:
        return key
    return format_html('<a class="lintel-link" href="{}">{}</a>', address, key)
