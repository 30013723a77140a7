"""Reports for programs: what there is, the rows of one page by page, and the file that people download.

Everything here comes from the declarations in access/reports; the parameters too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

from django import forms
from django.core import signing
from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.api.authentication import STAFF, MayReadReport
from access.api.errors import Problem
from access.api.kiosk import problems
from access.api.negotiation import OneForm
from access.reports import REPORTS, exports, for_reader
from access.reports.exports import MEDIA_TYPES, LayoutForm
from access.reports.filters import FILTERS, Asked, Wrong, home
from access.reports.shape import Column, Gone, Kind, Report, Row
from access.staff import Staff

PAGE, MOST = 100, 1000
# What the values of a kind are in JSON, for the description.
TYPES = {
    Kind.TEXT: "text",
    Kind.DATE: "date",
    Kind.TIME: "date-time",
    Kind.CLOCK: "date-time",
    Kind.MOMENT: "date-time",
    Kind.MINUTES: "minutes",
    Kind.NUMBER: "number",
    Kind.CODE: "code",
    Kind.WORD: "code",
}


class ColumnOutput(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="The name of its value in a row. Never changes.")
    title = serializers.CharField()
    type = serializers.ChoiceField(sorted(set(TYPES.values())), help_text="Durations are whole minutes.")
    codes = serializers.DictField(
        child=serializers.CharField(), help_text="Of a code: what each says.", required=False
    )


class ReportOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    filters = serializers.ListField(child=serializers.CharField(), help_text="Parameters that it takes.")
    files = serializers.ListField(child=serializers.CharField(), help_text="What it can be downloaded as.")


class RowsOutput(serializers.Serializer[Any]):
    report = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField()
    generated = serializers.DateTimeField()
    zone = serializers.CharField(help_text="In which `generated` reads in the files.")
    rules = serializers.ListField(
        child=serializers.CharField(), help_text="Versions of the rules behind the rows; first page only."
    )
    columns = ColumnOutput(many=True)
    totals = serializers.DictField(
        child=serializers.FloatField(), help_text="Over all rows, by key of column; first page only."
    )
    next = serializers.CharField(allow_null=True, help_text="The following page; null at the end.")
    results = serializers.ListField(
        child=serializers.DictField(), help_text="By key of column, and `about`: the keys behind it."
    )


def _parameters(found: Mapping[str, forms.Field], said: str = "") -> Iterator[OpenApiParameter]:
    for name, field in found.items():
        kind: Any = OpenApiTypes.DATE if isinstance(field, forms.DateField) else OpenApiTypes.STR
        if isinstance(field, forms.ModelChoiceField):
            kind = OpenApiTypes.INT
        plain = isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField)
        yield OpenApiParameter(
            name,
            kind,
            enum=[str(key) for key, _text in field.choices if key] if plain else None,  # type: ignore[attr-defined]
            description=" ".join(str(part) for part in (field.label, field.help_text, said) if part),
        )


def _filters() -> Iterator[OpenApiParameter]:
    """Every filter once, with the reports that take it."""
    nobody = Staff(is_active=False)
    for name, made in FILTERS.items():
        takers = ", ".join(report.key for report in REPORTS.values() if name in report.filters)
        if takers:
            yield from _parameters(made(nobody), f"(Of {takers}.)")


WHICH = OpenApiParameter(
    "report", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(REPORTS), description="Key of the report."
)
PAGING = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="Of `next`; opaque. Same filters as before."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"Rows of a page, at most {MOST}; {PAGE}."),
]


class Reports(APIView):
    """The reports that this login may open."""

    authentication_classes = STAFF
    permission_classes = [MayReadReport]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="list_reports",
        summary="Which reports there are",
        tags=["Reports"],
        responses={
            200: ReportOutput(many=True),
            **problems(
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
            ),
        },
    )
    def get(self, request: Request) -> Response:
        return Response(
            [
                {
                    "key": report.key,
                    "title": str(report.title),
                    "text": str(report.text),
                    "filters": [one for name in report.filters for one in FILTERS[name](request.user)],
                    "files": list(report.files),
                }
                for report in for_reader(request.user)
            ]
        )


class OfOneReport(APIView):
    authentication_classes = STAFF
    permission_classes = [MayReadReport]
    content_negotiation_class = OneForm

    def asked(self, request: Request, key: str) -> tuple[Report, Asked]:
        """The report and what was asked of it. Raises Http404 and ValidationError."""
        report = REPORTS.get(key)
        if report is None:
            raise Http404
        try:
            return report, report.ask(request.query_params, request.user)
        except Wrong as wrong:
            raise serializers.ValidationError(dict(wrong.errors)) from wrong


class ReportRows(OfOneReport):
    """The rows of a report, page by page. What is added meanwhile shifts no page."""

    authentication_classes = STAFF
    permission_classes = [MayReadReport]

    @extend_schema(
        operation_id="read_report",
        summary="The rows of a report",
        tags=["Reports"],
        parameters=[WHICH, *PAGING, *_filters()],
        responses={
            200: RowsOutput,
            **problems(
                s400="A parameter is wrong, or the cursor is of another question.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
                s404="There is no such report.",
                s410="The row at which the page should begin is gone: begin anew.",
            ),
        },
    )
    def get(self, request: Request, report: str) -> Response:
        found, asked = self.asked(request, report)
        limit = _limit(request.query_params.get("limit", str(PAGE)))
        after = ""
        if cursor := request.query_params.get("cursor"):
            after, asked = _opened(cursor, found, asked, request.user)
        try:
            rows = list(islice(found.rows(asked, request.user, after=after), limit + 1))
        except Gone as error:
            raise Problem(410, "gone", "That row is no longer there; begin without a cursor.") from error
        columns = found.columns(asked)
        following = None
        if len(rows) > limit:
            query = request.query_params.copy()
            query["cursor"] = _sealed(found, asked, request.user, rows[limit - 1])
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        return Response(
            {
                "report": found.key,
                "first": asked.first,
                "last": asked.last,
                "generated": timezone.now(),
                "zone": home().key,
                "rules": [] if after else list(found.rules(asked, request.user)),
                "columns": [_column(column) for column in columns],
                "totals": {} if after else found.totals(asked, request.user),
                "next": following,
                "results": [_result(columns, row) for row in rows[:limit]],
            }
        )


def _column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"key": column.key, "title": str(column.title), "type": TYPES[column.kind]}
    if column.words:
        told["codes"] = {code: str(text) for code, (text, _style) in column.words.items()}
    return told


def _result(columns: Any, row: Row) -> dict[str, Any]:
    values = {column.key: value for column, value in zip(columns, row.cells, strict=True)}
    return values | {"about": {name: key for name, key in row.about.items() if key is not None}}


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MOST):
        raise serializers.ValidationError({"limit": [f"From 1 to {MOST}."]})
    return int(text)


def _question(report: Report, asked: Asked, staff: Staff) -> list[Any]:
    """What a cursor belongs to: it opens nothing else."""
    return [report.key, staff.pk, sorted(asked.given.items())]


def _sealed(report: Report, asked: Asked, staff: Staff, row: Row) -> str:
    """Where the following page begins. The days go with it: "today" may be another day by then."""
    days = [asked.first.isoformat(), asked.last.isoformat()]
    return signing.dumps([_question(report, asked, staff), days, str(row.key)], salt="reports", compress=True)


def _opened(cursor: str, report: Report, asked: Asked, staff: Staff) -> tuple[str, Asked]:
    try:
        question, (first, last), key = signing.loads(cursor, salt="reports")
    except signing.BadSignature as error:
        raise serializers.ValidationError({"cursor": ["This is not a cursor of ours."]}) from error
    if question != [report.key, staff.pk, [list(pair) for pair in sorted(asked.given.items())]]:
        raise serializers.ValidationError({"cursor": ["This cursor belongs to another question."]})
    return key, replace(asked, first=date.fromisoformat(first), last=date.fromisoformat(last))


class ReportFile(OfOneReport):
    """A report as a file. Every download is noted in the audit trail, with its filters."""

    authentication_classes = STAFF
    permission_classes = [MayReadReport]

    @extend_schema(
        operation_id="download_report",
        summary="Download a report",
        tags=["Reports"],
        parameters=[WHICH, *_parameters(LayoutForm.base_fields), *_filters()],
        responses={
            **{(200, kind): OpenApiTypes.BINARY for name, kind in MEDIA_TYPES.items() if name != "csv"},
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR),
            **problems(
                s400="A parameter is wrong.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
                s404="There is no such report.",
            ),
        },
    )
    def get(self, request: Request, report: str) -> StreamingHttpResponse:
        found, asked = self.asked(request, report)
        form = LayoutForm(request.query_params, found)
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        layout = form.chosen()
        exports.note(found, asked, layout, by=request.user)
        response = StreamingHttpResponse(
            exports.content(found, asked, request.user, layout), content_type=MEDIA_TYPES[layout.file]
        )
        response["Content-Disposition"] = f'attachment; filename="{exports.name(found, asked, layout)}"'
        response["Cache-Control"] = "no-store"
        return response
