"""Galleries on screen: which sites search them, which doors admit them, who is in them and alike."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from access import gallery, health
from access.admin.audit import Audited
from access.gallery import Gallery
from access.people import Person
from access.places import Site

# Beside the right to galleries: the page shows names, and how much faces resemble each other.
LOOK_ALIKES = ("access.view_person", "access.view_faceprint", "access.reach_everybody")
# Where no pair reaches the door's threshold, this many of the nearest are shown all the same.
NEAREST = 20


class SiteForm(forms.Form):
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), empty_label=None, widget=UnfoldAdminSelectWidget
    )


@admin.register(Gallery)
class GalleryAdmin(Audited):
    list_display = ["name", "searched_by", "admitted_by", "members"]
    search_fields = ["name"]
    # People are put into galleries on their own page: a list of thousands is no form.
    fields = ["name", "sites"]
    actions_list = ["look_alikes"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gallery]:
        found = super().get_queryset(request).prefetch_related("sites", "doors__site")
        return found.annotate(member_count=Count("people", filter=Q(people__erased=None), distinct=True))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "sites":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("searched at"), label="info", empty_value=_("no site"))
    def searched_by(self, named: Gallery) -> list[str]:
        return [site.name for site in named.sites.all()]

    @display(description=_("admitted by"), empty_value=_("no door"))
    def admitted_by(self, named: Gallery) -> str:
        return ", ".join(str(door) for door in named.doors.all())

    @display(description=_("people"), ordering="member_count")
    def members(self, named: Gallery) -> str:
        people = f"{reverse('admin:access_person_changelist')}?gallery={named.pk}"
        return format_html('<a class="lintel-link" href="{}">{}</a>', people, named.member_count)

    # --- Who looks like whom ----------------------------------------------------------------------

    def has_look_alikes_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perms(LOOK_ALIKES)

    @action(description=_("Look-alikes"), icon="people", permissions=["look_alikes"])
    def look_alikes(self, request: HttpRequest) -> HttpResponse:
        """The pairs of people whom the doors of a site come nearest to confusing."""
        site = Site.objects.first()
        form = SiteForm(request.GET if "site" in request.GET else None, initial={"site": site})
        if form.is_bound:
            site = form.cleaned_data["site"] if form.is_valid() else None
        return self.page(
            request,
            "access/look_alikes.html",
            None,
            title=_("Look-alikes"),
            form=form,
            site=site,
            most=gallery.MOST_COMPARED,
            **(pairs_at(site) if site else {}),
        )


def pairs_at(site: Site) -> dict[str, Any]:
    """Of a site: `risk`, `pairs` of (person, person, score, is it high enough for a door), `too_many`."""
    risk = health.risk_at(site)
    if risk is None:
        return {"risk": None}
    try:
        found = gallery.look_alikes(site.pk, model=risk.model)
    except gallery.TooMany:
        return {"risk": risk, "too_many": True}
    needed = risk.threshold
    shown = [pair for n, pair in enumerate(found) if n < NEAREST or (needed and pair.score >= needed)]
    people = Person.objects.in_bulk({key for pair in shown for key in (pair.first, pair.second)})
    return {
        "risk": risk,
        "pairs": [
            (people[pair.first], people[pair.second], pair.score, needed is not None and pair.score >= needed)
            for pair in shown
        ],
    }
