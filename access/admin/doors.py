"""Doors on screen: who passes and how, what a door is set to and until when, and what hangs on it."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from access import health
from access.admin.days import at_site
from access.admin.kept import Kept
from access.admin.locks import Orders
from access.admin.moments import LocalMoment, there
from access.admin.simulator import Simulator
from access.doors import modes
from access.doors.passback import Zone
from access.places import Door

UNJUDGED = _(
    "This door wants every picture judged live, but a worker has no liveness model and refuses everybody "
    "there. Bring the model to the workers (python -m recognition fetch), or change what the door demands."
)
MODES = {
    Door.Mode.NORMAL: _("Normal: the rule decides about each person"),
    Door.Mode.LOCKED: _("Locked down: nobody passes"),
    Door.Mode.FREE: _("Free passage: everybody passes, whoever they are"),
    Door.Mode.FIRST_PERSON: _("Free passage once the first person of the day has come"),
    Door.Mode.TWO_PERSON: _("Two people: it opens for the second of two, one shortly after the other"),
}
MODE_COLOURS = {
    Door.Mode.NORMAL: "success",
    Door.Mode.LOCKED: "danger",
    Door.Mode.FREE: "warning",
    Door.Mode.FIRST_PERSON: "info",
    Door.Mode.TWO_PERSON: "info",
}
LASTING = [
    ("", _("until somebody sets another")),
    ("15", _("for 15 minutes")),
    ("60", _("for an hour")),
    ("240", _("for four hours")),
    ("day", _("until midnight")),
    ("moment", _("until the moment below")),
]


class DoorForm(ModelForm):
    class Meta:
        model = Door
        fields = [
            "site", "name", "admits", "factors", "liveness", "two_person_seconds", "free_from", "free_until",
            "enters", "leaves", "interlocked", "interlock_seconds", "offline", "deadline_ms",
            "freshness_seconds",
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """What belongs to another site can stand neither behind this door nor beside it."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        site = given.get("site")
        for name in ("enters", "leaves"):
            zone = given.get(name)
            if zone is not None and site is not None and zone.site_id != site.pk:
                self.add_error(name, _("This zone belongs to another site."))
        if given.get("enters") is not None and given["enters"] == given.get("leaves"):
            self.add_error("leaves", _("A door leads from one zone into another."))
        beside = given.get("interlocked") or []
        if site is not None and any(door.site_id != site.pk for door in beside):
            self.add_error("interlocked", _("Only doors of the same site can be interlocked."))
        if (given.get("free_from") is None) != (given.get("free_until") is None):
            self.add_error("free_until", _("Give both hours, or neither for the whole day."))
        return given


class ModeForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Mode"), choices=list(MODES.items()), widget=UnfoldAdminRadioSelectWidget
    )
    lasting = forms.ChoiceField(
        label=_("For how long"), choices=LASTING, required=False, widget=UnfoldAdminSelectWidget
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=LocalMoment(),
        help_text=_("In the time of the door. Afterwards the door does what it did before."),
    )
    why = forms.CharField(
        label=_("Why"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Shown on the door's page, beside your name."),
    )

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = door.site.zone

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        lasting, until = given.get("lasting", ""), given.get("until")
        if lasting == "moment" and until is None:
            self.add_error("until", _("Say until when."))
        given["end"] = self.end(lasting, until)
        return given

    def end(self, lasting: str, until: datetime | None) -> datetime | None:
        now = timezone.now()
        if lasting.isdecimal():
            return now + timedelta(minutes=int(lasting))
        if lasting == "day":
            local = now.astimezone(ZoneInfo(self.zone))
            return datetime.combine(local.date() + timedelta(days=1), time(0), local.tzinfo)
        if lasting != "moment" or until is None:
            return None
        if (moment := there(until, self.zone)) is None:
            self.add_error("until", _("The clocks are put forward then: this time does not exist there."))
        elif not now < moment <= now + modes.LONGEST:
            self.add_error("until", _("A moment to come, within a year."))
        return moment


@admin.register(Door)
class DoorAdmin(Simulator, Orders, Kept):
    decided_by = "kiosk__door"
    form = DoorForm
    list_display = ["name", "site", "mode_now", "asks", "admitted", "leads"]
    list_filter = [("site", RelatedDropdownFilter), "factors"]
    list_select_related = ["site", "enters", "leaves"]
    search_fields = ["name", "site__name"]
    fieldsets = [
        (None, {"fields": ["site", "name", "admits", "by_level"]}),
        (_("Mode"), {"fields": ["mode_told", "two_person_seconds", "free_from", "free_until"]}),
        (_("What must be shown"), {"fields": ["factors", "liveness"], "classes": ["tab"]}),
        (
            _("Zones and airlock"),
            {"fields": ["enters", "leaves", "interlocked", "interlock_seconds"], "classes": ["tab"]},
        ),
        (
            _("Limits"),
            {"fields": ["deadline_ms", "freshness_seconds", "offline"], "classes": ["tab"]},
        ),
    ]
    readonly_fields = ["mode_told", "by_level"]
    actions_list = ["simulate"]
    actions_detail = ["set_mode", "open_now", "unlock", "lock"]

    def get_fieldsets(self, request: HttpRequest, obj: Door | None = None) -> list[Any]:
        """A door that is not there yet has no mode to tell and no level to name."""
        found = [(title, dict(options)) for title, options in super().get_fieldsets(request, obj)]
        if obj is None:
            for _title, options in found:
                options["fields"] = [name for name in options["fields"] if name not in self.readonly_fields]
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Door]:
        return super().get_queryset(request).prefetch_related("admits")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        if db_field.name == "interlocked":
            others = Door.objects.select_related("site")
            match = request.resolver_match
            key = match.kwargs.get("object_id") if match else None
            kwargs["queryset"] = others.exclude(pk=key) if key else others
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in {"enters", "leaves"}:
            kwargs["queryset"] = Zone.objects.select_related("site")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        door = kwargs.get("obj")
        if door is not None and health.unjudged_doors().filter(pk=door.pk).exists():
            messages.warning(request, UNJUDGED)
        return super().render_change_form(request, context, **kwargs)

    # --- What it shows ----------------------------------------------------------------------------

    @display(description=_("mode"), ordering="mode", label=MODE_COLOURS | {"down": "danger"})
    def mode_now(self, door: Door) -> tuple[str, Any]:
        if door.site.locked_down:
            return "down", _("site locked down")
        mode = door.mode_at(timezone.now())
        return mode, str(Door.Mode(mode).label).partition(":")[0]

    @display(description=_("must be shown"), ordering="factors")
    def asks(self, door: Door) -> str:
        return door.get_factors_display()

    @display(description=_("admits"), label="info", empty_value=_("by access levels only"))
    def admitted(self, door: Door) -> list[str]:
        return [gallery.name for gallery in door.admits.all()]

    @display(description=_("zones"), empty_value="–")
    def leads(self, door: Door) -> str | None:
        if door.enters is None and door.leaves is None:
            return None
        behind, before = (zone.name if zone else str(_("street")) for zone in (door.enters, door.leaves))
        return f"{before} → {behind}"

    @display(description=_("also by access levels"))
    def by_level(self, door: Door) -> str:
        found = [
            (reverse("admin:access_accesslevel_change", args=[key]), name)
            for key, name in door.levels.values_list("pk", "name")
        ]
        if not found:
            return str(_("none"))
        return format_html_join(", ", '<a class="lintel-link" href="{}">{}</a>', found)

    @display(description=_("mode"))
    def mode_told(self, door: Door) -> str:
        return format_html_join("", "<p>{}</p>", [(line,) for line in mode_lines(door)])

    # --- Setting it -------------------------------------------------------------------------------

    def has_mode_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.set_door_mode")

    @action(description=_("Set the mode"), icon="tune", permissions=["mode"], url_path="mode")
    def set_mode(self, request: HttpRequest, object_id: str) -> HttpResponse:
        door = self.seen(request, object_id)
        now = {"mode": door.mode_at(timezone.now())}
        form = ModeForm(request.POST or None, door=door, initial=now)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            modes.set_mode(door, given["mode"], by=request.user, why=given["why"], until=given["end"])
            messages.success(request, _("Set. It holds from the next decision on."))
            return HttpResponseRedirect(self.url("change", door.pk))
        return self.page(
            request,
            "access/confirm.html",
            door,
            title=_("Mode of %(door)s") % {"door": door},
            text=mode_lines(door),
            form=form,
            button=_("Set the mode"),
        )


def mode_lines(door: Door) -> list[str]:
    """What the door does now, since when, who said so, and what comes after."""
    now, zone = timezone.now(), door.site.zone
    lines = []
    if door.site.locked_down:
        lines.append(str(_("The whole site is locked down: nobody passes, whatever this door is set to.")))
    lines.append(str(MODES[Door.Mode(door.mode_at(now))]))
    timed = door.mode_until is not None and door.mode_until > now
    if door.mode_set and (timed or door.mode_until is None):
        by = door.mode_by.get_username() if door.mode_by else "–"
        values = {"when": at_site(door.mode_set, zone), "by": by, "why": door.mode_why}
        lines.append(str(_("Set %(when)s by %(by)s: %(why)s") % values))
    if timed:
        after = str(Door.Mode(door.mode_after).label).partition(":")[0]
        values = {"when": at_site(door.mode_until, zone), "after": after}
        lines.append(str(_("Until %(when)s, then: %(after)s") % values))
    return lines
