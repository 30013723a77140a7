"""Cards, QR codes and PINs at a real door: whose they are, when they are good, and that nothing is told."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.attendance import Punch
from access.doors import alarms, credentials
from access.doors.alarms import Kind
from access.doors.credentials import Card, Pin, Unacceptable
from access.models import Alarm, AuditEntry, Decision, Door
from access.policy import Reason
from tests import factories
from tests.access.doors.acting import show, show_face
from tests.factories import Cast

pytestmark = pytest.mark.django_db
NUMBER = "04 A1 b2 C3"
HOUR = timedelta(hours=1)


def asks(cast: Cast, factors: str) -> None:
    Door.objects.filter(pk=cast.front.pk).update(factors=factors)


def kinds() -> list[str]:
    return list(Alarm.objects.order_by("pk").values_list("kind", flat=True))


# --- Cards -----------------------------------------------------------------------------------------


def test_a_card_opens_however_its_reader_writes_it(cast: Cast) -> None:
    asks(cast, "card")
    credentials.issue_card(cast.alice, NUMBER)
    made = show(cast.kiosk, card="04a1B2c3")
    assert (made.granted, made.person, made.direction) == (True, cast.alice, "in")
    assert Punch.objects.get().source == Punch.Source.CARD


def test_a_card_is_good_within_its_days_only(cast: Cast) -> None:
    asks(cast, "card")
    now = timezone.now()
    for number, begins, ends, reason in (
        ("C0001", now - HOUR, now + HOUR, Reason.OK),
        ("C0002", now + HOUR, None, Reason.CARD_NOT_VALID),
        ("C0003", None, now - HOUR, Reason.CARD_NOT_VALID),
    ):
        credentials.issue_card(cast.alice, number, valid_from=begins, valid_until=ends)
        assert show(cast.kiosk, card=number).reason == reason


def test_a_revoked_card_opens_nothing_and_may_be_given_to_somebody_else(cast: Cast) -> None:
    asks(cast, "card")
    card = credentials.issue_card(cast.bob, NUMBER)
    with pytest.raises(Unacceptable):
        credentials.issue_card(cast.alice, NUMBER)
    assert credentials.revoke_card(card)
    assert not credentials.revoke_card(card)
    assert show(cast.kiosk, card=NUMBER).reason == Reason.CARD_NOT_VALID
    credentials.issue_card(cast.alice, NUMBER)
    assert show(cast.kiosk, card=NUMBER).person == cast.alice


def test_a_blocked_card_opens_again_unless_somebody_else_has_it_by_then(cast: Cast) -> None:
    asks(cast, "card")
    card = credentials.issue_card(cast.alice, NUMBER)
    credentials.revoke_card(card, why=Card.Ended.BLOCKED)
    assert show(cast.kiosk, card=NUMBER).reason == Reason.CARD_NOT_VALID
    credentials.unblock_card(card)
    assert show(cast.kiosk, card=NUMBER).granted
    with pytest.raises(Unacceptable):
        credentials.unblock_card(card)
    credentials.revoke_card(card, why=Card.Ended.BLOCKED)
    credentials.issue_card(cast.bob, NUMBER)
    with pytest.raises(Unacceptable):
        credentials.unblock_card(card)
    assert credentials.card_of(NUMBER).person == cast.bob


def test_a_lost_card_that_is_shown_raises_an_alarm_at_once(cast: Cast) -> None:
    asks(cast, "card")
    card = credentials.issue_card(cast.alice, NUMBER)
    credentials.revoke_card(card, why=Card.Ended.BLOCKED)
    show(cast.kiosk, card=NUMBER)
    assert kinds() == []
    assert credentials.revoke_card(card, why=Card.Ended.LOST)
    assert show(cast.kiosk, card=NUMBER).reason == Reason.CARD_NOT_VALID
    alarm = Alarm.objects.get(kind=Kind.LOST_CARD)
    assert (alarm.subject, alarm.person, alarm.door) == (f"card:{card.pk}", cast.alice, cast.front)


def test_a_qr_code_is_one_to_one_with_the_face(cast: Cast) -> None:
    asks(cast, "face_card")
    _card, content = credentials.issue_qr(cast.alice)
    assert show_face(cast.kiosk, cast.alice.pk, card=content).granted
    assert show_face(cast.kiosk, cast.bob.pk, card=content).reason == Reason.FACTORS_DISAGREE
    assert show_face(cast.kiosk, cast.alice.pk).reason == Reason.SECOND_FACTOR_NEEDED


def test_no_number_and_no_pin_stands_in_the_tables_or_the_trail(cast: Cast) -> None:
    credentials.issue_card(cast.alice, NUMBER)
    _card, content = credentials.issue_qr(cast.alice)
    credentials.set_pin(cast.alice, "270419", duress="270420")
    asks(cast, "card_pin")
    show(cast.kiosk, card=content, pin="270419")
    show(cast.kiosk, badge="00017", pin="270420")
    tables: list[Any] = [Card, Pin, AuditEntry, Decision, Alarm]
    kept = str([list(table.objects.values()) for table in tables])
    for secret in ("04a1b2c3", content, content.casefold(), "270419", "270420"):
        assert secret not in kept


# --- People without a face -------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [{"card": NUMBER}, {"badge": "00017", "pin": "270419"}])
def test_who_passes_without_a_face_needs_no_consent_and_is_punched_like_others(
    cast: Cast, shown: dict[str, str]
) -> None:
    person = factories.person("Nora New", badge="00020", consented=False, without_face=True)
    cast.crew.people.add(person)
    credentials.issue_card(person, NUMBER)
    credentials.set_pin(person, "270419")
    made = show(cast.kiosk, **(shown | ({"badge": "00020"} if "badge" in shown else {})))
    assert (made.granted, made.person) == (True, person)
    assert Punch.objects.get().person == person


def test_who_has_a_face_on_file_must_show_it(cast: Cast) -> None:
    credentials.issue_card(cast.alice, NUMBER)
    assert show(cast.kiosk, card=NUMBER).reason == Reason.FACE_NEEDED


def test_a_pin_goes_on_from_the_face_that_was_seen(cast: Cast) -> None:
    asks(cast, "face_pin")
    credentials.set_pin(cast.alice, "270419")
    first = show_face(cast.kiosk, cast.alice.pk)
    assert (first.reason, first.needs, first.tells_who) == (Reason.SECOND_FACTOR_NEEDED, ["pin"], False)
    second = show(cast.kiosk, after=first.step, pin="270419")
    assert (second.granted, second.person) == (True, cast.alice)
    assert not show(cast.kiosk, after=first.step, pin="270419").granted


# --- PINs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pin", ["123", "12345678901234", "1111", "123456", "9876", "12a4", "", "٣٤٥٦"])
def test_a_pin_that_is_guessed_first_or_malformed_is_not_taken(cast: Cast, pin: str) -> None:
    with pytest.raises(Unacceptable):
        credentials.set_pin(cast.alice, pin)
    assert not Pin.objects.exists()


def test_a_made_up_pin_would_be_taken() -> None:
    for _n in range(200):
        credentials.check_form(credentials.new_pin())


def test_the_duress_pin_opens_and_alarms_in_silence(cast: Cast) -> None:
    asks(cast, "pin")
    with pytest.raises(Unacceptable):
        credentials.set_pin(cast.alice, "270419", duress="270419")
    credentials.set_pin(cast.alice, "270419", duress="270420")
    usual = show(cast.kiosk, badge="00017", pin="270419")
    assert (usual.reason, kinds()) == (Reason.OK, [])
    forced = show(cast.kiosk, badge="00017", pin="270420")
    assert (forced.granted, forced.reason, forced.message) == (True, Reason.DURESS, usual.message)
    alarm = alarms.unacknowledged().get()
    assert (alarm.kind, alarm.silent, alarm.person) == (Kind.DURESS, True, cast.alice)


def test_pins_are_not_looked_at_after_five_wrong_ones_not_even_the_right_one(cast: Cast) -> None:
    asks(cast, "pin")
    credentials.set_pin(cast.alice, "270419")
    reasons = [show(cast.kiosk, badge="00017", pin=f"90817{n}").reason for n in range(6)]
    assert reasons == [Reason.WRONG_PIN] * 5 + [Reason.TOO_MANY_TRIES]
    assert show(cast.kiosk, badge="00017", pin="270419").reason == Reason.TOO_MANY_TRIES
    assert Kind.PIN_GUESSING in kinds()
    credentials.set_pin(cast.alice, "270419")
    assert show(cast.kiosk, badge="00017", pin="270419").granted


def test_nobody_learns_which_badges_exist_or_who_has_a_pin(cast: Cast) -> None:
    asks(cast, "pin")
    credentials.set_pin(cast.alice, "270419")
    told = {show(cast.kiosk, badge=badge, pin="908172").message for badge in ("00017", "00018", "99999")}
    assert told == {"That was not accepted."}


def test_three_suspicious_refusals_in_a_row_at_one_kiosk_are_an_alarm(cast: Cast) -> None:
    other, _key = factories.kiosk(cast.front)
    for kiosk in (cast.kiosk, other, cast.kiosk):
        show_face(kiosk, None)
    assert kinds() == []
    show_face(cast.kiosk, cast.alice.pk)
    show_face(cast.kiosk, None)
    assert kinds() == []
    for _n in range(2):
        show_face(cast.kiosk, None)
    assert kinds() == [Kind.REFUSALS]


def test_a_pin_that_was_taken_away_opens_nothing(cast: Cast) -> None:
    asks(cast, "pin")
    credentials.set_pin(cast.alice, "270419")
    credentials.clear_pin(cast.alice)
    assert show(cast.kiosk, badge="00017", pin="270419").reason == Reason.WRONG_PIN
