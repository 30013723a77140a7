"""Synthetic motion of one portrait: as a head that turns, as a print that tilts, and in coloured light."""

from collections.abc import Iterable

import cv2
import numpy as np

from recognition.burst import Frame
from recognition.challenge import LIGHT, Colour
from recognition.faces import Face, Floats, Pixels
from tests.recognition.conftest import LANDMARKS

BOX = (178.0, 62.0, 266.0, 170.0)
HERSELF = np.array([1, 0, 0], np.float32)
_MIDDLE = np.array([222.0, 118.0])


def turned(portrait: Pixels, yaw: float) -> tuple[Pixels, Floats]:
    """The portrait and its landmarks with the head turned by `yaw` degrees to the image's right.

    The face is taken for half an ellipsoid with a nose; each of its pixels moves across by its depth.
    """
    height, width = portrait.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    lean = np.tan(np.radians(yaw))
    source = x.copy()
    for _ in range(15):  # where a pixel came from follows from its own depth: found by going half way there
        source = (source + x - lean * _depth(source, y)) / 2
    map_x, map_y = source.astype(np.float32), y.astype(np.float32)
    rgb = cv2.remap(portrait, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    points = LANDMARKS.copy()
    points[:, 0] += lean * _depth(LANDMARKS[:, 0], LANDMARKS[:, 1])
    return rgb, points


def as_plane(portrait: Pixels, tilt: float) -> tuple[Pixels, Floats]:
    """The portrait as a sheet of paper turned about its upright middle, seen from near."""
    to, back = np.eye(3), np.eye(3)
    to[:2, 2], back[:2, 2] = -_MIDDLE, _MIDDLE
    lean = np.array([[1 - tilt / 3, 0, 0], [0, 1, 0], [tilt / 250, 0, 1]])
    matrix = back @ lean @ to
    rgb = cv2.warpPerspective(portrait, matrix, portrait.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    points = cv2.perspectiveTransform(LANDMARKS[None].astype(np.float64), matrix)[0]
    return rgb, points.astype(np.float32)


def burst_of(pictures: Iterable[tuple[Pixels, Floats]], *, gap: float = 0.4) -> list[Frame]:
    """A burst of one person, the same box in all frames."""
    return [
        Frame(rgb, Face(BOX, np.asarray(points, np.float32), 0.9), HERSELF, number * gap)
        for number, (rgb, points) in enumerate(pictures)
    ]


def in_light(portrait: Pixels, colour: Colour, *, screen: float = 0.1, exposure: float = 1.0) -> Pixels:
    """The portrait in room light and in that of a screen, which adds its share of each channel."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    rgb = np.empty_like(portrait)
    for channel, shining in enumerate(LIGHT[colour]):
        light = linear * (0.8 + screen * shining) * exposure
        values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        table = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
        rgb[..., channel] = table[portrait[..., channel]]
    return rgb


def _depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = 1 - ((x - _MIDDLE[0]) / 62) ** 2 - ((y - _MIDDLE[1]) / 80) ** 2
    nose = np.exp(-((x - LANDMARKS[2, 0]) ** 2 + (y - LANDMARKS[2, 1]) ** 2) / (2 * 11**2))
    return 45 * np.sqrt(np.maximum(inside, 0)) + 17 * nose
