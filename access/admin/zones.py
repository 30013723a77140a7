"""Zones on screen: who is inside, what happens to those who enter twice, and who may enter again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.admin.audit import Audited
from access.admin.days import at_site
from access.doors import passback
from access.doors.passback import Zone
from access.hours import reach
from access.people import Person

MOST_SHOWN = 200


class Inside(Audited):
    """For the page of a person: where they are, and that they may enter again."""

    def has_again_permission(self, request: HttpRequest, key: Any = None) -> bool:
        inside = Person.objects.filter(pk=getattr(key, "pk", key), presences__isnull=False)
        return request.user.has_perm("access.change_presence") and (key is None or inside.exists())

    @action(
        description=_("May enter again"), icon="restart_alt", permissions=["again"], url_path="enter-again"
    )
    def enter_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.seen(request, object_id)
        if request.method == "POST":
            passback.reset_person(person, by=request.user)
            messages.success(request, _("%(person)s may enter again.") % {"person": person})
            return HttpResponseRedirect(self.url("change", person.pk))
        zones = ", ".join(str(row.zone) for row in person.presences.select_related("zone__site"))
        return self.page(
            request,
            "access/confirm.html",
            person,
            title=_("Let %(person)s enter again") % {"person": person},
            text=[
                _("By our count %(person)s is in: %(zones)s.") % {"person": person, "zones": zones or "–"},
                _("They will count as outside, for instance because they left by another way."),
            ],
            button=_("Count as outside"),
        )


@admin.register(Zone)
class ZoneAdmin(Audited):
    list_display = ["name", "site", "rule", "people_inside", "emptied", "doors"]
    list_filter = [("site", RelatedDropdownFilter), "passback"]
    list_select_related = ["site"]
    search_fields = ["name", "site__name"]
    change_form_after_template = "access/zone.html"
    fieldsets = [
        (None, {"fields": ["site", "name"]}),
        (
            _("Entering twice"),
            {
                "fields": ["passback", "passback_minutes", "exempt"],
                "description": _(
                    "Whoever entered and did not leave is inside. If the same badge or face comes in again, "
                    "it was handed back, or somebody left unseen."
                ),
            },
        ),
        (_("How many, and until when"), {"fields": ["most", "reset_at"]}),
    ]
    actions_detail = ["empty"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Zone]:
        found = super().get_queryset(request).prefetch_related("doors_into", "doors_out_of")
        return found.annotate(inside=Count("presences", distinct=True))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Zone | None = None) -> bool:
        """A zone that a door leads into or out of stays."""
        used = obj is not None and (obj.doors_into.exists() or obj.doors_out_of.exists())
        return not used and super().has_delete_permission(request, obj)

    @display(
        description=_("entering twice"), ordering="passback", label={"hard": "danger", "timed": "warning"}
    )
    def rule(self, zone: Zone) -> tuple[str, str]:
        words = zone.get_passback_display()
        return zone.passback, f"{words} ({zone.passback_minutes} min)" if zone.passback == "timed" else words

    @display(description=_("inside"), ordering="inside")
    def people_inside(self, zone: Zone) -> str:
        if zone.most is None:
            return str(zone.inside)
        return str(_("%(count)d of %(most)d") % {"count": zone.inside, "most": zone.most})

    @display(description=_("emptied at"), ordering="reset_at", empty_value=_("never"))
    def emptied(self, zone: Zone) -> str | None:
        return f"{zone.reset_at:%H:%M}" if zone.reset_at else None

    @display(description=_("doors"), empty_value=_("none"))
    def doors(self, zone: Zone) -> str | None:
        names = {door.name for door in [*zone.doors_into.all(), *zone.doors_out_of.all()]}
        return ", ".join(sorted(names)) or None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        zone = self.get_object(request, object_id)
        shown = inside(request, zone) if zone is not None else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)

    def has_empty_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("access.change_presence")

    @action(description=_("Empty"), icon="restart_alt", permissions=["empty"])
    def empty(self, request: HttpRequest, object_id: str) -> HttpResponse:
        zone = self.seen(request, object_id)
        if request.method == "POST":
            count = passback.reset_zone(zone, by=request.user)
            messages.success(request, _("Emptied: %(count)d people may enter again.") % {"count": count})
            return HttpResponseRedirect(self.url("change", zone.pk))
        return self.page(
            request,
            "access/confirm.html",
            zone,
            title=_("Empty %(zone)s") % {"zone": zone},
            text=[
                _("Everybody counts as outside from now on, and may enter again. No door opens by this."),
                _("Do it after a fire drill, or when the count is wrong."),
            ],
            button=_("Empty the zone"),
        )


def inside(request: HttpRequest, zone: Zone) -> dict[str, Any]:
    """Who is in the zone, as far as this login reaches; how many in all; which doors lead where."""
    found = passback.inside(zone, timezone.now())
    seen: Any = None
    if request.user.has_perm("access.view_presence"):
        rows = reach.within(request.user, found.select_related("person"))
        seen = [(row, at_site(row.since, zone.site.zone)) for row in rows[:MOST_SHOWN]]
    lead = Q(enters=zone) | Q(leaves=zone)
    return {
        "zone_inside": seen,
        "zone_count": found.count(),
        "zone_doors": zone.site.doors.filter(lead).select_related("site").distinct(),
    }
