"""From a sighting to evidence: every doubt has a word, and nobody is named without a measured threshold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from access import decisions, health, policy, snapshots
from access.gallery import Turn
from access.models import Decision, Door, Faceprint
from access.policy import Evidence, Reason
from recognition import Liveness, Problem, Sighting
from recognition.liveness import Method, Why, alive, not_judged, refused
from tests import factories
from tests.conftest import CARD
from tests.factories import ALICE, BOB, CHARLIE, STRANGER, Cast
from workers import identify, sight


def seen(vector: Any = ALICE, **fields: Any) -> Sighting:
    unit = None if vector is None else np.asarray(vector, np.float32) / np.linalg.norm(vector)
    return Sighting(100, 120, CARD.id, vector=unit, **fields)


def evidence(cast: Cast, vector: Any = ALICE, card: Any = CARD, **fields: Any) -> Evidence:
    return identify.evidence_from(seen(vector, **fields), card, site=cast.site)


@pytest.mark.parametrize("problem", list(Problem))
@pytest.mark.django_db
def test_every_problem_of_a_picture_is_a_reason_and_beats_a_vector(cast: Cast, problem: Problem) -> None:
    assert evidence(cast, None, problem=problem).problem is Reason(problem.value)
    assert evidence(cast, ALICE, problem=problem).problem is Reason(problem.value)
    assert policy.MESSAGES[Reason(problem.value)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vector", "person"),
    [
        (ALICE, "alice"),
        ((0.8, 0, 0, 0, 0, 0, 0, 0.6), "alice"),
        (BOB, "bob"),
        (CHARLIE, None),
        (STRANGER, None),
        ((0.25, 0, 0, 0, 0, 0, 0, 0.97), None),
    ],
    ids=["alice", "alice on a bad day", "bob", "charlie, suspended", "a stranger", "somebody a little alike"],
)
def test_who_is_named(cast: Cast, vector: Any, person: str | None) -> None:
    found = evidence(cast, vector)
    assert (found.problem, found.person) == (None, getattr(cast, person).pk if person else None)


@pytest.mark.django_db
def test_two_people_too_near_to_each_other_are_a_doubt_and_no_choice(cast: Cast) -> None:
    found = evidence(cast, (1, 1, 0, 0, 0, 0, 0, 0))
    assert (found.problem, found.person) == (Reason.AMBIGUOUS, None)
    assert set(found.facts["people"]) == {cast.alice.pk, cast.bob.pk}  # type: ignore[call-overload]


@pytest.mark.django_db
def test_without_a_calibration_nobody_is_named(cast: Cast) -> None:
    for card in (
        replace(CARD, calibration=None),
        replace(CARD, calibration=replace(CARD.calibration, points=())),
        replace(CARD, calibration=replace(CARD.calibration, points=((0.1, float("nan")), (0.01, 0.3)))),
    ):
        found = evidence(cast, ALICE, card=card)
        assert (found.problem, found.person) == (Reason.UNCALIBRATED, None)


@pytest.mark.django_db
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_vector_that_is_not_numbers_names_nobody(cast: Cast, bad: float) -> None:
    vector = np.asarray(ALICE, np.float32)
    vector[3] = bad
    found = identify.evidence_from(Sighting(1, 1, CARD.id, vector=vector), CARD, site=cast.site)
    assert (found.problem, found.person) == (Reason.UNREADABLE, None)


@pytest.mark.django_db
def test_a_sighting_without_vector_or_problem_names_nobody(cast: Cast) -> None:
    assert evidence(cast, None).problem is Reason.UNREADABLE


@pytest.mark.django_db
def test_with_nobody_enrolled_everybody_is_unknown(cast: Cast) -> None:
    Faceprint.objects.all().delete()
    found = evidence(cast)
    assert (found.problem, found.person, found.facts["gallery"]) == (None, None, 0)


@pytest.mark.django_db
def test_a_larger_gallery_asks_for_a_higher_score(cast: Cast) -> None:
    before = evidence(cast).facts["threshold"]
    for number in range(30):
        person = factories.person()
        cast.crew.people.add(person)
        factories.faceprint(person, (0, 0, 0, 0, 1, 1, number / 10, 0))
    assert evidence(cast).facts["threshold"] > before  # type: ignore[operator]


@pytest.mark.django_db
def test_the_numbers_behind_a_decision_are_kept_for_the_auditor_and_hold_no_vector(cast: Cast) -> None:
    facts = evidence(cast, milliseconds={"detect": 12.345}).facts
    assert (facts["model"], facts["gallery"], facts["milliseconds"]) == ("test-model", 2, {"detect": 12.3})
    assert facts["score"] == pytest.approx(1.0, abs=1e-3)
    assert facts["lead"] == pytest.approx(1.0, abs=1e-3)
    assert set(facts) == {
        "model",
        "faces",
        "quality",
        "milliseconds",
        "gallery",
        "rate",
        "threshold",
        "score",
        "lead",
        "limits",
        "margin",
        "nearest",
    }
    assert facts["nearest"][0] == (cast.alice.pk, facts["score"])


@pytest.mark.django_db
def test_another_model_finds_nobody_among_this_ones_faceprints(cast: Cast) -> None:
    other = Sighting(1, 1, "other-model", vector=np.asarray(ALICE, np.float32))
    found = identify.evidence_from(other, replace(CARD, id="other-model"), site=cast.site)
    assert (found.person, found.facts["gallery"]) == (None, 0)


@pytest.mark.django_db
def test_a_site_that_wants_fewer_strangers_named_asks_for_a_higher_score(cast: Cast, settings: Any) -> None:
    scores = []
    for rate in (0.05, None, 0.0005):
        cast.site.false_identification_rate = rate
        facts = evidence(cast).facts
        assert facts["rate"] == (rate or settings.FALSE_IDENTIFICATION_RATE)
        scores.append(facts["threshold"])
    assert scores == sorted(set(scores))


# --- Liveness -------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("judged", "live", "facts"),
    [
        (None, None, None),
        (alive(0.91234, method=Method.PASSIVE), True,
         {"method": "passive", "live": True, "score": 0.9123, "why": None}),
        (refused(Why.SPOOF, method=Method.PASSIVE, score=0.1), False,
         {"method": "passive", "live": False, "score": 0.1, "why": "spoof"}),
        (not_judged(Why.NO_MODEL, method=Method.PASSIVE), None,
         {"method": "passive", "live": None, "score": None, "why": "no_model"}),
        (not_judged(Why.NO_MARGIN, method=Method.PASSIVE), None,
         {"method": "passive", "live": None, "score": None, "why": "no_margin"}),
    ],
    ids=["not asked", "live", "a spoof", "no model", "no margin"],
)  # fmt: skip
def test_only_what_was_judged_live_is_live_and_the_auditor_learns_why(
    cast: Cast, judged: Liveness | None, live: bool | None, facts: dict[str, Any] | None
) -> None:
    for vector, person in ((ALICE, cast.alice.pk), (STRANGER, None)):
        found = evidence(cast, vector, liveness=judged)
        assert (found.live, found.person, found.facts.get("liveness")) == (live, person, facts)


@pytest.mark.django_db
def test_a_door_that_demands_a_live_face_has_it_judged(cast: Cast, camera_sees: Callable[..., Any]) -> None:
    cast.front.liveness = Door.Liveness.PASSIVE
    cast.front.save()
    for judged, reason in (
        (alive(0.9, method=Method.PASSIVE), "ok"),
        (refused(Why.SPOOF, method=Method.PASSIVE, score=0.1), "spoof_suspected"),
        (None, "liveness_unjudged"),
    ):
        camera_sees(ALICE, liveness=judged)
        snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
        identify.identify(str(snapshot.pk))
        made = Decision.objects.get(pk=snapshot.pk)
        assert (made.reason, made.facts["demanded"]) == (reason, "passive")


# --- What a rate comes to -------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_published_risk_is_what_the_door_then_uses(cast: Cast) -> None:
    for rate in (None, 0.0005, 0.05):
        cast.site.false_identification_rate = rate
        cast.site.save()
        identify.publish_risks(CARD)
        risk, facts = health.risk_at(cast.site), evidence(cast).facts
        assert risk is not None
        assert (risk.model, risk.faceprints, risk.rate) == (CARD.id, facts["gallery"], facts["rate"])
        assert risk.threshold == pytest.approx(facts["threshold"], abs=1e-4)
    assert health.SiteRisk.objects.count() == 1


@pytest.mark.django_db
def test_a_threshold_beyond_the_measurements_is_published_as_extrapolated(cast: Cast) -> None:
    found = []
    for rate in (0.01, 0.0001):  # with 2 faceprints: measured down to 1e-4 a comparison
        cast.site.false_identification_rate = rate
        cast.site.save()
        identify.publish_risks(CARD)
        found.append(health.risk_at(cast.site).extrapolated)  # type: ignore[union-attr]
    assert found == [False, True]


@pytest.mark.django_db
def test_without_calibration_or_faceprints_no_threshold_is_published(cast: Cast) -> None:
    identify.publish_risks(replace(CARD, calibration=None))
    assert health.risk_at(cast.site).threshold is None  # type: ignore[union-attr]
    health.SiteRisk.objects.all().delete()
    Faceprint.objects.all().delete()
    identify.publish_risks(CARD)
    risk = health.risk_at(cast.site)
    assert risk is not None
    assert (risk.faceprints, risk.threshold) == (0, None)


@pytest.mark.django_db
def test_the_risk_is_worked_out_again_when_it_is_old_or_the_rate_is_new(cast: Cast) -> None:
    identify.publish_risks(CARD)
    assert not health.without_risk(CARD.id)
    assert health.without_risk("another-model") == [cast.site]
    cast.site.false_identification_rate = 0.02
    cast.site.save()
    assert health.without_risk(CARD.id) == [cast.site]
    identify.publish_risks(CARD)
    health.SiteRisk.objects.update(updated=timezone.now() - health.RISK_LASTS)
    assert health.without_risk(CARD.id) == [cast.site]


# --- The task -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_message_twice_looks_and_decides_once(
    cast: Cast, camera_sees: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    camera_sees(ALICE)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    looked: list[Any] = []
    look = sight._recognizer.look  # type: ignore[union-attr]
    monkeypatch.setattr(
        sight._recognizer, "look", lambda data, **how: looked.append(how) or look(data, **how)
    )
    for _ in range(2):
        identify.identify(str(snapshot.pk))
    assert looked == [{"kind": "snapshot", "faces": "one", "liveness": False}]
    assert Decision.objects.get().reason == "ok"


@pytest.mark.django_db
def test_the_kiosks_rule_for_several_faces_and_the_kind_of_picture_reach_the_eyes(
    cast: Cast, camera_sees: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    camera_sees(ALICE)
    cast.kiosk.faces = "largest"
    cast.kiosk.save()
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent(kind="crop"))
    looked: list[Any] = []
    look = sight._recognizer.look  # type: ignore[union-attr]
    monkeypatch.setattr(
        sight._recognizer, "look", lambda data, **how: looked.append(how) or look(data, **how)
    )
    identify.identify(str(snapshot.pk))
    assert looked == [{"kind": "crop", "faces": "largest", "liveness": False}]


@pytest.mark.django_db
def test_what_was_decided_meanwhile_is_not_looked_at(cast: Cast, camera_sees: Callable[..., Any]) -> None:
    camera_sees(ALICE)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    assert snapshots.claim(snapshot.pk) == 1
    decisions.settle(snapshot.pk, None)
    identify.look_and_settle(snapshot.pk, 1)
    assert Decision.objects.get().reason == "deadline"


@pytest.mark.django_db
def test_a_first_search_of_all_makes_the_first_turn(cast: Cast) -> None:
    Faceprint.objects.all().delete()
    Turn.objects.all().delete()
    assert evidence(cast).person is None
    assert Turn.objects.count() == 1
