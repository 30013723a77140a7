"""What only the kiosk page asks: pairing, reports, the staff's PIN, and what people say to an answer."""

import base64
import binascii
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import places
from access.api.authentication import IsKiosk, IsPairing, KioskKey, PairingCode
from access.api.errors import Problem
from access.api.kiosk import KioskOutput, described, problems
from access.api.negotiation import OneForm
from access.kiosk import bundles, feedback, health, pairing, unlocking


class PublicKeyField(serializers.CharField):
    """SubjectPublicKeyInfo of a key on P-256, base64."""

    default_error_messages = {"key": "Send the SubjectPublicKeyInfo of a P-256 public key, base64."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=200, **options)

    def to_internal_value(self, data: Any) -> bytes:
        text = super().to_internal_value(data)
        try:
            raw = base64.b64decode(text.encode("ascii"), validate=True)
            pairing.point(raw)
        except (UnicodeEncodeError, binascii.Error, pairing.NotAKey):
            self.fail("key")
        return raw


class PairInput(serializers.Serializer[Any]):
    signing = PublicKeyField(help_text="For ECDSA. SubjectPublicKeyInfo, P-256, base64.")
    agreement = PublicKeyField(help_text="For ECDH: bundles are encrypted to it. As `signing`.")


class PairedOutput(KioskOutput):
    key = serializers.CharField(help_text="Names the key in signed requests: SHA-256 of `signing`, hex.")
    server = serializers.CharField(help_text="The key that signs this kiosk's bundles. As `signing`.")


class Pair(APIView):
    """Become a kiosk, by a code that works once. Older pairings of the same kiosk end."""

    authentication_classes = [PairingCode]
    permission_classes = [IsPairing]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="pair_kiosk",
        summary="Become a kiosk by a pairing code",
        tags=["Kiosk page"],
        request=PairInput,
        responses={
            200: PairedOutput,
            **problems(
                s400="A key is missing or not on P-256.",
                s401="The code is wrong, was used, or has ended.",
                s415="Not JSON.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        fields = PairInput(data=request.data)
        fields.is_valid(raise_exception=True)
        key = pairing.pair(str(request.auth), pairing.Keys(**fields.validated_data))
        if key is None:
            raise Problem(401, "unknown-code", "This code was used meanwhile. Make a new one in the admin.")
        _end_login(request)
        own = base64.b64encode(pairing.own_public(key)).decode()
        answer = described(key.kiosk) | {"key": bytes(key.digest).hex(), "server": own}
        return Response(PairedOutput(answer).data)


def _end_login(request: Request) -> None:
    """Whoever was logged in on the tablet is not any more: it hangs on a wall now."""
    session = request._request.session
    if session.session_key:
        session.flush()


class ReportInput(serializers.Serializer[Any]):
    version = serializers.CharField(max_length=40)
    queued = serializers.IntegerField(min_value=0, max_value=10_000_000)
    clock_offset_ms = serializers.IntegerField(
        min_value=-(10**13), max_value=10**13, help_text="The server's time less the kiosk's own clock."
    )


class ReportedOutput(KioskOutput):
    bundle = serializers.CharField(
        help_text="Names the offline data as they would be made now: fetch them when it changes."
    )


class Report(APIView):
    """How the kiosk is, each minute; the answer is as `kiosk_hello`, and tells stale offline data."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="kiosk_report",
        summary="How the kiosk is",
        tags=["Kiosk page"],
        request=ReportInput,
        responses={
            200: ReportedOutput,
            **problems(s400="A field is missing or wrong.", s401="Unknown key.", s415="Not JSON."),
        },
    )
    def post(self, request: Request) -> Response:
        fields = ReportInput(data=request.data)
        fields.is_valid(raise_exception=True)
        health.note(request.auth, places.Report(**fields.validated_data))
        return Response(ReportedOutput(described(request.auth) | {"bundle": bundles.tag(request.auth)}).data)


class PinInput(serializers.Serializer[Any]):
    pin = serializers.RegexField(r"^[0-9]{1,32}$", help_text="The site's kiosk PIN.")


class UnlockOutput(serializers.Serializer[Any]):
    unlocked = serializers.BooleanField()
    after = serializers.DateTimeField(allow_null=True, help_text="No try counts before then.")


class Unlock(APIView):
    """May staff leave the page or open its settings? Each wrong try past the third costs twice the wait."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="unlock_kiosk",
        summary="Try the site's kiosk PIN",
        tags=["Kiosk page"],
        request=PinInput,
        responses={
            200: UnlockOutput,
            **problems(s400="Not a PIN.", s401="Unknown key.", s415="Not JSON."),
        },
    )
    def post(self, request: Request) -> Response:
        fields = PinInput(data=request.data)
        fields.is_valid(raise_exception=True)
        answer = unlocking.unlock(request.auth, fields.validated_data["pin"])
        return Response(UnlockOutput(vars(answer)).data)


class RemarkInput(serializers.Serializer[Any]):
    why = serializers.ChoiceField([why.value for why in feedback.Remark.Why])


class NotedOutput(serializers.Serializer[Any]):
    noted = serializers.DateTimeField()


_TOO_LATE = "This kiosk shows no such grant now; it can be said for 90 seconds. Please tell the office."


def _noted(noted: bool) -> Response:
    if not noted:
        raise Problem(404, "not-found", _TOO_LATE)
    return Response(NotedOutput({"noted": timezone.now()}).data)


class NotMe(APIView):
    """The person says that the name on the screen is not theirs: noted for the office, nothing is undone."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="not_me",
        summary="Say that the person named is not the one before the kiosk",
        tags=["Kiosk page"],
        request=None,
        responses={200: NotedOutput, **problems(s401="Unknown key.", s404=_TOO_LATE)},
    )
    def post(self, request: Request, decision: UUID) -> Response:
        return _noted(feedback.dispute(request.auth, decision))


class Remarks(APIView):
    """Why the person came or went at this hour, from a short list."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="remark",
        summary="Say why somebody came or went",
        tags=["Kiosk page"],
        request=RemarkInput,
        responses={
            200: NotedOutput,
            **problems(s400="Not on the list.", s401="Unknown key.", s404=_TOO_LATE, s415="Not JSON."),
        },
    )
    def post(self, request: Request, decision: UUID) -> Response:
        fields = RemarkInput(data=request.data)
        fields.is_valid(raise_exception=True)
        return _noted(feedback.remark(request.auth, decision, fields.validated_data["why"]))
