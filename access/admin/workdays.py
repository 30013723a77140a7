"""Working days on screen: the list, a person's month, and one day with its whole explanation.

Each figure leads to its punches, from there to the decision of the door, and to the rules of that date.
"""

import calendar
import zoneinfo
from datetime import date, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from access.admin.audit import ReadOnly
from access.admin.days import Days, unbroken
from access.attendance import Punch
from access.hours import ledger, reach, words
from access.hours.corrections import Correction
from access.hours.proposals import Proposal
from access.hours.workdays import WorkDay
from access.people import Person

MONTH_FIGURES = ("planned", "worked", "overtime", "late", "early", "leave", "paid")


class StatusFilter(DropdownFilter):
    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(code, text) for code, (text, _style) in words.STATUSES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset


def figure(name: str) -> Any:
    """A column of the list that shows one figure."""

    @display(description=words.FIGURES[name])
    def column(self: object, row: WorkDay) -> str:
        value = row.figures.get(name, 0)
        return words.hours(value) if value else "–"

    return column


@admin.register(WorkDay)
class WorkDayAdmin(ReadOnly):
    person_path = "person"
    list_display = ["on", "who", "department", "state", "worked", "overtime", "late", "early", "standing"]
    list_filter = [("day", Days), StatusFilter, ("person__department", RelatedDropdownFilter)]
    list_select_related = ["person__department", "period"]
    search_fields = ["person__badge", "person__name"]
    search_help_text = _("Name or badge number")
    worked, overtime, late, early = (figure(name) for name in ("worked", "overtime", "late", "early"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("day/<int:person>/<slug:day>/", wrap(self.day_view), name="access_workday_day"),
            path("month/<int:person>/<slug:month>/", wrap(self.month_view), name="access_workday_month"),
            *super().get_urls(),
        ]

    @display(description=_("day"), ordering="day")
    def on(self, row: WorkDay) -> str:
        return unbroken(date_format(row.day, "D j M Y"))

    @display(description=_("person"), ordering="person__name")
    def who(self, row: WorkDay) -> str:
        return str(row.person)

    @display(description=_("department"), ordering="person__department__name")
    def department(self, row: WorkDay) -> str:
        return str(row.person.department or "–")

    @display(
        description=_("status"),
        ordering="status",
        label={code: style for code, (_text, style) in words.STATUSES.items()},
    )
    def state(self, row: WorkDay) -> tuple[str, str]:
        return row.status, words.status_words(row.status)

    @display(description=_("state"))
    def standing(self, row: WorkDay) -> str:
        return str(standing(row))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        return HttpResponseRedirect(self.url("day", row.person_id, row.day.isoformat()))

    # --- A person's month and day -----------------------------------------------------------------

    def whose(self, request: HttpRequest, person: int) -> Person:
        """The person, if this login reaches them. Raises PermissionDenied, Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = reach.people_for(request.user).filter(pk=person).first()
        if found is None:
            raise Http404
        return found

    def month_view(self, request: HttpRequest, person: int, month: str) -> HttpResponse:
        whose = self.whose(request, person)
        first = _first_of(month)
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        rows = list(WorkDay.objects.filter(person=whose, day__gte=first, day__lte=last).order_by("day"))
        total = {name: sum(row.figures.get(name, 0) for row in rows) for name in MONTH_FIGURES}
        return self.page(
            request,
            "access/month.html",
            None,
            title=f"{whose.name} · {date_format(first, 'F Y')}",
            person=whose,
            names=[words.FIGURES[name] for name in MONTH_FIGURES],
            rows=[self.line(row) for row in rows],
            total=[words.hours(total[name]) for name in MONTH_FIGURES],
            before=self.url("month", whose.pk, shifted(first, -1)),
            after=self.url("month", whose.pk, shifted(first, 1)),
        )

    def line(self, row: WorkDay) -> dict[str, Any]:
        values = [row.figures.get(name, 0) for name in MONTH_FIGURES]
        return {
            "day": row.day,
            "link": self.url("day", row.person_id, row.day.isoformat()),
            "status": words.status_words(row.status),
            "style": words.status_style(row.status),
            "shift": row.shift,
            "figures": [words.hours(value) if value else "" for value in values],
        }

    def day_view(self, request: HttpRequest, person: int, day: str) -> HttpResponse:
        whose, on = self.whose(request, person), _day_of(day)
        row = WorkDay.objects.filter(person=whose, day=on).select_related("rules", "period").first()
        if row is None or row.closed is None:
            ledger.refresh([whose.pk], on, on)
            row = WorkDay.objects.filter(person=whose, day=on).select_related("rules", "period").first()
        return self.page(
            request,
            "access/day.html",
            None,
            title=f"{whose.name} · {date_format(on, 'D j M Y')}",
            person=whose,
            day=on,
            row=row,
            month=self.url("month", whose.pk, f"{on:%Y-%m}"),
            status=words.status_words(row.status) if row else "",
            style=words.status_style(row.status) if row else "default",
            standing=standing(row) if row else "",
            figures=[
                (label, words.amount(name, row.figures[name]))
                for name, label in words.FIGURES.items()
                if row and row.figures.get(name)
            ],
            punches=punches(row) if row else [],
            steps=[words.step_words(step) for step in row.result.get("steps", [])] if row else [],
            corrections=Correction.objects.filter(person=whose, day=on),
            adjustments=[
                (line, words.difference(line.difference, ()))
                for line in (row.adjustments.all() if row else [])
            ],
            proposal=Proposal.objects.filter(
                person=whose, state=Proposal.State.OPEN, changes__has_key=on.isoformat()
            ).first(),
            correct=f"{reverse('admin:access_correction_add')}?person={whose.pk}&day={on.isoformat()}",
        )


def standing(row: WorkDay) -> Any:
    """Whether the day may still change by itself."""
    if row.period_id:
        return _("paid: %(period)s") % {"period": row.period}
    return _("closed") if row.closed else _("provisional")


def punches(row: WorkDay) -> list[dict[str, Any]]:
    """The punches of a day in order, what became of each, and the decision behind it."""
    zone = zoneinfo.ZoneInfo(row.result.get("zone", "UTC"))
    kept = {
        key: number
        for number, pair in enumerate(row.result.get("pairs", []), start=1)
        for key in (pair["arrived"], pair["left"])
        if key
    }
    ways = {pair["arrived"]: _("in") for pair in row.result.get("pairs", [])}
    missed = {
        pair["arrived"] or pair["left"]
        for pair in row.result.get("pairs", [])
        if not (pair["arrived"] and pair["left"])
    }
    out = set(row.result.get("left_out", []))
    found = Punch.objects.filter(pk__in=[*kept, *out]).select_related("kiosk__door", "made_by")
    return [
        {
            "punch": punch,
            "clock": f"{punch.at.astimezone(zone):%H:%M:%S}",
            "iso": punch.at.astimezone(zone).isoformat(),
            "pair": kept.get(str(punch.pk)),
            "way": ways.get(str(punch.pk), _("out")) if str(punch.pk) in kept else "",
            "left_out": str(punch.pk) in out,
            "missed": str(punch.pk) in missed,
            "correction": getattr(punch, "made_by", None),
        }
        for punch in sorted(found, key=lambda one: (one.at, str(one.pk)))
    ]


def _day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Http404 from error


def _first_of(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 a month has no zone
    except ValueError as error:
        raise Http404 from error


def shifted(first: date, months: int) -> str:
    """The month so many months later, as 2026-03."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return f"{year:04d}-{month + 1:02d}"
