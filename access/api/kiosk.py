"""All a kiosk may do: say hello, and post snapshots."""

from datetime import UTC
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import decisions, pictures, places, snapshots
from access.api.authentication import IsKiosk, KioskKey
from access.api.errors import MEDIA_TYPE, Problem, ProblemSerializer
from access.api.negotiation import OneForm
from access.decisions import Decision
from access.places import Kiosk
from access.policy import Reason

# Room for the multipart frame and the small fields around the picture.
MOST_BODY_BYTES = pictures.SNAPSHOT.most_bytes + 64 * 1024
UPLOAD_STATUS = {"too-large": 413, "not-a-picture": 415, "too-many-pixels": 422, "too-few-pixels": 422}


def problems(**meanings: str) -> dict[Any, OpenApiResponse]:
    """Responses for the schema: `problems(s401="…")`."""
    return {
        (int(key[1:]), MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=text)
        for key, text in meanings.items()
    }


class DateTimeWithZone(serializers.DateTimeField):
    """ISO 8601 with an offset. A time without one is refused: nobody knows when it was."""

    default_error_messages = {
        "naive": "The time needs an offset, as in 2026-03-01T08:00:00+01:00.",
        "beyond": "This time lies beyond the calendar.",
    }

    def enforce_timezone(self, value: Any) -> Any:
        if timezone.is_naive(value):
            self.fail("naive")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("beyond")


class SnapshotInput(serializers.Serializer[Any]):
    image = serializers.FileField(
        help_text="JPEG, PNG or WebP; at most 2 MB and 12 megapixels.", allow_empty_file=True
    )
    kind = serializers.ChoiceField(
        ["snapshot", "crop"], help_text="`crop`: one face cut out by the edge, with margin."
    )
    taken = DateTimeWithZone(help_text="When the picture was taken, by the kiosk's clock, with offset.")
    nonce = serializers.UUIDField(help_text="New for each picture; the same again when a post is repeated.")
    direction = serializers.ChoiceField(
        ["in", "out"], required=False, help_text="If left out, the kiosk's setting."
    )


class PersonOutput(serializers.Serializer[Any]):
    badge = serializers.CharField()
    name = serializers.CharField()


class PunchOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    direction = serializers.ChoiceField(["in", "out"])


class DecisionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    granted = serializers.BooleanField(help_text="Open only on true, and only on a fresh answer: see `at`.")
    reason = serializers.ChoiceField([reason.value for reason in Reason])
    message = serializers.CharField(help_text="For the kiosk's screen.")
    person = PersonOutput(allow_null=True)
    direction = serializers.ChoiceField(["in", "out"], allow_null=True)
    punch = PunchOutput(allow_null=True)
    at = serializers.DateTimeField(help_text="When it was decided.")


class KioskOutput(serializers.Serializer[Any]):
    kiosk = serializers.CharField()
    door = serializers.CharField()
    site = serializers.CharField()
    zone = serializers.CharField(help_text="The site's time zone.")
    direction = serializers.CharField(help_text="`in`, `out`, or `auto`: in turn.")
    liveness = serializers.CharField(help_text="What the door demands against pictures of faces.")
    now = serializers.DateTimeField(help_text="The server's time, for measuring the kiosk's clock.")


class Hello(APIView):
    """Who this kiosk is, and what time it is."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="kiosk_hello",
        summary="Who this kiosk is, and what time it is",
        tags=["Kiosk"],
        responses={200: KioskOutput, **problems(s401="Unknown key.")},
    )
    def get(self, request: Request) -> Response:
        kiosk = request.auth
        places.note_seen(kiosk)
        return Response(KioskOutput(described(kiosk)).data)


def described(kiosk: Kiosk) -> dict[str, Any]:
    """Who this kiosk is and what its door demands, for KioskOutput."""
    return {
        "kiosk": kiosk.name,
        "door": kiosk.door.name,
        "site": kiosk.door.site.name,
        "zone": kiosk.door.site.zone,
        "direction": kiosk.direction,
        "liveness": kiosk.door.liveness,
        "now": timezone.now(),
    }


class Snapshots(APIView):
    """Post a picture, get the decision by the door's deadline.

    A refusal is an answer (200) with its reason. The same nonce with the same body gives the same
    answer and has no second effect, so a kiosk repeats a post until it is answered.
    """

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="post_snapshot",
        summary="Post a picture, get the door's decision",
        tags=["Kiosk"],
        request={"multipart/form-data": SnapshotInput},
        responses={
            200: DecisionOutput,
            **problems(
                s400="A field is missing or wrong.",
                s401="Unknown key.",
                s411="The length of the body must be given.",
                s413="More than 2 MB.",
                s415="Not multipart, or not a JPEG, PNG or WebP picture.",
                s422="Too many or too few pixels, or the nonce was used for another body.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        _check_length(request)
        fields = SnapshotInput(data=request.data)
        fields.is_valid(raise_exception=True)
        values = dict(fields.validated_data)
        image = values.pop("image").read()
        try:
            pictures.measure(image, pictures.SNAPSHOT)
        except pictures.Unacceptable as error:
            raise Problem(UPLOAD_STATUS[error.code], error.code, str(error)) from error
        places.note_seen(request.auth)
        try:
            decision = decisions.reach(request.auth, snapshots.Sent(image=image, **values))
        except snapshots.NonceReused as error:
            raise Problem(
                422, "nonce-reused", "This nonce was used for another body; use a new one."
            ) from error
        return Response(answer(decision))


def _check_length(request: Request) -> None:
    """Before anything of the body is read."""
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise Problem(411, "length-required", "Send Content-Length.")
    if len(length) > 12 or int(length) > MOST_BODY_BYTES:
        raise Problem(413, "too-large", "At most 2 MB.")


def answer(decision: Decision) -> dict[str, Any]:
    """What a kiosk learns: never scores, candidates or near misses, and nobody's name with a refusal."""
    punch = getattr(decision.snapshot, "punch", None) if decision.granted else None
    return DecisionOutput(
        {
            "id": decision.pk,
            "granted": decision.granted,
            "reason": decision.reason,
            "message": decision.message,
            "person": decision.person if decision.granted else None,
            "direction": decision.direction or None,
            "punch": punch,
            "at": decision.at,
        }
    ).data
