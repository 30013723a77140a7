import numpy as np
import pytest

from recognition.evaluation import pairs
from recognition.evaluation.intervals import interval, resampled, share_interval, widened


def drawn_pairs(*, people, folds, apart, seed=5):
    """Scores and pairs: in each fold one pair of the same and one of different for each of its people."""
    chance = np.random.default_rng(seed)
    listed, scores = [], []
    for fold in range(folds):
        names = [f"p{fold}_{index}" for index in range(people)]
        for name in names:
            listed.append((f"{name}/{name}_0001.jpg", f"{name}/{name}_0002.jpg", True))
            scores.append(chance.normal(apart))
        for index, name in enumerate(names):
            other = names[(index + 1) % people]
            listed.append((f"{name}/{name}_0001.jpg", f"{other}/{other}_0001.jpg", False))
            scores.append(chance.normal(0.0))
    return np.array(scores, np.float32), listed


def test_each_fold_is_judged_by_a_threshold_from_the_others():
    # The first fold's scores lie 10 higher: its own best threshold would call all of it right.
    scores, listed = drawn_pairs(people=20, folds=2, apart=50.0)
    scores[:40] += 100
    found = pairs.judge(scores, listed, folds=2, resamples=50)
    assert found.folds == (0.5, 0.5)
    assert found.accuracy == 0.5


def test_pairs_that_are_told_apart_leave_no_doubt_and_hard_ones_do():
    easy = pairs.judge(*drawn_pairs(people=40, folds=5, apart=50.0), folds=5)
    assert (easy.accuracy, easy.tar[1e-2], easy.pairs, easy.people, easy.impostors) == (
        1.0,
        1.0,
        400,
        200,
        200,
    )
    hard = pairs.judge(*drawn_pairs(people=40, folds=5, apart=2.0), folds=5)
    low, high = hard.accuracy_interval
    assert low < hard.accuracy < high
    assert 0.03 < high - low < 0.2
    low, high = hard.tar_interval[1e-2]
    assert low < hard.tar[1e-2] < high


def test_intervals_are_the_same_for_the_same_seed_only():
    scores, listed = drawn_pairs(people=40, folds=5, apart=2.0)
    first, again, other = (pairs.judge(scores, listed, folds=5, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.accuracy_interval != other.accuracy_interval


def test_one_person_with_many_photographs_does_not_pass_for_many_people():
    # 100 errors among 500 photographs: of 500 people, or of 20 people, four of whom are never recognised.
    spread = np.repeat([1.0, 0.0], [100, 400])
    crowded = np.repeat([25.0, 0.0], [4, 16])
    many = share_interval(spread, np.ones(500), resampled(500))
    few = share_interval(crowded, np.full(20, 25.0), resampled(20))
    assert many[0] < 0.2 < many[1]
    assert few[1] - few[0] > 3 * (many[1] - many[0])


def test_a_pair_that_weighs_two_counts_as_if_it_were_listed_twice():
    chance = np.random.default_rng(3)
    scores, same = chance.normal(size=400).astype(np.float32), np.repeat([True, False], 200)
    scores[same] += 1
    weights = chance.integers(0, 4, size=(5, 400))
    for rate in (0.01, 0.05, 0.3):
        twice = [pairs.accepted_at(np.repeat(scores, row), np.repeat(same, row), rate) for row in weights]
        assert pairs._accepted(scores, same, rate, weights.astype(float)) == pytest.approx(twice)


def test_the_interval_holds_the_true_share_about_as_often_as_it_says():
    chance, held = np.random.default_rng(7), 0
    for trial in range(200):
        photographs = chance.integers(1, 6, size=150)
        errors = chance.binomial(photographs, 0.2)
        drawn = resampled(150, resamples=400, seed=trial)
        low, high = share_interval(errors.astype(float), photographs.astype(float), drawn)
        held += low <= 0.2 <= high
    assert 0.89 <= held / 200 <= 0.99


@pytest.mark.parametrize(("share", "expected"), [(0.0, (0.0, 0.3085)), (1.0, (0.6915, 1.0))])
def test_no_error_seen_is_not_no_error_possible(share, expected):
    # The exact two-sided 95 % bounds for none, or all, of ten.
    assert widened(share, share, share=share, people=10) == pytest.approx(expected, abs=1e-4)


def test_a_figure_without_any_value_may_be_anything():
    assert interval(np.array([np.nan, np.nan])) == (0.0, 1.0)
    nothing = np.zeros(3)
    assert share_interval(nothing, nothing, resampled(3, resamples=10)) == (0.0, 1.0)


def test_the_first_line_may_also_count_the_pairs(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("3\nA 1 2\nA 1 B 3\nB 1 2\n")
    listed, folds = pairs.read_pairs(path)
    assert (len(listed), folds) == (3, 3)
