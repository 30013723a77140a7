"""What people said at the kiosks that was not them, for whoever looks into it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from access.admin.audit import ReadOnly
from access.admin.days import at_site
from access.kiosk import feedback
from access.kiosk.feedback import Dispute


class Open(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("settled", _("settled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        return queryset if self.value() is None else queryset.filter(settled__isnull=self.value() == "open")


@admin.register(Dispute)
class DisputeAdmin(ReadOnly):
    person_path = "decision__person"
    list_display = ["said_at", "person", "place", "state", "story"]
    list_display_links = None
    list_filter = [Open]
    list_select_related = ["decision__person", "decision__snapshot__kiosk__door__site"]
    actions_row = ["settle"]

    @display(description=_("said"), ordering="at")
    def said_at(self, dispute: Dispute) -> str:
        return at_site(dispute.at, dispute.decision.snapshot.kiosk.door.site.zone)

    @display(description=_("the door had named"))
    def person(self, dispute: Dispute) -> str:
        return str(dispute.decision.person or "–")

    @display(description=_("at"))
    def place(self, dispute: Dispute) -> str:
        kiosk = dispute.decision.snapshot.kiosk
        return f"{kiosk.door} · {kiosk}"

    @display(description=_("state"), label={"open": "warning", "settled": "success"})
    def state(self, dispute: Dispute) -> tuple[str, Any]:
        return ("settled", _("settled")) if dispute.settled else ("open", _("open"))

    @display(description=_("decision"))
    def story(self, dispute: Dispute) -> str:
        address = reverse("admin:access_decision_change", args=[dispute.pk])
        return format_html('<a href="{}">{}</a>', address, _("How it came about"))

    def has_settle_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.change_dispute")

    @action(description=_("Settle"), permissions=["settle"])
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        dispute = self.seen(request, object_id)
        if request.method == "POST":
            feedback.settle(dispute, by=request.user)
            messages.success(
                request, _("Settled. Decision and punch stay as they are: correct the day if need be.")
            )
            return HttpResponseRedirect(self.url("changelist"))
        return self.page(
            request,
            "access/confirm.html",
            None,
            title=_("Settle “not me”"),
            text=[
                _("Somebody said at the kiosk that they are not who the door named."),
                _("Settle it once you know who it was, and corrected the day of both."),
            ],
            button=_("Settle"),
        )
