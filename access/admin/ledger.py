"""A person's consents, each with its words, and all their data as one file."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from access.admin import sign_in
from access.admin.enrolling import Enrolling
from access.people import Person
from access.privacy import disclosure

DISCLOSE = "access.disclose_person"


class Ledger(Enrolling):
    """The pages beside a person that show what was agreed to, and hand out what is kept."""

    def has_consents_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.view_consent")

    @action(description=_("Consents"), icon="contract", permissions=["consents"])
    def consents(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id, allowed=self.has_consents_permission(request))
        rows = person.consents.select_related("text", "noted_by", "ended_by").order_by("-given", "-pk")
        return self.page(
            request,
            "access/ledger.html",
            person,
            title=_("Consents of %(person)s") % {"person": person},
            consents=rows,
            in_force=any(one.withdrawn is None for one in rows),
            may_withdraw=request.user.has_perm("access.change_consent") and not person.erased,
        )

    def has_disclose_permission(self, request: HttpRequest, key: object = None) -> bool:
        standing = Person.objects.filter(pk=getattr(key, "pk", key), erased=None)
        return request.user.has_perm(DISCLOSE) and (key is None or standing.exists())

    @action(description=_("Own data"), icon="folder_zip", permissions=["disclose"])
    @sign_in.asks_again
    def disclose(self, request: HttpRequest, object_id: str) -> Any:
        """Asked for on a page, sent on POST."""
        person = self.seen(request, object_id, allowed=self.has_disclose_permission(request, object_id))
        if request.method == "POST":
            response = StreamingHttpResponse(
                disclosure.disclose(person, by=request.user), content_type="application/zip"
            )
            name = f"person-{person.pk}-{timezone.now():%Y-%m-%d}.zip"
            response["Content-Disposition"] = f'attachment; filename="{name}"'
            response["Cache-Control"] = "no-store"
            return response
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("All that is kept about %(person)s") % {"person": person},
            text=[
                _("One ZIP file: everything readable as JSON, and the photographs."),
                _("Hand it to this person alone, and delete your copy. The download is on record."),
            ],
            button=_("Download"),
        )
