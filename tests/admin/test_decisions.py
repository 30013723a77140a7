"""The list of decisions and the story of one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access import challenges, decisions, policy, snapshots
from access.admin import liveness
from access.admin.decisions import RULE, steps
from access.doors.reasons import REASONS
from access.models import Decision, Snapshot
from access.policy import Evidence, Reason
from recognition.liveness import Method, Why
from tests import factories
from tests.factories import Cast

LIST = "/admin/access/decision/"
FACTS = {
    "model": "test-model",
    "faces": 1,
    "score": 0.7123,
    "threshold": 0.4321,
    "lead": 0.2101,
    "gallery": 3,
    "quality": {"sharpness": 0.654, "yaw": 3.2},
    "milliseconds": {"detect": 12.3},
}


def decided(cast: Cast, *, evidence: Evidence | None = None, at: str = "") -> Decision:
    """One decision, made by the real rule; `at` moves the moment it was made."""
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    if not at:
        return decisions.settle(snapshot.pk, evidence or Evidence(person=cast.alice.pk, facts=dict(FACTS)))
    moment = factories.at(at)
    Snapshot.objects.filter(pk=snapshot.pk).update(received=moment - timedelta(milliseconds=250))
    return Decision.objects.create(snapshot_id=snapshot.pk, granted=False, reason="no_face", at=moment)


def test_the_list_asks_as_often_for_three_decisions_as_for_one(office: Client, cast: Cast) -> None:
    decided(cast)
    office.get(LIST)
    with CaptureQueriesContext(connection) as one:
        office.get(LIST)
    decided(cast)
    decided(cast)
    with CaptureQueriesContext(connection) as three:
        shown = office.get(LIST)
    assert len(shown.context["cl"].result_list) == 3
    assert len(three) == len(one)


def test_times_are_those_of_the_site_and_say_their_zone(office: Client, cast: Cast) -> None:
    decided(cast, at="2026-07-01T22:30:00+00:00")
    shown = office.get(LIST).content.decode()
    assert "2 Jul 2026, 00:30:00 CEST" in shown
    assert "250 ms" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [("at_from=2026-07-02", 1), ("at_to=2026-07-01", 0), ("at_from=2026-07-02&at_to=2026-07-02", 1),
     ("at_from=2026-07-03", 0), ("at_from=nonsense", 1)],
)  # fmt: skip
def test_a_day_is_the_day_of_the_site(office: Client, cast: Cast, query: str, found: int) -> None:
    decided(cast, at="2026-07-01T22:30:00+00:00")
    assert len(office.get(f"{LIST}?{query}").context["cl"].result_list) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [("granted=yes", 1), ("granted=no", 1), ("reason=no_face", 1), ("reason=blurred", 0), ("q=00017", 1),
     ("q=bob", 0)],
)  # fmt: skip
def test_the_list_finds(office: Client, cast: Cast, query: str, found: int) -> None:
    decided(cast)
    decided(cast, evidence=Evidence(problem=Reason.NO_FACE))
    assert len(office.get(f"{LIST}?{query}").context["cl"].result_list) == found


def test_the_page_of_a_decision_tells_the_whole_story(office: Client, cast: Cast) -> None:
    decision = decided(cast)
    shown = office.get(f"{LIST}{decision.pk}/change/").content.decode()
    for part in (
        "Granted",
        "Alice Able",
        "Front door",
        str(decision.snapshot.nonce),
        "0.7123",
        "0.4321",
        "0.2101",
        "0.654",
        "12.3",
        str(decision.snapshot.punch.pk),
        "Door opened",
        f"kiosk:{cast.kiosk.pk}",
    ):
        assert part in shown, part


def test_a_doubt_names_both_people_to_those_who_may_see_people(
    office: Client, cast: Cast, login_with: Callable[..., Client]
) -> None:
    people = [cast.alice.pk, cast.bob.pk]
    decision = decided(cast, evidence=Evidence(problem=Reason.AMBIGUOUS, facts={"people": people}))
    address = f"{LIST}{decision.pk}/change/"
    assert "Bob Best" in office.get(address).content.decode()
    assert "Bob Best" not in login_with("view_decision").get(address).content.decode()


def test_the_auditor_reads_what_the_kiosk_was_not_told(office: Client, cast: Cast) -> None:
    cast.front.liveness = "passive"
    cast.front.save()
    seen = {"method": "passive", "live": False, "score": 0.1234, "why": "spoof"}
    evidence = Evidence(person=cast.alice.pk, live=False, facts={"liveness": seen, "rate": 0.003})
    shown = office.get(f"{LIST}{decided(cast, evidence=evidence).pk}/change/").content.decode()
    for part in (
        "taken for a picture of a face",
        "Alice Able",
        "0.1234 (0 to 1)",
        "the picture alone",
    ):
        assert part in shown, part
    assert f"“{policy.MESSAGES[Reason.UNKNOWN_FACE]}”" in shown


def test_the_auditor_reads_what_was_asked_of_a_face_and_how_it_was_answered(
    office: Client, cast: Cast
) -> None:
    cast.front.liveness = "colour"
    cast.front.save()
    seen = {"method": "colour", "live": False, "score": 0.31, "why": "wrong_colours"}
    burst = {"frames": 6, "asked": ["red", "white", "blue", "green", "red", "blue"]}
    evidence = Evidence(
        person=cast.alice.pk, live=False, judged_by="colour", facts={"liveness": seen, "burst": burst}
    )
    shown = office.get(f"{LIST}{decided(cast, evidence=evidence).pk}/change/").content.decode()
    for part in (
        "red, white, blue, green, red, blue",
        "that the face takes the colours which the screen shows",
        "the colours on the face",
        "0.31 (correlation, −1 to 1)",
        "The face did not take the colours of the screen.",
    ):
        assert part in shown, part


def test_every_way_of_judging_and_every_reason_not_to_be_live_has_words() -> None:
    assert set(liveness.METHODS) == set(liveness.SCORES) == set(Method)
    assert set(liveness.NOT_LIVE) == set(Why)
    assert set(liveness.ASKED) == {*challenges.SIDES, *challenges.LIGHTS}


def test_nobody_changes_a_decision(office: Client, cast: Cast) -> None:
    decision = decided(cast)
    assert office.get(f"{LIST}add/").status_code == 403
    assert office.post(f"{LIST}{decision.pk}/delete/", {"post": "yes"}).status_code == 403


def test_every_reason_has_words_and_one_place_in_the_rule() -> None:
    placed = [key for *_words, keys in RULE for key in keys.lower().split()]
    granting = {Reason.OK, Reason.FREE_PASSAGE, Reason.DURESS}
    assert set(REASONS) == set(Reason)
    assert sorted(placed) == sorted(reason.value for reason in Reason if reason not in granting)


def test_the_rule_is_shown_in_the_order_in_which_the_door_asks() -> None:
    assert [step.answer for step in steps("ok")] == ["yes"] * 8
    assert [step.answer for step in steps("free_passage")] == ["yes", "yes", "", "", "", "", "", ""]
    refusals = ["stale", "locked_down", "blurred", "spoof_suspected", "unknown_face", "wrong_pin"]
    for place, reason in enumerate([*refusals, "no_permission", "passback"]):
        assert [step.answer for step in steps(reason)] == ["yes"] * place + ["no"] + [""] * (7 - place)


def test_the_kiosk_s_words_are_told(office: Client, cast: Cast) -> None:
    decision = decided(cast, evidence=Evidence(problem=Reason.BLURRED))
    shown = office.get(f"{LIST}{decision.pk}/change/").content.decode()
    assert policy.MESSAGES[Reason.BLURRED] in shown
