"""The answer to what a kiosk asks of the person: turn the head, or stand in the colours of the screen.

Promise: only frames that answer what was asked, in their order and of one face, are called live. That nobody
could foresee what would be asked, and that it is asked once, is the asker's to see to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognition.alignment import align
from recognition.burst import Frame, continuity, face_mask
from recognition.faces import Floats
from recognition.liveness import Liveness, Method, Why, alive, not_judged, refused
from recognition.quality import TEMPLATE, pose

Side = Literal["left", "right"]
Colour = Literal["red", "green", "blue", "white"]
Kind = Literal[Method.TURN, Method.COLOUR]
Wide = NDArray[np.float64]

LIGHT: dict[Colour, tuple[float, float, float]] = {
    "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "white": (1, 1, 1),
}  # fmt: skip
# Three flashes a second at most, since more can harm people with photosensitive epilepsy (WCAG 2.2, 2.3.1).
COLOUR_SECONDS = 0.35

# A turn of 15 degrees is three times the error of a yaw from five points and still lets the person read the
# screen; back to within 8 so that a head that just looks away does not pass.
TURNED, STRAIGHT = 15.0, 8.0
# How well the face must follow six colours, never the same twice running: of the 971 other sequences, seen
# without any noise, so many as 11 come so near to the one asked for, and 5.7 on average; a test counts them.
FOLLOWED = 0.85
# And how strongly, root mean square of the natural logarithm. A tablet lights a face half a metre away with
# some 40 lux, a tenth of an office's light; in the sun nothing is left, and the answer is no.
TINTED = 0.01


@dataclass(frozen=True)
class Challenge:
    """What is asked: a turn to the person's own `side` and back, or `colours`, one frame taken in each."""

    kind: Kind
    side: Side | None = None
    colours: tuple[Colour, ...] = ()


def check(
    frames: Sequence[Frame], challenge: Challenge, *, same: float, whose: Floats | None = None
) -> Liveness:
    """Do `frames`, in order, answer the challenge? `same` and `whose` as in `burst.check`.

    A turn: the score is the yaw towards the asked side, degrees. It stops prints held or turned as a plane;
    not bent ones, not a film that happens to turn so. Colours: the score is the correlation. They stop films,
    and anything sent past the camera, that were made before the nonce was known; not a print, which the
    screen lights like a face. So a door that needs both asks for both.
    """
    fault = continuity(frames, same=same, whose=whose)
    if fault is Why.NO_BURST or not _answers(frames, challenge):
        return not_judged(Why.NO_BURST, method=challenge.kind)
    if fault is not None:
        return refused(fault, method=challenge.kind)
    return _turn(frames, challenge) if challenge.kind is Method.TURN else _colours(frames, challenge)


def _answers(frames: Sequence[Frame], challenge: Challenge) -> bool:
    """Are there frames enough, and far enough apart, for what was asked?"""
    if challenge.kind is Method.TURN:
        return challenge.side is not None
    slow = all(later.seconds - earlier.seconds >= COLOUR_SECONDS for earlier, later in pairwise(frames))
    return slow and len(frames) == len(challenge.colours)


def _turn(frames: Sequence[Frame], challenge: Challenge) -> Liveness:
    yaw = np.array([pose(frame.face.landmarks).yaw for frame in frames])
    # Yaw grows to the image's right, where a person turns who turns to their own left.
    towards = (yaw - yaw[0]) * (1 if challenge.side == "left" else -1)
    reached = float(towards.max())
    if reached >= TURNED and towards.min() > -STRAIGHT and abs(towards[-1]) <= STRAIGHT:
        return alive(reached, method=Method.TURN)
    return refused(Why.WRONG_TURN, method=Method.TURN, score=reached)


def _colours(frames: Sequence[Frame], challenge: Challenge) -> Liveness:
    seen = tint(np.array([_mean_light(frame) for frame in frames]))
    score = follows(seen, challenge.colours)
    if score >= FOLLOWED and float(np.sqrt((seen**2).mean())) >= TINTED:
        return alive(score, method=Method.COLOUR)
    return refused(Why.WRONG_COLOURS, method=Method.COLOUR, score=score)


def tint(light: Wide) -> Wide:
    """How the colour of (N, 3) linear light departs from its own mean: natural logarithms, (N, 3).

    Skin, room light and their colour fall out with the mean over time; exposure, which cameras change by
    themselves, with the mean over the three channels.
    """
    logs = np.log(np.maximum(light, 1e-6))
    logs -= logs.mean(axis=0)
    tinted: Wide = logs - logs.mean(axis=1, keepdims=True)
    return tinted


def follows(seen: Wide, colours: Sequence[Colour]) -> float:
    """The correlation, -1 to 1, of (N, 3) tints with the colours shown; 0 where either does not change."""
    wanted = shown(colours)
    size = float(np.linalg.norm(seen) * np.linalg.norm(wanted))
    return float((seen * wanted).sum()) / size if size > 1e-12 else 0.0


def shown(colours: Sequence[Colour]) -> Wide:
    """How each colour departs from the mean of all, and from grey: (N, 3)."""
    light = np.array([LIGHT[colour] for colour in colours], np.float64)
    light -= light.mean(axis=0)
    wanted: Wide = light - light.mean(axis=1, keepdims=True)
    return wanted


def _mean_light(frame: Frame) -> Wide:
    """The mean linear light (3,) RGB of the face, its background left out."""
    crop = align(frame.rgb, frame.face.landmarks, TEMPLATE)
    values = crop[face_mask(crop.shape[0]) > 0] / 255.0
    # The transfer function of sRGB (IEC 61966-2-1): light adds up only where it is linear.
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    mean: Wide = linear.mean(axis=0)
    return mean
