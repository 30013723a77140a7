"""A human settles whether two people are one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from access.models import AuditEntry, Enrolment, Faceprint, Person
from tests import factories
from tests.admin.conftest import photograph
from tests.factories import ALICE, Cast


@pytest.fixture
def doubt(
    office: Client, cast: Cast, fill_in: Callable[..., Any], camera_sees: Callable[..., Any]
) -> Enrolment:
    """Somebody new whose photograph looks like Alice."""
    camera_sees(ALICE)
    fill_in(office, consent_text=factories.consent_text().pk, photographs=[photograph()])
    held = Enrolment.objects.get()
    assert held.state == Enrolment.State.REVIEW
    return held


def answer(client: Client, held: Enrolment, word: str) -> Any:
    return client.post(f"/admin/access/enrolment/{held.pk}/settle/", {"answer": word})


def test_the_page_shows_both_people_and_the_score(office: Client, cast: Cast, doubt: Enrolment) -> None:
    shown = office.get(f"/admin/access/enrolment/{doubt.pk}/change/").content.decode()
    assert "Erika Muster" in shown
    assert "Alice Able" in shown
    assert f"{doubt.lookalike_score:.4f}" in shown
    assert "Same person – refuse" in shown


def test_different_people_are_both_enrolled(office: Client, doubt: Enrolment) -> None:
    answer(office, doubt, "different")
    doubt.refresh_from_db()
    assert doubt.state == Enrolment.State.DONE
    assert Faceprint.objects.filter(person=doubt.person, active=True).count() == 1
    entry = AuditEntry.objects.get(action="enrolment.reviewed")
    assert (entry.staff.username, entry.details["different"]) == ("office", True)


def test_the_same_person_is_refused_and_the_new_faceprint_deleted(office: Client, doubt: Enrolment) -> None:
    answer(office, doubt, "same")
    doubt.refresh_from_db()
    assert doubt.state == Enrolment.State.REFUSED
    assert not Faceprint.objects.filter(person=doubt.person).exists()


def test_the_second_of_two_answers_changes_nothing(office: Client, doubt: Enrolment) -> None:
    answer(office, doubt, "same")
    answer(office, doubt, "different")
    doubt.refresh_from_db()
    assert doubt.state == Enrolment.State.REFUSED


def test_an_answer_that_is_none_is_not_taken(office: Client, doubt: Enrolment) -> None:
    assert answer(office, doubt, "perhaps").status_code == 405
    doubt.refresh_from_db()
    assert doubt.state == Enrolment.State.REVIEW


@pytest.mark.parametrize(
    "permissions",
    [("view_enrolment",), ("view_enrolment", "change_enrolment"), ("change_enrolment", "view_photograph")],
)
def test_who_may_not_see_both_faces_may_not_settle(
    doubt: Enrolment, login_with: Callable[..., Client], permissions: tuple[str, ...]
) -> None:
    clerk = login_with(*permissions)
    assert answer(clerk, doubt, "different").status_code == 403
    shown = clerk.get(f"/admin/access/enrolment/{doubt.pk}/change/").content.decode()
    assert "Same person – refuse" not in shown
    assert "<img" not in shown


def test_the_menu_counts_what_waits_for_a_human(office: Client, doubt: Enrolment) -> None:
    def badge() -> Any:
        groups = office.get("/admin/").context["sidebar_navigation"]
        [line] = [item for group in groups for item in group["items"] if item["title"] == "To review"]
        return line.get("badge")

    assert badge() == 1
    answer(office, doubt, "same")
    assert badge() is None


def test_the_queue_lists_only_doubts(office: Client, doubt: Enrolment) -> None:
    Enrolment.objects.create(person=Person.objects.first())
    found = office.get("/admin/access/enrolment/?state__exact=review").context["cl"].result_list
    assert list(found) == [doubt]
