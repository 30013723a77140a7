"""Places for programs of staff: sites and their lockdown, doors and how they stand, zones and who is in."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.api.authentication import STAFF, MayUse
from access.api.kiosk import DateTimeWithZone, problems
from access.api.negotiation import OneForm
from access.api.paging import ByKey
from access.api.people import NamedOutput
from access.api.staff import LISTED, READ
from access.doors import contacts, modes, passback
from access.doors.contacts import State
from access.doors.levels import AccessLevel
from access.doors.passback import Presence, Zone
from access.hours import reach
from access.places import Door, Site

MOST_WHY = 200


class SiteOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    zone = serializers.CharField(help_text="Its time zone.")
    opens_doors = serializers.BooleanField(source="keeps_access")
    keeps_attendance = serializers.BooleanField()
    locked_down = serializers.DateTimeField(allow_null=True, help_text="Since when; null: it is not.")
    why = serializers.CharField(source="lockdown_why", help_text="Why it is locked down.")


class ModeOutput(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(Door.Mode.values, help_text="What the door does now.")
    until = serializers.DateTimeField(allow_null=True, help_text="When this is over by itself.")
    then = serializers.ChoiceField(Door.Mode.values, allow_null=True, help_text="What it does afterwards.")
    set = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField()


class DoorOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    site = serializers.IntegerField(source="site_id")
    locked_down = serializers.BooleanField(help_text="With its site: nobody passes, whatever the mode.")
    mode = ModeOutput()
    factors = serializers.ChoiceField(Door.Factors.values, help_text="What must be shown.")
    contact = serializers.ChoiceField(
        [state.value for state in State], allow_null=True, help_text="What the contact said last."
    )
    contact_since = serializers.DateTimeField(allow_null=True)
    enters = serializers.IntegerField(
        source="enters_id", allow_null=True, help_text="The zone it leads into; null: the street."
    )
    leaves = serializers.IntegerField(
        source="leaves_id", allow_null=True, help_text="The zone it leads out of."
    )


class ModeInput(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(Door.Mode.values)
    why = serializers.CharField(max_length=MOST_WHY)
    until = DateTimeWithZone(required=False, help_text="With offset; left out: until somebody sets another.")


class WhyInput(serializers.Serializer[Any]):
    why = serializers.CharField(max_length=MOST_WHY)


class ZoneOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    site = serializers.IntegerField(source="site_id")
    passback = serializers.ChoiceField(Zone.Passback.values, help_text="What happens on entering twice.")
    inside = serializers.IntegerField(help_text="How many people are in it.")
    most = serializers.IntegerField(allow_null=True, help_text="How many may be; null: any number.")


class InsideOutput(serializers.Serializer[Any]):
    person = NamedOutput()
    badge = serializers.CharField(source="person.badge")
    since = serializers.DateTimeField()


class BarOutput(serializers.Serializer[Any]):
    day = serializers.IntegerField(source="row", help_text="0 Monday … 6 Sunday, 7 holiday, 8 short day.")
    start = serializers.TimeField()
    end = serializers.TimeField(help_text="Not later than the start: on the day after.")
    factors = serializers.CharField(help_text="What must be shown; empty: what the door asks for.")


class ScheduleOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    keeps_holidays = serializers.BooleanField()
    bars = BarOutput(many=True)


class AccessLevelOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    doors = NamedOutput(many=True)
    galleries = NamedOutput(many=True)
    people = serializers.ListField(child=serializers.IntegerField(), help_text="Keys of those named in it.")
    schedule = ScheduleOutput(allow_null=True, help_text="Null: at any hour.")
    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True, help_text="Included.")


def described(door: Door, contact: contacts.Standing) -> dict[str, Any]:
    """How a door stands at this moment, for DoorOutput."""
    now = timezone.now()
    timed = door.mode_until is not None and door.mode_until > now
    over = door.mode_until is not None and not timed
    return {
        "id": door.pk,
        "name": door.name,
        "site_id": door.site_id,
        "locked_down": door.site.locked_down is not None,
        "mode": {
            "mode": door.mode_at(now),
            "until": door.mode_until if timed else None,
            "then": door.mode_after if timed else None,
            "set": None if over else door.mode_set,
            "why": "" if over else door.mode_why,
        },
        "factors": door.factors,
        "contact": contact.state.value if contact.state else None,
        "contact_since": contact.since,
        "enters_id": door.enters_id,
        "leaves_id": door.leaves_id,
    }


class Sites(generics.ListAPIView[Site]):
    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_site",)
    serializer_class = SiteOutput
    pagination_class = ByKey
    queryset = Site.objects.all()

    @extend_schema(
        operation_id="list_sites",
        summary="Sites, and which are locked down",
        tags=["Places"],
        responses={200: SiteOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class LockDown(APIView):
    """From the next decision on no door of the site opens for anybody. Asking twice changes nothing."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_site", "access.lock_down_site")
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="lock_down_site",
        summary="Lock down a site",
        tags=["Places"],
        request=WhyInput,
        responses={200: SiteOutput, **problems(s400="Say why.", s415="Not JSON."), **READ},
    )
    def post(self, request: Request, site: int) -> Response:
        fields = WhyInput(data=request.data)
        fields.is_valid(raise_exception=True)
        modes.lock_down(_site(site), by=request.user, why=fields.validated_data["why"])
        return Response(SiteOutput(_site(site)).data)


class Lift(APIView):
    """Doors do again what they are set to. Asking twice changes nothing."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_site", "access.lock_down_site")

    @extend_schema(
        operation_id="lift_lockdown",
        summary="Lift the lockdown of a site",
        tags=["Places"],
        request=None,
        responses={200: SiteOutput, **READ},
    )
    def post(self, request: Request, site: int) -> Response:
        modes.lift(_site(site), by=request.user)
        return Response(SiteOutput(_site(site)).data)


def _site(key: int) -> Site:
    found = Site.objects.filter(pk=key).first()
    if found is None:
        raise Http404
    return found


class DoorsQuery(serializers.Serializer[Any]):
    site = serializers.PrimaryKeyRelatedField(queryset=Site.objects.all(), required=False)


class Doors(generics.ListAPIView[Door]):
    """Doors with how they stand at this moment."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_door",)
    serializer_class = DoorOutput
    pagination_class = ByKey
    queryset = Door.objects.none()

    @extend_schema(
        operation_id="list_doors",
        summary="Doors and how they stand",
        tags=["Places"],
        parameters=[DoorsQuery],
        responses={200: DoorOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Door]:
        fields = DoorsQuery(data=self.request.query_params)
        fields.is_valid(raise_exception=True)
        return Door.objects.select_related("site").filter(**fields.validated_data)

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset) or []
        standing = contacts.states_of(rows)
        return [described(door, standing[door.pk]) for door in rows]


class OneDoor(APIView):
    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_door",)

    @extend_schema(
        operation_id="read_door",
        summary="One door and how it stands",
        tags=["Places"],
        responses={200: DoorOutput, **READ},
    )
    def get(self, request: Request, door: int) -> Response:
        return Response(DoorOutput(_described(_door(door))).data)


class DoorMode(APIView):
    """Set what a door does, from its next decision on: for a time, or until somebody sets another mode."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_door", "access.set_door_mode")
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="set_door_mode",
        summary="Set the mode of a door",
        tags=["Places"],
        request=ModeInput,
        responses={
            200: DoorOutput,
            **problems(s400="A field is missing or wrong, or the moment is over.", s415="Not JSON."),
            **READ,
        },
    )
    def post(self, request: Request, door: int) -> Response:
        fields = ModeInput(data=request.data)
        fields.is_valid(raise_exception=True)
        given = fields.validated_data
        try:
            made = modes.set_mode(
                _door(door), given["mode"], by=request.user, why=given["why"], until=given.get("until")
            )
        except modes.Unacceptable as error:
            raise serializers.ValidationError({"until": [str(error)]}) from error
        return Response(DoorOutput(_described(made)).data)


def _described(door: Door) -> dict[str, Any]:
    return described(door, contacts.state_of(door))


def _door(key: int) -> Door:
    found = Door.objects.select_related("site").filter(pk=key).first()
    if found is None:
        raise Http404
    return found


class Zones(generics.ListAPIView[Zone]):
    """Zones, and how many people are in each."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_zone",)
    serializer_class = ZoneOutput
    pagination_class = ByKey
    queryset = Zone.objects.none()

    @extend_schema(
        operation_id="list_zones",
        summary="Zones and how full they are",
        tags=["Places"],
        responses={200: ZoneOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Zone]:
        return Zone.objects.select_related("site")

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset) or []
        counted = passback.counts(rows, timezone.now())
        for zone in rows:
            zone.inside = counted.get(zone.pk, 0)
        return rows


class ZonePeople(generics.ListAPIView[Presence]):
    """Who is in a zone, of the people this login reaches."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_zone", "access.view_presence", "access.view_person")
    serializer_class = InsideOutput
    pagination_class = ByKey
    queryset = Presence.objects.none()

    @extend_schema(
        operation_id="list_people_in_zone",
        summary="Who is in a zone",
        tags=["Places"],
        responses={200: InsideOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Presence]:
        zone = Zone.objects.select_related("site").filter(pk=self.kwargs.get("zone")).first()
        if zone is None:
            raise Http404
        found = passback.inside(zone, timezone.now()).select_related("person")
        return reach.within(self.request.user, found)  # type: ignore[return-value]


class AccessLevels(generics.ListAPIView[AccessLevel]):
    """Who passes which doors, in which hours."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_accesslevel",)
    serializer_class = AccessLevelOutput
    pagination_class = ByKey
    queryset = AccessLevel.objects.all()

    @extend_schema(
        operation_id="list_access_levels",
        summary="Access levels with their hours",
        tags=["Places"],
        responses={200: AccessLevelOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AccessLevel]:
        parts = ("doors", "galleries", "schedule__bars")
        return AccessLevel.objects.select_related("schedule").prefetch_related(*parts)

    def paginate_queryset(self, queryset: Any) -> Any:
        """People by key, as far as the login reaches them."""
        rows = super().paginate_queryset(queryset) or []
        links = AccessLevel.people.through.objects.filter(accesslevel__in=rows)
        named: dict[int, list[int]] = {}
        for level, person in reach.within(self.request.user, links).values_list("accesslevel", "person"):
            named.setdefault(level, []).append(person)
        return [
            {
                **{name: getattr(level, name) for name in ("id", "name", "schedule", "first", "last")},
                "doors": level.doors.all(),
                "galleries": level.galleries.all(),
                "people": sorted(named.get(level.pk, [])),
            }
            for level in rows
        ]
