"""Rules of working time on screen. One that days were computed with is followed by another."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count, Max, Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from access.admin.audit import Audited
from access.hours import rules
from access.hours.rules import RuleSet, RuleVersion


@admin.register(RuleSet)
class RuleSetAdmin(Audited):
    list_display = ["name", "note", "version_count", "latest"]
    search_fields = ["name"]
    actions_detail = ["see_versions"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleSet]:
        found = super().get_queryset(request)
        return found.annotate(version_number=Count("versions"), last_version=Max("versions__valid_from"))

    @display(description=_("versions"), ordering="version_number")
    def version_count(self, row: RuleSet) -> int:
        return row.version_number

    @display(description=_("last version from"), ordering="last_version", empty_value=_("none: usual rules"))
    def latest(self, row: RuleSet) -> str | None:
        return date_format(row.last_version, "j M Y") if row.last_version else None

    def has_versions_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.view_ruleversion")

    @action(description=_("Versions of these rules"), icon="rule_settings", permissions=["versions"])
    def see_versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.seen(request, object_id)
        listed = reverse("admin:access_ruleversion_changelist")
        return HttpResponseRedirect(f"{listed}?{urlencode({'rule_set__id__exact': row.pk})}")

    def response_add(self, request: HttpRequest, obj: RuleSet, post_url_continue: str | None = None) -> Any:
        """A set without a version has no rules of its own yet: on to the first."""
        super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(f"{reverse('admin:access_ruleversion_add')}?rule_set={obj.pk}")


@admin.register(RuleVersion)
class RuleVersionAdmin(Audited):
    list_display = ["rule_set", "since", "grace", "rounding", "breaks", "overtime_approval", "in_use"]
    list_filter = [("rule_set", RelatedDropdownFilter)]
    list_select_related = ["rule_set"]
    actions_detail = ["follow"]
    fieldsets = [
        (None, {"fields": [("rule_set", "valid_from")]}),
        (
            _("Punches"),
            {
                "fields": [
                    ("day_cutoff", "duplicate_seconds"),
                    ("directions", "pairing"),
                    ("missed", "maximum_minutes"),
                ]
            },
        ),
        (
            _("Late, early and rounded"),
            {
                "fields": [
                    ("grace_in_minutes", "grace_out_minutes"),
                    ("early_counts", "late_counts"),
                    ("round_in_minutes", "round_in_way"),
                    ("round_out_minutes", "round_out_way"),
                ]
            },
        ),
        (_("Breaks"), {"fields": ["breaks", ("break_minutes", "break_after_minutes")]}),
        (_("Whole and half days"), {"fields": [("minimum_minutes", "half_day_minutes")]}),
        (
            _("Overtime"),
            {
                "fields": [
                    ("overtime_daily", "overtime_after_minutes"),
                    ("weekly_minutes", "tier_minutes"),
                    ("overtime_rest_day", "overtime_holiday"),
                    "overtime_approval",
                ]
            },
        ),
        (_("Night hours"), {"fields": [("night_begins", "night_ends")]}),
    ]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, RuleVersion) and rules.used(obj):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, RuleVersion) and rules.used(obj):
            return False
        return super().has_delete_permission(request, obj)

    def has_follow_permission(self, request: HttpRequest, key: object = None) -> bool:
        return request.user.has_perm("access.add_ruleversion")

    @display(description=_("valid from"), ordering="valid_from")
    def since(self, row: RuleVersion) -> str:
        return date_format(row.valid_from, "j M Y")

    @display(description=_("grace in / out (min)"))
    def grace(self, row: RuleVersion) -> str:
        return f"{row.grace_in_minutes} / {row.grace_out_minutes}"

    @display(description=_("rounding in / out (min)"))
    def rounding(self, row: RuleVersion) -> str:
        return f"{row.round_in_minutes} / {row.round_out_minutes}"

    @display(description=_("days computed"), boolean=True)
    def in_use(self, row: RuleVersion) -> bool:
        return rules.used(row)

    @action(description=_("New version from a date"), icon="library_add", permissions=["follow"])
    def follow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form of a new version, filled in with this one; only its date is asked for anew."""
        row = self.seen(request, object_id)
        return HttpResponseRedirect(f"{self.url('add')}?{urlencode({'from': row.pk})}")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = super().get_changeform_initial_data(request)
        key = str(given.pop("from", ""))
        if key.isdecimal() and (row := RuleVersion.objects.filter(pk=int(key)).first()):
            return model_to_dict(row, exclude=["id", "valid_from"])
        return {"valid_from": timezone.now().date().replace(day=1)} | given
