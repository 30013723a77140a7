"""Attendance for programs and for the download buttons of the admin: punches of a period."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from access import audit
from access.api.authentication import STAFF, MayReadAttendance
from access.api.kiosk import problems
from access.api.negotiation import OneForm
from access.people import Department
from access.reports import csv_file, punches, workbook
from access.reports.exports import MEDIA_TYPES
from access.reports.filters import LONGEST_DAYS, YEARS, Asked


class PeriodInput(serializers.Serializer[Any]):
    first = serializers.DateField(help_text="First day, in the zone of each site.")
    last = serializers.DateField(help_text="Last day, included; at most 366 days after the first.")
    department = serializers.PrimaryKeyRelatedField(queryset=Department.objects.all(), required=False)
    layout = serializers.ChoiceField(["csv", "xlsx"], default="csv")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (YEARS[0] <= attrs["first"].year and attrs["last"].year <= YEARS[1]):
            raise serializers.ValidationError({"first": [f"From {YEARS[0]} to {YEARS[1]}."]})
        if not 0 <= (attrs["last"] - attrs["first"]).days <= LONGEST_DAYS:
            raise serializers.ValidationError({"last": ["From the first day to at most 366 days after it."]})
        return attrs


class Punches(APIView):
    """The attendance list of a period as a download. Every export is noted in the audit trail."""

    authentication_classes = STAFF
    permission_classes = [MayReadAttendance]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="export_punches",
        summary="Download the punches of a period",
        tags=["Attendance"],
        parameters=[PeriodInput],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="UTF-8 with byte order mark."),
            (200, MEDIA_TYPES["xlsx"]): OpenApiTypes.BINARY,
            **problems(
                s400="A parameter is missing or wrong.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
            ),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        fields = PeriodInput(data=request.query_params)
        fields.is_valid(raise_exception=True)
        first, last, layout = (fields.validated_data[key] for key in ("first", "last", "layout"))
        department = fields.validated_data.get("department")
        audit.record(
            "attendance.exported",
            f"punches:{first}..{last}",
            by=request.user,
            layout=layout,
            department=department.pk if department else None,
        )
        rows = punches.REPORT.rows(Asked(first, last, department=department), request.user)
        if layout == "csv":
            content = csv_file.write(punches.COLUMNS, rows)
        else:
            content = workbook.write(punches.COLUMNS, rows, title="Punches")
        response = StreamingHttpResponse(content, content_type=MEDIA_TYPES[layout])
        response["Content-Disposition"] = f'attachment; filename="punches-{first}-{last}.{layout}"'
        response["Cache-Control"] = "no-store"
        return response
