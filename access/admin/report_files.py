"""Reports that a worker makes, on screen: asked for, watched while they are made, fetched.

Promise: everybody sees their own, and nobody anybody else's.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from access import reports
from access.admin.audit import ReadOnly
from access.handouts import asking, files
from access.handouts.files import ReportFile
from access.reports.exports import MEDIA_TYPES, LayoutForm
from access.reports.filters import Wrong

MOST_SHOWN = 50
LIVE_SECONDS = 2
STYLES = {"waiting": "info", "making": "info", "ready": "success", "failed": "danger", "cancelled": "default"}


@admin.register(ReportFile)
class ReportFileAdmin(ReadOnly):
    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportFile]:
        return files.of(request.user)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("live/", wrap(self.live), name="access_reportfile_live"),
            path("ask/", wrap(self.ask), name="access_reportfile_ask"),
            path("<uuid:key>/file/", wrap(self.fetch), name="access_reportfile_file"),
            path("<uuid:key>/cancel/", wrap(self.cancel), name="access_reportfile_cancel"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.page(
            request,
            "access/report_files.html",
            None,
            title=_("Reports being made"),
            seconds=LIVE_SECONDS,
            **self.shown(request),
        )

    def live(self, request: HttpRequest) -> HttpResponse:
        """The part of the page that changes by itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "access/report_files_table.html", self.shown(request))

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        rows = list(self.get_queryset(request)[:MOST_SHOWN])
        return {"rows": [shown(row) for row in rows]}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.seen(request, object_id)
        return HttpResponseRedirect(self.url("changelist"))

    # --- Done on POST ---------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Ask for the report named, with the filters and the layout that are posted beside it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        report = reports.REPORTS.get(request.POST.get("report", ""))
        if report is None:
            raise Http404
        form = LayoutForm(request.POST, report)
        try:
            if not form.is_valid():
                raise Wrong({name: [str(text) for text in texts] for name, texts in form.errors.items()})
            asking.ask(report.key, request.POST.dict(), form.chosen(), by=request.user)
        except asking.NotAllowed as error:
            raise PermissionDenied from error
        except asking.TooMany:
            messages.warning(request, _("Some of yours are still being made. Wait for them, or cancel one."))
        except Wrong as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("A worker makes it. You may leave this page and come back."))
        return HttpResponseRedirect(self.url("changelist"))

    def cancel(self, request: HttpRequest, key: object) -> HttpResponse:
        row = self.seen(request, str(key))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not files.cancel(row, by=request.user):
            messages.info(request, _("It was finished already."))
        return HttpResponseRedirect(self.url("changelist"))

    def fetch(self, request: HttpRequest, key: object) -> HttpResponse:
        row = self.seen(request, str(key))
        if row.state != ReportFile.State.READY:
            raise Http404
        try:
            content = asking.fetch(row, by=request.user)
        except asking.NotAllowed as error:
            raise PermissionDenied from error
        response = StreamingHttpResponse(content, content_type=MEDIA_TYPES[row.layout["file"]])
        response["Content-Disposition"] = f'attachment; filename="{row.file_name}"'
        response["Content-Length"] = str(row.size_bytes)
        response["Cache-Control"] = "no-store"
        return response


def title(report: str) -> Any:
    found = reports.REPORTS.get(report)
    return found.title if found else report


def shown(row: ReportFile) -> dict[str, Any]:
    return {
        "row": row,
        "title": title(row.report),
        "style": STYLES[row.state],
        "running": row.state in (ReportFile.State.WAITING, ReportFile.State.MAKING),
        "done": f"{row.rows_done:,}",
        "all": f"{row.rows_all:,}" if row.rows_all is not None else "",
    }
