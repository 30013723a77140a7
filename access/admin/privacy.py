"""Notices and retention on screen: what people are told, what is kept how long, what the nights deleted."""

from datetime import UTC, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from access.admin.audit import Audited, ReadOnly
from access.admin.days import Days, unbroken
from access.privacy import retention, words
from access.privacy.kinds import SPANS, Kind
from access.privacy.notices import Notice
from access.privacy.retention import Retention, Sweep

# A week of nights on the page; the list of runs has them all.
NIGHTS = timedelta(days=7)


def kind_words(kind: str) -> str:
    """A kind as people say it; one that this version does not know keeps its own name."""
    return str(SPANS[Kind(kind)].words) if kind in set(Kind) else kind


@admin.register(Notice)
class NoticeAdmin(Audited):
    list_display = ["language", "responsible", "contact", "published"]

    @display(description=_("what people see"))
    def published(self, notice: Notice) -> str:
        return format_html(
            '<a class="lintel-link" href="/privacy/?language={}">{}</a>', notice.language, _("Open")
        )


@admin.register(Retention)
class RetentionAdmin(Audited):
    """One page: every kind with its days, what would go tonight, and what went in the last nights."""

    fields = ["days"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        fixed = isinstance(obj, Retention) and obj.span.least == obj.span.most
        return not fixed and super().has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None and "days" in form.base_fields:
            field, span = form.base_fields["days"], obj.span
            values = {"least": span.least, "most": span.most}
            told = _("From %(least)d to %(most)d days.") % values
            if span.days is None:
                told = f"{told} {field.help_text}"
            field.help_text, field.required = told, span.days is not None
        return form

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)  # says no
        retention.fill_in()
        may_change = super().has_change_permission(request)
        due = retention.preview()
        return self.page(
            request,
            "access/retention.html",
            None,
            title=_("Retention"),
            kinds=[
                {
                    "due": one,
                    "long": words.period("en", one.days) if one.days is not None else kept_with_consent(),
                    "link": self.url("change", one.kind.value)
                    if may_change and SPANS[one.kind].least != SPANS[one.kind].most
                    else "",
                }
                for one in due
            ],
            total=sum(one.count for one in due),
            nights=nights(),
            overdue=retention.overdue(),
        )


def kept_with_consent() -> str:
    return words.say("en", "days.consent")


def nights() -> list[dict[str, Any]]:
    """The runs of the last week, newest first, each with what it deleted."""
    found: dict[Any, dict[str, Any]] = {}
    for sweep in Sweep.objects.filter(run__gt=timezone.now() - NIGHTS):
        night = found.setdefault(
            sweep.run, {"run": sweep.run, "deleted": [], "errors": [], "unfinished": False}
        )
        if sweep.deleted:
            night["deleted"].append((kind_words(sweep.kind), sweep.deleted))
        if sweep.error:
            night["errors"].append((kind_words(sweep.kind), sweep.error))
        night["unfinished"] |= sweep.finished is None
    return list(found.values())


class KindFilter(DropdownFilter):
    title, parameter_name = _("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(kind.value, SPANS[kind].words) for kind in Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Sweep]) -> QuerySet[Sweep]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Sweep)
class SweepAdmin(ReadOnly):
    list_display = ["night", "what", "days", "deleted", "left", "outcome"]
    list_filter = [KindFilter, ("run", Days)]
    fields = list_display
    readonly_fields = list_display

    @display(description=_("night (UTC)"), ordering="run")
    def night(self, sweep: Sweep) -> str:
        return unbroken(date_format(sweep.run.astimezone(UTC), "j M Y, H:i"))

    @display(description=_("kind"), ordering="kind")
    def what(self, sweep: Sweep) -> str:
        return kind_words(sweep.kind)

    @display(description=_("oldest left (UTC)"), ordering="oldest_left")
    def left(self, sweep: Sweep) -> str:
        moment = sweep.oldest_left
        return unbroken(date_format(moment.astimezone(UTC), "j M Y, H:i")) if moment else "–"

    @display(description=_("outcome"), label={"done": "success", "failed": "danger", "unfinished": "warning"})
    def outcome(self, sweep: Sweep) -> tuple[str, Any]:
        if sweep.error:
            return "failed", sweep.error
        return ("done", _("done")) if sweep.finished else ("unfinished", _("not finished"))
