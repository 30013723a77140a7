"""Reports on screen: the index with saved filters, one page for every report, the muster list to tick off.

Pages are made from the declarations in access/reports. Each figure leads to its day, from there to punches,
decisions and rules; downloads are the API's own, so that page and file can never differ.
"""

import zoneinfo
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from access.admin.days import at_site
from access.admin.workdays import shifted
from access.places import Site
from access.reports import REPORTS, exports, for_reader, saved
from access.reports.cells import shown, style
from access.reports.exports import LayoutForm
from access.reports.saved import SavedFilter
from access.reports.shape import NUMBERS, Column, Kind, Report, Row

PAGE = 100
STYLE = Path(__file__).parent.parent / "static" / "access" / "muster.css"
OPTIONS = ("separator", "hours", "decimal_sign", "mark", "footer")
# Where a cell leads: the right that it takes, the page, and which of the keys behind its row name it.
LEADS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "day": ("access.view_workday", "admin:access_workday_day", ("person", "day")),
    "month": ("access.view_workday", "admin:access_workday_month", ("person", "month")),
    "person": ("access.view_person", "admin:access_person_change", ("person",)),
    "punch": ("access.view_punch", "admin:access_punch_change", ("punch",)),
    "decision": ("access.view_decision", "admin:access_decision_change", ("decision",)),
}
# A passage is a decision of a door where there is one.
EITHER = {"passage": ("decision", "punch")}


def index(request: HttpRequest) -> HttpResponse:
    """What this login may ask, and what it or somebody else asks again and again."""
    reports = for_reader(request.user)
    if not reports:
        raise PermissionDenied
    kept = [one for one in saved.for_reader(request.user) if REPORTS.get(one.report) in reports]
    return _page(
        request,
        "access/reports.html",
        title=_("Reports"),
        reports=reports,
        kept=[_kept(one, request.user) for one in kept],
    )


def show(request: HttpRequest, key: str) -> HttpResponse:
    """One report: its filters, a page of its rows, its totals, and the ways out of it."""
    report = _opened(request, key)
    form = _dressed(report.form(request.GET, request.user))
    layout = _dressed(LayoutForm(request.GET, report))
    shown_to: dict[str, Any] = {}
    if form.is_valid() and layout.is_valid():
        if layout.cleaned_data["layout"]:
            query = {name: value for name, value in request.GET.items() if value and name != "page"}
            return HttpResponseRedirect(f"{reverse('api:report_file', args=[key])}?{urlencode(query)}")
        shown_to = _shown(request, report, form.asked)
        if "month" in form.fields and form.asked is not None and not request.GET.get("month"):
            # The field says which month is shown, also where nobody chose one.
            form.data = {**request.GET.dict(), "month": f"{form.asked.first:%Y-%m}"}
    kept = saved.for_reader(request.user).filter(report=key)
    return _page(
        request,
        "access/report.html",
        title=report.title,
        report=report,
        form=form,
        layout=[layout[name] for name in OPTIONS],
        files=[(name, name.upper()) for name in report.files],
        saved=[_kept(one, request.user) for one in kept],
        sites=Site.objects.order_by("name") if key == "muster" else (),
        **shown_to,
    )


def _shown(request: HttpRequest, report: Report, asked: Any) -> dict[str, Any]:
    staff = request.user
    columns = report.columns(asked)
    pages = Paginator(range(report.count(asked, staff)), PAGE)
    page = pages.get_page(request.GET.get("page"))
    links = Links(request)
    totals = report.totals(asked, staff) if pages.count else {}
    query = {name: value for name, value in request.GET.items() if value and name != "page"}
    months = {}
    if "month" in report.filters:
        others = {name: value for name, value in query.items() if name != "month"}
        months = {
            name: f"?{urlencode({'month': shifted(asked.first, step)} | others)}"
            for name, step in (("before", -1), ("after", 1))
        }
    codes = [column for column in columns if column.kind is Kind.CODE]
    return {
        "asked": asked,
        "columns": columns,
        "grid": bool(codes),
        "heads": [_head(column) for column in columns],
        "rows": [_line(columns, row, links) for row in report.page(asked, staff, page.number, PAGE)],
        "totals": _totals(columns, totals),
        "legend": [(code, *codes[0].words[code]) for code in codes[0].words] if codes else [],
        "footer": exports.footer(report, asked, staff, timezone.now()),
        "pages": page,
        "query": urlencode(query),
        "given": list(asked.given.items()),
        **months,
    }


def _head(column: Column) -> dict[str, Any]:
    day = column.day
    return {
        "title": column.title,
        "number": column.kind in NUMBERS,
        "code": column.kind is Kind.CODE,
        "day": day,
        "weekend": day is not None and day.isoweekday() > 5,
    }


def _line(columns: Sequence[Column], row: Row, links: "Links") -> list[dict[str, Any]]:
    """The cells of a row as the page shows them."""
    return [
        {
            "text": _read(column, value, row),
            "link": links.of(column, row) if value not in (None, "") else None,
            "style": style(column, value),
            "code": column.kind is Kind.CODE,
            "number": column.kind in NUMBERS,
            "name": column.key == "name",
            "zero": value == 0 and column.kind in NUMBERS,
            "word": str(column.words[value][0]) if column.kind is Kind.CODE and value in column.words else "",
            "weekend": column.day is not None and column.day.isoweekday() > 5,
        }
        for column, value in zip(columns, row.cells, strict=True)
    ]


def _read(column: Column, value: Any, row: Row) -> str:
    """As in print, but with days as people say them, and with nothing where it is nothing."""
    if value == 0 and column.kind in NUMBERS:
        return "–"
    if column.kind is Kind.DATE and value:
        return date_format(value, "D j M")
    if column.kind is Kind.MOMENT and value:
        return date_format(value, "j M Y, H:i:s")
    return shown(column, value, row)


def _totals(columns: Sequence[Column], totals: dict[str, Any]) -> list[str]:
    """The last line of the table; empty where nothing is added up."""
    if not totals:
        return []
    cells = [shown(column, totals[column.key]) if column.key in totals else "" for column in columns]
    return [str(_("Total")), *cells[1:]]


class Links:
    """Where cells lead, as far as this login may follow."""

    def __init__(self, request: HttpRequest) -> None:
        self.allowed = {name for name, (right, *_rest) in LEADS.items() if request.user.has_perm(right)}

    def of(self, column: Column, row: Row) -> str | None:
        about = dict(row.about)
        if column.day is not None:
            about["day"] = column.day
        for name in EITHER.get(column.leads, (column.leads,)):
            if name in self.allowed and (address := _address(name, about)):
                return address
        return None


def _address(name: str, about: dict[str, Any]) -> str | None:
    _right, page, keys = LEADS[name]
    day = about.get("day")
    known = about | ({"day": day.isoformat(), "month": f"{day:%Y-%m}"} if isinstance(day, date) else {})
    values = [known.get(key) for key in keys]
    return reverse(page, args=values) if None not in values else None


@require_POST
def keep(request: HttpRequest, key: str) -> HttpResponse:
    """Save the question under a name; the page it came from shows it."""
    report = _opened(request, key)
    form = report.form(request.POST, request.user)
    name = request.POST.get("name", "").strip()[:80]
    if not form.is_valid() or form.asked is None or not name:
        messages.error(request, _("Give the filter a name."))
        return HttpResponseRedirect(reverse("report", args=[key]))
    shared = request.POST.get("shared") == "yes"
    kept = saved.save(key, name, form.asked.given, shared=shared, by=request.user)
    messages.success(request, _("Saved: %(name)s.") % {"name": kept.name})
    return HttpResponseRedirect(_kept(kept, request.user)["link"])


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own saved filters, and no other's, can be deleted."""
    kept = SavedFilter.objects.filter(owner=request.user, pk=pk).first()
    if kept is None:
        raise Http404
    saved.forget(kept, by=request.user)
    messages.success(request, _("Deleted: %(name)s.") % {"name": kept.name})
    return HttpResponseRedirect(reverse("reports"))


def _opened(request: HttpRequest, key: str) -> Report:
    report = REPORTS.get(key)
    if report is None:
        raise Http404
    if not report.may(request.user):
        raise PermissionDenied
    return report


def _kept(kept: SavedFilter, reader: Any) -> dict[str, Any]:
    query = urlencode(kept.given)
    return {
        "saved": kept,
        "report": REPORTS[kept.report],
        "link": f"{reverse('report', args=[kept.report])}{'?' if query else ''}{query}",
        "own": kept.owner_id == reader.pk,
    }


def _dressed(form: Any) -> Any:
    """The form in the clothes of the admin."""
    for name, field in form.fields.items():
        widget = field.widget
        if isinstance(widget, forms.Select):
            widget.attrs["class"] = " ".join(SELECT_CLASSES)
        elif not widget.is_hidden:
            widget.attrs["class"] = " ".join(INPUT_CLASSES)
        if isinstance(field, forms.DateField):
            widget.input_type = "date"
        elif name == "month":
            widget.input_type = "month"
    return form


def _page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context)


# --- The muster list ------------------------------------------------------------------------------


def muster(request: HttpRequest, site: int) -> HttpResponse:
    """Who is inside a site, to tick off on a phone or on paper; as a file it works without a network."""
    report = _opened(request, "muster")
    place = get_object_or_404(Site, pk=site)
    asked = report.ask({"site": str(site)}, request.user)
    rows = [_mustered(report.columns(asked), row) for row in report.rows(asked, request.user)]
    as_file = "file" in request.GET
    now = timezone.now()
    context = {
        "site": place,
        "rows": sorted(rows, key=lambda one: one["state"] == "expected"),
        "inside": sum(one["state"] != "expected" for one in rows),
        "visitors": sum(one["sort"] == "visitor" for one in rows),
        "at": at_site(now, place.zone),
        "as_file": as_file,
        "style": STYLE.read_text("utf-8") if as_file else "",
    }
    answer = TemplateResponse(request, "access/muster.html", context)
    answer["Cache-Control"] = "no-store"
    if as_file:
        stamp = now.astimezone(zoneinfo.ZoneInfo(place.zone))
        answer["Content-Disposition"] = f'attachment; filename="muster-{site}-{stamp:%Y%m%d-%H%M}.html"'
        exports.note(report, asked, exports.Layout(file="html"), by=request.user)
    return answer


def _mustered(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    values = {column.key: value for column, value in zip(columns, row.cells, strict=True)}
    said = {column.key: shown(column, value, row) for column, value in zip(columns, row.cells, strict=True)}
    return values | {
        "key": row.about["person"],
        "clock": f"{values['since']:%H:%M}" if values["since"] else "",
        "state_words": said["state"],
        "sort_words": said["sort"],
    }
