"""For the time without the network: what a paired kiosk may decide by, and what it tells when it is back."""

import base64
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import places
from access.api.authentication import IsPaired, KioskKey
from access.api.kiosk import problems
from access.api.negotiation import OneForm
from access.kiosk import alone, bundles
from access.policy.clocks import Contact
from access.policy.offline import OfflineReason

MOST_EVENTS = 500
# Milliseconds since 1970 until some way into the year 2096; a clock that was reset is within.
MOST_MS = 4 * 10**12
_PAIRED = "Not a paired kiosk."


class Base64Field(serializers.CharField):
    """Bytes as base64."""

    def to_representation(self, value: bytes) -> str:
        return base64.b64encode(value).decode()


class BundleOutput(serializers.Serializer[Any]):
    tag = serializers.CharField(help_text="As `bundle` in the answer to a report.")
    ephemeral = Base64Field(help_text="For ECDH with the kiosk's agreement key. SubjectPublicKeyInfo, P-256.")
    iv = Base64Field(help_text="For AES-256-GCM; the purpose is the additional data.")
    sealed = Base64Field(
        help_text="The bundle as JSON, encrypted. Its form is that of tests/vectors/offline.json."
    )
    signature = Base64Field(help_text="ECDSA by the server's key for this kiosk; r and s, 32 bytes each.")
    now = serializers.DateTimeField()


class Bundle(APIView):
    """Whom this kiosk may let pass while it is offline: signed, for it alone to open, and only for hours.

    The key is HKDF-SHA256 of the shared secret (salt: SHA-256 of the signing key, info: the purpose
    `lintel offline bundle 1`). Signed are the purpose, that digest, and the SHA-256 of ephemeral, iv and
    sealed in a row.
    """

    authentication_classes = [KioskKey]
    permission_classes = [IsPaired]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="kiosk_bundle",
        summary="What to decide by without the network",
        tags=["Kiosk page"],
        responses={200: BundleOutput, **problems(s401="Unknown key.", s403=_PAIRED)},
    )
    def get(self, request: Request) -> Response:
        tag, envelope = bundles.give(request.auth.paired)
        return Response(BundleOutput({"tag": tag, "now": timezone.now()} | vars(envelope)).data)


class EventInput(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="New for each event, the same whenever it is told.")
    line = serializers.UUIDField(help_text="What `seq` counts within: new with the tablet's memory.")
    seq = serializers.IntegerField(min_value=1, max_value=2**53, help_text="Counts from 1, without gaps.")
    boot = serializers.UUIDField(help_text="New with each start of the page.")
    wall = serializers.IntegerField(min_value=0, max_value=MOST_MS, help_text="The kiosk's clock, ms.")
    ticks = serializers.IntegerField(
        min_value=0, max_value=MOST_MS, help_text="Monotonic since the start, ms."
    )
    at = serializers.IntegerField(
        min_value=0, max_value=MOST_MS, help_text="What the kiosk took for the server's time, ms."
    )
    anchored = serializers.BooleanField(help_text="Whether it had heard the server since its start.")
    bundle = serializers.IntegerField(
        min_value=0, max_value=MOST_MS, allow_null=True, help_text="`issued` of the bundle it decided by, ms."
    )
    granted = serializers.BooleanField()
    reason = serializers.ChoiceField([reason.value for reason in OfflineReason])
    person = serializers.IntegerField(min_value=1, max_value=2**53, allow_null=True)
    direction = serializers.ChoiceField(["", "in", "out"])
    credential = serializers.RegexField(r"^(pin|card:[0-9]{1,18})?$", allow_blank=True)
    duress = serializers.BooleanField(default=False)
    shown = serializers.ListField(child=serializers.ChoiceField(["card", "badge", "pin"]), max_length=3)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        opened = attrs["reason"] == OfflineReason.OK
        named = attrs["person"] is not None and attrs["direction"] != "" and attrs["credential"] != ""
        if attrs["granted"] != opened or (opened and not named):
            raise serializers.ValidationError(
                {"granted": ["A grant is `ok`, and says who, which way, by what."]}
            )
        return attrs | {"reason": OfflineReason(attrs["reason"]), "shown": tuple(attrs["shown"])}


class EventsInput(serializers.Serializer[Any]):
    boot = serializers.UUIDField(help_text="Of the page that tells.")
    wall = serializers.IntegerField(min_value=0, max_value=MOST_MS)
    ticks = serializers.IntegerField(min_value=0, max_value=MOST_MS)
    left = serializers.IntegerField(
        min_value=0, max_value=10_000_000, help_text="So many events the kiosk still holds besides these."
    )
    events = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MOST_EVENTS)


class ResultOutput(serializers.Serializer[Any]):
    id = serializers.CharField(allow_null=True)
    result = serializers.ChoiceField([*(result.value for result in alone.Result), "invalid"])
    errors = serializers.JSONField(required=False, help_text="Of an invalid event, by field.")


class EventsOutput(serializers.Serializer[Any]):
    results = ResultOutput(many=True)
    now = serializers.DateTimeField()


class Events(APIView):
    """What the kiosk decided by itself: at most 500 at once, in any order, as often as it takes.

    Each is answered by itself: `stored` now, a `duplicate` of what is stored, a `contradiction` to it, or
    `invalid`. The first two may be forgotten by the kiosk.
    """

    authentication_classes = [KioskKey]
    permission_classes = [IsPaired]
    content_negotiation_class = OneForm
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="kiosk_events",
        summary="Tell what was decided without the network",
        tags=["Kiosk page"],
        request=EventsInput,
        responses={
            200: EventsOutput,
            **problems(
                s400="A field of the whole is missing or wrong.",
                s401="Unknown key.",
                s403=_PAIRED,
                s415="Not JSON.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        received = timezone.now()
        whole = EventsInput(data=request.data)
        whole.is_valid(raise_exception=True)
        values = whole.validated_data
        contact = Contact(
            boot=str(values["boot"]),
            wall=values["wall"],
            ticks=values["ticks"],
            received=round(received.timestamp() * 1000),
        )
        good: list[alone.Event] = []
        invalid: list[dict[str, Any]] = []
        for told in values["events"]:
            one = EventInput(data=told)
            if one.is_valid():
                good.append(alone.Event(**one.validated_data))
            else:
                named = str(told.get("id", ""))[:40] if isinstance(told, dict) else None
                invalid.append({"id": named, "result": "invalid", "errors": one.errors})
        places.note_seen(request.auth)
        taken = alone.take(request.auth, contact, good, left=values["left"])
        results = [{"id": str(key), "result": result.value} for key, result in taken.items()]
        return Response(EventsOutput({"results": results + invalid, "now": timezone.now()}).data)
