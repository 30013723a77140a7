"""People for programs of staff: who there is, where they may go, and where they are."""

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.api.authentication import STAFF, MayUse
from access.api.negotiation import OneForm
from access.api.paging import ByKey
from access.api.staff import LISTED, READ
from access.hours import reach
from access.people import Consent, Department, Person

STANDINGS = {
    "active": Q(active=True, erased=None),
    "suspended": Q(active=False, erased=None),
    "erased": Q(erased__isnull=False),
    "all": Q(),
}


class PeopleQuery(serializers.Serializer[Any]):
    q = serializers.CharField(required=False, max_length=160, help_text="Part of a name or badge number.")
    badge = serializers.CharField(required=False, max_length=40, help_text="Exactly this badge number.")
    department = serializers.PrimaryKeyRelatedField(queryset=Department.objects.all(), required=False)
    standing = serializers.ChoiceField(list(STANDINGS), default="active")


class NamedOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class KnownPersonOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    badge = serializers.CharField()
    name = serializers.CharField()
    department = NamedOutput(allow_null=True)
    active = serializers.BooleanField(help_text="False: suspended, refused at every door.")
    valid_from = serializers.DateField(allow_null=True, help_text="First day, in the zone of each site.")
    valid_until = serializers.DateField(allow_null=True, help_text="Last day, included.")
    without_face = serializers.BooleanField(help_text="Shows a card, or badge number and PIN, instead.")
    consent = serializers.CharField(
        source="consent_version", allow_null=True, help_text="Version of the text agreed to."
    )
    galleries = NamedOutput(many=True)
    erased = serializers.DateTimeField(allow_null=True)


class CardOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(["card", "qr"])
    ends_with = serializers.CharField(source="hint")
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    revoked = serializers.DateTimeField(allow_null=True)


class PresenceOutput(serializers.Serializer[Any]):
    zone = serializers.IntegerField(source="zone_id")
    since = serializers.DateTimeField()


class PersonInFullOutput(KnownPersonOutput):
    """What else is known; each part null where the login may not see its table."""

    access_levels = NamedOutput(many=True, allow_null=True, help_text="Those that name the person.")
    cards = CardOutput(many=True, allow_null=True)
    has_pin = serializers.BooleanField(allow_null=True)
    inside = PresenceOutput(many=True, allow_null=True, help_text="The zone the person is in, if any.")


def _consenting(people: QuerySet[Person]) -> QuerySet[Person]:
    in_force = Consent.objects.filter(withdrawn=None).select_related("text")
    return people.select_related("department").prefetch_related(
        "galleries", Prefetch("consents", queryset=in_force, to_attr="in_force")
    )


def _told(person: Person) -> Person:
    found = person.in_force  # type: ignore[attr-defined]
    person.consent_version = found[0].text.version if found else None  # type: ignore[attr-defined]
    return person


class People(generics.ListAPIView[Person]):
    """The people this login reaches, in the order in which they were added."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_person",)
    serializer_class = KnownPersonOutput
    pagination_class = ByKey
    queryset = Person.objects.none()

    @extend_schema(
        operation_id="list_people",
        summary="People, page by page",
        tags=["People"],
        parameters=[PeopleQuery],
        responses={200: KnownPersonOutput(many=True), **LISTED},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Person]:
        fields = PeopleQuery(data=self.request.query_params)
        fields.is_valid(raise_exception=True)
        asked = fields.validated_data
        found = reach.people_for(self.request.user).filter(STANDINGS[asked["standing"]])
        if "q" in asked:
            found = found.filter(Q(name__icontains=asked["q"]) | Q(badge__icontains=asked["q"]))
        if "badge" in asked:
            found = found.filter(badge__iexact=asked["badge"])
        if "department" in asked:
            found = found.filter(department=asked["department"])
        return _consenting(found)

    def paginate_queryset(self, queryset: Any) -> Any:
        return [_told(person) for person in super().paginate_queryset(queryset) or ()]


class OnePerson(generics.RetrieveAPIView[Person]):
    """One person, with what this login may see of their cards, levels and whereabouts."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights = ("access.view_person",)
    serializer_class = PersonInFullOutput
    queryset = Person.objects.none()
    lookup_url_kwarg = "person"

    @extend_schema(
        operation_id="read_person",
        summary="One person",
        tags=["People"],
        responses={200: PersonInFullOutput, **READ},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        person, may = _told(self.get_object()), request.user.has_perm
        person.access_levels = person.levels.all() if may("access.view_accesslevel") else None
        person.inside = person.presences.all() if may("access.view_presence") else None
        person.has_pin = hasattr(person, "pin") if may("access.view_pin") else None
        shown = PersonInFullOutput(person).data
        return Response(shown if may("access.view_card") else shown | {"cards": None})

    def get_queryset(self) -> QuerySet[Person]:
        return _consenting(reach.people_for(self.request.user))
