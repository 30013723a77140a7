"""What kiosks did without the network, and where that was not as it should have been."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from access.admin.audit import ReadOnly
from access.admin.days import Days, at_site, unbroken
from access.admin.decisions import reason_words
from access.kiosk.alone import OfflineEvent


class ConflictFilter(DropdownFilter):
    title = _("conflict")
    parameter_name = "conflict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("in conflict with our rules")), ("clock", _("at a time not to be trusted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OfflineEvent]) -> QuerySet[OfflineEvent]:
        if self.value() == "yes":
            return queryset.filter(conflict__isnull=False)
        return queryset.filter(clock=OfflineEvent.Trust.UNTRUSTED) if self.value() == "clock" else queryset


class DaysAtDoor(Days):
    zone = "snapshot__kiosk__door__site__zone"


@admin.register(OfflineEvent)
class OfflineEventAdmin(ReadOnly):
    person_path = "snapshot__decision__person"
    list_display = ["when", "outcome", "person", "place", "told", "trust", "verdict", "story"]
    list_display_links = None
    list_filter = [
        ConflictFilter,
        ("snapshot__kiosk__door__site", RelatedDropdownFilter),
        ("snapshot__kiosk", RelatedDropdownFilter),
        ("snapshot__decision__at", DaysAtDoor),
    ]
    list_select_related = ["snapshot__decision__person", "snapshot__kiosk__door__site"]
    search_fields = ["snapshot__decision__person__badge", "snapshot__decision__person__name"]
    search_help_text = _("Badge number or name")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Its decision tells the whole story."""
        event = self.seen(request, object_id)
        return HttpResponseRedirect(reverse("admin:access_decision_change", args=[event.pk]))

    @display(description=_("time"), ordering="snapshot__decision__at")
    def when(self, event: OfflineEvent) -> str:
        return unbroken(at_site(event.snapshot.decision.at, event.snapshot.kiosk.door.site.zone))

    @display(description=_("the kiosk"), label={"yes": "success", "no": "danger"})
    def outcome(self, event: OfflineEvent) -> tuple[str, Any]:
        decision = event.snapshot.decision
        return ("yes", _("opened")) if decision.granted else ("no", reason_words(decision.reason))

    @display(description=_("person"), empty_value="–")
    def person(self, event: OfflineEvent) -> str | None:
        return str(event.snapshot.decision.person) if event.snapshot.decision.person else None

    @display(description=_("door and kiosk"))
    def place(self, event: OfflineEvent) -> str:
        return f"{event.snapshot.kiosk.door} · {event.snapshot.kiosk}"

    @display(description=_("told to us"), ordering="snapshot__received")
    def told(self, event: OfflineEvent) -> str:
        return unbroken(at_site(event.snapshot.received, event.snapshot.kiosk.door.site.zone))

    @display(
        description=_("clock"), label={"fine": "success", "drifted": "info", "clock_untrusted": "danger"}
    )
    def trust(self, event: OfflineEvent) -> tuple[str, Any]:
        return event.clock, event.get_clock_display()

    @display(description=_("conflict"), empty_value="–")
    def verdict(self, event: OfflineEvent) -> str | None:
        return event.sentence or None

    @display(description=_("decision"))
    def story(self, event: OfflineEvent) -> str:
        address = reverse("admin:access_decision_change", args=[event.pk])
        return format_html('<a class="lintel-link" href="{}">{}</a>', address, _("How it came about"))
