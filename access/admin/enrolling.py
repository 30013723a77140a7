"""How faces come in: before a camera at the office, or by an invitation that the person opens at home.

Promise: the camera opens only for somebody whose consent is on file; a link is shown once.
"""

from base64 import b64encode
from datetime import UTC
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from access import enrolment, people
from access.admin.photographs import Photographs
from access.enrolment import Enrolment, NoConsent
from access.kiosk.pages import code
from access.people import ConsentText, Person
from access.privacy import invitations, pages, verdicts

# The words before the camera: the staff's pages are in English.
LANGUAGE = "en"
WEBCAM = ("access.view_person", "access.add_photograph")


class Enrolling(Photographs):
    """The addresses under a person's page by which photographs come in."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:key>/webcam/send/", view(self.webcam_send), name="access_person_webcam_send"),
            path(
                "<int:key>/webcam/<int:held>/", view(self.webcam_result), name="access_person_webcam_result"
            ),
            *super().get_urls(),
        ]

    # --- The camera at the office -----------------------------------------------------------------

    def has_webcam_permission(self, request: HttpRequest, key: object = None) -> bool:
        standing = Person.objects.filter(pk=getattr(key, "pk", key), erased=None)
        return request.user.has_perms(WEBCAM) and (key is None or standing.exists())

    @action(description=_("Take pictures"), icon="photo_camera", permissions=["webcam"])
    def webcam(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Consent first, then the camera."""
        person = self.seen(request, object_id, allowed=self.has_webcam_permission(request, object_id))
        consent = person.consents.filter(withdrawn=None).select_related("text", "noted_by").first()
        may_note = request.user.has_perm("access.add_consent")
        if request.method == "POST" and may_note:
            return self._note(request, person)
        texts = ConsentText.objects.order_by("language", "-published") if not consent else []
        shown = next((one for one in texts if str(one.pk) == request.GET.get("text")), None)
        shown = shown or (None if consent else people.words_to_agree_to(LANGUAGE))
        send = reverse("admin:access_person_webcam_send", args=[person.pk])
        done = f"{self.url('change', person.pk)}#photographs"
        return self.page(
            request,
            "access/webcam.html",
            person,
            title=_("Take pictures of %(person)s") % {"person": person},
            consent=consent,
            texts=texts,
            shown=shown,
            may_note=may_note,
            **pages.camera(LANGUAGE, send=send, done=done),
        )

    def _note(self, request: HttpRequest, person: Person) -> HttpResponse:
        text = ConsentText.objects.filter(pk=request.POST.get("text") or None).first()
        if text is None or not request.POST.get("agree"):
            messages.error(request, _("No picture is taken without consent: read the text, then tick."))
            chosen = f"?text={text.pk}" if text else ""
            return HttpResponseRedirect(f"{request.path}{chosen}")
        people.note_consent(person, text, by=request.user)
        return HttpResponseRedirect(request.path)

    def webcam_send(self, request: HttpRequest, key: int) -> JsonResponse:
        person = self.seen(request, str(key), allowed=self.has_webcam_permission(request, key))
        if request.method != "POST":
            return JsonResponse({"error": "POST"}, status=405)
        try:
            held = enrolment.submit(person, pages.photographs(request, LANGUAGE), by=request.user)
        except (pages.Unfit, NoConsent) as error:
            return JsonResponse({"error": str(error) or str(_("There is no consent any more."))}, status=400)
        return JsonResponse({"result": reverse("admin:access_person_webcam_result", args=[key, held.pk])})

    def webcam_result(self, request: HttpRequest, key: int, held: int) -> JsonResponse:
        """What became of the photographs of one enrolment."""
        person = self.seen(request, str(key), allowed=self.has_webcam_permission(request, key))
        found = get_object_or_404(Enrolment, pk=held, person=person)
        return JsonResponse(verdicts.told([found]))

    # --- Invitations ------------------------------------------------------------------------------

    def has_invite_permission(self, request: HttpRequest, key: object = None) -> bool:
        standing = Person.objects.filter(pk=getattr(key, "pk", key), erased=None, active=True)
        return request.user.has_perm("access.add_invitation") and (key is None or standing.exists())

    @action(description=_("Invite to enrol"), icon="forward_to_inbox", permissions=["invite"])
    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A link and its QR code, shown once; the page also says what became of earlier ones."""
        person = self.seen(request, object_id, allowed=self.has_invite_permission(request, object_id))
        title = _("Invite %(person)s to enrol") % {"person": person}
        if request.method == "POST" and request.POST.get("revoke"):
            if not request.user.has_perm("access.change_invitation"):
                raise PermissionDenied
            if invitations.revoke(person, by=request.user):
                messages.success(request, _("The link opens nothing any more."))
            return HttpResponseRedirect(request.path)
        if request.method == "POST":
            try:
                token, expires = invitations.invite(person, by=request.user)
            except invitations.Refused as error:
                messages.error(request, str(error))
                return HttpResponseRedirect(request.path)
            address = request.build_absolute_uri(reverse("enrol", args=[token]))
            response = self.page(
                request,
                "access/invitation.html",
                person,
                title=title,
                address=address,
                picture=b64encode(code(address)).decode(),
                until=date_format(expires.astimezone(UTC), "j M Y, H:i"),
            )
            response["Cache-Control"] = "no-store"
            return response
        rows = person.invitations.select_related("made_by")[:20]
        return self.page(
            request,
            "access/invite.html",
            person,
            title=title,
            invitations=rows,
            may_revoke=request.user.has_perm("access.change_invitation")
            and any(one.state == "open" for one in rows),
            published=ConsentText.objects.exists(),
        )


def invite_many(request: HttpRequest, chosen: list[Person]) -> list[dict[str, Any]]:
    """A link for each of them, for a list that is shown once; why not, for whoever gets none."""
    made = []
    for person in chosen:
        try:
            token, _expires = invitations.invite(person, by=request.user)
        except invitations.Refused as error:
            made.append({"person": person, "why": str(error)})
            continue
        made.append({"person": person, "address": request.build_absolute_uri(reverse("enrol", args=[token]))})
    return made
