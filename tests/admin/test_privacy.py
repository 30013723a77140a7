"""Consent, invitations, pictures before a camera and retention, as the office sees and does them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client

from access import enrolment, people
from access.models import (
    AuditEntry,
    Consent,
    ConsentText,
    Enrolment,
    Faceprint,
    Gallery,
    Invitation,
    Person,
    Photograph,
    Retention,
    Staff,
)
from access.privacy import invitations, retention
from access.privacy.kinds import Kind
from access.roles import Role
from tests import factories
from tests.admin.conftest import photograph, signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def clerk(*roles: str) -> Client:
    number = Staff.objects.count()
    return signed_in(
        Staff.objects.create_user(f"clerk{number}", password=None, is_staff=True, roles=list(roles))
    )


def address(person: Person, page: str) -> str:
    return f"/admin/access/person/{person.pk}/{page}/"


# --- The camera -----------------------------------------------------------------------------------


def test_the_camera_opens_only_after_the_consent_was_noted(cast: Cast) -> None:
    dora = factories.person("Dora Dent", consented=False)
    german = ConsentText.objects.create(version="2026-01", language="de", body="Ich bin einverstanden.")
    enroller = clerk(Role.ENROLLER)
    page = enroller.get(address(dora, "webcam")).content.decode()
    assert "I agree." in page
    assert "data-enrol" not in page
    assert (
        "Ich bin einverstanden."
        in enroller.get(f"{address(dora, 'webcam')}?text={german.pk}").content.decode()
    )

    assert enroller.post(address(dora, "webcam/send"), {"photographs": photograph()}).status_code == 400
    enroller.post(address(dora, "webcam"), {"text": german.pk})
    assert not people.has_consent(dora)
    enroller.post(address(dora, "webcam"), {"text": german.pk, "agree": "yes"})
    consent = Consent.objects.get(person=dora)
    assert (consent.text, consent.channel, consent.noted_by.username) == (german, "office", "clerk0")
    page = enroller.get(address(dora, "webcam")).content.decode()
    assert "data-enrol" in page
    assert "style=" not in page.split("data-enrol")[1].split("</section>")[0]


def test_pictures_of_the_camera_are_enrolled_and_their_fate_is_told(
    cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any], django_capture_on_commit_callbacks: Any
) -> None:
    camera_sees((0, 0, 0, 1.0, 0, 0, 0, 0))
    dora = factories.person("Dora Dent")
    enroller = clerk(Role.ENROLLER)
    shots = [photograph(f"camera-{seed}.jpg", seed=seed) for seed in range(3)]
    with django_capture_on_commit_callbacks(execute=True):
        sent = enroller.post(address(dora, "webcam/send"), {"photographs": shots})
    told = enroller.get(sent.json()["result"]).json()
    assert (told["waiting"], told["accepted"]) == (False, 3)
    assert [one["state"] for one in told["photographs"]] == ["accepted"] * 3
    assert Faceprint.objects.filter(person=dora, active=True).count() == 3
    # The result of one person's pictures is not told under another's address.
    other = sent.json()["result"].replace(f"/{dora.pk}/", f"/{cast.bob.pk}/", 1)
    assert enroller.get(other).status_code == 404


@pytest.mark.parametrize("page", ["webcam", "webcam/send", "invite"])
@pytest.mark.parametrize("role", [Role.GUARD, Role.MANAGER, Role.AUDITOR, Role.SECURITY])
def test_others_take_no_pictures_and_invite_nobody(cast: Cast, role: str, page: str) -> None:
    other = clerk(role)
    assert other.get(address(cast.alice, page)).status_code in {302, 403, 404}
    assert other.post(address(cast.alice, page), {"photographs": photograph()}).status_code in {302, 403, 404}
    assert not Invitation.objects.exists()
    assert not Enrolment.objects.exists()


# --- Invitations ----------------------------------------------------------------------------------


def test_hr_sends_a_link_that_is_shown_once_and_can_be_taken_back(cast: Cast) -> None:
    hr = clerk(Role.HR)
    assert "Make a link" in hr.get(address(cast.alice, "invite")).content.decode()
    shown = hr.post(address(cast.alice, "invite"))
    link = shown.content.decode().split('value="http://testserver')[1].split('"')[0]
    assert "no-store" in shown["Cache-Control"]
    assert Client().get(link).status_code == 200
    later = hr.get(address(cast.alice, "invite")).content.decode()
    assert link not in later
    assert "open until" in later
    hr.post(address(cast.alice, "invite"), {"revoke": "yes"})
    assert Client().get(link).status_code == 404
    assert AuditEntry.objects.filter(action="invitation.revoked", subject=f"person:{cast.alice.pk}").exists()


@pytest.fixture
def to_approve(
    cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any], django_capture_on_commit_callbacks: Any
) -> Enrolment:
    camera_sees((0, 0, 0, 1.0, 0, 0, 0, 0))
    dora = factories.person("Dora Dent")
    token, _expires = invitations.invite(dora)
    with django_capture_on_commit_callbacks(execute=True):
        invitations.hand_in(token, [(f"{n}.jpg", factories.picture(seed=n)) for n in range(3)])
    return Enrolment.objects.get(person=dora)


def test_an_enroller_approves_what_came_by_a_link(to_approve: Enrolment) -> None:
    enroller = clerk(Role.ENROLLER)
    assert "Dora Dent" in enroller.get("/admin/access/enrolment/?state__exact=approve").content.decode()
    page = enroller.get(f"/admin/access/enrolment/{to_approve.pk}/change/").content.decode()
    assert "Do these show Dora Dent" in page
    enroller.post(f"/admin/access/enrolment/{to_approve.pk}/approve/", {"answer": "approve"})
    assert Faceprint.objects.filter(person=to_approve.person, active=True).count() == 3


def test_a_rejection_needs_a_reason(to_approve: Enrolment) -> None:
    enroller = clerk(Role.ENROLLER)
    there = f"/admin/access/enrolment/{to_approve.pk}/approve/"
    enroller.post(there, {"answer": "reject"})
    to_approve.refresh_from_db()
    assert to_approve.state == "approve"
    enroller.post(there, {"answer": "reject", "why": "They show somebody else.", "words": " Her brother. "})
    to_approve.refresh_from_db()
    assert (to_approve.state, to_approve.answer) == ("refused", "They show somebody else. Her brother.")
    assert "Her brother." in enroller.get(f"/admin/access/enrolment/{to_approve.pk}/change/").content.decode()


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.ENROLLER])
def test_whoever_invites_does_not_approve(to_approve: Enrolment, role: str) -> None:
    answer = clerk(role).post(f"/admin/access/enrolment/{to_approve.pk}/approve/", {"answer": "approve"})
    assert answer.status_code in {302, 403, 404}
    assert not Faceprint.objects.filter(person=to_approve.person, active=True).exists()


# --- The ledger -----------------------------------------------------------------------------------


def test_the_ledger_shows_every_consent_with_its_words_and_its_end(cast: Cast) -> None:
    officer = Staff.objects.create_user("officer", password=None, is_staff=True, roles=[Role.PRIVACY])
    newer = ConsentText.objects.create(
        version="2027", language="fr", body="Je suis d’accord.", for_attendance=False
    )
    people.note_consent(cast.alice, newer, by=officer)
    people.withdraw_consent(cast.alice, by=officer)
    page = signed_in(officer).get(address(cast.alice, "consents")).content.decode()
    for said in (
        "2026-01 (en)", "I agree.", "with a list", "replaced by newer words", "2027 (fr)",
        "Je suis d’accord.", "at the office", "withdrawn", "officer", "no consent",
    ):  # fmt: skip
        assert said in page, said
    first, second = Consent.objects.filter(person=cast.alice).order_by("pk")
    assert (first.ending, second.ending, second.ended_by) == ("replaced", "withdrawn", officer)


def test_the_same_version_may_be_published_in_several_languages_but_not_twice_in_one(office: Client) -> None:
    form = {"version": "2026-01", "language": "de", "body": "Ja.", "for_access": "on"}
    factories.consent_text()
    office.post("/admin/access/consenttext/add/", form)
    office.post("/admin/access/consenttext/add/", form)
    assert list(ConsentText.objects.order_by("language").values_list("version", "language")) == [
        ("2026-01", "de"),
        ("2026-01", "en"),
    ]


# --- Retention ------------------------------------------------------------------------------------


def test_the_page_shows_what_tonight_deletes_and_what_the_nights_did(cast: Cast) -> None:
    officer = clerk(Role.PRIVACY)
    people.withdraw_consent(cast.alice)
    page = officer.get("/admin/access/retention/").content.decode()
    assert "Tonight 1 row would be deleted" in page
    assert "No night yet." in page
    run = retention.begin()
    while retention.sweep_slice(run):
        pass
    page = officer.get("/admin/access/retention/").content.decode()
    assert "Tonight 0 rows" in page
    assert "<strong>1</strong>" in page
    runs = officer.get("/admin/access/sweep/").content.decode()
    assert "Faces after consent was withdrawn" in runs


@pytest.mark.parametrize(("days", "kept"), [("45", 45), ("29", 90), ("", 90), ("100000", 90)])
def test_the_privacy_officer_changes_a_period_within_its_limits(cast: Cast, days: str, kept: int) -> None:
    retention.fill_in()
    officer = clerk(Role.PRIVACY)
    officer.post(f"/admin/access/retention/{Kind.DECISIONS}/change/", {"days": days})
    assert Retention.objects.get(kind=Kind.DECISIONS).days == kept
    assert AuditEntry.objects.filter(action="retention.changed").exists() is (kept != 90)


def test_what_the_law_fixes_nobody_changes(cast: Cast, office: Client) -> None:
    retention.fill_in()
    answer = office.post(f"/admin/access/retention/{Kind.WITHDRAWN_FACES}/change/", {"days": "10"})
    assert answer.status_code == 403
    assert Retention.objects.get(kind=Kind.WITHDRAWN_FACES).days == 0


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.PRIVACY])
def test_only_the_privacy_officer_changes_periods(cast: Cast, role: str) -> None:
    retention.fill_in()
    clerk(role).post(f"/admin/access/retention/{Kind.DECISIONS}/change/", {"days": "45"})
    assert Retention.objects.get(kind=Kind.DECISIONS).days == 90


# --- Several people at once -----------------------------------------------------------------------


def chosen(action: str, *people_: Person, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(one.pk) for one in people_]} | more


def test_several_people_are_suspended_and_reactivated_after_a_page_that_names_them(
    cast: Cast, office: Client
) -> None:
    asked = office.post("/admin/access/person/", chosen("suspend_many", cast.alice, cast.bob))
    assert "Alice Able" in asked.content.decode()
    assert Person.objects.filter(active=True).count() == 2
    office.post("/admin/access/person/", chosen("suspend_many", cast.alice, cast.bob, sure="yes"))
    assert not Person.objects.filter(active=True).exists()
    assert Person.objects.filter(suspended=None).count() == 1  # Charlie, made suspended by the cast
    assert AuditEntry.objects.filter(action="person.suspended").count() == 2
    office.post("/admin/access/person/", chosen("reactivate_many", cast.alice, cast.charlie, sure="yes"))
    assert set(Person.objects.filter(active=True)) == {cast.alice, cast.charlie}


def test_several_people_join_a_gallery(cast: Cast, office: Client) -> None:
    guests = Gallery.objects.get(name="Guests")
    office.post(
        "/admin/access/person/", chosen("add_many", cast.alice, cast.bob, sure="yes", gallery=str(guests.pk))
    )
    assert set(guests.people.all()) == {cast.alice, cast.bob}
    assert cast.alice.galleries.count() == 2


def test_several_people_are_invited_each_with_a_link_of_their_own(cast: Cast) -> None:
    hr = clerk(Role.HR)
    hr.post("/admin/access/person/", chosen("invite_many", cast.alice, cast.bob))
    assert not Invitation.objects.exists()
    page = hr.post("/admin/access/person/", chosen("invite_many", cast.alice, cast.bob, sure="yes"))
    links = {part.split('"')[0] for part in page.content.decode().split('value="http://testserver')[1:]}
    assert len(links) == 2
    assert all(Client().get(link).status_code == 200 for link in links)


@pytest.mark.parametrize("action", ["suspend_many", "add_many", "invite_many"])
def test_a_login_without_the_right_is_offered_no_such_action(cast: Cast, action: str) -> None:
    auditor = clerk(Role.AUDITOR)
    assert action not in auditor.get("/admin/access/person/").content.decode()
    auditor.post("/admin/access/person/", chosen(action, cast.alice, sure="yes"))
    assert Person.objects.get(pk=cast.alice.pk).active
    assert not Invitation.objects.exists()


# --- Every look -----------------------------------------------------------------------------------


def looked(person: Person) -> int:
    return AuditEntry.objects.filter(action="photograph.viewed", subject=f"person:{person.pk}").count()


def test_every_page_with_a_face_on_it_is_noted_for_each_person_shown(cast: Cast, office: Client) -> None:
    for person in (cast.alice, cast.bob):
        held = enrolment.submit(person, [("a.jpg", factories.picture(seed=person.pk))])
        held.photographs.update(state=Photograph.State.ACCEPTED)
        Faceprint.objects.filter(person=person).update(photograph=held.photographs.get())
    held = Enrolment.objects.get(person=cast.alice)
    office.get(address(cast.alice, "change"))
    assert (looked(cast.alice), looked(cast.bob)) == (1, 0)
    enrolment.ask_review(held, cast.bob.pk, 0.7)
    office.get(f"/admin/access/enrolment/{held.pk}/change/")
    assert (looked(cast.alice), looked(cast.bob)) == (2, 1)


def test_no_picture_leaves_without_a_ticket_of_a_page_that_was_noted(cast: Cast, office: Client) -> None:
    held = enrolment.submit(cast.alice, [("a.jpg", factories.picture())])
    picture = f"/admin/access/person/photograph/{held.photographs.get().pk}/"
    assert office.get(picture).status_code == 403
    assert office.get(f"{picture}?ticket=forged").status_code == 403
    page = office.get(address(cast.alice, "change")).content.decode()
    ticket = page.split("ticket=")[1].split('"')[0].split("&")[0]
    assert office.get(f"{picture}?ticket={ticket}").status_code == 200
    assert looked(cast.alice) == 1
    assert clerk(Role.ENROLLER).get(f"{picture}?ticket={ticket}").status_code == 403


def test_nothing_but_what_notes_the_look_opens_a_picture() -> None:
    """Whoever opens a sealed photograph in the website notes it: these places do, by the tests above."""
    from pathlib import Path

    import access

    house = Path(access.__file__).parent
    opening = {
        path.relative_to(house).as_posix()
        for path in house.rglob("*.py")
        if "open_photograph(" in path.read_text("utf-8") or "picture_of(" in path.read_text("utf-8")
    }
    assert opening == {"enrolment.py", "snapshots.py", "admin/photographs.py", "privacy/disclosure.py"}


def test_each_kind_s_page_leads_to_its_history_and_back(cast: Cast, office: Client) -> None:
    """Their keys are words with underscores, which Django's admin quotes in addresses."""
    retention.fill_in()
    for kind in Kind:
        page = office.get(f"/admin/access/retention/{quote(kind.value)}/change/")
        history = re.search(r'href="(/admin/access/retention/[^"]+/history/)[^"]*"', page.content.decode())
        assert history, kind
        there = office.get(history[1])
        assert there.status_code == 200, history[1]
        back = re.search(r'class="lintel-back"><a href="([^"]+)"', there.content.decode())
        assert back, kind
        assert office.get(back[1]).context["original"].pk == kind.value
