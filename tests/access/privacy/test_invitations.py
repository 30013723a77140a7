"""Self-enrolment from the link to the faceprint in use: once, in time, approved, and of nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from access import enrolment, people
from access.enrolment import Enrolment, NoConsent, Photograph
from access.models import AuditEntry, Consent, ConsentText, Faceprint, Invitation, Person, Staff
from access.privacy import invitations, pages
from access.privacy.invitations import Refused
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast

pytestmark = pytest.mark.django_db
NEWCOMER = (0, 0, 0, 1.0, 0, 0, 0, 0)
JSON = {"Accept": "application/json"}


@pytest.fixture
def dora(cast: Cast) -> Person:
    """Somebody new, without consent."""
    factories.consent_text()
    return factories.person("Dora Dent", consented=False)


@pytest.fixture
def ada() -> Staff:
    return Staff.objects.create_user("ada", password=None, is_staff=True)


def files(count: int = 3) -> list[tuple[str, bytes]]:
    return [(f"{seed}.jpg", factories.picture(seed=seed)) for seed in range(count)]


def uploads(count: int = 3) -> dict[str, list[SimpleUploadedFile]]:
    return {"photographs": [SimpleUploadedFile(name, data, "image/jpeg") for name, data in files(count)]}


def agreed(person: Person) -> str:
    token, _expires = invitations.invite(person)
    invitations.agree(token, factories.consent_text())
    return token


# --- The link -------------------------------------------------------------------------------------


def test_the_table_holds_no_link(dora: Person) -> None:
    token, expires = invitations.invite(dora)
    assert len(token) >= 43  # 256 bits
    kept = Invitation.objects.values().get()
    assert token.encode() not in bytes(kept["digest"])
    assert token not in str(kept)
    assert token not in str(list(AuditEntry.objects.values()))
    assert timedelta(days=6) < expires - timezone.now() <= timedelta(days=7)


@pytest.mark.parametrize(
    "undo",
    [
        lambda dora: Invitation.objects.update(expires=timezone.now()),
        lambda dora: invitations.revoke(dora),
        lambda dora: invitations.invite(dora),
        people.suspend,
        lambda dora: Person.objects.filter(pk=dora.pk).update(erased=timezone.now()),
    ],
    ids=["expired", "taken back", "replaced", "suspended", "erased"],
)
def test_a_link_that_does_not_hold_opens_nothing(
    dora: Person, client: Client, undo: Callable[[Person], Any]
) -> None:
    token = agreed(dora)
    undo(dora)
    response = client.get(f"/enrol/{token}/")
    unknown = client.get("/enrol/nothing-of-the-kind/")
    assert (response.status_code, response.content) == (404, unknown.content)
    assert client.post(f"/enrol/{token}/send/", uploads()).status_code == 404
    assert not Enrolment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_hand_in_at_once_one_does() -> None:
    person = factories.person()
    token = agreed(person)

    def hand_in() -> bool:
        try:
            invitations.hand_in(token, files())
        except Refused:
            return False
        return True

    assert sorted(at_once(*[partial(hand_in)] * 4)) == [False, False, False, True]
    assert Enrolment.objects.count() == 1


def test_guessing_links_gets_slower_and_a_link_that_holds_costs_nothing(dora: Person, client: Client) -> None:
    token, _expires = invitations.invite(dora)
    for _time in range(3 * pages.FREE_TRIES):
        assert client.get(f"/enrol/{token}/").status_code == 200
    answers = [client.get(f"/enrol/guess-{n}/").status_code for n in range(pages.FREE_TRIES + 2)]
    assert answers[0] == 404
    assert answers[-1] == 429


def test_nobody_is_invited_without_words_to_agree_to(cast: Cast) -> None:
    Consent.objects.all().delete()
    ConsentText.objects.all().delete()
    with pytest.raises(Refused, match="consent text"):
        invitations.invite(cast.alice)


# --- The page -------------------------------------------------------------------------------------


def test_the_page_asks_for_consent_before_it_shows_a_camera(dora: Person, client: Client) -> None:
    token, _expires = invitations.invite(dora)
    first = client.get(f"/enrol/{token}/").content.decode()
    assert "Hello Dora" in first
    assert "I agree." in first
    assert "data-enrol" not in first
    assert client.post(f"/enrol/{token}/send/", uploads(), headers=JSON).status_code == 400
    assert not Enrolment.objects.exists()

    refused = client.post(f"/enrol/{token}/", {"text": factories.consent_text().pk})
    assert "Without your consent" in refused.content.decode()
    assert not people.has_consent(dora)

    client.post(f"/enrol/{token}/", {"text": factories.consent_text().pk, "agree": "yes"})
    consent = Consent.objects.get(person=dora)
    assert (consent.channel, consent.noted_by, consent.withdrawn) == ("self", None, None)
    assert "data-enrol" in client.get(f"/enrol/{token}/").content.decode()


def test_words_that_were_not_on_the_page_are_not_agreed_to(dora: Person, client: Client) -> None:
    token, _expires = invitations.invite(dora)
    older = factories.consent_text()
    ConsentText.objects.create(version="2027", body="Newer words.")
    answer = client.post(f"/enrol/{token}/", {"text": older.pk, "agree": "yes"})
    assert "Newer words." in answer.content.decode()
    assert not people.has_consent(dora)


def test_it_speaks_the_persons_language_with_the_text_of_that_language(dora: Person, client: Client) -> None:
    ConsentText.objects.create(version="2026-01", language="de", body="Ich bin einverstanden.")
    token, _expires = invitations.invite(dora)
    page = client.get(f"/enrol/{token}/", headers={"Accept-Language": "de-AT,de;q=0.9"}).content.decode()
    assert "Guten Tag, Dora" in page
    assert "Ich bin einverstanden." in page
    assert "Bonjour Dora" in client.get(f"/enrol/{token}/?language=fr").content.decode()


def test_it_shows_nobody_else(dora: Person, client: Client, cast: Cast) -> None:
    token = agreed(dora)
    sent = client.post(f"/enrol/{token}/send/", uploads(), headers=JSON)
    held = Enrolment.objects.get()
    enrolment.ask_review(held, cast.alice.pk, 0.7)
    seen = client.get(sent.json()["result"]).content.decode()
    assert "Alice" not in seen
    assert "0.7" not in seen
    assert str(cast.alice.pk) not in re.findall(r"\d+", seen)


def test_the_headers_keep_the_link_secret_and_nothing_inline_runs(dora: Person, client: Client) -> None:
    token = agreed(dora)
    response = client.get(f"/enrol/{token}/")
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert " style=" not in response.content.decode()


@pytest.mark.parametrize("unfit", [b"text that calls itself a picture", b""])
def test_what_is_no_photograph_is_named_and_the_link_still_holds(
    dora: Person, client: Client, unfit: bytes
) -> None:
    token = agreed(dora)
    bad = {"photographs": [SimpleUploadedFile("cv.pdf", unfit)]} if unfit else {}
    answer = client.post(f"/enrol/{token}/send/", bad)
    assert answer.status_code == 400
    assert ("cv.pdf" if unfit else "at least one") in answer.content.decode()
    assert client.post(f"/enrol/{token}/send/", uploads()).status_code == 302
    assert client.get("/enrol/thanks/").status_code == 200


def test_whoever_withdraws_meanwhile_hands_in_nothing(dora: Person) -> None:
    token = agreed(dora)
    people.withdraw_consent(dora)
    with pytest.raises(NoConsent):
        invitations.hand_in(token, files())
    assert Invitation.objects.get().used is None


# --- What became of it ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_pictures_count_for_nothing_until_they_are_approved(
    cast: Cast, ada: Staff, run_queue: list[Any], camera_sees: Callable[..., Any], client: Client
) -> None:
    camera_sees(NEWCOMER)
    dora = factories.person("Dora Dent", consented=False)
    token = agreed(dora)
    sent = client.post(f"/enrol/{token}/send/", uploads(), headers=JSON).json()
    told = client.get(sent["result"]).json()
    assert (told["waiting"], told["accepted"]) == (False, 3)
    held = Enrolment.objects.get()
    assert (held.state, held.invitation) == ("approve", Invitation.objects.get())
    assert not Faceprint.objects.filter(person=dora, active=True).exists()
    # The link is spent; the ticket replaces what was refused, a few times.
    assert client.get(f"/enrol/{token}/").status_code == 404
    assert client.post(sent["more"], uploads(1), headers=JSON).status_code == 200

    enrolment.approve(held, by=ada)
    assert Faceprint.objects.filter(person=dora, active=True).count() == 3
    assert AuditEntry.objects.get(action="enrolment.approved").staff == ada
    with pytest.raises(ValueError, match="approval"):
        enrolment.approve(held, by=ada)


@pytest.mark.django_db(transaction=True)
def test_rejected_pictures_are_deleted_with_a_reason(
    cast: Cast, ada: Staff, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(NEWCOMER)
    dora = factories.person("Dora Dent", consented=False)
    invitations.hand_in(agreed(dora), files())
    enrolment.reject(Enrolment.objects.get(), "They show somebody else.", by=ada)
    held = Enrolment.objects.get()
    assert (held.state, held.answer) == ("refused", "They show somebody else.")
    assert not Photograph.objects.exists()
    assert not Faceprint.objects.filter(person=dora).exists()


@pytest.mark.django_db(transaction=True)
def test_a_look_alike_is_settled_first_and_then_still_approved(
    cast: Cast, ada: Staff, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(factories.ALICE)
    dora = factories.person("Dora Dent", consented=False)
    invitations.hand_in(agreed(dora), files())
    held = Enrolment.objects.get()
    assert held.state == "review"
    enrolment.settle_review(held, different=True, by=ada)
    held.refresh_from_db()
    assert held.state == "approve"
    assert not Faceprint.objects.filter(person=dora, active=True).exists()


def test_a_ticket_is_for_its_own_invitation_and_not_forged(dora: Person, client: Client) -> None:
    assert client.get("/enrol/result/?ticket=forged").status_code == 404
    assert client.post("/enrol/more/?ticket=forged", uploads()).status_code == 404
    token = agreed(dora)
    more = client.post(f"/enrol/{token}/send/", uploads(), headers=JSON).json()["more"]
    answers = [client.post(more, uploads(1)).status_code for _ in range(invitations.MOST_SETS)]
    assert answers == [200] * (invitations.MOST_SETS - 1) + [404]
    invitations.revoke(dora)
    Invitation.objects.update(revoked=timezone.now())
    assert client.get(more.replace("more", "result")).status_code == 404
