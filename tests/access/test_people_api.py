"""People by the API: found, paged, and shown as far as the login may see."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import people
from access.doors import credentials
from access.doors.levels import AccessLevel
from access.doors.passback import Presence, Zone
from access.models import Department
from tests import factories
from tests.admin.conftest import login_with
from tests.factories import Cast

pytestmark = pytest.mark.django_db
__all__ = ["login_with"]  # the fixture

ADDRESS = "/api/v1/people/"


def found(client: Client, **query: Any) -> list[str]:
    return [row["name"] for row in client.get(ADDRESS, query).json()["results"]]


def test_people_are_found_by_name_badge_department_and_standing(
    cast: Cast, login_with: Callable[..., Client]
) -> None:
    yard = Department.objects.create(name="Yard")
    cast.bob.department = yard
    cast.bob.save()
    clerk = login_with("view_person")
    assert found(clerk) == ["Alice Able", "Bob Best"]
    assert found(clerk, q="alice") == ["Alice Able"]
    assert found(clerk, q="0001") == ["Alice Able", "Bob Best"]
    assert found(clerk, badge="00018") == found(clerk, department=yard.pk) == ["Bob Best"]
    assert found(clerk, badge="0001") == []
    assert found(clerk, standing="suspended") == ["Charlie Cross"]
    assert clerk.get(ADDRESS, {"department": 999}).status_code == 400
    assert clerk.get(ADDRESS, {"standing": "tired"}).status_code == 400


def test_a_long_list_comes_page_by_page_and_somebody_added_meanwhile_is_on_the_last(
    cast: Cast, login_with: Callable[..., Client]
) -> None:
    clerk = login_with("view_person")
    first = clerk.get(ADDRESS, {"limit": 1}).json()
    factories.person("Dora Dell")
    second = clerk.get(first["next"]).json()
    third = clerk.get(second["next"]).json()
    assert [page["results"][0]["name"] for page in (first, second, third)] == [
        "Alice Able",
        "Bob Best",
        "Dora Dell",
    ]
    assert third["next"] is None


def test_one_more_person_costs_no_more_queries(cast: Cast, login_with: Callable[..., Client]) -> None:
    clerk = login_with("view_person")

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert clerk.get(ADDRESS).status_code == 200
        return len(found)

    asked()  # what is read once and kept counts for neither
    few = asked()
    for _n in range(3):
        cast.crew.people.add(factories.person())
    assert asked() == few


def test_what_a_person_has_is_shown_to_those_who_may_see_it(
    cast: Cast, login_with: Callable[..., Client]
) -> None:
    level = AccessLevel.objects.create(name="Staff")
    level.people.add(cast.alice)
    credentials.issue_card(cast.alice, "04A1B2C3")
    credentials.set_pin(cast.alice, "270419")
    hall = Zone.objects.create(site=cast.site, name="Hall")
    since = timezone.now() - timedelta(minutes=5)
    Presence.objects.create(zone=hall, person=cast.alice, since=since)
    address = f"{ADDRESS}{cast.alice.pk}/"
    little = login_with("view_person").get(address).json()
    assert (little["badge"], little["consent"], little["galleries"]) == (
        "00017",
        "2026-01",
        [{"id": cast.crew.pk, "name": "Crew"}],
    )
    assert [little[name] for name in ("access_levels", "cards", "has_pin", "inside")] == [None] * 4
    rights = ("view_person", "view_accesslevel", "view_card", "view_pin", "view_presence")
    much = login_with(*rights).get(address).json()
    assert much["access_levels"] == [{"id": level.pk, "name": "Staff"}]
    assert [(card["kind"], card["ends_with"]) for card in much["cards"]] == [("card", "c3")]
    assert much["has_pin"] is True
    assert [row["zone"] for row in much["inside"]] == [hall.pk]
    people.withdraw_consent(cast.bob)
    other = login_with(*rights).get(f"{ADDRESS}{cast.bob.pk}/").json()
    assert [other[name] for name in ("consent", "cards", "has_pin", "inside")] == [None, [], False, []]


def test_people_are_closed_to_others(cast: Cast, login_with: Callable[..., Client]) -> None:
    assert Client().get(ADDRESS).status_code == 403
    assert login_with("view_door").get(ADDRESS).status_code == 403
    assert login_with("view_person").get(f"{ADDRESS}999999/").status_code == 404
