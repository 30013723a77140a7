from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from recognition import challenge
from recognition.challenge import COLOURS, FOLLOWED, LIGHT, Challenge, issue
from recognition.liveness import Method, Why
from tests.recognition.conftest import LANDMARKS
from tests.recognition.heads import as_plane, burst_of, turned

SECRET = b"sixteen bytes and a few more"
SAME = 0.4
LEFT, RIGHT = Challenge(Method.TURN, side="left"), Challenge(Method.TURN, side="right")


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


def lit(portrait, colours, *, screen=0.1, exposure=1.0):
    """The portrait in room light and in the light of a screen, which adds its share of each channel."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    frames = []
    for number, colour in enumerate(colours):
        rgb = np.empty_like(portrait)
        for channel, shining in enumerate(LIGHT[colour]):
            light = linear * (0.8 + screen * shining) * exposure ** (number % 3)
            values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
            table = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
            rgb[..., channel] = table[portrait[..., channel]]
        frames.append((rgb, LANDMARKS))
    return burst_of(frames)


class TestIssuing:
    def test_the_same_nonce_asks_the_same(self):
        for kind in (Method.TURN, Method.COLOUR):
            assert issue(nonce(1), secret=SECRET, kind=kind) == issue(nonce(1), secret=SECRET, kind=kind)

    def test_another_secret_or_nonce_asks_something_else(self):
        asked = {issue(nonce(number), secret=SECRET, kind=Method.COLOUR) for number in range(50)}
        assert len(asked) > 40
        other = SECRET[::-1]
        assert issue(nonce(1), secret=SECRET, kind=Method.COLOUR) != issue(
            nonce(1), secret=other, kind=Method.COLOUR
        )

    def test_both_sides_are_asked_for_about_equally_often(self):
        sides = [issue(nonce(number), secret=SECRET, kind=Method.TURN).side for number in range(400)]
        assert 160 < sides.count("left") < 240
        assert sides.count("left") + sides.count("right") == 400

    def test_no_colour_comes_twice_running_and_every_one_comes_first(self):
        asked = [issue(nonce(number), secret=SECRET, kind=Method.COLOUR).colours for number in range(200)]
        assert all(len(colours) == COLOURS for colours in asked)
        assert all(one != other for colours in asked for one, other in pairwise(colours))
        assert {colours[0] for colours in asked} == set(LIGHT)

    @pytest.mark.parametrize(("given", "secret"), [(b"short", SECRET), (nonce(1), b"short"), (nonce(1), b"")])
    def test_a_short_nonce_or_secret_is_refused(self, given, secret):
        with pytest.raises(ValueError, match="16 bytes"):
            issue(given, secret=secret, kind=Method.TURN)

    def test_few_other_sequences_pass_for_the_one_asked_for(self):
        every = [each for each in product(LIGHT, repeat=COLOURS) if all(a != b for a, b in pairwise(each))]
        assert len(every) == 972
        shown = np.array([challenge.shown(each) for each in every]).reshape(972, -1)
        shown /= np.linalg.norm(shown, axis=1, keepdims=True)
        near = (shown @ shown.T >= FOLLOWED).sum(axis=1) - 1
        assert (near.max(), round(near.mean(), 1)) == (11, 5.7)


class TestColours:
    asked = issue(nonce(7), secret=SECRET, kind=Method.COLOUR)

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

    def test_the_answer_to_another_nonce_is_refused(self, portrait):
        refused = 0
        for number in range(10, 30):
            other = issue(nonce(number), secret=SECRET, kind=Method.COLOUR)
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
