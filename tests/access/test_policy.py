"""The rule of the door as a table that a facility manager can read, and in what order it asks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from access import policy
from access.policy import (
    MESSAGES,
    Case,
    Doorway,
    Evidence,
    Inside,
    Mode,
    Moment,
    Opening,
    Passage,
    Passback,
    Proof,
    Reason,
    Shown,
    Standing,
    Verdict,
    decide,
    explain,
    outward,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ON_TIME = Moment(
    taken=NOON,
    received=NOON + timedelta(milliseconds=300),
    now=NOON + timedelta(milliseconds=500),
    deadline=NOON + timedelta(milliseconds=2300),
    freshness=timedelta(seconds=30),
)
PASSIVE = replace(ON_TIME, live_by="passive")
COLOURS = replace(ON_TIME, live_by="colour")
LATE = replace(ON_TIME, now=ON_TIME.deadline + timedelta(microseconds=1))
OLD = replace(ON_TIME, taken=NOON - timedelta(seconds=30))
AHEAD = replace(ON_TIME, taken=ON_TIME.received + timedelta(seconds=10, microseconds=1))
ANNA = 7
FACE = Evidence(person=ANNA)
LIT = replace(FACE, live=True, judged_by="colour")
ALWAYS = Opening(admitted=True, open=True)
WELCOME = Standing(active=True, consented=True, opening=ALWAYS)
FRONT = Doorway("Front door", BERLIN)
EVERYDAY = Case(ON_TIME, FRONT, FACE, standing=WELCOME)
# Nobody looked, and nobody had to: what is shown in place of a face.
NO_PICTURE = Shown(picture=False)
CARD = replace(NO_PICTURE, card=Proof.GOOD, card_person=ANNA)
PIN = replace(NO_PICTURE, badge=True, badge_person=ANNA, pin=Proof.GOOD)
CARD_AND_PIN = replace(CARD, pin=Proof.GOOD)
FACE_AND_PIN = Shown(pin=Proof.GOOD)
FACE_AND_CARD = Shown(card=Proof.GOOD, card_person=ANNA)
WITHOUT_FACE = replace(WELCOME, without_face=True)
TWINS = Evidence(problem=Reason.AMBIGUOUS, people=(ANNA, 8))
LAB = Inside("Lab", since=NOON - timedelta(minutes=20), rule=Passback.HARD)


def case(**facts: Any) -> Case:
    """An ordinary day at the front door, but for these facts. Facts of a door may be given by their names."""
    door = {name: facts.pop(name) for name in list(facts) if name in Doorway.__dataclass_fields__}
    return replace(EVERYDAY, **facts, door=replace(FRONT, **door))


def without_picture(shown: Shown, **facts: Any) -> Case:
    return case(evidence=None, shown=shown, **facts)


@dataclass(frozen=True)
class Row:
    """One line of the table: what happens at a door, what the door does, and what staff are told."""

    story: str
    case: Case
    reason: Reason
    why: str


OK, NEEDED = Reason.OK, Reason.SECOND_FACTOR_NEEDED
TABLE = [
    # --- An ordinary day ---
    Row("Anna's face, at a door that admits her", case(), OK,
        "Front door opens for the person; shown: a face."),
    Row("a level admits her until the evening",
        case(standing=replace(WELCOME, opening=replace(
            ALWAYS, level="Office", until=datetime(2026, 3, 2, 18, 0, tzinfo=BERLIN)))),
        OK, "Office opens Front door for the person until 18:00; shown: a face."),
    Row("a level admits her at any hour",
        case(standing=replace(WELCOME, opening=replace(ALWAYS, level="Office"))),
        OK, "Office opens Front door for the person; shown: a face."),
    # --- The moment ---
    Row("a picture half a minute old", case(moment=OLD), Reason.STALE,
        "The picture was 30 s old, and Front door takes none older than 30 s."),
    Row("a PIN typed too long after the face was seen",
        case(shown=replace(FACE_AND_PIN, step_age=timedelta(seconds=31)), factors="face_pin"),
        Reason.STALE, "The face was seen too long before the PIN or card was shown."),
    Row("a kiosk whose clock runs ahead", case(moment=AHEAD), Reason.CLOCK_UNTRUSTED,
        "The kiosk's clock ran 10 s ahead of ours."),
    Row("a decision that comes late", case(moment=LATE), Reason.DEADLINE, "The decision was 0 ms late."),
    Row("no worker looked in time", case(evidence=None), Reason.DEADLINE,
        "Nobody had looked at the picture by the deadline."),
    # --- The place ---
    Row("a site where neither purpose is in use", case(keeps_access=False, keeps_attendance=False),
        Reason.NOT_IN_USE, "Neither doors nor attendance are in use at this site."),
    Row("a site that only keeps attendance", case(keeps_access=False), Reason.NOTED,
        "Doors are not opened at this site; only attendance is kept."),
    Row("the whole site is locked down", case(locked_down=True), Reason.LOCKED_DOWN,
        "The site is locked down."),
    Row("this door is locked down", case(mode=Mode.LOCKED), Reason.LOCKED_DOWN,
        "Front door is locked down."),
    Row("a stranger at a door set to free passage",
        case(mode=Mode.FREE, evidence=Evidence(), standing=None), Reason.FREE_PASSAGE,
        "Front door stands open for everybody."),
    Row("the first person of the day has come: free passage for a stranger",
        case(mode=Mode.FIRST_PERSON, somebody_came=True, evidence=Evidence(), standing=None),
        Reason.FREE_PASSAGE, "Front door stands open for everybody."),
    Row("nobody has come yet: a stranger stays outside",
        case(mode=Mode.FIRST_PERSON, evidence=Evidence(), standing=None), Reason.UNKNOWN_FACE,
        "Nobody found at this site resembles the face enough."),
    Row("free passage during a lockdown",
        case(mode=Mode.FREE, locked_down=True), Reason.LOCKED_DOWN, "The site is locked down."),
    # --- The picture ---
    *[Row(f"a picture that is {reason.value}", case(evidence=Evidence(problem=reason)), reason, why)
      for reason, why in {
          Reason.UNREADABLE: "The file was not a readable picture.",
          Reason.NO_FACE: "There was no face in the picture.",
          Reason.SEVERAL_FACES: "There were several faces in the picture.",
          Reason.TOO_SMALL: "The face was too small.",
          Reason.CUT_OFF: "The face was cut off by the edge of the picture.",
          Reason.BLURRED: "The face was blurred.",
          Reason.TOO_DARK: "The face was too dark.",
          Reason.TOO_BRIGHT: "The face was too bright.",
          Reason.TURNED_AWAY: "The face was turned away.",
          Reason.WORKER_FAILED: "The picture stopped its worker three times.",
      }.items()],
    Row("a photograph of Anna held up", case(moment=PASSIVE, evidence=replace(FACE, live=False)),
        Reason.SPOOF_SUSPECTED,
        "Front door demands a live face, and this was judged to be a picture of one."),
    Row("nothing could judge whether the face is alive", case(moment=PASSIVE), Reason.LIVENESS_UNJUDGED,
        "Front door demands a live face, and this one could not be judged."),
    Row("a face that is live only by another check than the door demands",
        case(moment=COLOURS, evidence=replace(FACE, live=True, judged_by="passive")),
        Reason.LIVENESS_UNJUDGED,
        "Front door demands a live face, and this one could not be judged."),
    Row("a challenge that was answered wrongly",
        case(moment=COLOURS, evidence=replace(FACE, live=False, judged_by="colour")),
        Reason.SPOOF_SUSPECTED,
        "Front door demands a live face, and this was judged to be a picture of one."),
    Row("a challenge that was answered", case(moment=COLOURS, evidence=LIT), OK,
        "Front door opens for the person; shown: a face."),
    Row("a face alone where that is never enough", case(second_factor=True), NEEDED,
        "Front door asks for a face and a card or PIN, and only a face was shown."),
    Row("a face alone at an hour that asks for no more, where that is never enough",
        case(second_factor=True, factors="face_pin",
             standing=replace(WELCOME, opening=replace(ALWAYS, factors="face"))), NEEDED,
        "Front door asks for a face and a card or PIN, and only a face was shown."),
    Row("a face and a PIN where a face alone is never enough",
        case(second_factor=True, shown=FACE_AND_PIN), OK,
        "Front door opens for the person; shown: a face and a PIN."),
    Row("a face and a card where a face alone is never enough",
        case(second_factor=True, shown=FACE_AND_CARD), OK,
        "Front door opens for the person; shown: a face and a card."),
    Row("a card alone in place of a face that would not be enough alone",
        without_picture(CARD, second_factor=True, standing=WITHOUT_FACE), NEEDED,
        "Front door asks for a face and a card or PIN, and only a card was shown."),
    # --- The face ---
    Row("a stranger", case(evidence=Evidence(), standing=None), Reason.UNKNOWN_FACE,
        "Nobody found at this site resembles the face enough."),
    Row("one of two twins", case(evidence=TWINS, standing=None), Reason.AMBIGUOUS,
        "Several people resemble the face, and nothing else said which it was."),
    Row("one of two twins, with her card", case(evidence=TWINS, shown=FACE_AND_CARD), OK,
        "Front door opens for the person; shown: a face and a card."),
    Row("one of two twins, with her badge number and PIN",
        case(evidence=TWINS, shown=replace(PIN, picture=True)), OK,
        "Front door opens for the person; shown: a face and a badge number and a PIN."),
    Row("one of two twins, with a third person's card",
        case(evidence=TWINS, shown=replace(FACE_AND_CARD, card_person=9), standing=None),
        Reason.FACTORS_DISAGREE, "What was shown does not belong to one and the same person."),
    Row("a model without calibration", case(evidence=Evidence(problem=Reason.UNCALIBRATED), standing=None),
        Reason.UNCALIBRATED, "The embedding model has no calibration, so nobody may be named."),
    # --- What else is shown ---
    Row("face and PIN asked for, face and PIN shown", case(shown=FACE_AND_PIN, factors="face_pin"), OK,
        "Front door opens for the person; shown: a face and a PIN."),
    Row("face and PIN asked for, only a face shown", case(factors="face_pin"), NEEDED,
        "Front door asks for a face and a PIN, and only a face was shown."),
    Row("at night the schedule asks for face and PIN",
        case(standing=replace(WELCOME, opening=replace(ALWAYS, factors="face_pin"))), NEEDED,
        "Front door asks for a face and a PIN, and only a face was shown."),
    Row("by day the schedule asks for a face only, at a door of face and PIN",
        case(factors="face_pin", standing=replace(WELCOME, opening=replace(ALWAYS, factors="face"))), OK,
        "Front door opens for the person; shown: a face."),
    Row("face and card asked for, both shown", case(shown=FACE_AND_CARD, factors="face_card"), OK,
        "Front door opens for the person; shown: a face and a card."),
    Row("face and card asked for, only the card shown", without_picture(CARD, factors="face_card"), NEEDED,
        "Front door asks for a face and a card, and only a card was shown."),
    Row("card and PIN asked for, both shown", without_picture(CARD_AND_PIN, factors="card_pin"), OK,
        "Front door opens for the person; shown: a card and a PIN."),
    Row("card and PIN asked for, only a card shown", without_picture(CARD, factors="card_pin"), NEEDED,
        "Front door asks for a card and a PIN, and only a card was shown."),
    Row("a card alone, where that is enough", without_picture(CARD, factors="card"), OK,
        "Front door opens for the person; shown: a card."),
    Row("badge number and PIN, where that is enough", without_picture(PIN, factors="pin"), OK,
        "Front door opens for the person; shown: a badge number and a PIN."),
    Row("a badge number without its PIN",
        without_picture(replace(PIN, pin=None), factors="pin"), NEEDED,
        "Front door asks for a badge number and a PIN, and only a badge number was shown."),
    Row("a card in place of a face, for somebody who passes without one",
        without_picture(CARD, standing=WITHOUT_FACE), OK, "Front door opens for the person; shown: a card."),
    Row("badge number and PIN in place of a face", without_picture(PIN, standing=WITHOUT_FACE), OK,
        "Front door opens for the person; shown: a badge number and a PIN."),
    Row("card and PIN in place of face and PIN",
        without_picture(CARD_AND_PIN, factors="face_pin", standing=WITHOUT_FACE), OK,
        "Front door opens for the person; shown: a card and a PIN."),
    Row("card and PIN in place of face and card",
        without_picture(CARD_AND_PIN, factors="face_card", standing=WITHOUT_FACE), OK,
        "Front door opens for the person; shown: a card and a PIN."),
    Row("a card in place of a face, for anybody else", without_picture(CARD), Reason.FACE_NEEDED,
        "Front door asks for a face, and the person may not pass without a face."),
    Row("without consent, for somebody who passes without a face",
        without_picture(CARD, standing=replace(WITHOUT_FACE, consented=False)), OK,
        "Front door opens for the person; shown: a card."),
    Row("a card that nobody has",
        without_picture(Shown(picture=False, card=Proof.WRONG), factors="card", standing=None),
        Reason.CREDENTIAL_REFUSED, "Nobody has the card or badge number that was shown."),
    Row("a badge number that nobody has",
        without_picture(Shown(picture=False, badge=True, pin=Proof.WRONG), factors="pin", standing=None),
        Reason.CREDENTIAL_REFUSED, "Nobody has the card or badge number that was shown."),
    Row("a card of somebody erased in this moment",
        without_picture(CARD, factors="card", standing=None), Reason.CREDENTIAL_REFUSED,
        "Nobody has the card or badge number that was shown."),
    Row("a card that is revoked", without_picture(replace(CARD, card=Proof.NOT_VALID), factors="card"),
        Reason.CARD_NOT_VALID, "The card is revoked, or not valid on this day."),
    Row("a wrong PIN", case(shown=replace(FACE_AND_PIN, pin=Proof.WRONG), factors="face_pin"),
        Reason.WRONG_PIN, "The PIN was wrong, or the person has none."),
    Row("Anna's face with somebody else's card",
        case(shown=replace(FACE_AND_CARD, card_person=8), factors="face_card", standing=None),
        Reason.FACTORS_DISAGREE, "What was shown does not belong to one and the same person."),
    Row("the sixth PIN in a row", case(shown=replace(FACE_AND_PIN, pin=Proof.LOCKED), factors="face_pin"),
        Reason.TOO_MANY_TRIES, "After too many wrong PINs none is looked at for a while."),
    Row("a duress PIN", case(shown=replace(FACE_AND_PIN, pin=Proof.DURESS), factors="face_pin"),
        Reason.DURESS, "Front door opened for the person's duress PIN; an alarm was raised."),
    Row("a duress PIN outside her hours",
        case(shown=replace(FACE_AND_PIN, pin=Proof.DURESS), factors="face_pin",
             standing=replace(WELCOME, opening=Opening(admitted=True, open=False))),
        Reason.OUTSIDE_HOURS, "Front door does not open for the person at this hour."),
    # --- The person ---
    Row("somebody suspended", case(standing=replace(WELCOME, active=False)), Reason.SUSPENDED,
        "The person is suspended."),
    Row("somebody who starts tomorrow",
        case(standing=replace(WELCOME, valid_from=datetime(2026, 3, 3, tzinfo=BERLIN))), Reason.NOT_VALID_NOW,
        "The person may pass from 00:00 on 3 March 2026."),
    Row("a contractor whose time is over",
        case(standing=replace(WELCOME, valid_until=datetime(2026, 3, 1, tzinfo=BERLIN))),
        Reason.NOT_VALID_NOW, "The person might pass until 00:00 on 1 March 2026."),
    Row("somebody who did not agree", case(standing=replace(WELCOME, consented=False)), Reason.NOT_CONSENTED,
        "The person has not agreed that their face be used for this."),
    Row("somebody whom nothing admits here",
        case(standing=replace(WELCOME, opening=Opening(admitted=False, open=False))), Reason.NO_PERMISSION,
        "Nothing admits the person at Front door."),
    Row("somebody too early",
        case(standing=replace(WELCOME, opening=Opening(
            admitted=True, open=False, next_from=datetime(2026, 3, 2, 13, 12, tzinfo=BERLIN)))),
        Reason.OUTSIDE_HOURS, "Front door opens for the person from 13:12, in 12 minutes."),
    # --- The passage ---
    Row("a badge handed back over the fence", case(passage=Passage(inside=LAB)), Reason.PASSBACK,
        "The person has been in Lab since 12:40 and has not left."),
    Row("entering again within the time",
        case(passage=Passage(inside=replace(LAB, rule=Passback.TIMED, minutes=30))), Reason.PASSBACK,
        "The person entered Lab at 12:40 and may not enter again for 30 minutes."),
    Row("entering again after the time",
        case(passage=Passage(inside=replace(LAB, rule=Passback.TIMED, minutes=20))), OK,
        "Front door opened, although the person was in Lab since 12:40: that is only noted."),
    Row("entering again, where that is only noted",
        case(passage=Passage(inside=replace(LAB, rule=Passback.SOFT))), OK,
        "Front door opened, although the person was in Lab since 12:40: that is only noted."),
    Row("a full room", case(passage=Passage(full="Lab")), Reason.ZONE_FULL, "Zone Lab is full."),
    Row("the other door of the airlock is open", case(passage=Passage(beside="Inner door")), Reason.INTERLOCK,
        "Front door stays shut while Inner door is open or was just opened."),
    Row("the first of two people", case(mode=Mode.TWO_PERSON), Reason.SECOND_PERSON_NEEDED,
        "Front door opens for two people, and this was the first."),
    Row("the second of two people", case(mode=Mode.TWO_PERSON, passage=Passage(companion=True)), OK,
        "Front door opened for the second of two people, by a face."),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.story)
def test_the_table(row: Row) -> None:
    verdict = decide(row.case)
    assert verdict.reason is row.reason
    assert verdict.granted == (row.reason in GRANTING)
    assert str(explain(row.case, verdict)) == row.why


GRANTING = {Reason.OK, Reason.FREE_PASSAGE, Reason.DURESS}


# Given by a kiosk alone: their rows are in tests/vectors/offline.json.
ALONE = {Reason.OFFLINE_DENIED, Reason.BUNDLE_EXPIRED}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "250 ms"),
        (0.999, "999 ms"),
        (1, "1 s"),
        (119, "119 s"),
        (120, "2 minutes"),
        (120.5, "3 minutes"),
        (121, "3 minutes"),
        (119 * 60, "119 minutes"),
        (120 * 60, "2 h 0 min"),
        (47 * 3600 + 59 * 60, "47 h 59 min"),
        (48 * 3600, "2 days"),
        (72 * 3600 + 60, "3 days"),
    ],
)
def test_a_length_is_told_in_the_units_that_matter(seconds: float, words: str) -> None:
    later = EVERYDAY.moment.now + timedelta(seconds=seconds)
    shut = case(standing=replace(WELCOME, opening=Opening(admitted=True, open=False, next_from=later)))
    assert str(explain(shut, decide(shut))).endswith(f", in {words}.")


def test_the_moment_from_which_somebody_may_pass_is_no_longer_too_early() -> None:
    now = EVERYDAY.moment.now
    assert decide(case(standing=replace(WELCOME, valid_from=now))).granted
    over = case(standing=replace(WELCOME, valid_from=now, valid_until=now))
    assert decide(over).reason is Reason.NOT_VALID_NOW
    assert str(explain(over, decide(over))).startswith("The person might pass until ")


@pytest.mark.parametrize("reason", sorted(set(Reason) - ALONE))
def test_every_reason_has_a_row(reason: Reason) -> None:
    assert reason in {row.reason for row in TABLE}


# --- What the kiosk says --------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_for_the_screen(reason: Reason) -> None:
    assert MESSAGES[reason].endswith(".")


def test_no_sentence_is_left_over() -> None:
    assert set(MESSAGES) == set(Reason)


def test_what_is_kept_inside_reads_like_what_is_told_instead() -> None:
    for reason in Reason:
        assert MESSAGES[reason] == MESSAGES[outward(reason)]
        assert outward(outward(reason)) is outward(reason)


def test_the_screen_does_not_tell_a_spoof_from_a_stranger() -> None:
    said = {
        MESSAGES[reason] for reason in (Reason.SPOOF_SUSPECTED, Reason.LIVENESS_UNJUDGED, Reason.UNKNOWN_FACE)
    }
    assert len(said) == 1


def test_the_screen_does_not_tell_what_was_wrong_with_a_card_or_a_pin() -> None:
    hidden = (Reason.CARD_NOT_VALID, Reason.WRONG_PIN, Reason.FACTORS_DISAGREE)
    assert {outward(reason) for reason in hidden} == {Reason.CREDENTIAL_REFUSED}


def test_a_duress_pin_looks_like_any_other_at_the_door() -> None:
    assert outward(Reason.DURESS) is Reason.OK


# --- The order of the checks ----------------------------------------------------------------------

SPOOF = replace(FACE, live=False)
ORDER = {
    "nobody looked in time": (case(evidence=None), Reason.DEADLINE),
    "a person erased between search and decision": (case(standing=None), Reason.UNKNOWN_FACE),
    "stale before late": (case(moment=replace(OLD, now=LATE.now), evidence=None), Reason.STALE),
    "clock before picture": (
        case(moment=AHEAD, evidence=Evidence(problem=Reason.NO_FACE)), Reason.CLOCK_UNTRUSTED),
    "stale before whether this site is in use": (
        case(moment=OLD, keeps_access=False, keeps_attendance=False), Reason.STALE),
    "a problem beats a name": (case(evidence=Evidence(problem=Reason.BLURRED, person=7)), Reason.BLURRED),
    "suspended before consent": (
        case(standing=Standing(False, False, Opening(False, False))), Reason.SUSPENDED),
    "consent before permission": (
        case(standing=Standing(True, False, Opening(False, False))), Reason.NOT_CONSENTED),
    "late tells nothing about standing": (
        case(moment=LATE, standing=replace(WELCOME, active=False)), Reason.DEADLINE),
    "late tells nothing about being unknown": (
        case(moment=LATE, evidence=Evidence(), standing=None), Reason.DEADLINE),
    "late tells nothing about resembling two": (case(moment=LATE, evidence=TWINS), Reason.DEADLINE),
    "late tells nothing about resembling anybody": (
        case(moment=LATE, evidence=Evidence(problem=Reason.UNCALIBRATED)), Reason.DEADLINE),
    "late tells nothing of a lockdown": (case(moment=LATE, locked_down=True), Reason.DEADLINE),
    "an administrator sees what stopped the workers, however late": (
        case(moment=LATE, evidence=Evidence(problem=Reason.WORKER_FAILED)), Reason.WORKER_FAILED),
    "a spoof does not tell whether its face is known": (
        case(moment=PASSIVE, evidence=Evidence(live=False), standing=None), Reason.SPOOF_SUSPECTED),
    "a spoof does not tell whom it resembles": (
        case(moment=PASSIVE, evidence=replace(TWINS, live=False)), Reason.SPOOF_SUSPECTED),
    "what was not judged does not tell whom it resembles": (
        case(moment=PASSIVE, evidence=TWINS), Reason.LIVENESS_UNJUDGED),
    "a spoof does not tell how its person stands": (
        case(moment=PASSIVE, evidence=SPOOF, standing=replace(WELCOME, active=False)),
        Reason.SPOOF_SUSPECTED),
    "a spoof is not asked for a PIN": (
        case(moment=PASSIVE, evidence=SPOOF, factors="face_pin"), Reason.SPOOF_SUSPECTED),
    "a blurred face cannot be judged, and its person can help it": (
        case(moment=PASSIVE, evidence=Evidence(problem=Reason.BLURRED)), Reason.BLURRED),
    "late tells nothing about being live": (
        case(moment=replace(LATE, live_by="passive"), evidence=SPOOF), Reason.DEADLINE),
    "stale tells nothing about being live": (
        case(moment=replace(OLD, live_by="passive"), evidence=SPOOF), Reason.STALE),
    "nobody looked, so nobody judged": (case(moment=PASSIVE, evidence=None), Reason.DEADLINE),
    "a living stranger is a stranger": (
        case(moment=PASSIVE, evidence=Evidence(live=True, judged_by="passive"), standing=None),
        Reason.UNKNOWN_FACE),
    "a lockdown does not tell who is known": (
        case(locked_down=True, evidence=Evidence(), standing=None), Reason.LOCKED_DOWN),
    "nothing is told of a person before all factors are shown": (
        case(factors="face_pin", standing=replace(WELCOME, active=False)), NEEDED),
    "nothing is told of a person before all factors are right": (
        case(factors="face_pin", shown=Shown(pin=Proof.WRONG), standing=replace(WELCOME, active=False)),
        Reason.WRONG_PIN),
    "an unknown card is asked for its PIN like any other": (
        without_picture(Shown(picture=False, card=Proof.WRONG), factors="card_pin", standing=None), NEEDED),
    "an unknown badge number is asked for its PIN like any other": (
        without_picture(Shown(picture=False, badge=True), standing=None), NEEDED),
    "too many tries are told whoever it is": (
        without_picture(Shown(picture=False, badge=True, pin=Proof.LOCKED), standing=None),
        Reason.TOO_MANY_TRIES),
    "a stranger is not asked for a PIN": (
        case(evidence=Evidence(), factors="face_pin", standing=None), Reason.UNKNOWN_FACE),
    "no picture is asked to be alive where none is shown": (
        without_picture(CARD, moment=PASSIVE, factors="card"), OK),
    "passback before a full zone": (case(passage=Passage(inside=LAB, full="Lab")), Reason.PASSBACK),
    "a full zone before the interlock": (case(passage=Passage(full="Lab", beside="B")), Reason.ZONE_FULL),
    "the interlock before the second person": (
        case(mode=Mode.TWO_PERSON, passage=Passage(beside="B")), Reason.INTERLOCK),
    "permission before passback": (
        case(passage=Passage(inside=LAB), standing=replace(WELCOME, opening=Opening(False, False))),
        Reason.NO_PERMISSION),
    "attendance alone asks nobody's permission": (
        case(keeps_access=False, locked_down=True, mode=Mode.LOCKED, passage=Passage(inside=LAB),
             standing=replace(WELCOME, opening=Opening(False, False))), Reason.NOTED),
    "attendance alone asks for consent to attendance": (
        case(keeps_access=False, standing=replace(WELCOME, attendance_consented=False)),
        Reason.NOT_CONSENTED),
    "a word of a schedule that is unknown here asks for everything": (
        case(standing=replace(WELCOME, opening=replace(ALWAYS, factors="retina"))), NEEDED),
}  # fmt: skip


@pytest.mark.parametrize("story", ORDER)
def test_the_order_of_the_checks_gives_nothing_away(story: str) -> None:
    facts, reason = ORDER[story]
    assert decide(facts).reason is reason


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (replace(ON_TIME, now=ON_TIME.deadline), Reason.OK),
        (LATE, Reason.DEADLINE),
        (replace(ON_TIME, taken=ON_TIME.received - ON_TIME.freshness), Reason.OK),
        (
            replace(ON_TIME, taken=ON_TIME.received - ON_TIME.freshness - timedelta(microseconds=1)),
            Reason.STALE,
        ),
        (replace(ON_TIME, taken=ON_TIME.received + policy.CLOCK_AHEAD), Reason.OK),
        (AHEAD, Reason.CLOCK_UNTRUSTED),
    ],
    ids=[
        "at the deadline",
        "just late",
        "just fresh",
        "just stale",
        "clock just near enough",
        "clock too far",
    ],
)
def test_limits_hold_to_the_microsecond(moment: Moment, reason: Reason) -> None:
    assert decide(case(moment=moment)).reason is reason
    assert policy.timely(moment) is (reason not in {Reason.STALE, Reason.CLOCK_UNTRUSTED})


TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (case(standing=replace(WELCOME, valid_from=ON_TIME.now)), Reason.OK),
        (case(standing=replace(WELCOME, valid_from=ON_TIME.now + TICK)), Reason.NOT_VALID_NOW),
        (case(standing=replace(WELCOME, valid_until=ON_TIME.now + TICK)), Reason.OK),
        (case(standing=replace(WELCOME, valid_until=ON_TIME.now)), Reason.NOT_VALID_NOW),
        (case(shown=replace(FACE_AND_PIN, step_age=policy.STEP_LASTS)), Reason.OK),
        (case(shown=replace(FACE_AND_PIN, step_age=policy.STEP_LASTS + TICK)), Reason.STALE),
        (
            case(
                passage=Passage(
                    inside=Inside("Lab", ON_TIME.now - timedelta(minutes=5), Passback.TIMED, minutes=5)
                )
            ),
            Reason.OK,
        ),
        (
            case(
                passage=Passage(
                    inside=Inside("Lab", ON_TIME.now - timedelta(minutes=5) + TICK, Passback.TIMED, minutes=5)
                )
            ),
            Reason.PASSBACK,
        ),
    ],
)
def test_days_steps_and_passback_end_to_the_microsecond(facts: Case, reason: Reason) -> None:
    assert decide(facts).reason is reason


def test_ok_is_not_a_problem_anybody_can_report() -> None:
    with pytest.raises(ValueError, match="not a problem"):
        Evidence(problem=Reason.OK)


def test_a_time_without_zone_is_a_fault_and_opens_nothing() -> None:
    with pytest.raises(TypeError):
        decide(case(moment=replace(ON_TIME, taken=datetime(2026, 3, 2, 12))))  # noqa: DTZ001


# --- What follows from a verdict ------------------------------------------------------------------

CONSEQUENCES = {
    "a grant names the person and is punched": (case(), Verdict(True, OK, proven=True, punch=True)),
    "where no attendance is kept, nothing is punched": (
        case(keeps_attendance=False), Verdict(True, OK, proven=True)),
    "who agreed to doors only is not punched": (
        case(standing=replace(WELCOME, attendance_consented=False)), Verdict(True, OK, proven=True)),
    "who shows no face needs no consent to be punched": (
        without_picture(CARD, factors="card", standing=replace(WELCOME, attendance_consented=False)),
        Verdict(True, OK, proven=True, punch=True)),
    "where no doors are opened, the punch is noted all the same": (
        case(keeps_access=False), Verdict(False, Reason.NOTED, proven=True, punch=True)),
    "the first of two people is punched once the second has come": (
        case(mode=Mode.TWO_PERSON), Verdict(False, Reason.SECOND_PERSON_NEEDED, proven=True, punch=True)),
    "who is refused is not punched": (
        case(standing=replace(WELCOME, opening=Opening(False, False))),
        Verdict(False, Reason.NO_PERMISSION, proven=True)),
    "nobody suspended is named": (
        case(standing=replace(WELCOME, active=False)), Verdict(False, Reason.SUSPENDED)),
    "a stranger passes an open door unnamed": (
        case(mode=Mode.FREE, evidence=Evidence(), standing=None), Verdict(True, Reason.FREE_PASSAGE)),
    "who is known passes an open door with a name and a punch, whatever the hour": (
        case(mode=Mode.FREE, standing=replace(WELCOME, opening=Opening(True, False))),
        Verdict(True, Reason.FREE_PASSAGE, proven=True, punch=True)),
    "who has shown too little is not named at an open door": (
        case(mode=Mode.FREE, factors="face_pin"), Verdict(True, Reason.FREE_PASSAGE)),
    "who is suspended passes an open door unnamed": (
        case(mode=Mode.FREE, standing=replace(WELCOME, active=False)), Verdict(True, Reason.FREE_PASSAGE)),
    "at an open door that nobody may open by rule, an ordinary grant stays one": (
        case(mode=Mode.FREE), Verdict(True, OK, proven=True, punch=True)),
    "free passage opens nothing where no doors are opened": (
        case(mode=Mode.FREE, keeps_access=False), Verdict(False, Reason.NOTED, proven=True, punch=True)),
    "a breach that is only noted is noted": (
        case(passage=Passage(inside=replace(LAB, rule=Passback.SOFT))),
        Verdict(True, OK, proven=True, punch=True, noticed="passback")),
    "a face at a door of face and PIN: the PIN is asked for": (
        case(factors="face_pin"), Verdict(False, NEEDED, needs=("pin",))),
    "a face at a door of face and card: the card is asked for": (
        case(factors="face_card"), Verdict(False, NEEDED, needs=("card",))),
    "a face at a door of card and PIN: the card is asked for, it says who": (
        case(factors="card_pin"), Verdict(False, NEEDED, needs=("card",))),
    "a card at a door of face and card: a face or, without one, a PIN": (
        without_picture(CARD, factors="face_card"), Verdict(False, NEEDED, needs=("face", "pin"))),
    "a card at a door of card and PIN: the PIN": (
        without_picture(CARD, factors="card_pin"), Verdict(False, NEEDED, needs=("pin",))),
    "a badge number alone: its PIN, a card or a face": (
        without_picture(Shown(picture=False, badge=True)),
        Verdict(False, NEEDED, needs=("card", "face", "pin"))),
    "a card where a face is needed": (
        without_picture(CARD), Verdict(False, Reason.FACE_NEEDED, needs=("face",))),
    "twins may show a card, or badge number and PIN": (
        case(evidence=TWINS), Verdict(False, Reason.AMBIGUOUS, needs=("card", "badge_pin"))),
    "a face where that is never enough: a card or a PIN": (
        case(second_factor=True), Verdict(False, NEEDED, needs=("card", "pin"))),
    "a card for somebody without a face, where one thing is never enough: a PIN": (
        without_picture(CARD, second_factor=True, standing=WITHOUT_FACE),
        Verdict(False, NEEDED, needs=("face", "pin"))),
    "twins where a card or PIN is asked for anyway": (
        case(evidence=TWINS, second_factor=True),
        Verdict(False, Reason.AMBIGUOUS, needs=("card", "badge_pin"))),
    "twins where a PIN is asked for anyway": (
        case(evidence=TWINS, factors="face_pin"), Verdict(False, Reason.AMBIGUOUS, needs=("badge_pin",))),
    "twins where a card is asked for anyway": (
        case(evidence=TWINS, factors="face_card"), Verdict(False, Reason.AMBIGUOUS, needs=("card",))),
}  # fmt: skip


@pytest.mark.parametrize("story", CONSEQUENCES)
def test_what_follows_from_a_verdict(story: str) -> None:
    facts, verdict = CONSEQUENCES[story]
    assert decide(facts) == verdict


def test_a_badge_number_alone_does_not_settle_which_twin_it_is() -> None:
    facts = case(evidence=TWINS, shown=Shown(badge=True, badge_person=ANNA))
    assert decide(facts).reason is Reason.AMBIGUOUS
    assert decide(replace(facts, shown=Shown(pin=Proof.GOOD))).reason is Reason.AMBIGUOUS
