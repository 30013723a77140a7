import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.matching import (
    Ambiguous,
    Match,
    Neighbour,
    Uncalibrated,
    Unknown,
    decide,
    needed_fmr,
    threshold_for,
)

POINTS = ((1e-1, 0.14), (1e-2, 0.25), (1e-3, 0.34), (1e-4, 0.40), (3e-5, 0.43))
neighbours = st.lists(
    st.builds(Neighbour, st.sampled_from(["Alice", "Bob", "Charlie", "Dora"]), st.floats(-1, 1)), max_size=8
)
thresholds = st.floats(-1, 1)


def named(verdict):
    return verdict.person if isinstance(verdict, Match) else None


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([], Unknown()),
        ([("Alice", 0.3)], Unknown(0.3)),
        ([("Alice", 0.4)], Match("Alice", 0.4, math.inf)),
        ([("Alice", 0.8), ("Bob", 0.3)], Match("Alice", 0.8, 0.5)),
        ([("Alice", 0.8), ("Alice", 0.79)], Match("Alice", 0.8, math.inf)),
        ([("Alice", 0.8), ("Bob", 0.75)], Ambiguous(("Alice", "Bob"), 0.8 - 0.75)),
        ([("Bob", 0.75), ("Alice", 0.8), ("Alice", 0.2)], Ambiguous(("Alice", "Bob"), 0.8 - 0.75)),
        ([("Alice", 0.45), ("Bob", 0.39)], Match("Alice", 0.45, 0.45 - 0.39)),
        ([("Alice", math.nan), ("Bob", 0.9)], Unknown()),
        ([("Alice", math.nan)], Unknown()),
    ],
)
def test_the_rule_as_a_table(seen, verdict):
    assert decide([Neighbour(*one) for one in seen], threshold=0.4, margin=0.1) == verdict


def test_a_threshold_or_margin_that_is_no_number_names_nobody():
    seen = [Neighbour("Alice", 0.9)]
    assert decide(seen, threshold=math.nan, margin=0.1) == Unknown(0.9)
    assert decide(seen, threshold=0.4, margin=math.nan) == Unknown()


def test_two_people_with_the_same_score_are_ambiguous_even_without_a_margin():
    seen = [Neighbour("Bob", 0.9), Neighbour("Alice", 0.9)]
    assert decide(seen, threshold=0.4, margin=0.0) == Ambiguous(("Alice", "Bob"), 0.0)


@given(seen=neighbours, threshold=thresholds, margin=st.floats(0, 1), data=st.data())
def test_the_order_of_neighbours_does_not_matter(seen, threshold, margin, data):
    shuffled = data.draw(st.permutations(seen))
    assert decide(seen, threshold=threshold, margin=margin) == decide(
        shuffled, threshold=threshold, margin=margin
    )


@given(seen=neighbours, low=thresholds, high=thresholds)
def test_a_stricter_threshold_never_names_anyone_new_without_a_margin(seen, low, high):
    low, high = sorted((low, high))
    strict = named(decide(seen, threshold=high, margin=0))
    assert strict is None or strict == named(decide(seen, threshold=low, margin=0))


@given(seen=neighbours, low=thresholds, high=thresholds, margin=st.floats(0, 1))
def test_a_stricter_threshold_only_ever_names_whom_the_looser_one_put_first(seen, low, high, margin):
    low, high = sorted((low, high))
    strict, loose = (decide(seen, threshold=t, margin=margin) for t in (high, low))
    if isinstance(strict, Match):
        assert strict.person == named(loose) or strict.person in loose.people


@given(seen=neighbours, threshold=thresholds, small=st.floats(0, 1), large=st.floats(0, 1))
def test_a_wider_margin_never_names_anyone_new(seen, threshold, small, large):
    small, large = sorted((small, large))
    strict = named(decide(seen, threshold=threshold, margin=large))
    assert strict is None or strict == named(decide(seen, threshold=threshold, margin=small))


@pytest.mark.parametrize(
    ("size", "fpir", "fmr"),
    [(100, 0.01, 1e-4), (420, 0.003, 7.2e-6), (1000, 0.001, 1e-6), (42_000, 0.001, 2.4e-8)],
)
def test_the_needed_false_match_rate_agrees_with_the_requirements_table(size, fpir, fmr):
    assert needed_fmr(gallery_size=size, fpir=fpir) == pytest.approx(fmr, rel=0.02)


def test_a_gallery_of_one_needs_just_the_wanted_rate():
    assert threshold_for(POINTS, gallery_size=1, fpir=1e-2) == pytest.approx(0.25)
    assert threshold_for(POINTS, gallery_size=1, fpir=0.5) == pytest.approx(0.14)


def test_between_two_measured_rates_the_threshold_is_linear_in_the_logarithm():
    assert threshold_for(POINTS, gallery_size=1, fpir=10**-1.5) == pytest.approx((0.14 + 0.25) / 2)


@given(first=st.integers(1, 10**6), second=st.integers(1, 10**6), fpir=st.floats(1e-5, 0.5))
def test_the_threshold_never_falls_as_the_gallery_grows(first, second, fpir):
    small, large = sorted((first, second))
    lower, higher = (threshold_for(POINTS, gallery_size=size, fpir=fpir) for size in (small, large))
    assert lower <= higher


def test_beyond_the_data_the_threshold_rises_at_least_as_fast_as_at_its_end():
    last = threshold_for(POINTS, gallery_size=1, fpir=3e-5)
    beyond = threshold_for(POINTS, gallery_size=1, fpir=3e-6)
    end_slope = (0.43 - 0.40) / math.log10(1e-4 / 3e-5)
    assert beyond - last >= end_slope - 1e-9
    # The segment from 1e-2 to 1e-3 is the steepest that touches the last two decades.
    assert beyond - last == pytest.approx(0.09)


def test_noise_in_the_measured_points_cannot_lower_the_threshold():
    noisy = ((1e-2, 0.30), (1e-3, 0.29), (1e-4, 0.35))
    assert threshold_for(noisy, gallery_size=1, fpir=1e-3) == pytest.approx(0.30)


@pytest.mark.parametrize(
    "points",
    [
        (),
        ((1e-3, 0.3),),
        ((1e-3, 0.3), (1e-3, 0.4)),
        ((0.0, 0.3), (1e-3, 0.4)),
        ((1e-2, math.nan), (1e-3, 0.4)),
        ((2, 0.1), (1e-3, 0.4)),
    ],
)
def test_without_a_usable_calibration_there_is_no_threshold(points):
    with pytest.raises(Uncalibrated):
        threshold_for(points, gallery_size=10, fpir=0.01)


@pytest.mark.parametrize(
    ("size", "fpir"), [(0, 0.01), (-1, 0.01), (10, 0), (10, 1), (10, -0.1), (10, math.nan)]
)
def test_senseless_risks_are_refused(size, fpir):
    with pytest.raises(ValueError, match="rate"):
        threshold_for(POINTS, gallery_size=size, fpir=fpir)
