"""What a kiosk asks whoever forgot to punch out, and the one answer it brings."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.api.authentication import IsKiosk, KioskKey
from access.api.errors import Problem
from access.api.kiosk import DateTimeWithZone, problems
from access.api.negotiation import OneForm
from access.hours import corrections, questions


class AnswerInput(serializers.Serializer[Any]):
    decision = serializers.UUIDField(help_text="The `id` of the answer that carried the question.")
    left = DateTimeWithZone(help_text="When the person left: one of the times offered, or another.")


class AnswerOutput(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The working day to be corrected.")
    left = serializers.DateTimeField()
    state = serializers.ChoiceField(["asked"], help_text="A manager decides.")


class Answers(APIView):
    """When somebody left who had not punched out. Files a correction; a manager decides on it."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="answer_question",
        summary="When the person left who forgot to punch out",
        tags=["Kiosk"],
        request=AnswerInput,
        responses={
            201: AnswerOutput,
            **problems(
                s400="A field is missing or wrong.",
                s401="Unknown key.",
                s404="This decision of this kiosk asked nothing, or too long ago.",
                s409="The question was answered before.",
                s415="Not JSON.",
                s422="Nobody left then: before the arrival, or after the next punch.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        fields = AnswerInput(data=request.data)
        fields.is_valid(raise_exception=True)
        given = fields.validated_data
        try:
            made = questions.answer(request.auth, given["decision"], given["left"])
        except questions.NoQuestion as error:
            raise Problem(404, "no-question", "This decision asks nothing, or no longer.") from error
        except corrections.AskedBefore as error:
            raise Problem(
                409, "answered-before", "This question was answered; nothing was changed."
            ) from error
        except questions.Impossible as error:
            raise Problem(
                422, "impossible-time", "Give a time after the punch-in and before the next punch."
            ) from error
        return Response(
            AnswerOutput({"day": made.day, "left": made.at, "state": made.state}).data, status=201
        )
