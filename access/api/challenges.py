"""What a kiosk asks of whoever stands before it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import challenges
from access.api.authentication import IsKiosk, KioskKey
from access.api.errors import Problem
from access.api.kiosk import MOST_PASS_BYTES, check_length, problems
from access.api.negotiation import OneForm


class ChallengeInput(serializers.Serializer[Any]):
    nonce = serializers.UUIDField(help_text="The one that the snapshot will carry.")


class ChallengeOutput(serializers.Serializer[Any]):
    nonce = serializers.UUIDField()
    kind = serializers.ChoiceField(list(challenges.KINDS))
    colours = serializers.ListField(
        child=serializers.ChoiceField(list(challenges.LIGHTS)),
        help_text="For the whole screen, one after the other, each for at least 350 ms; one frame in each.",
    )
    side = serializers.ChoiceField(
        list(challenges.SIDES),
        allow_null=True,
        help_text="Where to turn the head and back, as the person sees it; frames all the while.",
    )
    expires = serializers.DateTimeField(help_text="A snapshot received later has answered nothing.")


class Challenges(APIView):
    """What the door asks of whoever stands before it, for one snapshot.

    Asked again with the same nonce the answer is the same; another nonce ends the challenge before.
    """

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="get_challenge",
        summary="What to ask of the person, for one snapshot",
        tags=["Kiosk"],
        request=ChallengeInput,
        responses={
            200: ChallengeOutput,
            **problems(
                s400="The nonce is missing or wrong.",
                s401="Unknown key.",
                s409="This door asks nothing of a face: its `liveness` is neither colour nor turn.",
                s411="The length of the body must be given.",
                s413="More than 4 kB.",
                s415="Not JSON.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        check_length(request, most=MOST_PASS_BYTES, words="4 kB")
        fields = ChallengeInput(data=request.data)
        fields.is_valid(raise_exception=True)
        issued = challenges.issue(request.auth, fields.validated_data["nonce"])
        if issued is None:
            raise Problem(409, "no-challenge", "This door asks nothing of a face.")
        asked = issued.asked
        return Response(
            ChallengeOutput(
                {
                    "nonce": issued.nonce,
                    "kind": asked.kind,
                    "colours": asked.colours,
                    "side": asked.side or None,
                    "expires": issued.expires,
                }
            ).data
        )
