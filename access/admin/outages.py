"""Outages of kiosks on screen: what was silent, who was expected there, and the punches asked for them.

Promise: a login proposes for people it reaches alone, and nobody approves what they asked for.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.dateparse import parse_time
from django.utils.formats import date_format
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from access.admin.requests import Asked, asked
from access.hours import outages, plans
from access.hours.outages import Expected, Outage
from access.hours.requests import State
from access.places import Kiosk

# As browsers write the value of a datetime-local input.
LOCAL = "%Y-%m-%dT%H:%M"


def moment_input() -> forms.DateTimeInput:
    return forms.DateTimeInput({"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}, format=LOCAL)


class OutageForm(forms.Form):
    kiosk = forms.ModelChoiceField(
        Kiosk.objects.select_related("door__site"), label=_("Kiosk"), widget=UnfoldAdminSelectWidget
    )
    begins = forms.DateTimeField(label=_("Silent from"), input_formats=[LOCAL], widget=moment_input())
    ends = forms.DateTimeField(
        label=_("Until"),
        input_formats=[LOCAL],
        widget=moment_input(),
        help_text=_("Both by the clock at the kiosk."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kiosk, begins, ends = (cleaned.get(name) for name in ("kiosk", "begins", "ends"))
        if kiosk and begins and ends:
            cleaned["begins"], cleaned["ends"] = (
                one.replace(tzinfo=plans.zone_of(kiosk.door.site)) for one in (begins, ends)
            )
            if cleaned["ends"] <= cleaned["begins"]:
                self.add_error("ends", _("The outage ends before it begins."))
            elif cleaned["ends"] - cleaned["begins"] > outages.LONGEST:
                self.add_error("ends", _("At most seven days at once."))
            elif cleaned["begins"] > now():
                self.add_error("begins", _("This has not happened yet."))
        return cleaned


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason, for all of them"), max_length=300, widget=UnfoldAdminTextInputWidget
    )


@admin.register(Outage)
class OutageAdmin(Asked):
    person_path = "corrections__person"
    autocomplete_fields = []
    list_display = ["kiosk", "when", "punches", "reason", "state_label", "decider"]
    list_filter = [("state", ChoicesDropdownFilter), ("kiosk__door__site", RelatedDropdownFilter)]
    list_select_related = ["kiosk__door__site", "decided_by"]
    search_fields = ["kiosk__name", "reason"]
    search_help_text = _("Kiosk or reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outage]:
        found = super().get_queryset(request).values("pk")
        return Outage.objects.filter(pk__in=found).annotate(count=Count("corrections"))

    @display(description=_("silent"), ordering="begins")
    def when(self, row: Outage) -> str:
        return stretch(row.kiosk, row.begins, row.ends)

    @display(description=_("punches"), ordering="count")
    def punches(self, row: Any) -> int:
        return row.count

    def title_of(self, row: Outage) -> str:
        return str(_("Outage: %(kiosk)s") % {"kiosk": row.kiosk})

    def decide(self, row: Outage, state: State, request: HttpRequest, answer: str) -> None:
        outages.decide(row, state, by=request.user, answer=answer)

    def facts(self, row: Outage) -> list[tuple[Any, Any]]:
        return [
            (_("Kiosk"), f"{row.kiosk.door} · {row.kiosk}"),
            (_("Silent"), stretch(row.kiosk, row.begins, row.ends)),
            (_("Reason"), row.reason),
            *asked(row),
        ]

    def context(self, row: Outage, request: HttpRequest) -> dict[str, Any]:
        zone = plans.zone_of(row.kiosk.door.site)
        found = row.corrections.select_related("person__department").order_by("at", "person__name")
        return {
            "own": row.asked_by_id == request.user.pk,
            "lines": [(one, f"{one.at.astimezone(zone):%H:%M}") for one in found if one.at],
        }

    # --- Asking ---------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OutageForm(request.GET if "kiosk" in request.GET else None)
        shown: dict[str, Any] = {}
        if form.is_bound and form.is_valid():
            kiosk, begins, ends = (form.cleaned_data[name] for name in ("kiosk", "begins", "ends"))
            found = outages.expected(kiosk, begins, ends, staff=request.user)
            lines = [Line(one, kiosk, request.POST) for one in found]
            reason = ReasonForm(request.POST if request.method == "POST" else None)
            if request.method == "POST" and (made := self.file(request, kiosk, begins, ends, lines, reason)):
                messages.success(request, _("Filed. The punches count once somebody else approves them."))
                return HttpResponseRedirect(self.url("change", made.pk))
            shown = {"lines": lines, "reason": reason, "where": stretch(kiosk, begins, ends), "kiosk": kiosk}
        return self.page(
            request,
            "access/outage.html",
            None,
            title=_("Repair an outage"),
            form=form,
            silences=[] if shown else [silence(one) for one in outages.silences()],
            **shown,
        )

    def file(
        self,
        request: HttpRequest,
        kiosk: Kiosk,
        begins: datetime,
        ends: datetime,
        lines: list["Line"],
        reason: ReasonForm,
    ) -> Outage | None:
        """The outage as filed; None where the page says what is missing."""
        chosen = [line for line in lines if line.chosen]
        for line in chosen:
            line.check(begins, ends)
        if not chosen:
            messages.error(request, _("Choose at least one person."))
        if not chosen or not reason.is_valid() or any(line.error for line in chosen):
            return None
        outage = Outage(kiosk=kiosk, begins=begins, ends=ends, reason=reason.cleaned_data["reason"])
        return outages.ask(outage, [line.punch for line in chosen], by=request.user)


class Line:
    """One punch that may be asked for: chosen or not, at the time of the shift or another."""

    def __init__(self, expected: Expected, kiosk: Kiosk, posted: Any) -> None:
        self.punch, self.error = expected, ""
        self.zone = plans.zone_of(kiosk.door.site)
        self.clock = posted.get(f"time-{expected.key}", f"{expected.at.astimezone(self.zone):%H:%M}")
        # Who punched elsewhere around it may not need it: that is for a human to say.
        self.chosen = expected.key in posted.getlist("line") if posted else self.nearest is None
        self.arriving = expected.direction == "in"

    @property
    def nearest(self) -> str | None:
        """The punch that makes this one doubtful: somebody who came later, after the outage."""
        if self.punch.nearest is None or self.punch.direction != "in":
            return None
        return f"{self.punch.nearest.astimezone(self.zone):%H:%M}"

    def check(self, begins: datetime, ends: datetime) -> None:
        """Take over the time that was typed; it has to lie within the outage."""
        clock = parse_time(self.clock)
        day = self.punch.at.astimezone(self.zone).date()
        for around in (0, -1, 1) if clock else ():
            wall = datetime.combine(day + timedelta(days=around), clock).replace(tzinfo=self.zone)
            if begins <= wall <= ends:
                self.punch = Expected(self.punch.person, self.punch.day, self.punch.direction, wall)
                return
        self.error = _("A time within the outage, such as 08:00.")


def silence(found: outages.Silence) -> dict[str, Any]:
    """One silence with the link that looks at it; what still goes on, until now."""
    ends = found.ends or now()
    zone = plans.zone_of(found.kiosk.door.site)
    values = {
        "kiosk": found.kiosk.pk,
        "begins": found.begins.astimezone(zone).strftime(LOCAL),
        "ends": ends.astimezone(zone).strftime(LOCAL),
    }
    return {
        "kiosk": f"{found.kiosk.door} · {found.kiosk}",
        "when": stretch(found.kiosk, found.begins, ends),
        "going_on": found.ends is None,
        "link": f"?{urlencode(values)}",
    }


def stretch(kiosk: Kiosk, begins: datetime, ends: datetime) -> str:
    """ "Mon 2 Mar 2026, 08:00 – 10:30 CET" at the kiosk's site."""
    zone = plans.zone_of(kiosk.door.site)
    first, last = begins.astimezone(zone), ends.astimezone(zone)
    end = f"{last:%H:%M}" if first.date() == last.date() else date_format(last, "D j M, H:i")
    return f"{date_format(first, 'D j M Y, H:i')} – {end} {last:%Z}"
