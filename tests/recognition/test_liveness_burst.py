"""Bursts made of one portrait: what moves as a plane, what moves as a head, and what does not move."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognition import burst, image
from recognition.burst import LIMITS, Frame
from recognition.faces import Face
from recognition.liveness import Method, Why
from tests.recognition.conftest import LANDMARKS
from tests.recognition.heads import BOX, HERSELF, as_plane, burst_of, turned

SAME = 0.4
OTHER = np.array([0, 1, 0], np.float32)


@pytest.fixture(scope="module")
def turning(portrait):
    """A head that turns aside: made by moving each pixel by its depth."""
    return burst_of(turned(portrait, yaw) for yaw in (0, 20, 35, 15))


@pytest.fixture(scope="module")
def tilting(portrait):
    """A print of the same portrait, tilted by hand."""
    return burst_of(as_plane(portrait, tilt) for tilt in (0.0, 0.25, 0.4, 0.3, 0.1))


def test_a_turning_head_is_live(turning):
    seen = burst.check(turning, same=SAME)
    assert (seen.judged, seen.live, seen.method) == (True, True, Method.BURST)
    assert seen.score >= LIMITS.misfit


def test_a_head_that_hardly_turns_is_not_judged(portrait):
    seen = burst.check(burst_of(turned(portrait, yaw) for yaw in (0, 5, 9, 4)), same=SAME)
    assert (seen.judged, seen.live, seen.why) == (False, False, Why.STILL)


def test_a_tilted_print_is_flat(tilting):
    seen = burst.check(tilting, same=SAME)
    assert (seen.judged, seen.live, seen.why) == (True, False, Why.FLAT)
    assert seen.score < LIMITS.misfit


def test_the_same_file_sent_again_is_frozen(portrait):
    seen = burst.check(burst_of([(portrait, LANDMARKS)] * 4), same=SAME)
    assert (seen.judged, seen.live, seen.why) == (True, False, Why.FROZEN)


def test_a_still_encoded_anew_and_dimmed_is_frozen_too(portrait):
    files = [image.encode_jpeg((portrait * dim).astype(np.uint8), quality=95) for dim in (1, 0.99, 0.98)]
    seen = burst.check(burst_of((image.decode(data), LANDMARKS) for data in files), same=SAME)
    assert seen.why is Why.FROZEN


def test_a_still_moved_about_in_its_plane_is_never_live(portrait):
    chance = np.random.default_rng(2)
    pictures = []
    for shift in (0, 9, -7, 12):
        matrix = np.float32([[1, 0, shift], [0, 1, shift / 2]])
        moved = cv2.warpAffine(portrait, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT)
        noisy = np.clip(moved + chance.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)
        pictures.append((noisy, LANDMARKS + np.float32([shift, shift / 2])))
    seen = burst.check(burst_of(pictures), same=SAME)
    assert (seen.judged, seen.live, seen.why) == (False, False, Why.STILL)


def test_one_frame_that_slipped_does_not_make_a_print_alive(tilting, turning):
    slipped = [*tilting[:4], replace(turning[2], seconds=tilting[4].seconds)]
    assert not burst.check(slipped, same=SAME).live


def test_blank_frames_are_never_live():
    chance = np.random.default_rng(3)
    grey = [np.clip(chance.normal(127, 40, (512, 512, 3)), 0, 255).astype(np.uint8) for _ in range(4)]
    assert not burst.check(burst_of((each, LANDMARKS) for each in grey), same=SAME).live
    flat = [np.full((512, 512, 3), 20 * number, np.uint8) for number in range(4)]
    assert burst.check(burst_of((each, LANDMARKS) for each in flat), same=SAME).why is Why.FROZEN


def test_the_same_burst_gives_the_same_answer(turning):
    assert burst.check(turning, same=SAME) == burst.check(turning, same=SAME)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_frames_are_not_judged(turning, count):
    seen = burst.check(turning[:count], same=SAME)
    assert (seen.judged, seen.live, seen.why) == (False, False, Why.NO_BURST)


@pytest.mark.parametrize("seconds", [0.0, -0.3, 0.05, 1.5, float("nan"), float("inf")])
def test_frames_out_of_time_are_not_judged(turning, seconds):
    late = [*turning[:3], replace(turning[3], seconds=turning[2].seconds + seconds)]
    assert burst.check(late, same=SAME).why is Why.NO_BURST


@pytest.mark.parametrize("vector", [OTHER, -HERSELF, np.full(3, np.nan, np.float32)])
def test_somebody_else_in_one_frame_is_refused(turning, vector):
    mixed = [*turning[:3], replace(turning[3], vector=vector)]
    seen = burst.check(mixed, same=SAME)
    assert (seen.judged, seen.live, seen.why) == (True, False, Why.ANOTHER_FACE)


def test_two_frames_that_only_resemble_their_neighbours_are_not_one_person(turning):
    turns = [np.array([np.cos(angle), np.sin(angle), 0], np.float32) for angle in (0, 1, 1.4, 0.5)]
    assert np.dot(turns[0], turns[2]) < SAME < min(np.dot(turns[0], turns[1]), np.dot(turns[1], turns[2]))
    mixed = [replace(frame, vector=vector) for frame, vector in zip(turning, turns, strict=True)]
    assert burst.check(mixed, same=SAME).why is Why.ANOTHER_FACE


def place(frame: Frame, *, dx: float = 0.0, scale: float = 1.0) -> Frame:
    return replace(frame, face=frame.face.moved(scale=scale, dx=dx))


def test_a_face_that_leaps_is_refused(turning):
    gap = turning[3].seconds - turning[2].seconds
    reach = LIMITS.speed * gap * (BOX[2] - BOX[0])
    assert burst.continuity([*turning[:3], place(turning[3], dx=0.9 * reach)], same=SAME) is None
    seen = burst.check([*turning[:3], place(turning[3], dx=1.2 * reach)], same=SAME)
    assert (seen.judged, seen.live, seen.why) == (True, False, Why.JUMPED)


def test_a_face_that_swells_fourfold_in_an_instant_is_refused(turning):
    swollen = Face((BOX[0], BOX[1], BOX[2], BOX[1] + 4 * (BOX[3] - BOX[1])), LANDMARKS, 0.9)
    mixed = [*turning[:3], replace(turning[3], face=swollen)]
    assert burst.continuity(mixed, same=SAME) is Why.JUMPED


@pytest.mark.parametrize("bottom", [BOX[1], BOX[1] - 5, float("nan")])
def test_a_box_that_is_none_is_a_jump(turning, bottom):
    broken = Face((BOX[0], BOX[1], BOX[2], bottom), LANDMARKS, 0.9)
    assert burst.continuity([*turning[:3], replace(turning[3], face=broken)], same=SAME) is Why.JUMPED


def test_a_frame_never_shows_its_vector(turning):
    assert "vector" not in repr(turning[0])
    assert "rgb" not in repr(turning[0])
