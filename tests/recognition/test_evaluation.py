import numpy as np
import pytest

from recognition import evaluation, image


def people(count, photographs, *, spread, dimension=32, seed=3):
    """Unit vectors: `count` people with so many photographs each, scattered about their own direction."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(count, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    rows = np.repeat(centres, photographs, axis=0)
    rows = rows + chance.normal(scale=spread, size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), [f"p{index}" for index in range(count) for _ in range(photographs)]


def test_thresholds_let_through_just_the_rate_they_are_named_for():
    rows, names = people(200, 2, spread=0.05)
    result = evaluation.calibrate(rows, names, failed=0)
    owner = np.array(names)
    scores = rows @ rows.T
    impostors = scores[np.triu(owner[:, None] != owner[None, :])]
    assert result.pairs == impostors.size == 200 * 199 * 2
    for rate, threshold, errors in result.points:
        assert (impostors >= threshold - 1e-4).mean() == pytest.approx(rate, rel=0.1)
        assert errors >= 30
    assert [rate for rate, *_ in result.points] == [0.1, 0.03, 0.01, 0.003, 0.001]


def test_rates_that_thirty_errors_do_not_support_are_left_out():
    rows, names = people(60, 2, spread=0.05)
    rates = [rate for rate, *_ in evaluation.calibrate(rows, names, failed=0).points]
    assert rates == [0.1, 0.03, 0.01]


def test_the_margin_grows_with_how_much_photographs_of_one_person_differ():
    margins = [
        evaluation.calibrate(*people(60, 2, spread=spread), failed=0).margin for spread in (0.01, 0.05, 0.1)
    ]
    assert margins == sorted(margins)
    assert margins[0] < margins[2] / 4


def test_a_margin_needs_people_with_more_than_one_photograph():
    with pytest.raises(ValueError, match="the margin needs 30"):
        evaluation.calibrate(*people(100, 1, spread=0.0), failed=0)


def test_too_few_people_support_no_rate():
    with pytest.raises(ValueError, match="support no rate"):
        evaluation.calibrate(*people(4, 2, spread=0.1), failed=0)


def test_the_pairs_file_names_pictures_and_folds(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("2\t1\nAlice\t1\t12\nAlice\t1\tBob\t3\nBob\t1\t2\nBob\t2\tCharlie\t1\n")
    pairs, folds = evaluation.read_pairs(path)
    assert folds == 2
    assert pairs == [
        ("Alice/Alice_0001.jpg", "Alice/Alice_0012.jpg", True),
        ("Alice/Alice_0001.jpg", "Bob/Bob_0003.jpg", False),
        ("Bob/Bob_0001.jpg", "Bob/Bob_0002.jpg", True),
        ("Bob/Bob_0002.jpg", "Charlie/Charlie_0001.jpg", False),
    ]


def test_pairs_that_do_not_divide_into_folds_are_refused(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("2 1\nAlice 1 2\nAlice 1 Bob 3\nBob 1 2\n")
    with pytest.raises(ValueError, match="do not divide"):
        evaluation.read_pairs(path)


def test_the_best_threshold_lies_between_the_two_kinds():
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1, -1.0], np.float32)
    same = np.array([True, True, True, False, False, False])
    assert 0.2 < evaluation.best_threshold(scores, same) < 0.7


def test_the_true_accept_rate_allows_just_the_share_of_false_ones():
    scores = np.concatenate([np.linspace(0, 1, 100), np.linspace(0, 0.5, 100)]).astype(np.float32)
    same = np.repeat([True, False], 100)
    threshold = np.sort(scores[~same])[::-1][1]
    assert evaluation.accepted_at(scores, same, 0.01) == pytest.approx(
        float((scores[same] > threshold).mean())
    )


@pytest.mark.parametrize(
    ("successes", "tries", "low", "high"),
    [(10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278), (50, 100, 0.404, 0.596)],
)
def test_wilson_intervals_agree_with_the_published_ones(successes, tries, low, high):
    assert evaluation.wilson(successes, tries) == pytest.approx((low, high), abs=1e-3)


def test_the_face_nearest_the_middle_is_whom_the_picture_is_of(eyes, portrait):
    (face,) = eyes.detector.detect(portrait)
    aside = face.moved(scale=1, dx=-150, dy=-60)
    assert evaluation.central([aside, face], portrait) is face
    assert evaluation.central([], portrait) is None


def test_a_detector_agrees_with_itself(eyes, tmp_path, portrait_bytes):
    (tmp_path / "portrait.jpg").write_bytes(portrait_bytes)
    gaps = evaluation.agreement(eyes.detector, eyes.detector, [tmp_path / "portrait.jpg"], lambda *_: None)
    assert gaps.tolist() == [0.0]


def test_quality_is_measured_on_the_central_face_and_crowds_are_counted(eyes, tmp_path, portrait):
    blank, crowd = np.full((200, 300, 3), 90, np.uint8), np.hstack([portrait, portrait])
    for name, rgb in (("alone", portrait), ("nobody", blank), ("crowd", crowd)):
        (tmp_path / f"{name}.jpg").write_bytes(image.encode_jpeg(rgb))
    paths = [tmp_path / f"{name}.jpg" for name in ("alone", "nobody", "crowd")]
    numbers, failed, crowded = evaluation.measure_quality(eyes, paths, lambda *_: None)
    assert (len(numbers), failed, crowded) == (2, 1, 1)
    (blurred,), _, _ = evaluation.measure_quality(eyes, paths[:1], lambda *_: None, blur=4)
    assert blurred.sharpness < numbers[0].sharpness / 2
