"""What can be done with several people of the list at once: suspend, reactivate, invite, add to a gallery.

Promise: a page names everybody who is meant before anything happens; each person has an entry in the trail.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from access import audit, people
from access.admin.enrolling import invite_many
from access.admin.standing import Standing
from access.gallery import Gallery
from access.people import Person

# Each is locked and written by itself; more at once are a matter for a command.
MOST = 500


class GalleryForm(forms.Form):
    gallery = forms.ModelChoiceField(
        Gallery.objects.all(), label=_("Gallery"), empty_label=None, widget=UnfoldAdminSelectWidget
    )


class Many(Standing):
    """The actions of the list of people."""

    actions = ["suspend_many", "reactivate_many", "add_many", "invite_many"]

    def has_gallery_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("access.change_gallery")

    @admin.action(description=_("Suspend"), permissions=["suspend"])
    def suspend_many(self, request: HttpRequest, chosen: QuerySet[Person]) -> HttpResponse | None:
        return self._each(
            request,
            chosen.filter(active=True),
            people.suspend,
            action="suspend_many",
            title=_("Suspend these people"),
            text=_("Every door refuses them from now on. It can be undone; faces go later, see Retention."),
            button=_("Suspend"),
            danger=True,
        )

    @admin.action(description=_("Reactivate"), permissions=["reactivate"])
    def reactivate_many(self, request: HttpRequest, chosen: QuerySet[Person]) -> HttpResponse | None:
        return self._each(
            request,
            chosen.filter(active=False),
            people.reactivate,
            action="reactivate_many",
            title=_("Reactivate these people"),
            text=_("Doors let them in again, as far as consent and galleries allow."),
            button=_("Reactivate"),
        )

    @admin.action(description=_("Add to a gallery"), permissions=["gallery"])
    def add_many(self, request: HttpRequest, chosen: QuerySet[Person]) -> HttpResponse | None:
        form = GalleryForm(request.POST if "sure" in request.POST else None)
        return self._each(
            request,
            chosen,
            lambda person, *, by: add_to_gallery(person, form.cleaned_data["gallery"], by=by),
            action="add_many",
            title=_("Add these people to a gallery"),
            text=_("Doors that admit the gallery let them in from now on."),
            button=_("Add"),
            form=form,
        )

    @admin.action(description=_("Invite to enrol"), permissions=["invite"])
    def invite_many(self, request: HttpRequest, chosen: QuerySet[Person]) -> HttpResponse | None:
        """The links are shown once, as a list to send them from."""
        if "sure" in request.POST:
            made = invite_many(request, list(chosen.filter(erased=None)[:MOST]))
            response = self.page(
                request, "access/invitations.html", None, title=_("Links to send"), made=made
            )
            response["Cache-Control"] = "no-store"
            return response
        return self._each(
            request,
            chosen.filter(active=True),
            None,
            action="invite_many",
            title=_("Invite these people to enrol"),
            text=_("Each gets a link of their own, shown once; an earlier open link ends."),
            button=_("Make the links"),
        )

    def _each(
        self,
        request: HttpRequest,
        chosen: QuerySet[Person],
        do: Callable[..., Any] | None,
        *,
        form: forms.Form | None = None,
        **shown: Any,
    ) -> HttpResponse | None:
        """Ask first; then do it to each, all or none."""
        meant = list(chosen.filter(erased=None).order_by("pk")[: MOST + 1])
        if not meant or len(meant) > MOST:
            few = _("Nobody of these is meant by that.")
            many = _("At most %(most)d people at once.") % {"most": MOST}
            messages.warning(request, many if meant else few)
            return None
        sure = "sure" in request.POST and (form is None or form.is_valid())
        if not sure or do is None:
            box = ACTION_CHECKBOX_NAME
            return self.page(request, "access/many.html", None, people=meant, form=form, box=box, **shown)
        with transaction.atomic():
            for person in Person.objects.select_for_update().filter(pk__in=[one.pk for one in meant]):
                do(person, by=request.user)
        messages.success(request, _("Done for %(count)d people.") % {"count": len(meant)})
        return None


def add_to_gallery(person: Person, gallery: Gallery, *, by: object) -> None:
    person.galleries.add(gallery)
    keys = sorted(person.galleries.values_list("pk", flat=True))
    audit.record("person.galleries", person, by=by, galleries=keys)
