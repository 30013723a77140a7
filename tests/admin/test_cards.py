"""Cards, QR codes and PINs in the admin: handed over on record, shown once, ended with a word why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.doors import credentials
from access.doors.credentials import Card, Pin
from access.models import AuditEntry, Door, Staff
from access.policy import Proof, Reason
from access.roles import Role
from tests.access.doors.acting import show
from tests.admin.conftest import signed_in
from tests.factories import Cast


@pytest.fixture
def security(db: None) -> Client:
    staff = Staff.objects.create_user("sec", password=None, is_staff=True, roles=[Role.SECURITY])
    return signed_in(staff)


def page(person: Any, name: str) -> str:
    return f"/admin/access/person/{person.pk}/{name}/"


def test_a_card_is_handed_over_with_its_days_in_the_time_of_the_site(security: Client, cast: Cast) -> None:
    form = {"number": "04 A1 B2 C3", "first": "2026-03-02", "last": "2026-03-06"}
    security.post(page(cast.alice, "issue-card"), form)
    card = Card.objects.get()
    assert (card.person, card.kind, card.hint) == (cast.alice, "card", "c3")
    assert card.valid_from == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert card.valid_until == datetime(2026, 3, 6, 23, tzinfo=UTC)
    shown = security.get(f"/admin/access/card/{card.pk}/change/").content.decode()
    assert "2 Mar 2026 – 6 Mar 2026" in shown
    assert "04a1b2c3" not in shown.casefold().replace(" ", "")
    assert AuditEntry.objects.get(action="card.issued").subject == f"person:{cast.alice.pk}"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"number": "12"}, "number"), ({"number": "TAKEN1"}, "number"), ({"last": "2026-03-01"}, "last")],
)
def test_a_card_that_cannot_be_handed_over_says_why(
    security: Client, cast: Cast, fields: dict[str, str], field: str
) -> None:
    credentials.issue_card(cast.bob, "TAKEN1")
    form = {"number": "FREE01", "first": "2026-03-02", "last": ""} | fields
    answer = security.post(page(cast.alice, "issue-card"), form)
    assert list(answer.context["form"].errors) == [field]
    assert Card.objects.count() == 1


def test_a_qr_code_is_shown_once_to_print_or_send(security: Client, cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(factors="card")
    before = Card.objects.count()
    assert security.get(page(cast.alice, "issue-qr")).status_code == 200
    assert Card.objects.count() == before
    answer = security.post(page(cast.alice, "issue-qr"), {"first": "", "last": ""})
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode()
    assert "data-print" in text
    assert f'download="qr-{cast.alice.badge}.svg"' in text
    card = Card.objects.get()
    assert card.kind == "qr"
    later = security.get(f"/admin/access/card/{card.pk}/change/").content.decode()
    assert answer.context["picture"] not in later


def test_a_card_is_blocked_opened_again_lost_and_found_by_its_number(security: Client, cast: Cast) -> None:
    card = credentials.issue_card(cast.alice, "04A1B2C3")
    credentials.issue_card(cast.bob, "04A1B2C4")
    end, unblock = (f"/admin/access/card/{card.pk}/{name}/" for name in ("end", "unblock"))
    assert security.post(unblock).status_code == 403
    security.post(end, {"why": "blocked"})
    assert credentials.look_at_card("04A1B2C3", now=timezone.now())[0] is Proof.NOT_VALID
    security.post(unblock)
    assert credentials.look_at_card("04A1B2C3", now=timezone.now())[0] is Proof.GOOD
    security.post(end, {"why": "lost"})
    card.refresh_from_db()
    assert (card.ended, card.revoked is not None) == ("lost", True)
    assert security.post(end, {"why": "returned"}).status_code == 403
    for asked in ("?q=04 a1 b2 c3", "?q=Alice", "?state=lost"):
        rows = security.get(f"/admin/access/card/{asked}").context["cl"].result_list
        assert list(rows) == [card], asked
    actions = AuditEntry.objects.filter(action__startswith="card.").order_by("pk")
    assert [(entry.action, entry.details.get("why")) for entry in actions if entry.staff] == [
        ("card.revoked", "blocked"),
        ("card.unblocked", None),
        ("card.revoked", "lost"),
    ]


@pytest.mark.parametrize("state", ["good", "early", "over", "blocked", "lost", "returned"])
def test_cards_are_filtered_by_their_state(security: Client, cast: Cast, state: str) -> None:
    now, day = timezone.now(), timedelta(days=1)
    days = {"early": {"valid_from": now + day}, "over": {"valid_until": now - day}}
    for one in ("good", "early", "over", "blocked", "lost", "returned"):
        card = credentials.issue_card(cast.alice, f"NUMBER-{one}", **days.get(one, {}))
        if one in Card.Ended.values:
            credentials.revoke_card(card, why=one)
    rows = security.get(f"/admin/access/card/?state={state}").context["cl"].result_list
    assert [row.state_at(now) for row in rows] == [state]


def test_a_made_up_pin_and_its_duress_pin_are_shown_once_and_work(security: Client, cast: Cast) -> None:
    Door.objects.filter(pk=cast.front.pk).update(factors="pin")
    answer = security.post(page(cast.alice, "set-pin"), {"own": "made", "duress": "on"})
    pin, duress = answer.context["pin"], answer.context["duress"]
    assert "no-store" in answer["Cache-Control"]
    assert pin != duress
    assert [show(cast.kiosk, badge="00017", pin=one).reason for one in (pin, duress)] == [
        Reason.OK,
        Reason.DURESS,
    ]
    later = security.get(f"/admin/access/person/{cast.alice.pk}/change/").content.decode()
    assert "with a duress PIN" in later
    assert pin not in later
    security.post(page(cast.alice, "clear-pin"))
    assert not Pin.objects.exists()
    assert security.post(page(cast.alice, "clear-pin")).status_code == 403


def test_a_typed_pin_is_checked_and_not_shown_again(security: Client, cast: Cast) -> None:
    bad = security.post(page(cast.alice, "set-pin"), {"own": "typed", "pin": "1234"})
    assert list(bad.context["form"].errors) == ["pin"]
    assert not Pin.objects.exists()
    good = security.post(page(cast.alice, "set-pin"), {"own": "typed", "pin": "270419"})
    assert "270419" not in good.content.decode()
    assert Pin.objects.get().duress == ""


def test_the_page_of_a_person_says_what_admits_them_and_what_they_hold(
    security: Client, cast: Cast, login_with: Callable[..., Client]
) -> None:
    credentials.issue_card(cast.alice, "04A1B2C3")
    much = security.get(f"/admin/access/person/{cast.alice.pk}/change/").content.decode()
    for words in ("card …c3", "Crew", "Works · Front door", "issue-card/", "set-pin/"):
        assert words in much
    assert "Charlie" not in much
    little = login_with("view_person").get(f"/admin/access/person/{cast.alice.pk}/change/").content.decode()
    for words in ("card …c3", "issue-card/", "Cards and PIN"):
        assert words not in little


def test_the_days_of_a_person_and_that_they_pass_without_a_face_are_set_in_the_form(
    fill_in: Callable[..., Any], office: Client, cast: Cast
) -> None:
    fill_in(office, cast.alice, valid_from="2026-03-02", valid_until="2026-03-31", without_face="on")
    cast.alice.refresh_from_db()
    days = (str(cast.alice.valid_from), str(cast.alice.valid_until))
    assert (days, cast.alice.without_face) == (("2026-03-02", "2026-03-31"), True)
    answer = fill_in(office, cast.alice, valid_from="2026-03-02", valid_until="2026-03-01")
    assert answer.context["adminform"].form.errors["valid_until"]
