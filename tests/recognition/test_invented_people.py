"""The people who do not exist: complete, found by the shipped eyes, told apart, and each like themselves."""

import tomllib
from collections import Counter

import numpy as np
import pytest

from recognition import Recognizer, threshold_for
from recognition.image import decode
from tests.recognition.conftest import ROOT

PEOPLE = ROOT / "access" / "up" / "demo" / "people"
CARD = tomllib.loads((PEOPLE / "people.toml").read_text(encoding="utf-8"))
BADGES = [person["badge"] for person in CARD["people"]]
FACEPRINTS, RISK = 160, 0.003  # what the demo's door is set to
ENROLLED, POSTED = 1, 7  # one photograph of those for enrolment, and one of those that a door sees


@pytest.fixture(scope="module")
def eyes():
    return Recognizer.load(None)


@pytest.fixture(scope="module")
def seen(eyes):
    """What the eyes see in one enrolment photograph and one passage of everybody."""
    return {
        (badge, number): eyes.look(
            (PEOPLE / badge / f"{number}.jpg").read_bytes(),
            purpose="enrolment" if number == ENROLLED else "door",
        )
        for badge in BADGES
        for number in (ENROLLED, POSTED)
    }


@pytest.fixture(scope="module")
def threshold(eyes):
    return threshold_for(eyes.card.calibration.points, gallery_size=FACEPRINTS, fpir=RISK)


def test_everybody_has_all_photographs_and_nothing_else_lies_there():
    wanted = {f"{badge}/{number}.jpg" for badge in BADGES for number in range(1, 9)}
    assert {path.relative_to(PEOPLE).as_posix() for path in PEOPLE.glob("*/*")} == wanted
    assert len(CARD["photographs"]) == 8


def test_the_set_is_small_enough_to_ship():
    assert sum(path.stat().st_size for path in PEOPLE.rglob("*.jpg")) <= 6_000_000


def test_badges_and_names_are_given_once_and_departments_are_five():
    names = Counter(person["name"] for person in CARD["people"])
    assert len(set(BADGES)) == len(BADGES) == len(names) >= 20
    assert len({person["department"] for person in CARD["people"]}) == 5


def test_every_photograph_is_a_jpeg_of_the_size_of_a_kiosk():
    for path in sorted(PEOPLE.rglob("*.jpg"))[::8]:
        data = path.read_bytes()
        assert data.startswith(b"\xff\xd8\xff"), path
        assert decode(data).shape == (480, 640, 3), path


def test_the_shipped_eyes_accept_one_face_in_each(seen):
    assert {key: (len(one.faces), one.problem) for key, one in seen.items()} == dict.fromkeys(seen, (1, None))


def test_no_two_people_reach_the_threshold(seen, threshold):
    vectors, owners = _stacked(seen)
    scores = vectors @ vectors.T
    different = owners[:, None] != owners[None, :]
    assert scores[different].max() < threshold


def test_the_photographs_of_one_person_agree(seen, threshold):
    scores = {badge: float(seen[badge, ENROLLED].vector @ seen[badge, POSTED].vector) for badge in BADGES}
    assert min(scores.values()) >= threshold


def test_the_card_states_what_was_measured_and_nobody_was_granted_wrongly():
    measured = CARD["measured"]
    assert (
        measured["photographs"]
        == measured["exactly_one_face"]
        == measured["pass_the_door"]
        == 8 * len(BADGES)
    )
    for embedder in measured["embedders"]:
        assert embedder["door"]["granted_wrong"] == embedder["strangers"]["granted_wrong"] == 0
        assert embedder["against"]["photographs_above_threshold"] == 0


def _stacked(seen):
    return np.stack([one.vector for one in seen.values()]), np.array([badge for badge, _ in seen])
