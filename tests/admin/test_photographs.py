"""Photographs leave the house only for those who may see them, and never without an entry in the trail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from access.admin import photographs
from access.models import AuditEntry, Enrolment, Faceprint, Person, Photograph
from tests import factories
from tests.admin.conftest import photograph
from tests.factories import ALICE


@pytest.fixture
def person(office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]) -> Person:
    """Somebody with one photograph on file."""
    camera_sees(ALICE)
    somebody = factories.person()
    fill_in(office, somebody, photographs=[photograph()])
    return somebody


def address_on_page(client: Client, person: Person) -> str:
    shown = client.get(f"/admin/access/person/{person.pk}/change/")
    return str(shown.context["photographs"]["cards"][0].url)


def test_a_picture_is_served_to_the_page_that_shows_it_and_kept_nowhere(
    office: Client, person: Person
) -> None:
    response = office.get(address_on_page(office, person))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content.startswith(b"\xff\xd8\xff")


def test_a_look_at_the_page_is_one_entry_however_many_pictures_it_shows(
    office: Client, person: Person, fill_in: Callable[..., Any]
) -> None:
    fill_in(office, person, photographs=[photograph("b.jpg", seed=1)])
    office.get(address_on_page(office, person))
    [entry] = AuditEntry.objects.filter(action="photograph.viewed")
    assert (entry.subject, entry.staff.username) == (f"person:{person.pk}", "office")


def test_nobody_gets_a_picture_without_the_page(office: Client, person: Person) -> None:
    bare = address_on_page(office, person).split("?")[0]
    assert office.get(bare).status_code == 403
    assert office.get(f"{bare}?ticket=forged").status_code == 403


def test_a_ticket_is_good_for_its_own_login_only(
    office: Client, person: Person, login_with: Callable[..., Client]
) -> None:
    address = address_on_page(office, person)
    assert login_with("view_person", "view_photograph").get(address).status_code == 403
    assert Client().get(address).status_code == 302


def test_a_ticket_is_good_for_its_own_person_only(office: Client, person: Person) -> None:
    ticket = address_on_page(office, person).split("ticket=")[1]
    other = factories.person()
    assert office.get(f"/admin/access/person/{other.pk}/photographs/?ticket={ticket}").status_code == 403


def test_a_ticket_ends(office: Client, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_on_page(office, person)
    monkeypatch.setattr(photographs, "TICKET_SECONDS", -1)
    assert office.get(address).status_code == 403


def test_who_may_see_people_but_not_photographs_sees_none(
    person: Person, login_with: Callable[..., Client]
) -> None:
    response = login_with("view_person").get(f"/admin/access/person/{person.pk}/change/")
    assert response.status_code == 200
    assert "photographs" not in response.context
    assert not AuditEntry.objects.filter(action="photograph.viewed").exists()


def test_the_panel_asks_again_while_something_waits_and_then_no_more(office: Client, person: Person) -> None:
    panel = office.get(f"/admin/access/person/{person.pk}/change/").context["photographs"]["fragment"]
    assert 'data-waiting="no"' in office.get(panel).content.decode()
    Enrolment.objects.update(state=Enrolment.State.WAITING)
    assert 'data-waiting="yes"' in office.get(panel).content.decode()


def test_a_photograph_is_deleted_with_its_faceprint_and_on_record(office: Client, person: Person) -> None:
    key = Photograph.objects.get().pk
    address = f"/admin/access/person/photograph/{key}/delete/"
    office.get(address)
    assert Photograph.objects.exists()
    office.post(address)
    assert not Photograph.objects.exists()
    assert not Faceprint.objects.exists()
    entry = AuditEntry.objects.get(action="photograph.deleted")
    assert (entry.subject, entry.details) == (f"person:{person.pk}", {"photograph": key})


def test_a_photograph_being_looked_at_is_not_deleted(office: Client, person: Person) -> None:
    Enrolment.objects.update(state=Enrolment.State.WAITING)
    office.post(f"/admin/access/person/photograph/{Photograph.objects.get().pk}/delete/")
    assert Photograph.objects.exists()


def test_deleting_a_photograph_needs_the_right_to(person: Person, login_with: Callable[..., Client]) -> None:
    clerk = login_with("view_person", "change_person", "view_photograph")
    key = Photograph.objects.get().pk
    assert clerk.post(f"/admin/access/person/photograph/{key}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("form", "kind"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_the_type_is_told_by_the_bytes(form: str, kind: str) -> None:
    assert photographs.content_type(factories.picture(form=form)) == kind


def test_anything_else_has_no_type() -> None:
    assert photographs.content_type(b"<svg onload=alert(1)>") is None
