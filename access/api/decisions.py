"""Decisions for programs of staff: what the doors did and why, and what they would do."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import simulator
from access.api.authentication import STAFF, MayUse
from access.api.errors import Problem
from access.api.kiosk import DateTimeWithZone, problems
from access.api.negotiation import OneForm
from access.api.paging import NewestFirst
from access.api.people import NamedOutput
from access.api.staff import LISTED, READ
from access.decisions import Decision
from access.hours import reach
from access.people import Person
from access.places import Door
from access.policy import Factor, Reason
from access.simulator import NothingKept, Simulation


class ByTime(NewestFirst):
    ordering = ("-at", "-snapshot_id")


class DecisionsQuery(serializers.Serializer[Any]):
    door = serializers.PrimaryKeyRelatedField(queryset=Door.objects.all(), required=False)
    person = serializers.PrimaryKeyRelatedField(queryset=Person.objects.all(), required=False)
    granted = serializers.BooleanField(required=False, allow_null=True, default=None)
    reason = serializers.ChoiceField([reason.value for reason in Reason], required=False)
    since = DateTimeWithZone(required=False, help_text="From this moment on, with offset.")
    until = DateTimeWithZone(required=False, help_text="Before this moment, with offset.")


class DecisionRowOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="pk")
    at = serializers.DateTimeField()
    granted = serializers.BooleanField()
    reason = serializers.CharField(help_text="Of the closed list; as it is, not as a kiosk is told it.")
    explanation = serializers.CharField(help_text="Why, in one sentence; empty for very old ones.")
    direction = serializers.CharField(help_text="`in`, `out`, or empty.")
    person = NamedOutput(allow_null=True)
    door = serializers.IntegerField(source="snapshot.kiosk.door_id")
    kiosk = serializers.IntegerField(source="snapshot.kiosk_id")
    shown = serializers.ListField(child=serializers.CharField(), help_text="What was shown.")
    rules = serializers.IntegerField(allow_null=True, help_text="Version of the rules it was made by.")


def rows(request: Request) -> QuerySet[Decision]:
    found = Decision.objects.select_related("person", "snapshot__kiosk")
    return reach.within(request.user, found)  # type: ignore[return-value]


def with_facts(decision: Decision) -> Decision:
    decision.shown = decision.facts.get("shown", [])  # type: ignore[attr-defined]
    decision.rules = decision.facts.get("rules")  # type: ignore[attr-defined]
    return decision


class Decisions(generics.ListAPIView[Decision]):
    """What the doors decided, newest first."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_decision", "access.view_person")
    serializer_class = DecisionRowOutput
    pagination_class = ByTime
    queryset = Decision.objects.none()

    @extend_schema(
        operation_id="list_decisions",
        summary="Decisions, newest first",
        tags=["Decisions"],
        parameters=[DecisionsQuery],
        responses={200: DecisionRowOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Decision]:
        fields = DecisionsQuery(data=self.request.query_params)
        fields.is_valid(raise_exception=True)
        asked = fields.validated_data
        paths = {
            "door": "snapshot__kiosk__door", "person": "person", "granted": "granted", "reason": "reason",
            "since": "at__gte", "until": "at__lt",
        }  # fmt: skip
        chosen = {paths[name]: value for name, value in asked.items() if value is not None}
        return rows(self.request).filter(**chosen)

    def paginate_queryset(self, queryset: Any) -> Any:
        return [with_facts(row) for row in super().paginate_queryset(queryset) or ()]


class OneDecision(generics.RetrieveAPIView[Decision]):
    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_decision", "access.view_person")
    serializer_class = DecisionRowOutput
    queryset = Decision.objects.none()
    lookup_url_kwarg = "decision"

    @extend_schema(
        operation_id="read_decision",
        summary="One decision",
        tags=["Decisions"],
        responses={200: DecisionRowOutput, **READ},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(DecisionRowOutput(with_facts(self.get_object())).data)

    def get_queryset(self) -> QuerySet[Decision]:
        return rows(self.request)


class QuestionInput(serializers.Serializer[Any]):
    person = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Key of the person.")
    door = serializers.PrimaryKeyRelatedField(queryset=Door.objects.select_related("site"))
    at = DateTimeWithZone(help_text="Past or future, with offset.")
    shown = serializers.ListField(
        child=serializers.ChoiceField([factor.value for factor in Factor]),
        required=False,
        max_length=3,
        help_text="What is shown; left out or empty: whatever the door asks for at that hour.",
    )

    def validate_at(self, at: datetime) -> datetime:
        first, last = simulator.YEARS
        if not first <= at.year < last:
            raise serializers.ValidationError(f"From {first} to {last}.")
        return at


class SimulationOutput(serializers.Serializer[Any]):
    granted = serializers.BooleanField(source="verdict.granted")
    reason = serializers.CharField(source="verdict.reason.value")
    explanation = serializers.CharField(source="sentence")
    rules = serializers.IntegerField(help_text="Version of the rules that decided.")
    mode = serializers.CharField(source="case.door.mode.value", help_text="What the door is set to then.")
    admitted_by = serializers.CharField(help_text="The level, gallery or grant; empty: nothing.")
    schedule = serializers.CharField(help_text="Whose hours count; empty: any hour.")
    holiday = serializers.CharField(help_text="The holiday of that day, where one counts.")
    opens_next = serializers.DateTimeField(
        allow_null=True, help_text="Of a refusal: when this door opens for this person, within a fortnight."
    )


class Simulations(APIView):
    """Would this door open for this person at this moment? Decided by the rule and the rules of that moment.

    Nothing is written down and nothing opens. The picture is taken to be fresh and clear, what is shown to be
    good, zones to be empty and doors beside to be shut.
    """

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_door", "access.view_person", "access.view_decision")
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="simulate",
        summary="Would a door open?",
        tags=["Decisions"],
        request=QuestionInput,
        responses={
            200: SimulationOutput,
            **problems(
                s400="A field is missing or wrong.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
                s404="Nobody this login reaches, or nothing is kept of that moment.",
                s415="Not JSON.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        fields = QuestionInput(data=request.data)
        fields.is_valid(raise_exception=True)
        given = fields.validated_data
        person = generics.get_object_or_404(
            reach.people_for(request.user).filter(erased=None), pk=given["person"]
        )
        shown = frozenset(map(Factor, given.get("shown", ()))) or None
        where = (person.pk, given["door"].pk, given["at"])
        try:
            found = simulator.simulate(*where, shown=shown)
            later = None if found.verdict.granted else simulator.next_grant(*where, shown=shown)
        except NothingKept as error:
            raise Problem(404, "nothing-kept", "No rules are kept of that moment.") from error
        return Response(SimulationOutput(_told(found, later)).data)


def _told(found: Simulation, later: Simulation | None) -> dict[str, Any]:
    opening = found.opening
    return {
        "verdict": found.verdict,
        "sentence": found.sentence,
        "rules": found.rules,
        "case": found.case,
        "admitted_by": opening.level if opening else "",
        "schedule": opening.week if opening else "",
        "holiday": opening.holiday if opening else "",
        "opens_next": later.case.moment.now if later else None,
    }
