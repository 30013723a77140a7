"""Enrolments on screen, and the page where a human settles whether two people are one."""

from datetime import UTC
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from access import enrolment
from access.admin import photographs
from access.admin.audit import ReadOnly
from access.admin.days import Days, unbroken
from access.admin.people import STATES
from access.enrolment import Enrolment, Photograph
from access.hours import reach
from access.people import Person

# Why photographs that somebody handed in themselves are not used; a sentence of one's own may be added.
WHYS = (
    _("They show somebody else."),
    _("They are not good enough."),
    _("Nobody was to enrol."),
)


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnly):
    person_path = "person"
    list_display = ["whose", "state_label", "accepted", "refused", "resembles", "handed_in", "submitted_by"]
    list_filter = [("state", ChoicesDropdownFilter), ("submitted", Days)]
    list_select_related = ["person", "lookalike", "submitted_by"]
    search_fields = ["person__badge", "person__name"]
    search_help_text = _("Name or badge number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enrolment]:
        counts = {
            f"{state}_count": Count("photographs", filter=Q(photographs__state=state))
            for state in (Photograph.State.ACCEPTED.value, Photograph.State.REFUSED.value)
        }
        reached = Exists(reach.people_for(request.user).filter(pk=OuterRef("lookalike")))
        return super().get_queryset(request).annotate(**counts, lookalike_reached=reached)

    @display(description=_("person"), ordering="person__name")
    def whose(self, held: Enrolment) -> str:
        return str(held.person)

    @display(description=_("state"), ordering="state", label=STATES)
    def state_label(self, held: Enrolment) -> tuple[str, str]:
        return held.state, held.get_state_display()

    @display(description=_("accepted"))
    def accepted(self, held: Enrolment) -> int:
        return held.accepted_count

    @display(description=_("refused"))
    def refused(self, held: Enrolment) -> int:
        return held.refused_count

    @display(description=_("resembles"))
    def resembles(self, held: Enrolment) -> str:
        if held.lookalike_id is None:
            return "–"
        return str(held.lookalike) if held.lookalike_reached else str(_("somebody you do not reach"))

    @display(description=_("handed in (UTC)"), ordering="submitted")
    def handed_in(self, held: Enrolment) -> str:
        return unbroken(date_format(held.submitted.astimezone(UTC), "j M Y, H:i"))

    # --- Both people side by side -----------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:key>/settle/", view(self.settle), name="access_enrolment_settle"),
            path("<int:key>/approve/", view(self.approve), name="access_enrolment_approve"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        held = self.seen(request, object_id)
        rows = held.photographs.all()
        if held.state in {Enrolment.State.REVIEW, Enrolment.State.APPROVE}:
            rows = rows.filter(state=Photograph.State.ACCEPTED)  # the others say nothing about who this is
        sides = [(_("Handed in now"), held.person, rows)]
        hidden = held.lookalike is not None and not reach.reaches(request.user, held.lookalike)
        if held.lookalike and not hidden:
            known = held.lookalike.photographs.filter(faceprint__active=True)
            sides.append((_("Already enrolled"), held.lookalike, known))
        return self.page(
            request,
            "access/review.html",
            held,
            title=_("Enrolment of %(person)s") % {"person": held.person},
            enrolment=held,
            state_style=STATES[held.state],
            sides=[(caption, person, self.cards(request, person, rows)) for caption, person, rows in sides],
            may_approve=held.state == Enrolment.State.APPROVE and self.may_settle(request),
            whys=WHYS,
            may_settle=held.state == Enrolment.State.REVIEW and self.may_settle(request) and not hidden,
            hidden=hidden,
            may_look=photographs.may_look(request),
        )

    def cards(
        self, request: HttpRequest, person: Person, rows: QuerySet[Photograph]
    ) -> list[photographs.Shown]:
        found = list(rows.defer("sealed"))
        if not found or not photographs.may_look(request):
            return []
        ticket = photographs.new_ticket(request, person)
        return [photographs.shown(photograph, ticket) for photograph in found]

    def may_settle(self, request: HttpRequest) -> bool:
        """Settling needs eyes on both faces."""
        return request.user.has_perm("access.change_enrolment") and photographs.may_look(request)

    def settle(self, request: HttpRequest, key: int) -> HttpResponse:
        held = self.seen(request, str(key))
        reached = held.lookalike is None or reach.reaches(request.user, held.lookalike)
        if not (reached and self.may_settle(request)):
            raise PermissionDenied
        answer = request.POST.get("answer")
        if request.method != "POST" or answer not in {"same", "different"}:
            return HttpResponseNotAllowed(["POST"])
        try:
            enrolment.settle_review(held, different=answer == "different", by=request.user)
        except ValueError:
            self.message_user(request, _("Somebody else has settled this meanwhile."), "WARNING")
            return HttpResponseRedirect(self.url("change", key))
        held.refresh_from_db()
        if held.state == Enrolment.State.DONE:
            self.message_user(request, _("Accepted: the doors know this face from now on."), "SUCCESS")
        elif held.state == Enrolment.State.APPROVE:
            self.message_user(request, _("Two people. Now look whether it is this person."), "SUCCESS")
            return HttpResponseRedirect(self.url("change", key))
        else:
            self.message_user(request, _("Refused: the new faceprints were deleted."), "SUCCESS")
        return HttpResponseRedirect(f"{self.url('changelist')}?state__exact=review")

    def approve(self, request: HttpRequest, key: int) -> HttpResponse:
        """Photographs that came by an invitation: used from now on, or refused with a reason and deleted."""
        held = self.seen(request, str(key))
        if not self.may_settle(request):
            raise PermissionDenied
        answer = request.POST.get("answer")
        if request.method != "POST" or answer not in {"approve", "reject"}:
            return HttpResponseNotAllowed(["POST"])
        why = " ".join(filter(None, (request.POST.get("why", ""), request.POST.get("words", "").strip())))
        if answer == "reject" and not why:
            self.message_user(request, _("Say why: the person will ask."), "ERROR")
            return HttpResponseRedirect(self.url("change", key))
        try:
            if answer == "approve":
                enrolment.approve(held, by=request.user)
            else:
                enrolment.reject(held, why, by=request.user)
        except ValueError:
            self.message_user(request, _("Somebody else has settled this meanwhile."), "WARNING")
            return HttpResponseRedirect(self.url("change", key))
        held.refresh_from_db()
        if held.state == Enrolment.State.DONE:
            self.message_user(request, _("Approved: the doors know this face from now on."), "SUCCESS")
        elif answer == "approve":
            self.message_user(request, _("Not used: the consent was withdrawn meanwhile."), "WARNING")
        else:
            self.message_user(request, _("Refused: the photographs were deleted."), "SUCCESS")
        return HttpResponseRedirect(f"{self.url('changelist')}?state__exact=approve")
