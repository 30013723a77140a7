from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from recognition import challenge
from recognition.challenge import FOLLOWED, LIGHT, Challenge
from recognition.liveness import Method, Why
from tests.recognition.conftest import LANDMARKS
from tests.recognition.heads import HERSELF, as_plane, burst_of, in_light, turned

SAME = 0.4
COLOURS = 6
LEFT, RIGHT = Challenge(Method.TURN, side="left"), Challenge(Method.TURN, side="right")


def lit(portrait, colours, *, screen=0.1, exposure=1.0):
    """The portrait in room light and in the light of a screen, one frame for each colour."""
    return burst_of(
        (in_light(portrait, colour, screen=screen, exposure=exposure ** (number % 3)), LANDMARKS)
        for number, colour in enumerate(colours)
    )


def sequences(count):
    """So many that a kiosk might be asked to show, drawn by chance, never a colour twice running."""
    chance = np.random.default_rng(7)
    for _ in range(count):
        found = []
        while len(found) < COLOURS:
            colour = chance.choice(list(LIGHT))
            if not found or colour != found[-1]:
                found.append(str(colour))
        yield Challenge(Method.COLOUR, colours=tuple(found))


def test_few_other_sequences_pass_for_the_one_asked_for():
    every = [each for each in product(LIGHT, repeat=COLOURS) if all(a != b for a, b in pairwise(each))]
    assert len(every) == 972
    shown = np.array([challenge.shown(each) for each in every]).reshape(972, -1)
    shown /= np.linalg.norm(shown, axis=1, keepdims=True)
    near = (shown @ shown.T >= FOLLOWED).sum(axis=1) - 1
    assert (near.max(), round(near.mean(), 1)) == (11, 5.7)


class TestColours:
    asked = Challenge(Method.COLOUR, colours=("green", "white", "red", "blue", "red", "white"))

    def test_a_face_in_the_light_of_the_screen_is_live(self, portrait):
        seen = challenge.check(lit(portrait, self.asked.colours), self.asked, same=SAME)
        assert (seen.judged, seen.live, seen.method) == (True, True, Method.COLOUR)
        assert seen.score > 0.95

    def test_a_camera_that_changes_its_exposure_does_not_disturb(self, portrait):
        frames = lit(portrait, self.asked.colours, exposure=0.8)
        assert challenge.check(frames, self.asked, same=SAME).live

    @pytest.mark.parametrize("skin", [0.3, 1.0, 1.1])
    def test_the_lightness_of_the_skin_does_not_matter(self, portrait, skin):
        frames = lit((portrait * skin).clip(0, 255).astype(np.uint8), self.asked.colours)
        assert challenge.check(frames, self.asked, same=SAME).live

    def test_the_answer_to_another_challenge_is_refused(self, portrait):
        refused = 0
        for other in sequences(20):
            seen = challenge.check(lit(portrait, other.colours), self.asked, same=SAME)
            refused += (seen.judged, seen.live, seen.why) == (True, False, Why.WRONG_COLOURS)
        assert refused == 20

    def test_the_same_colours_in_reverse_are_refused(self, portrait):
        frames = lit(portrait, self.asked.colours[::-1])
        assert challenge.check(frames, self.asked, same=SAME).why is Why.WRONG_COLOURS

    def test_a_face_that_takes_no_colour_is_refused(self, portrait):
        chance = np.random.default_rng(1)
        noisy = [np.clip(portrait + chance.normal(0, 3, portrait.shape), 0, 255) for _ in self.asked.colours]
        for frames in (
            burst_of([(portrait, LANDMARKS)] * COLOURS),
            burst_of((each.astype(np.uint8), LANDMARKS) for each in noisy),
            lit(portrait, self.asked.colours, screen=0.004),
            burst_of([(np.zeros_like(portrait), LANDMARKS)] * COLOURS),
        ):
            assert challenge.check(frames, self.asked, same=SAME).why is Why.WRONG_COLOURS

    def test_a_colour_that_only_surrounds_the_face_does_not_count(self, portrait):
        frames = lit(portrait, self.asked.colours, screen=0.5)
        for frame in frames:
            frame.rgb[50:185, 165:280] = portrait[50:185, 165:280]
        assert challenge.check(frames, self.asked, same=SAME).why is Why.WRONG_COLOURS

    @pytest.mark.parametrize("count", [COLOURS - 1, COLOURS + 1, 0])
    def test_it_takes_one_frame_a_colour(self, portrait, count):
        frames = lit(portrait, (*self.asked.colours, "red")[:count])
        seen = challenge.check(frames, self.asked, same=SAME)
        assert (seen.judged, seen.live, seen.why) == (False, False, Why.NO_BURST)

    def test_more_than_three_flashes_a_second_are_not_judged(self, portrait):
        frames = lit(portrait, self.asked.colours)
        hasty = [replace(frame, seconds=0.3 * number) for number, frame in enumerate(frames)]
        assert challenge.check(hasty, self.asked, same=SAME).why is Why.NO_BURST

    def test_frames_of_somebody_else_than_the_one_who_is_matched_are_refused(self, portrait):
        frames = lit(portrait, self.asked.colours)
        other = np.array([0, 1, 0], np.float32)
        assert challenge.check(frames, self.asked, same=SAME, whose=HERSELF).live
        assert challenge.check(frames, self.asked, same=SAME, whose=other).why is Why.ANOTHER_FACE

    def test_somebody_elses_face_among_them_is_refused(self, portrait):
        frames = lit(portrait, self.asked.colours)
        frames[3] = replace(frames[3], vector=np.array([0, 1, 0], np.float32))
        assert challenge.check(frames, self.asked, same=SAME).why is Why.ANOTHER_FACE


@pytest.fixture(scope="module")
def to_the_right_of_the_image(portrait):
    return burst_of(turned(portrait, yaw) for yaw in (0, 12, 25, 12, 1))


class TestTurns:
    def test_a_head_that_turns_as_asked_and_back_is_live(self, to_the_right_of_the_image):
        seen = challenge.check(to_the_right_of_the_image, LEFT, same=SAME)
        assert (seen.judged, seen.live, seen.method) == (True, True, Method.TURN)
        assert seen.score == pytest.approx(25, abs=3)

    def test_the_other_side_is_the_other_answer(self, portrait, to_the_right_of_the_image):
        assert challenge.check(to_the_right_of_the_image, RIGHT, same=SAME).why is Why.WRONG_TURN
        other = burst_of(turned(portrait, yaw) for yaw in (0, -12, -25, -12, 1))
        assert challenge.check(other, RIGHT, same=SAME).live
        assert challenge.check(other, LEFT, same=SAME).why is Why.WRONG_TURN

    @pytest.mark.parametrize(
        "yaws",
        [
            (0, 0, 0, 0),  # did not turn
            (0, 5, 9, 5, 0),  # not far enough
            (0, 12, 25),  # did not come back
            (0, -20, 0, 20, 0),  # tried both
            (25, 12, 0, 12, 25),  # began turned
        ],
    )
    def test_anything_else_is_refused(self, portrait, yaws):
        frames = burst_of(turned(portrait, yaw) for yaw in yaws)
        seen = challenge.check(frames, LEFT, same=SAME)
        assert (seen.judged, seen.live, seen.why) == (True, False, Why.WRONG_TURN)

    def test_a_print_turned_by_hand_does_not_turn_its_head(self, portrait):
        for tilts in ((0, 0.4, 0.8, 0.4, 0), (0, -0.4, -0.8, -0.4, 0)):
            frames = burst_of(as_plane(portrait, tilt) for tilt in tilts)
            for asked in (LEFT, RIGHT):
                assert challenge.check(frames, asked, same=SAME).why is Why.WRONG_TURN

    def test_a_turn_that_the_detector_sees_is_a_turn(self, mtcnn, portrait):
        found = []
        for yaw in (0, 20, 35, 20, 0):
            rgb = turned(portrait, yaw)[0]
            found.append((rgb, mtcnn.detect(rgb)[0].landmarks))
        assert challenge.check(burst_of(found), LEFT, same=SAME).live
        assert not challenge.check(burst_of(found), RIGHT, same=SAME).live

    def test_too_few_frames_and_a_challenge_without_a_side_are_not_judged(self, to_the_right_of_the_image):
        for frames, asked in (
            (to_the_right_of_the_image[:2], LEFT),
            (to_the_right_of_the_image, Challenge(Method.TURN)),
        ):
            seen = challenge.check(frames, asked, same=SAME)
            assert (seen.judged, seen.live, seen.why) == (False, False, Why.NO_BURST)


def test_a_colour_challenge_without_colours_is_not_judged(portrait):
    asked = Challenge(Method.COLOUR)
    assert challenge.check([], asked, same=SAME).why is Why.NO_BURST
    assert not challenge.check(lit(portrait, ["red"] * 3), asked, same=SAME).judged
