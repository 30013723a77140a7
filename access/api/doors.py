"""What doors report of themselves, and the alarms: for door controllers, and for whoever must look."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import places
from access.api.authentication import STAFF, IsKiosk, KioskKey, MayAcknowledgeAlarms, MayReadAlarms
from access.api.errors import Problem
from access.api.kiosk import DateTimeWithZone, problems
from access.api.negotiation import OneForm
from access.api.paging import NewestFirst
from access.doors import alarms, contacts
from access.doors.alarms import Alarm, Kind
from access.doors.contacts import State
from access.hours import reach

MOST_NOTE = 1000


class DoorEventInput(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="New for each report; the same again when a post is repeated.")
    state = serializers.ChoiceField(
        [state.value for state in State],
        help_text="What the contact says. `exit`: somebody leaves by button or handle, so what opens is not "
        "forced. `held` and `forced` from controllers that find out themselves; else they follow.",
    )
    taken = DateTimeWithZone(help_text="When it happened, by the controller's clock, with offset.")


class DoorEventOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="event")
    state = serializers.ChoiceField(
        [state.value for state in State], help_text="What it means: `open` without a grant is `forced`."
    )
    at = serializers.DateTimeField(help_text="When it happened, by the clock that counts.")


class DoorEvents(APIView):
    """Report what the door's contact says. The same id again has no second effect."""

    authentication_classes = [KioskKey]
    permission_classes = [IsKiosk]
    content_negotiation_class = OneForm
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="report_door_event",
        summary="Report what a door's contact says",
        tags=["Doors"],
        request=DoorEventInput,
        responses={
            200: DoorEventOutput,
            **problems(
                s400="A field is missing or wrong.",
                s401="Unknown key.",
                s415="Not JSON.",
                s422="The id was used for another report.",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        fields = DoorEventInput(data=request.data)
        fields.is_valid(raise_exception=True)
        kiosk = request.auth
        places.note_seen(kiosk)
        try:
            event = contacts.report(
                kiosk.door,
                State(fields.validated_data["state"]),
                taken=fields.validated_data["taken"],
                event=fields.validated_data["id"],
                kiosk=kiosk,
            )
        except contacts.EventReused as error:
            raise Problem(
                422, "event-reused", "This id was used for another report; use a new one."
            ) from error
        return Response(DoorEventOutput(event).data)


class AlarmsQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        ["unacknowledged", "acknowledged", "all"], default="unacknowledged", help_text="What to list."
    )
    kind = serializers.ChoiceField([kind.value for kind in Kind], required=False)
    changed_since = DateTimeWithZone(
        required=False, help_text="Only what was raised, repeated, ended or acknowledged since, with offset."
    )


class AlarmOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField(help_text="Of a closed list: " + ", ".join(kind.value for kind in Kind))
    words = serializers.CharField(help_text="The kind, as people say it.")
    about = serializers.CharField(source="subject", help_text="By key, such as door:3.")
    door = serializers.IntegerField(source="door_id", allow_null=True)
    kiosk = serializers.IntegerField(source="kiosk_id", allow_null=True)
    person = serializers.IntegerField(source="person_id", allow_null=True)
    silent = serializers.BooleanField(help_text="Nobody at the door may see or hear of it.")
    opened = serializers.DateTimeField()
    latest = serializers.DateTimeField(help_text="The latest repeat.")
    times = serializers.IntegerField()
    ended = serializers.DateTimeField(allow_null=True, help_text="When what was wrong was right again.")
    changed = serializers.DateTimeField()
    acknowledged = serializers.DateTimeField(allow_null=True)
    details = serializers.DictField()


class Alarms(generics.ListAPIView[Alarm]):
    """Alarms, newest first."""

    authentication_classes = STAFF
    permission_classes = [MayReadAlarms]
    content_negotiation_class = OneForm
    serializer_class = AlarmOutput
    pagination_class = NewestFirst
    queryset = Alarm.objects.all()

    @extend_schema(
        operation_id="list_alarms",
        summary="Alarms, newest first",
        tags=["Doors"],
        parameters=[AlarmsQuery],
        responses={
            200: AlarmOutput(many=True),
            **problems(
                s400="A parameter is wrong.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
                s404="No such page.",
            ),
        },
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Alarm]:
        fields = AlarmsQuery(data=self.request.query_params)
        fields.is_valid(raise_exception=True)
        asked = fields.validated_data
        found = within_reach(self.request)
        if asked["state"] != "all":
            found = found.filter(acknowledged__isnull=asked["state"] == "unacknowledged")
        if "kind" in asked:
            found = found.filter(kind=asked["kind"])
        if "changed_since" in asked:
            found = found.filter(changed__gt=asked["changed_since"])
        return found


def within_reach(request: Request) -> QuerySet[Alarm]:
    """Alarms about people whom this login reaches, and those about nobody."""
    return reach.within(request.user, Alarm.objects.all(), nobody=True)


class NoteInput(serializers.Serializer[Any]):
    note = serializers.CharField(default="", allow_blank=True, max_length=MOST_NOTE)


class AcknowledgeAlarm(APIView):
    """Take note of an alarm. Whoever was first stays."""

    authentication_classes = STAFF
    permission_classes = [MayAcknowledgeAlarms]
    content_negotiation_class = OneForm
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="acknowledge_alarm",
        summary="Take note of an alarm",
        tags=["Doors"],
        request=NoteInput,
        responses={
            200: AlarmOutput,
            **problems(
                s400="The note is too long, or the body is no JSON.",
                s401="The token is not good.",
                s403="Not logged in, or not allowed.",
                s404="There is no such alarm.",
                s415="Not JSON.",
            ),
        },
    )
    def post(self, request: Request, alarm: int) -> Response:
        if not within_reach(request).filter(pk=alarm).exists():
            raise Problem(404, "not-found", "There is no such alarm.")
        fields = NoteInput(data=request.data)
        fields.is_valid(raise_exception=True)
        noted = alarms.acknowledge(alarm, by=request.user, note=fields.validated_data["note"])
        return Response(AlarmOutput(noted).data)
