from dataclasses import replace

import numpy as np
import pytest

from recognition import image, liveness, weights
from recognition.faces import Face
from recognition.liveness import Liveness, Method, Why
from recognition.recognizer import Recognizer
from tests.recognition.conftest import LANDMARKS, MODELS, present, tiny

BOX = (178.0, 62.0, 266.0, 170.0)  # about the face of the portrait


@pytest.fixture(scope="module")
def by_colour(tiny_card):
    """A real graph whose logits are the crop's mean blue, green and red: what is green is live."""
    judgement = weights.Judgement((2.7, 4.0), live=1, threshold=0.5, basis="made for these tests")
    file = tiny_card.paths(None)[0]
    card = tiny(file, weights.Input(16, 16, channels="BGR"))
    card = replace(card, task="liveness", judgement=judgement)
    return liveness.Passive(card, tuple(weights.open_session(card, None) for _ in judgement.scales))


def face(x1, y1, x2, y2):
    return Face((x1, y1, x2, y2), LANDMARKS, 0.9)


def plain(colour, width=400, height=300):
    return np.full((height, width, 3), colour, np.uint8)


def test_what_was_not_judged_cannot_be_live():
    with pytest.raises(ValueError, match="not judged cannot be live"):
        Liveness(judged=False, live=True, method=Method.PASSIVE)


@pytest.mark.parametrize(("live", "why"), [(True, Why.SPOOF), (False, None)])
def test_a_face_is_live_or_there_is_a_reason_why_not(live, why):
    with pytest.raises(ValueError, match="a reason why not"):
        Liveness(judged=True, live=live, method=Method.PASSIVE, why=why)


@pytest.mark.parametrize("scale", [2.7, 4.0])
@pytest.mark.parametrize("at", [(150, 100), (0, 0), (350, 230), (-10, 120), (370, -20)])
def test_a_crop_is_shifted_into_the_picture_and_never_shrunk(scale, at):
    rgb = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    crop = liveness.margin_crop(rgb, face(at[0], at[1], at[0] + 50, at[1] + 70), scale)
    assert crop.shape[1] == pytest.approx(50 * scale, abs=1)
    assert crop.shape[0] == pytest.approx(70 * scale, abs=1)


def test_a_crop_lies_about_the_middle_of_the_face_where_there_is_room():
    rgb = np.zeros((300, 400, 3), np.uint8)
    rgb[150, 200] = 255
    crop = liveness.margin_crop(rgb, face(180, 130, 220, 170), 2.7)
    y, x = np.argwhere(crop[..., 0])[0]
    assert abs(y - crop.shape[0] / 2) <= 1
    assert abs(x - crop.shape[1] / 2) <= 1


@pytest.mark.parametrize(
    "box",
    [
        (100, 100, 201, 150),  # four times as wide as the picture, and one pixel more
        (100, 100, 150, 176),
        (100, 100, 100, 100),
        (200, 200, 100, 100),
        (float("nan"), 100, 150, 150),
    ],
)
def test_a_crop_that_does_not_fit_is_none(box):
    assert liveness.margin_crop(plain((9, 9, 9)), face(*box), 4.0) is None


def test_a_crop_of_the_whole_picture_fits():
    assert liveness.margin_crop(plain((9, 9, 9)), face(100, 100, 200, 175), 4.0).shape == (300, 400, 3)


def test_the_mean_of_the_networks_is_held_against_the_cards_threshold(by_colour):
    alive = by_colour.judge(plain((0, 200, 0)), face(150, 100, 200, 150))
    assert (alive.judged, alive.live, alive.why, alive.method) == (True, True, None, Method.PASSIVE)
    assert alive.score > 0.99
    spoof = by_colour.judge(plain((200, 0, 0)), face(150, 100, 200, 150))
    assert (spoof.judged, spoof.live, spoof.why) == (True, False, Why.SPOOF)
    assert spoof.score < 0.01


def test_each_network_sees_its_own_crop(by_colour):
    rgb = plain((200, 0, 0))
    rgb[57:193, 107:243] = (0, 200, 0)  # all that the crop of 2.7 sees, less than half of the other one
    seen = by_colour.judge(rgb, face(150, 100, 200, 150))
    assert seen.score == pytest.approx(0.5, abs=0.01)


def test_a_face_without_margin_is_not_judged_whatever_the_model_would_say(by_colour):
    for box in ((100, 100, 250, 250), (0, 0, 400, 300)):
        seen = by_colour.judge(plain((0, 200, 0)), face(*box))
        assert seen == Liveness(judged=False, live=False, method=Method.PASSIVE, why=Why.NO_MARGIN)


def test_a_card_without_a_scale_for_each_file_is_refused(by_colour, tiny_card):
    with pytest.raises(weights.ModelError, match="no scale for each"):
        liveness.Passive(by_colour.card, (weights.open_session(tiny_card, None),))
    with pytest.raises(weights.ModelError, match="no scale for each"):
        liveness.Passive(tiny_card, (weights.open_session(tiny_card, None),))


def test_every_liveness_card_says_where_its_threshold_comes_from():
    known = [card for card in weights.cards() if card.task == "liveness"]
    assert known
    for card in known:
        assert len(card.judgement.scales) == len(card.files)
        assert 0 < card.judgement.threshold < 1
        assert len(card.judgement.basis) > 40


class TestInALook:
    @pytest.fixture
    def with_colour(self, eyes, by_colour):
        return Recognizer(eyes.detector, eyes.embedder, by_colour)

    def test_it_is_asked_for_or_costs_nothing(self, with_colour, portrait_bytes):
        seen = with_colour.look(portrait_bytes)
        assert seen.liveness is None
        assert "liveness" not in seen.milliseconds
        asked = with_colour.look(portrait_bytes, liveness=True)
        assert asked.liveness.judged
        assert list(asked.milliseconds) == ["decode", "detect", "align", "liveness", "embed"]
        assert (asked.vector == seen.vector).all()

    def test_without_a_model_nothing_is_live(self, eyes, portrait_bytes):
        seen = eyes.look(portrait_bytes, liveness=True)
        assert seen.problem is None
        assert seen.liveness == liveness.not_judged(Why.NO_MODEL, method=Method.PASSIVE)

    def test_where_no_face_passes_the_gates_nothing_is_live(self, with_colour, portrait):
        nobody = image.encode_jpeg(plain((0, 200, 0)))
        two = image.encode_jpeg(np.hstack([portrait, portrait]))
        dark = image.encode_jpeg((portrait * 0.3).astype(np.uint8))
        for data in (b"", nobody, two, dark):
            seen = with_colour.look(data, liveness=True)
            assert seen.problem is not None
            assert seen.liveness == liveness.not_judged(Why.NO_FACE, method=Method.PASSIVE)

    def test_an_edge_crop_is_not_judged(self, with_colour, portrait):
        seen = with_colour.look(image.encode_jpeg(portrait[30:200, 150:300]), kind="crop", liveness=True)
        assert seen.problem is None
        assert seen.liveness == liveness.not_judged(Why.NO_MARGIN, method=Method.PASSIVE)


def test_no_model_in_the_folder_is_no_model(tmp_path):
    assert liveness.load(tmp_path) is None
    assert liveness.load(None) is None


def test_a_liveness_model_with_another_hash_is_refused(tmp_path):
    (card,) = (card for card in weights.cards() if card.id == "minifasnet")
    for file in card.files:
        (tmp_path / file.name).write_bytes(b"something else")
    with pytest.raises(weights.ModelError, match="the file is refused"):
        liveness.load(tmp_path)


@pytest.mark.parametrize("model_id", present("liveness"))
class TestEveryLivenessModel:
    @pytest.fixture
    def passive(self, model_id):
        card = weights.card(model_id)
        return liveness.Passive(card, weights.open_sessions(card, MODELS))

    def test_the_portrait_has_its_golden_score(self, passive, model_id, portrait):
        golden = {"minifasnet": 0.9466}
        seen = passive.judge(portrait, face(*BOX))
        assert seen.live
        assert seen.score == pytest.approx(golden[model_id], abs=1e-3)

    def test_the_same_picture_gives_the_same_score(self, passive, portrait):
        assert passive.judge(portrait, face(*BOX)) == passive.judge(portrait, face(*BOX))

    def test_a_blank_picture_is_not_live(self, passive):
        for level in (0, 127, 255):
            assert not passive.judge(plain((level,) * 3, 512, 512), face(*BOX)).live

    def test_a_tight_crop_is_not_judged(self, passive, portrait):
        tight = np.ascontiguousarray(portrait[62:170, 178:266])
        seen = passive.judge(tight, face(0, 0, 88, 108))
        assert seen == liveness.not_judged(Why.NO_MARGIN, method=Method.PASSIVE)

    def test_the_eyes_find_it_and_time_it(self, passive, portrait_bytes):
        eyes = Recognizer.load(MODELS)
        eyes.warm()
        seen = eyes.look(portrait_bytes, liveness=True)
        assert seen.liveness.judged
        assert eyes.passive.card == passive.card
        assert seen.milliseconds["liveness"] > 0
