import dataclasses
import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition import quality
from recognition.alignment import align
from recognition.faces import Face
from recognition.quality import _HEAD, LIMITS, Pose, Problem, Quality
from tests.recognition.conftest import LANDMARKS

FACE = Face((178, 63, 268, 176), LANDMARKS, 0.93)
FINE = Quality(60, 0.0, Pose(0, 0, 0), 40, 190, 40, 0.0, 0.35)
PURPOSES = tuple(LIMITS)


def measured(rgb, face=FACE):
    crop = align(rgb, face.landmarks, "arcface-112")
    return quality.measure(face, crop, width=rgb.shape[1], height=rgb.shape[0])


def turned(yaw, pitch, roll):
    """Five landmarks of the average head turned by these degrees, seen from afar."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (_HEAD @ (about_z @ about_x @ about_y).T)[:, :2] * 60 + [300, 200]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_portrait_passes(portrait, purpose):
    assert quality.problem(measured(portrait), purpose) is None


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"eye_distance": 10}, Problem.TOO_SMALL),
        ({"outside": 0.5}, Problem.CUT_OFF),
        ({"pose": Pose(70, 0, 0)}, Problem.TURNED_AWAY),
        ({"pose": Pose(-70, 0, 0)}, Problem.TURNED_AWAY),
        ({"pose": Pose(0, 60, 0)}, Problem.TURNED_AWAY),
        ({"pose": Pose(0, 0, -80)}, Problem.TURNED_AWAY),
        ({"bright_end": 40, "dark_end": 5}, Problem.TOO_DARK),
        ({"dark_end": 220, "bright_end": 255}, Problem.TOO_BRIGHT),
        ({"burnt_out": 0.6}, Problem.TOO_BRIGHT),
        ({"contrast": 3, "dark_end": 95, "bright_end": 105}, Problem.TOO_DARK),
        ({"contrast": 3, "dark_end": 140, "bright_end": 150}, Problem.TOO_BRIGHT),
        ({"sharpness": 0.05}, Problem.BLURRED),
        ({"sharpness": math.nan}, Problem.BLURRED),
    ],
)
def test_each_gate_has_its_own_reason(purpose, change, reason):
    assert quality.problem(dataclasses.replace(FINE, **change), purpose) is reason


@given(
    st.builds(
        Quality,
        eye_distance=st.floats(0, 200),
        outside=st.floats(0, 1),
        pose=st.builds(Pose, st.floats(-90, 90), st.floats(-90, 90), st.floats(-180, 180)),
        dark_end=st.floats(0, 255),
        bright_end=st.floats(0, 255),
        contrast=st.floats(0, 127),
        burnt_out=st.floats(0, 1),
        sharpness=st.floats(0, 1),
    )
)
def test_whatever_the_door_refuses_is_refused_for_enrolment_too(numbers):
    if quality.problem(numbers, "door") is not None:
        assert quality.problem(numbers, "enrolment") is not None


def test_sharpness_falls_with_every_step_of_blur_until_both_purposes_refuse(portrait):
    ladder = [0, 1, 2, 3, 4, 6, 8]
    crop = align(portrait, LANDMARKS, "arcface-112")
    steps = [crop if not sigma else cv2.GaussianBlur(crop, (0, 0), sigma) for sigma in ladder]
    numbers = [quality.measure(FACE, step, width=512, height=512) for step in steps]
    sharpness = [one.sharpness for one in numbers]
    assert sharpness == sorted(sharpness, reverse=True)
    assert len(set(sharpness)) == len(ladder)
    for purpose in PURPOSES:
        assert {quality.problem(one, purpose) for one in numbers[4:]} == {Problem.BLURRED}


def test_sharpness_does_not_depend_on_contrast_or_light(portrait):
    crop = align(portrait, LANDMARKS, "arcface-112").astype(np.float32)
    plain, flat, dim = (
        quality.measure(FACE, np.clip(shade, 0, 255).astype(np.uint8), width=512, height=512).sharpness
        for shade in (crop, crop * 0.5 + 60, crop * 0.6)
    )
    assert flat == pytest.approx(plain, abs=0.03)
    assert dim == pytest.approx(plain, abs=0.03)


def test_sharpness_hardly_depends_on_the_size_of_the_face(portrait):
    half = cv2.resize(portrait, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    face = FACE.moved(scale=0.75)
    assert measured(half, face).sharpness == pytest.approx(measured(portrait).sharpness, abs=0.08)


@pytest.mark.parametrize(("factor", "reason"), [(0.15, Problem.TOO_DARK), (0.02, Problem.TOO_DARK)])
def test_a_darkened_portrait_is_too_dark(portrait, factor, reason):
    dark = (portrait * factor).astype(np.uint8)
    assert quality.problem(measured(dark), "door") is reason


def test_an_overexposed_portrait_is_too_bright(portrait):
    bright = np.clip(portrait.astype(int) * 2 + 150, 0, 255).astype(np.uint8)
    assert quality.problem(measured(bright), "door") is Problem.TOO_BRIGHT


def test_a_uniform_face_is_never_judged():
    for value in (0, 127, 255):
        flat = measured(np.full((512, 512, 3), value, np.uint8))
        assert quality.problem(flat, "door") in {Problem.TOO_DARK, Problem.TOO_BRIGHT}


def test_a_face_over_the_edge_is_cut_off(portrait):
    over = measured(portrait[:, :225].copy())
    assert over.outside == 1.0  # an eye is beyond the edge
    assert quality.problem(over, "door") is Problem.CUT_OFF
    ear = measured(portrait[:, 190:].copy(), FACE.moved(scale=1, dx=-190))
    assert ear.outside > 0.1
    assert quality.problem(ear, "door") is Problem.CUT_OFF
    chin = measured(portrait[:155].copy())
    assert chin.outside == pytest.approx((176 - 155) / (176 - 63))
    assert quality.problem(chin, "door") is Problem.CUT_OFF


@given(yaw=st.floats(-60, 60), pitch=st.floats(-50, 50), roll=st.floats(-80, 80))
def test_pose_recovers_the_turn_of_the_average_head(yaw, pitch, roll):
    found = quality.pose(turned(yaw, pitch, roll).astype(np.float32))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_yaw_points_where_the_nose_points():
    face = turned(30, 0, 0)
    assert face[2, 0] > face[:2, 0].mean()  # the nose lies towards the image's right
    assert quality.pose(face.astype(np.float32)).yaw > 29


def test_landmarks_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        quality.pose(np.full((5, 2), np.nan, np.float32))


def test_numbers_are_flat_and_complete():
    assert set(FINE.numbers()) == {
        *(field.name for field in dataclasses.fields(Quality) if field.name != "pose"),
        *("yaw", "pitch", "roll"),
    }


def test_a_box_that_the_detector_fitted_into_the_picture_does_not_hide_a_cut_face(portrait):
    cut = portrait[:, 195:].copy()
    face = dataclasses.replace(FACE.moved(scale=1, dx=-195), box=(0, 63, 73, 176))
    assert quality.problem(measured(cut, face), "door") is Problem.CUT_OFF
