"""All a kiosk may do: say hello, post snapshots, and pass on cards and PINs."""

from datetime import UTC
from itertools import pairwise
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import decisions, pictures, places, snapshots
from access.api.authentication import IsKiosk, KioskKey
from access.api.errors import MEDIA_TYPE, Problem, ProblemSerializer
from access.api.negotiation import OneForm
from access.bursts import Shot
from access.decisions import Decision
from access.hours import questions, today
from access.places import Kiosk
from access.policy import Reason, outward
from access.snapshots import Credentials

# A picture and some frames; a signed body may not be longer either (authentication.MOST_SIGNED_BYTES).
MOST_BODY_BYTES = 3 * 1024 * 1024
LEAST_FRAMES, MOST_FRAMES = 3, 12
LONGEST_BURST_MS = 12_000
# A pass is a few short fields.
MOST_PASS_BYTES = 4 * 1024
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


class CredentialsInput(serializers.Serializer[Any]):
    """What may be shown beside a face, or in its place."""

    card = serializers.CharField(
        required=False, max_length=200, help_text="A card's number or a QR code's content, as read."
    )
    badge = serializers.CharField(required=False, max_length=40, help_text="The badge number, as typed.")
    pin = serializers.CharField(required=False, max_length=12, help_text="The PIN, as typed. Never kept.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The three, where given, as one."""
        names = ("card", "badge", "pin")
        return {key: value for key, value in attrs.items() if key not in names} | {
            "credentials": Credentials(**{name: attrs[name] for name in names if name in attrs})
        }


class SnapshotInput(CredentialsInput):
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
    frames = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        required=False,
        min_length=LEAST_FRAMES,
        max_length=MOST_FRAMES,
        help_text="More pictures of the same face, in order: the answer to a challenge, or what was seen "
        "around `image`. JPEG, PNG or WebP; at most 512 kB and 2 megapixels each, 3 MB with `image`.",
    )
    frame_times = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=LONGEST_BURST_MS),
        required=False,
        max_length=MOST_FRAMES,
        help_text="When each of `frames` was taken: milliseconds after the first, growing.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        found = super().validate(attrs)
        frames, times = found.pop("frames", []), found.pop("frame_times", [])
        if len(frames) != len(times) or any(one >= other for one, other in pairwise(times)):
            raise serializers.ValidationError({"frame_times": ["Give one for each frame, growing."]})
        return found | {"frames": list(zip(frames, times, strict=True))}


class PassInput(CredentialsInput):
    taken = DateTimeWithZone(help_text="When the last of it was shown, by the kiosk's clock, with offset.")
    nonce = serializers.UUIDField(help_text="New for each pass; the same again when a post is repeated.")
    direction = serializers.ChoiceField(
        ["in", "out"], required=False, help_text="If left out, the kiosk's setting."
    )
    after = serializers.UUIDField(
        required=False,
        help_text="The `step` of an answer of the last 30 seconds: its face counts as shown again.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        found = super().validate(attrs)
        given = found["credentials"]
        if not (given.card or given.badge or found.get("after")):
            raise serializers.ValidationError({"card": ["Give a card, a badge, or the step to go on from."]})
        if found.get("after") and not given:
            raise serializers.ValidationError({"pin": ["Give a PIN or a card for the face that was seen."]})
        return found


class PersonOutput(serializers.Serializer[Any]):
    badge = serializers.CharField()
    name = serializers.CharField()


class PunchOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    direction = serializers.ChoiceField(["in", "out"])


class QuestionOutput(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The working day on which the person did not punch out.")
    since = serializers.DateTimeField(help_text="The punch-in that has no punch-out.")
    planned = serializers.DateTimeField(allow_null=True, help_text="The planned end, if there was one.")
    offered = serializers.ListField(
        child=serializers.DateTimeField(), help_text="Times to choose from; another may be given."
    )


class DecisionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    granted = serializers.BooleanField(help_text="Open only on true, and only on a fresh answer: see `at`.")
    reason = serializers.ChoiceField([reason.value for reason in Reason if outward(reason) is reason])
    message = serializers.CharField(help_text="For the kiosk's screen.")
    person = PersonOutput(allow_null=True)
    direction = serializers.ChoiceField(["in", "out"], allow_null=True)
    punch = PunchOutput(allow_null=True)
    minutes_today = serializers.IntegerField(
        allow_null=True, help_text="Minutes worked on this working day, in stays that have ended."
    )
    question = QuestionOutput(
        allow_null=True, help_text="To ask whoever forgot to punch out; answered at `/api/v1/answers/`."
    )
    at = serializers.DateTimeField(help_text="When it was decided.")
    needs = serializers.ListField(
        child=serializers.ChoiceField(["face", "card", "pin", "badge_pin"]),
        help_text="What would do next, any one of them; `badge_pin` is a badge number and a PIN. Send it "
        "with all that was sent before: a picture again, or `after` in its place.",
    )
    step = serializers.UUIDField(
        allow_null=True, help_text="For `after` of the next pass, within 30 seconds: the face was seen."
    )


class KioskOutput(serializers.Serializer[Any]):
    kiosk = serializers.CharField()
    door = serializers.CharField()
    site = serializers.CharField()
    zone = serializers.CharField(help_text="The site's time zone.")
    direction = serializers.CharField(help_text="`in`, `out`, or `auto`: in turn.")
    liveness = serializers.CharField(
        help_text="What the door demands against pictures of faces: `nothing`; `passive`: each is judged; "
        "`colour` or `turn`: get a challenge and send its answer; `two_factor`: a card or PIN too."
    )
    offline = serializers.CharField(help_text="Without the network: `deny`, `pin_only` or `allow_cached`.")
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
        "offline": kiosk.door.offline,
        "now": timezone.now(),
    }


class Snapshots(APIView):
    """Post a picture, get the decision by the door's deadline.

    Where the door asks something of the face (`liveness` colour or turn), get a challenge first and send the
    answer to it as `frames`. A refusal is an answer (200) with its reason. The same nonce with the same body
    gives the same answer and has no second effect, so a kiosk repeats a post until it is answered.
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
                s413="More than 2 MB, more than 512 kB a frame, or more than 3 MB in all.",
                s415="Not multipart, or not a JPEG, PNG or WebP picture.",
                s422="Too many or too few pixels, or the nonce was used for another body.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        check_length(request)
        fields = SnapshotInput(data=request.data)
        fields.is_valid(raise_exception=True)
        values = dict(fields.validated_data)
        image = _picture(values.pop("image"), pictures.SNAPSHOT)
        frames = tuple(Shot(_picture(file, pictures.FRAME), after) for file, after in values.pop("frames"))
        places.note_seen(request.auth)
        return Response(answer(_reach(request.auth, snapshots.Sent(image=image, frames=frames, **values))))


class Passes(APIView):
    """Show a card, or a badge number and PIN, and get the decision; or go on from a face that was seen.

    The same answers as for a picture. A card or badge that nobody has, a wrong PIN and a PIN that was never
    set get one and the same answer in the same time.
    """

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="post_pass",
        summary="Show a card or PIN, get the door's decision",
        tags=["Kiosk"],
        request=PassInput,
        responses={
            200: DecisionOutput,
            **problems(
                s400="A field is missing or wrong.",
                s401="Unknown key.",
                s411="The length of the body must be given.",
                s413="More than 4 kB.",
                s415="Not JSON.",
                s422="The nonce was used for another body, or `after` is no step of this kiosk.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        check_length(request, most=MOST_PASS_BYTES, words="4 kB")
        fields = PassInput(data=request.data)
        fields.is_valid(raise_exception=True)
        places.note_seen(request.auth)
        sent = snapshots.Sent(image=None, kind=snapshots.Snapshot.Kind.PASS, **fields.validated_data)
        return Response(answer(_reach(request.auth, sent)))


def _picture(file: Any, limits: pictures.Limits) -> bytes:
    data: bytes = file.read()
    try:
        pictures.measure(data, limits)
    except pictures.Unacceptable as error:
        raise Problem(UPLOAD_STATUS[error.code], error.code, str(error)) from error
    return data


def _reach(kiosk: Kiosk, sent: snapshots.Sent) -> Decision:
    try:
        return decisions.reach(kiosk, sent)
    except snapshots.NonceReused as error:
        raise Problem(422, "nonce-reused", "This nonce was used for another body; use a new one.") from error
    except snapshots.UnknownStep as error:
        raise Problem(422, "unknown-step", "`after` must be the step of an answer to this kiosk.") from error


def check_length(request: Request, *, most: int = MOST_BODY_BYTES, words: str = "3 MB") -> None:
    """Before anything of the body is read."""
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise Problem(411, "length-required", "Send Content-Length.")
    if len(length) > 12 or int(length) > most:
        raise Problem(413, "too-large", f"At most {words}.")


def answer(decision: Decision) -> dict[str, Any]:
    """What a kiosk learns: never scores, candidates or near misses, and nobody's name with a refusal."""
    known = decision.tells_who
    punch = getattr(decision.snapshot, "punch", None) if known else None
    return DecisionOutput(
        {
            "id": decision.pk,
            "granted": decision.granted,
            "reason": outward(Reason(decision.reason)),
            "message": decision.message,
            "person": decision.person if known else None,
            "direction": decision.direction or None,
            "punch": punch,
            "minutes_today": today.minutes_until(punch) if punch else None,
            "question": questions.after(punch) if punch else None,
            "at": decision.at,
            "needs": decision.needs,
            "step": decision.step,
        }
    ).data
