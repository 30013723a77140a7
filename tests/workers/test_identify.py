"""From a sighting to evidence: every doubt has a word, and nobody is named without a measured threshold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from access import decisions, policy, snapshots
from access.gallery import Turn
from access.models import Decision, Faceprint
from access.policy import Evidence, Reason
from recognition import Problem, Sighting
from tests import factories
from tests.conftest import CARD
from tests.factories import ALICE, BOB, CHARLIE, STRANGER, Cast
from workers import identify, sight


def seen(vector: Any = ALICE, **fields: Any) -> Sighting:
    unit = None if vector is None else np.asarray(vector, np.float32) / np.linalg.norm(vector)
    return Sighting(100, 120, CARD.id, vector=unit, **fields)


def evidence(cast: Cast, vector: Any = ALICE, card: Any = CARD, **fields: Any) -> Evidence:
    return identify.evidence_from(seen(vector, **fields), card, site=cast.site.pk)


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
    found = identify.evidence_from(Sighting(1, 1, CARD.id, vector=vector), CARD, site=cast.site.pk)
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
        "threshold",
        "score",
        "lead",
    }


@pytest.mark.django_db
def test_another_model_finds_nobody_among_this_ones_faceprints(cast: Cast) -> None:
    other = Sighting(1, 1, "other-model", vector=np.asarray(ALICE, np.float32))
    found = identify.evidence_from(other, replace(CARD, id="other-model"), site=cast.site.pk)
    assert (found.person, found.facts["gallery"]) == (None, 0)


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
    assert looked == [{"kind": "snapshot", "faces": "one"}]
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
    assert looked == [{"kind": "crop", "faces": "largest"}]


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
