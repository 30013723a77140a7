"""Whoever forgot to punch out is asked at the next punch, answers once, and a manager decides."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from access import attendance, decisions, policy, snapshots
from access.api import kiosk
from access.hours import corrections, questions
from access.hours.requests import State
from access.models import (
    Assignment,
    Correction,
    Decision,
    Kiosk,
    Person,
    Punch,
    RuleSet,
    Shift,
    ShiftPart,
    Staff,
)
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def punched(person: Person, at: datetime, direction: str, kiosk: Kiosk) -> Punch:
    return attendance.note_punch(person, at=at, direction=direction, kiosk=kiosk, origin=f"t:{at}")


def enters(cast: Cast) -> Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))


@pytest.fixture
def yesterday(cast: Cast) -> datetime:
    """When Alice came in a day ago; she never punched out."""
    moment = timezone.now() - timedelta(hours=24)
    punched(cast.alice, moment, "in", cast.kiosk)
    return moment


def ask(client: Client, cast: Cast, decision: object, left: datetime, key: str = "") -> Any:
    return client.post(
        "/api/v1/answers/",
        {"decision": str(decision), "left": left.isoformat()},
        content_type="application/json",
        headers={"Authorization": f"Kiosk {key or cast.key}"},
    )


def question_of(decision: Decision) -> questions.Question | None:
    return questions.after(decision.snapshot.punch)


def test_the_kiosk_asks_for_the_end_of_yesterday(cast: Cast, yesterday: datetime) -> None:
    asked = question_of(enters(cast))
    assert asked is not None
    assert (asked.since, asked.planned) == (yesterday, None)
    assert asked.offered == (yesterday + 8.5 * HOUR, yesterday + 9 * HOUR)


def test_the_planned_end_is_offered_first(cast: Cast, yesterday: datetime) -> None:
    begins = (yesterday + HOUR).astimezone(ZoneInfo(cast.site.zone))
    made = Shift.objects.create(name="Any", code="A")
    ShiftPart.objects.create(shift=made, begins=begins.time(), ends=(begins + HOUR).time())
    Assignment.objects.create(
        person=cast.alice,
        site=cast.site,
        rules=RuleSet.objects.create(name="R"),
        shift=made,
        weekdays=[1, 2, 3, 4, 5, 6, 7],
        first=begins.date() - timedelta(days=3),
    )
    asked = question_of(enters(cast))
    assert asked is not None
    assert asked.planned is not None
    assert asked.offered[0] == asked.planned
    assert asked.planned.minute == begins.minute


@pytest.mark.parametrize(
    ("before", "ago"),
    [("out", 24), ("in", 15), ("in", 24 * 6), ("break_out", 24)],
    ids=["left", "still here", "long ago", "went to a break"],
)
def test_nobody_else_is_asked(cast: Cast, before: str, ago: int) -> None:
    punched(cast.alice, timezone.now() - ago * HOUR, before, cast.kiosk)
    decision = enters(cast)
    assert question_of(decision) is None
    with pytest.raises(questions.NoQuestion):
        questions.answer(cast.kiosk, decision.pk, timezone.now())


def test_an_answer_files_a_correction_once(client: Client, cast: Cast, yesterday: datetime) -> None:
    decision = enters(cast)
    left = yesterday + 9 * HOUR
    answer = ask(client, cast, decision.pk, left)
    assert (answer.status_code, answer.json()["state"]) == (201, "asked")
    filed = Correction.objects.get()
    assert (filed.person, filed.at, filed.direction, filed.state) == (cast.alice, left, "out", "asked")
    assert (filed.asked_at, filed.decision) == (f"kiosk:{cast.kiosk.pk}", decision)
    assert Punch.objects.filter(source="manual").count() == 0
    again = ask(client, cast, decision.pk, left)
    assert (again.status_code, again.json()["code"]) == (409, "answered-before")
    assert question_of(decision) is None


def test_the_approved_answer_is_a_punch_by_hand(client: Client, cast: Cast, yesterday: datetime) -> None:
    ask(client, cast, enters(cast).pk, yesterday + 9 * HOUR)
    boss = Staff.objects.create_superuser("boss", password=None)
    corrections.decide(Correction.objects.get(), State.APPROVED, by=boss)
    assert Punch.objects.get(source="manual").at == yesterday + 9 * HOUR


@pytest.mark.parametrize("hours", [-1, 0, 25])
def test_a_time_at_which_nobody_left_is_refused(
    client: Client, cast: Cast, yesterday: datetime, hours: int
) -> None:
    answer = ask(client, cast, enters(cast).pk, yesterday + hours * HOUR)
    assert (answer.status_code, answer.json()["code"]) == (422, "impossible-time")
    assert not Correction.objects.exists()


def test_another_kiosk_cannot_answer(client: Client, cast: Cast, yesterday: datetime) -> None:
    _other, key = factories.kiosk(cast.back)
    decision = enters(cast)
    answer = ask(client, cast, decision.pk, yesterday + HOUR, key)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-question")
    assert ask(client, cast, uuid.uuid4(), yesterday + HOUR).status_code == 404
    assert not Correction.objects.exists()


def test_nobody_answers_once_the_kiosk_has_moved_on(cast: Cast, yesterday: datetime) -> None:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    past = timezone.now() - questions.TIME_TO_ANSWER - timedelta(seconds=1)
    decision = Decision.objects.create(
        snapshot=snapshot, granted=True, reason="ok", person=cast.alice, direction="in", at=past
    )
    attendance.note_punch(cast.alice, at=past, direction="in", kiosk=cast.kiosk, snapshot_id=snapshot.pk)
    with pytest.raises(questions.NoQuestion):
        questions.answer(cast.kiosk, decision.pk, yesterday + HOUR)


def test_the_answer_of_the_kiosk_carries_the_question(cast: Cast, yesterday: datetime) -> None:
    told = kiosk.answer(enters(cast))
    assert datetime.fromisoformat(told["question"]["since"]) == yesterday
    assert len(told["question"]["offered"]) == 2
