import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.alignment import align, similarity, template_points

TEMPLATE, _ = template_points("arcface-112")


@given(
    turn=st.floats(-np.pi, np.pi),
    scale=st.floats(0.05, 50),
    dx=st.floats(-2000, 2000),
    dy=st.floats(-2000, 2000),
)
def test_similarity_undoes_any_turn_scale_and_shift(turn, scale, dx, dy):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    seen = scale * TEMPLATE.astype(np.float64) @ rotation.T + [dx, dy]
    matrix = similarity(seen, TEMPLATE)
    np.testing.assert_allclose(seen @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-3)


def test_a_mirrored_face_is_not_mirrored_back():
    matrix = similarity(TEMPLATE * [-1, 1], TEMPLATE)
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_points_that_say_nothing_are_refused(points):
    with pytest.raises(ValueError, match="points"):
        similarity(points, TEMPLATE)


def test_other_sizes_are_the_same_template_scaled():
    points, side = template_points("arcface-96")
    assert side == 96
    np.testing.assert_allclose((points + 0.5) / 96, (TEMPLATE + 0.5) / 112, atol=1e-6)


def test_the_inner_template_is_a_window_on_the_face_with_the_chin_in_it(portrait):
    points, side = template_points("inner-96")
    assert side == 96
    np.testing.assert_allclose(points + np.array([8, 16]), TEMPLATE, atol=1e-5)
    whole, inner = (align(portrait, TEMPLATE + 40, name) for name in ("arcface-112", "inner-96"))
    assert np.abs(whole[16:, 8:-8].astype(int) - inner).max() <= 1


@pytest.mark.parametrize(
    "name",
    ["arcface", "arcface-", "arcface-0", "arcface-9999", "ffhq-112", "", "inner-", "inner-63", "inner-113"],
)
def test_an_unknown_template_is_refused(name):
    with pytest.raises(ValueError, match="unknown template"):
        template_points(name)


def test_a_face_that_stands_on_the_template_already_is_left_alone(portrait):
    crop = align(portrait[:112, :112].copy(), TEMPLATE, "arcface-112")
    assert np.abs(crop.astype(int) - portrait[:112, :112]).max() <= 1


def test_a_turned_picture_gives_the_same_crop(portrait):
    points = np.array([[202, 102], [247, 103], [222, 125], [200, 141], [242, 142]], np.float32)
    upright = align(portrait, points, "arcface-112")
    turned = np.ascontiguousarray(np.rot90(portrait))  # (x, y) goes to (y, width - 1 - x)
    moved = np.stack([points[:, 1], portrait.shape[1] - 1 - points[:, 0]], axis=1)
    assert np.abs(align(turned, moved, "arcface-112").astype(int) - upright).mean() < 1


def test_a_very_large_face_is_averaged_not_sampled(portrait):
    points = np.array([[202, 102], [247, 103], [222, 125], [200, 141], [242, 142]], np.float32)
    chance = np.random.default_rng(7)
    large = np.repeat(np.repeat(portrait, 6, axis=0), 6, axis=1)
    noisy = np.clip(large.astype(int) + chance.normal(0, 60, large.shape), 0, 255).astype(np.uint8)
    crop = align(noisy, points * 6 + 2.5, "arcface-112")
    plain = align(large, points * 6 + 2.5, "arcface-112")
    # Sampling would leave noise of 30 and more in the crop.
    assert np.abs(crop.astype(int) - plain).mean() < 15
