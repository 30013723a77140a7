"""Galleries on screen: which sites search them, which doors admit them, who is in them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.admin.audit import Audited
from access.gallery import Gallery


@admin.register(Gallery)
class GalleryAdmin(Audited):
    list_display = ["name", "searched_by", "admitted_by", "members"]
    search_fields = ["name"]
    # People are put into galleries on their own page: a list of thousands is no form.
    fields = ["name", "sites"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gallery]:
        found = super().get_queryset(request).prefetch_related("sites", "doors__site")
        return found.annotate(member_count=Count("people", filter=Q(people__erased=None), distinct=True))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "sites":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("searched at"), label="info", empty_value=_("no site"))
    def searched_by(self, gallery: Gallery) -> list[str]:
        return [site.name for site in gallery.sites.all()]

    @display(description=_("admitted by"), empty_value=_("no door"))
    def admitted_by(self, gallery: Gallery) -> str:
        return ", ".join(str(door) for door in gallery.doors.all())

    @display(description=_("people"), ordering="member_count")
    def members(self, gallery: Gallery) -> str:
        people = f"{reverse('admin:access_person_changelist')}?gallery={gallery.pk}"
        return format_html('<a class="lintel-link" href="{}">{}</a>', people, gallery.member_count)
