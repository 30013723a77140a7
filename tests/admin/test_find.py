"""Search from everywhere: what may be seen is found, in the order one expects, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import decisions, erasure, policy, snapshots
from access.doors import credentials
from access.models import Department, Staff
from tests import factories
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def found(client: Client, wanted: str) -> dict[str, list[str]]:
    """The titles by group, as the box in the header gets them."""
    groups = client.get(reverse("find"), {"q": wanted, "part": "1"}).context["groups"]
    return {str(title): [one.title for one in lines] for title, lines in groups}


def test_people_are_found_by_name_by_badge_and_in_the_order_one_expects(office: Client, cast: Cast) -> None:
    factories.person("Malice Minor", badge="90001")
    assert found(office, "alice")["People"] == ["Alice Able", "Malice Minor"]
    assert found(office, "00018")["People"] == ["Bob Best"]
    assert found(office, "able")["People"] == ["Alice Able"]
    assert found(office, "nobody at all") == {}


def test_a_card_is_found_by_its_whole_number_by_those_who_may_see_cards(
    office: Client, cast: Cast, login_with: Callable[..., Client]
) -> None:
    card = credentials.issue_card(cast.bob, "04 A2 2B 9F")
    assert found(office, "04a22b9f")["People"] == ["Bob Best"]
    assert found(office, "04a22b") == {}
    assert found(login_with("view_person"), "04a22b9f") == {}
    credentials.revoke_card(card)
    assert found(office, "04a22b9f") == {}


def test_doors_kiosks_sites_departments_and_pages_are_found(office: Client, cast: Cast) -> None:
    Department.objects.create(name="Front office")
    groups = found(office, "front")
    assert groups["Doors"] == ["Front door"]
    assert groups["Kiosks"] == [cast.kiosk.name]
    assert groups["Departments"] == ["Front office"]
    assert found(office, "works")["Sites"] == ["Works"]
    assert "Payroll periods" in found(office, "payroll")["Pages"]


def test_a_decision_is_found_by_its_id(office: Client, cast: Cast) -> None:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decision = decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    assert found(office, str(decision.pk)) == {"Decisions": ["granted: ok"]}


def test_nobody_finds_what_they_may_not_see(cast: Cast, login_with: Callable[..., Client]) -> None:
    assert found(login_with("view_door"), "a").keys() <= {"Doors", "Pages"}
    assert found(login_with(), "alice") == {}
    assert Client().get(reverse("find"), {"q": "alice"}).status_code == 302


def test_a_manager_finds_their_own_people_only(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    manager = Staff.objects.create_user("m", password=None, is_staff=True, roles=["manager"])
    yard.managers.add(manager)
    factories.person("Alina Yard", badge="77001", department=yard)
    client = Client()
    client.force_login(manager)
    assert found(client, "ali")["People"] == ["Alina Yard"]
    assert found(client, "00017") == {}


def test_whoever_was_erased_is_found_no_more(office: Client, cast: Cast) -> None:
    erasure.erase(cast.alice)
    assert "People" not in found(office, "erased")


def test_a_thousand_people_take_as_many_questions_as_three(office: Client, cast: Cast) -> None:
    """Each kind is one query, however many rows it finds."""
    office.get(reverse("find"), {"q": "zed", "part": "1"})
    with CaptureQueriesContext(connection) as few:
        found(office, "zed")
    for number in range(20):
        factories.person(f"Zed {number}", badge=f"8{number:04}", consented=False)
    with CaptureQueriesContext(connection) as many:
        assert len(found(office, "zed")["People"]) == 6
    assert len(many) == len(few)


def test_what_is_typed_is_shown_as_text(office: Client, cast: Cast) -> None:
    page = office.get(reverse("find"), {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert(1)" not in page


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    def test_ctrl_k_a_name_and_enter_lead_to_the_person(self, page: Any, cast: Cast) -> None:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto("/admin/")
        page.keyboard.press("Control+k")
        page.keyboard.type("alice")
        page.wait_for_selector("[data-found] a >> text=Alice Able")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/access/person/{cast.alice.pk}/change/")

    def test_a_phone_has_a_page_for_it(self, page: Any, cast: Cast) -> None:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/admin/")
        page.click("a[aria-label=Search]")
        page.wait_for_selector("#find-page:focus")
        page.keyboard.type("00017")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-found] >> text=Alice Able")
