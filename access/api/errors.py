"""The one shape of every API error: a problem document (RFC 9457) with a stable code."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

MEDIA_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """An error with a status, a stable code and a sentence that says what would be accepted."""

    def __init__(self, status_code: int, code: str, detail: str) -> None:
        super().__init__(detail, code)
        self.status_code = status_code


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """How a problem reads; for the schema."""

    type = serializers.CharField(help_text="Always about:blank; tell problems apart by `code`.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable.")
    detail = serializers.CharField()
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Per field, if any.",
    )


def body(status_code: int, code: str, detail: str, errors: object = None) -> dict[str, object]:
    title = {
        getattr(status, name): name.split("_", 2)[2].replace("_", " ").capitalize()
        for name in dir(status)
        if name.startswith("HTTP_")
    }
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": title.get(status_code, "Error"),
        "status": status_code,
        "code": code,
        "detail": detail,
    }
    return problem | ({"errors": errors} if errors else {})


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: whatever it knows becomes a problem document; what it does not know is a 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, SuspiciousOperation):
        # Too many fields, or fields too long: Django refuses to read on.
        error = exceptions.ParseError()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.ValidationError):
        errors = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
        problem = body(
            error.status_code, "invalid", "Some fields are missing or wrong; see `errors`.", _flat(errors)
        )
    else:
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else "error"
        problem = body(error.status_code, code.replace("_", "-"), str(error.detail))
    return Response(problem, status=error.status_code, headers=headers, content_type=MEDIA_TYPE)


def _flat(errors: dict[str, Any]) -> dict[str, list[str]]:
    return {
        field: [str(one) for one in (many if isinstance(many, list) else [many])]
        for field, many in errors.items()
    }


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        detail = "This request could not be understood, or came by a wrong host name."
        return JsonResponse(body(400, "bad-request", detail), status=400, content_type=MEDIA_TYPE)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(
            body(404, "not-found", "There is nothing at this address."), status=404, content_type=MEDIA_TYPE
        )
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        detail = "Something went wrong here; it has been logged. Sending the same request again is safe."
        return JsonResponse(body(500, "internal", detail), status=500, content_type=MEDIA_TYPE)
    return defaults.server_error(request)
