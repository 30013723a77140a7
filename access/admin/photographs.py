"""Photographs on screen: what the worker made of each, and the pictures themselves, opened for staff only.

Promise: no picture leaves the house without an entry in the trail. A page that shows photographs is
noted once and hands out tickets; a picture is served only to the login and person of a fresh ticket.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from access import audit, enrolment, vault
from access.admin.audit import Audited
from access.enrolment import Enrolment, Photograph
from access.hours import reach
from access.people import Person
from access.privacy import verdicts, words

SALT = "access.photographs"
TICKET_SECONDS = 600
# For reading only, thirds of the scale; whether a photograph is good enough is the worker's to say.
SHARPNESS_WORDS = ((2 / 3, _("sharp")), (1 / 3, _("fairly sharp")), (0.0, _("soft")))


@dataclass(frozen=True)
class Shown:
    """One photograph as a card on the page."""

    photograph: Photograph
    url: str
    box: dict[str, float] | None
    quality: str


def content_type(data: bytes) -> str | None:
    """The picture's type by its first bytes, for the three kinds that are ever taken in."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def served(data: bytes) -> HttpResponse:
    """The picture alone, kept by no browser. Raises Http404 for what is none."""
    if (kind := content_type(data)) is None:
        raise Http404
    return HttpResponse(
        data,
        content_type=kind,
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        },
    )


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("access.view_person") and request.user.has_perm("access.view_photograph")


def may_look_at(request: HttpRequest, person: Person) -> bool:
    return may_look(request) and reach.reaches(request.user, person)


def new_ticket(request: HttpRequest, person: Person) -> str:
    """For the pictures of this page; the look is noted here, once for the page and the person."""
    audit.record("photograph.viewed", person, by=request.user)
    return signing.dumps([request.user.pk, person.pk], salt=SALT)


def holds_ticket(request: HttpRequest, person: int) -> bool:
    try:
        ticket = signing.loads(request.GET.get("ticket", ""), salt=SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return False
    return bool(ticket == [request.user.pk, person])


def panel(request: HttpRequest, person: Person, ticket: str) -> dict[str, Any]:
    """The context of access/photographs.html. Pictures are not read here, only what is known of them."""
    rows = person.photographs.select_related("enrolment").defer("sealed").order_by("-enrolment", "id")
    cards = [shown(photograph, ticket) for photograph in rows]
    states = set(person.enrolments.values_list("state", flat=True))
    return {
        "person": person,
        "cards": cards,
        "faceprints": person.faceprints.filter(active=True).count(),
        "coverage": coverage(rows),
        "waiting": Enrolment.State.WAITING in states,
        "review": person.enrolments.filter(state=Enrolment.State.REVIEW).first(),
        "approve": person.enrolments.filter(state=Enrolment.State.APPROVE).first(),
        "fragment": f"{reverse('admin:access_person_photographs', args=[person.pk])}?ticket={ticket}",
        "may_delete": request.user.has_perm("access.delete_photograph") and not person.erased,
    }


def coverage(rows: Iterable[Photograph]) -> list[tuple[str, bool]]:
    """From which sides the accepted photographs show the face, side by side with whether any does."""
    seen = {verdicts.angle_of(row.quality) for row in rows if row.state == Photograph.State.ACCEPTED}
    return [(words.say("en", f"angle.{angle}"), angle in seen) for angle in verdicts.ANGLES]


def shown(photograph: Photograph, ticket: str) -> Shown:
    # The worker stores an accepted picture anew, turned upright: another address makes browsers look again.
    address = reverse("admin:access_photograph", args=[photograph.pk])
    box = None
    if photograph.box:
        left, top, right, bottom = photograph.box
        box = {"x": left, "y": top, "width": round(right - left, 4), "height": round(bottom - top, 4)}
    return Shown(
        photograph, f"{address}?state={photograph.state}&ticket={ticket}", box, quality(photograph.quality)
    )


def quality(numbers: dict[str, float]) -> str:
    """What was measured, in words and numbers; empty if no face was measured."""
    parts = []
    if (sharpness := numbers.get("sharpness")) is not None:
        word = next(word for least, word in SHARPNESS_WORDS if sharpness >= least or least == 0.0)
        parts.append(_("%(word)s (%(share)d of 100)") % {"word": word, "share": round(100 * sharpness)})
    if (distance := numbers.get("eye_distance")) is not None:
        parts.append(_("%(pixels)d pixels between the eyes") % {"pixels": round(distance)})
    if (yaw := numbers.get("yaw")) is not None:
        parts.append(_("turned %(degrees)d°") % {"degrees": round(abs(yaw))})
    return ", ".join(parts)


class Photographs(Audited):
    """The addresses under a person's page that have to do with photographs."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("photograph/<int:key>/", view(self.picture), name="access_photograph"),
            path("photograph/<int:key>/delete/", view(self.remove), name="access_photograph_delete"),
            path("<int:key>/photographs/", view(self.fragment), name="access_person_photographs"),
            *super().get_urls(),
        ]

    def picture(self, request: HttpRequest, key: int) -> HttpResponse:
        photograph = get_object_or_404(Photograph, pk=key)
        if not may_look_at(request, photograph.person) or not holds_ticket(request, photograph.person_id):
            raise PermissionDenied
        try:
            data = enrolment.open_photograph(photograph)
        except vault.Sealed as error:
            raise Http404 from error
        return served(data)

    def fragment(self, request: HttpRequest, key: int) -> HttpResponse:
        """The panel alone, for a page that is waiting for the worker."""
        person = get_object_or_404(Person, pk=key)
        if not may_look_at(request, person) or not holds_ticket(request, key):
            raise PermissionDenied
        response = render(request, "access/photographs.html", panel(request, person, request.GET["ticket"]))
        response["Cache-Control"] = "no-store"
        return response

    def remove(self, request: HttpRequest, key: int) -> HttpResponse:
        photograph = get_object_or_404(Photograph.objects.defer("sealed").select_related("person"), pk=key)
        person = photograph.person
        may = self.has_change_permission(request, person) and reach.reaches(request.user, person)
        if not may or not request.user.has_perm("access.delete_photograph"):
            raise PermissionDenied
        back = HttpResponseRedirect(f"{self.url('change', person.pk)}#photographs")
        if request.method != "POST":
            return self.page(
                request,
                "access/confirm.html",
                person,
                title=_("Delete a photograph of %(person)s") % {"person": person},
                text=[
                    _("The photograph “%(file)s” and its faceprint are deleted for good.")
                    % {"file": photograph.file_name},
                    _("The person's other photographs stay in use."),
                ],
                button=_("Delete photograph"),
                danger=True,
            )
        try:
            enrolment.remove_photograph(photograph, by=request.user)
        except ValueError:
            self.message_user(request, _("This photograph is still being looked at."), "WARNING")
            return back
        self.message_user(request, _("The photograph was deleted."), "SUCCESS")
        return back
