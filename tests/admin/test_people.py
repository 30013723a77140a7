"""Adding, changing, suspending and erasing people in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.signals import post_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import decisions, people, policy, snapshots
from access.models import AuditEntry, Enrolment, Faceprint, Gallery, Person, Photograph
from recognition import Problem
from tests import factories
from tests.admin.conftest import photograph
from tests.factories import ALICE, Cast

LIST = "/admin/access/person/"


def page(person: Person, name: str = "change") -> str:
    return reverse(f"admin:access_person_{name}", args=[person.pk])


def test_adding_a_person_with_photographs_enrols_them(
    office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    crew, text = Gallery.objects.create(name="Crew"), factories.consent_text()
    response = fill_in(
        office,
        galleries=[crew.pk],
        consent_text=text.pk,
        photographs=[photograph(), photograph("b.jpg", seed=1)],
    )
    person = Person.objects.get()
    consent = person.consents.get()
    assert response.url == page(person)
    assert (person.name, person.badge, list(person.galleries.all())) == ("Erika Muster", "00042", [crew])
    assert (consent.text, consent.noted_by.username) == (text, "office")
    assert Enrolment.objects.get().state == Enrolment.State.DONE
    assert Faceprint.objects.filter(person=person, active=True).count() == 2


def test_photographs_without_consent_are_refused_and_nothing_is_saved(
    office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    response = fill_in(office, photographs=[photograph()])
    assert "Photographs need consent first" in response.content.decode()
    assert not Person.objects.exists()
    assert not Photograph.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_file_that_is_no_picture_is_named_and_nothing_is_saved(
    office: Client, fill_in: Callable[..., Any]
) -> None:
    response = fill_in(
        office,
        consent_text=factories.consent_text().pk,
        photographs=[photograph(), SimpleUploadedFile("letter.jpg", b"Dear Sir", "image/jpeg")],
    )
    assert "letter.jpg: A JPEG, PNG or WebP picture is needed." in response.content.decode()
    assert not Person.objects.exists()


def test_a_request_too_large_for_its_files_says_so_instead_of_losing_them(
    office: Client, fill_in: Callable[..., Any], settings: Any
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2000
    response = fill_in(office, consent_text=factories.consent_text().pk, photographs=[photograph()])
    assert "choose fewer at once" in response.content.decode()
    assert not Person.objects.exists()


def test_a_badge_number_is_given_to_one_person_only(office: Client, fill_in: Callable[..., Any]) -> None:
    factories.person(badge="AB-1")
    response = fill_in(office, badge="ab-1")
    assert "Somebody else has this badge number." in response.content.decode()


def test_consent_in_force_suffices_for_more_photographs(
    office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    person = factories.person()
    fill_in(office, person, photographs=[photograph()])
    assert person.enrolments.get().state == Enrolment.State.DONE


def test_consent_withdrawn_while_the_form_was_open_saves_nothing(
    office: Client, fill_in: Callable[..., Any]
) -> None:
    person = factories.person("Old Name")

    def somebody_else_withdraws(**_: Any) -> None:
        people.withdraw_consent(person)

    post_save.connect(somebody_else_withdraws, sender=Person)
    try:
        response = fill_in(office, person, name="New Name", photographs=[photograph()])
    finally:
        post_save.disconnect(somebody_else_withdraws, sender=Person)
    person.refresh_from_db()
    assert "Nothing was saved" in office.get(response.url).content.decode()
    assert person.name == "Old Name"
    assert not person.photographs.exists()


@pytest.mark.parametrize("problem", [Problem.BLURRED, Problem.NO_FACE, Problem.SEVERAL_FACES])
def test_a_refused_photograph_says_what_to_do(
    office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any], problem: Problem
) -> None:
    camera_sees(problem=problem)
    person = factories.person()
    fill_in(office, person, photographs=[photograph()])
    shown = office.get(page(person)).content.decode()
    assert Photograph.objects.get().advice in shown
    assert "lintel-bad" in shown


def test_the_box_of_the_face_is_drawn_where_the_worker_found_it(
    office: Client, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    person = factories.person()
    fill_in(office, person, photographs=[photograph()])
    shown = office.get(page(person)).content.decode()
    assert Photograph.objects.get().box == [0.1, 0.0833, 0.9, 0.9167]
    assert '<rect x="0.1" y="0.0833" width="0.8" height="0.8334"' in shown


def test_switching_a_person_off_is_a_suspension_on_record(
    office: Client, fill_in: Callable[..., Any]
) -> None:
    person = factories.person()
    fill_in(office, person, active=None)
    person.refresh_from_db()
    assert not person.active
    assert AuditEntry.objects.get(action="person.suspended").staff.username == "office"


def test_a_change_is_on_record_by_field_name_and_never_by_value(
    office: Client, fill_in: Callable[..., Any]
) -> None:
    person = factories.person("Old Name")
    fill_in(office, person, name="New Name")
    entry = AuditEntry.objects.get(action="person.changed")
    assert (entry.subject, entry.details) == (f"person:{person.pk}", {"fields": ["name"]})
    assert not LogEntry.objects.exists()


def test_galleries_are_changed_on_record(office: Client, fill_in: Callable[..., Any]) -> None:
    person, crew = factories.person(), Gallery.objects.create(name="Crew")
    fill_in(office, person, galleries=[crew.pk])
    assert list(person.galleries.all()) == [crew]
    assert AuditEntry.objects.get(action="person.galleries").details == {"galleries": [crew.pk]}


def test_fields_a_login_has_no_right_to_are_not_read_even_if_posted(
    login_with: Callable[..., Client], fill_in: Callable[..., Any]
) -> None:
    person, crew = factories.person(consented=False), Gallery.objects.create(name="Crew")
    clerk = login_with("view_person", "change_person")
    response = fill_in(
        clerk,
        person,
        name="Renamed",
        galleries=[crew.pk],
        consent_text=factories.consent_text().pk,
        photographs=[photograph()],
    )
    person.refresh_from_db()
    assert (response.status_code, person.name) == (302, "Renamed")
    for part in (person.galleries, person.consents, person.photographs):
        assert not part.exists()


@pytest.mark.parametrize("name", ["suspend", "withdraw", "erase"])
def test_asking_changes_nothing(office: Client, name: str) -> None:
    person = factories.person()
    assert office.get(page(person, name)).status_code == 200
    person.refresh_from_db()
    assert person.active
    assert person.consents.filter(withdrawn=None).exists()
    assert person.erased is None


def test_a_person_is_suspended_and_reactivated(office: Client) -> None:
    person = factories.person()
    office.post(page(person, "suspend"))
    person.refresh_from_db()
    assert not person.active
    office.post(page(person, "reactivate"))
    person.refresh_from_db()
    assert person.active
    assert AuditEntry.objects.filter(subject=f"person:{person.pk}", action="person.reactivated").exists()


def test_only_what_can_be_done_is_offered(office: Client) -> None:
    def offered(person: Person) -> set[str]:
        actions = office.get(page(person)).context["actions_detail"]
        flat = [one for action in actions for one in action.get("items") or [action]]
        return {str(action["title"]) for action in flat}

    always = {"Take pictures", "Consents", "Own data", "Erase"}
    active, suspended = factories.person(), factories.person(consented=False, active=False)
    assert offered(active) == always | {"Invite to enrol", "Withdraw consent", "Suspend"}
    assert offered(suspended) == always | {"Reactivate"}


def test_consent_is_withdrawn(office: Client) -> None:
    person = factories.person()
    office.post(page(person, "withdraw"))
    assert not person.consents.filter(withdrawn=None).exists()


def test_nobody_is_ever_deleted(office: Client) -> None:
    person = factories.person()
    assert office.post(page(person, "delete"), {"post": "yes"}).status_code == 403
    assert Person.objects.filter(pk=person.pk).exists()


def test_erasing_needs_the_badge_number_typed(office: Client) -> None:
    person = factories.person(badge="00017")
    response = office.post(page(person, "erase"), {"badge": "17"})
    person.refresh_from_db()
    assert "not the badge number" in response.content.decode()
    assert person.erased is None


def test_an_erased_person_leaves_a_receipt_and_no_name_on_any_page(office: Client, cast: Cast) -> None:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    response = office.post(page(cast.alice, "erase"), {"badge": "00017"}, follow=True)
    receipt = response.content.decode()
    assert "Faceprints deleted" in receipt
    assert "Keys destroyed" in receipt
    for address in (
        "/admin/",
        LIST,
        f"{LIST}?standing=erased",
        page(cast.alice),
        page(cast.alice, "history"),
        page(cast.alice, "erase"),
        "/admin/access/decision/",
        f"/admin/access/decision/{snapshot.pk}/change/",
        "/admin/access/punch/",
        "/admin/access/auditentry/",
        f"/admin/access/gallery/{cast.crew.pk}/change/",
    ):
        shown = office.get(address)
        assert shown.status_code == 200, address
        assert "Alice" not in shown.content.decode(), address
        assert "00017" not in shown.content.decode(), address


def test_an_erased_person_cannot_be_changed(office: Client, fill_in: Callable[..., Any]) -> None:
    person = factories.person(badge="00017")
    office.post(page(person, "erase"), {"badge": "00017"})
    assert fill_in(office, person, name="Back again").status_code == 403


def test_the_list_asks_as_often_for_three_people_as_for_one(
    office: Client,
) -> None:
    factories.faceprint(factories.person(), ALICE)
    office.get(LIST)
    with CaptureQueriesContext(connection) as one:
        office.get(LIST)
    for _number in range(2):
        factories.faceprint(factories.person(), ALICE)
    with CaptureQueriesContext(connection) as three:
        shown = office.get(LIST)
    assert len(shown.context["cl"].result_list) == 3
    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=alice", {"Alice Able"}),
        ("q=00018", {"Bob Best"}),
        ("consent=no", {"Dora Dale"}),
        ("faceprints=no", {"Dora Dale"}),
        ("standing=suspended", {"Charlie Cross"}),
        ("standing=erased", set()),
        ("gallery=0", set()),
        ("gallery=nonsense", {"Alice Able", "Bob Best", "Charlie Cross", "Dora Dale"}),
    ],
)
def test_the_list_finds(office: Client, cast: Cast, query: str, found: set[str]) -> None:
    factories.person("Dora Dale", consented=False)
    shown = office.get(f"{LIST}?{query}").context["cl"].result_list
    assert {person.name for person in shown} == found


def test_a_name_that_looks_like_a_formula_or_a_tag_stays_a_name(office: Client) -> None:
    person = factories.person("=1+1<script>alert(1)</script>")
    for address in (LIST, page(person), page(person, "history"), page(person, "erase")):
        shown = office.get(address).content.decode()
        assert "=1+1&lt;script&gt;" in shown
        assert "<script>alert(1)" not in shown


def test_the_history_reads_as_sentences(office: Client, fill_in: Callable[..., Any]) -> None:
    person = factories.person()
    office.post(page(person, "suspend"))
    shown = office.get(page(person, "history")).content.decode()
    assert "Consent noted" in shown
    assert "Person suspended" in shown
    assert "office" in shown
