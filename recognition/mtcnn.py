"""MTCNN: three small networks in a row (Zhang et al., IEEE Signal Processing Letters 23(10), 2016).

Promise: works from the shipped files alone, with the same contract as YuNet, for faces of
`SMALLEST` pixels and more.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.faces import Face, Floats, Pixels, suppress
from recognition.weights import Session

SMALLEST = 40  # pixels; the cost of the first network falls with the square of this
SHRINK = 0.709  # from level to level of the pyramid: half the area (the paper's implementation)
CELL, STRIDE = 12, 2  # what the first network looks at, and how far apart
THRESHOLDS = (0.6, 0.7, 0.8)  # face probability after each network, as in the package `mtcnn`
PROPOSALS = 96  # windows that the second network looks at, at most: bounds the time of a busy picture


class Mtcnn:
    """Finds faces; P-, R- and O-Net propose, refine, and place the landmarks."""

    def __init__(self, pnet: Session, rnet: Session, onet: Session) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet

    def find(self, rgb: Pixels) -> list[Face]:
        """Faces in pixels of `rgb` (H, W, 3), best score first."""
        windows = self._proposals(rgb)
        windows, _, _ = self._refined(rgb, windows, self._rnet, side=24, least=THRESHOLDS[1])
        if not len(windows):
            return []
        windows = windows[suppress(windows[:, :4], windows[:, 4], overlap=0.7)]
        squares = _squared(windows)
        boxes, answers, passed = self._refined(rgb, windows, self._onet, side=48, least=THRESHOLDS[2])
        if not len(boxes):
            return []
        landmarks = _landmarks(answers["landmarks"][passed], squares[passed])
        kept = suppress(boxes[:, :4], boxes[:, 4], overlap=0.7, by_smaller=True)
        return [Face(_box(boxes[i]), landmarks[i], float(boxes[i, 4])) for i in kept]

    def _proposals(self, rgb: Pixels) -> Floats:
        """(N, 5) x1 y1 x2 y2 score from all levels of the pyramid."""
        found = [self._level(rgb, scale) for scale in _scales(min(rgb.shape[:2]))]
        windows = np.concatenate([np.empty((0, 5), np.float32), *found])
        kept = suppress(windows[:, :4], windows[:, 4], overlap=0.7)[:PROPOSALS]
        return windows[kept]

    def _level(self, rgb: Pixels, scale: float) -> Floats:
        height, width = (max(CELL, round(side * scale)) for side in rgb.shape[:2])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        answers = self._pnet(_normalised(small[None].astype(np.uint8, copy=False)))
        faces, offsets = answers["faces"][0, 1], answers["offsets"][0]
        rows, columns = np.nonzero(faces > THRESHOLDS[0])
        corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
        cells = np.hstack([corner, corner + CELL]) + offsets[:, rows, columns].T * CELL
        # The level's true scale differs a little from the one wanted, because sides are whole pixels.
        back = np.array([rgb.shape[1] / width, rgb.shape[0] / height] * 2, np.float32)
        windows = np.hstack([cells * back, faces[rows, columns][:, None]]).astype(np.float32)
        return windows[suppress(windows[:, :4], windows[:, 4], overlap=0.5)]

    def _refined(
        self, rgb: Pixels, windows: Floats, network: Session, *, side: int, least: float
    ) -> tuple[Floats, dict[str, Floats], NDArray[np.intp]]:
        """Windows moved and scored by a network; its raw answers; the rows of those that passed."""
        if not len(windows):
            return windows, {}, np.empty(0, np.intp)
        squares = _squared(windows)
        answers = network(_normalised(np.stack([_cut(rgb, square, side) for square in squares])))
        passed = np.flatnonzero(answers["faces"][:, 1] > least)
        sides = (squares[:, 2:] - squares[:, :2] + 1)[:, [0, 1, 0, 1]]
        moved = squares + answers["offsets"] * sides
        scored = np.hstack([moved, answers["faces"][:, 1:]]).astype(np.float32)
        return scored[passed], answers, passed


def _scales(shortest: int) -> list[float]:
    scales = [CELL / SMALLEST]
    while shortest * scales[-1] * SHRINK >= CELL:
        scales.append(scales[-1] * SHRINK)
    return scales


def _normalised(batch: Pixels) -> Floats:
    """(N, H, W, 3) uint8 RGB to (N, 3, H, W) float32, as the networks were trained: (x - 127.5) / 128."""
    scaled = (batch.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 128)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _squared(windows: Floats) -> Floats:
    """The (N, 4) squares around the same centres, as large as the longer sides."""
    centre = (windows[:, :2] + windows[:, 2:4]) / 2
    half = (windows[:, 2:4] - windows[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centre - half, centre + half]).astype(np.float32)


def _cut(rgb: Pixels, square: Floats, side: int) -> Pixels:
    """The square as (side, side, 3); grey, which the networks see as zero, where it leaves the picture."""
    x1, y1 = (int(value) for value in np.floor(square[:2]))
    x2, y2 = (max(int(high), low + 1) for high, low in zip(np.ceil(square[2:]), (x1, y1), strict=True))
    height, width = rgb.shape[:2]
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    if left >= right or top >= bottom:
        return np.full((side, side, 3), 127, np.uint8)
    part = rgb[top:bottom, left:right]
    if (left, top, right, bottom) != (x1, y1, x2, y2):
        edges = (top - y1, y2 - bottom, left - x1, x2 - right)
        part = cv2.copyMakeBorder(part, *edges, cv2.BORDER_CONSTANT, value=(127, 127, 127)).astype(np.uint8)
    shrinks = part.shape[0] > side
    resized = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized.astype(np.uint8, copy=False)


def _landmarks(answers: Floats, squares: Floats) -> Floats:
    """(N, 5, 2) in pixels, from (N, 10) shares of the square: five x, then five y."""
    sides = squares[:, 2:] - squares[:, :2] + 1
    xs = answers[:, :5] * sides[:, :1] + squares[:, 0:1] - 1
    ys = answers[:, 5:] * sides[:, 1:] + squares[:, 1:2] - 1
    return np.stack([xs, ys], axis=2).astype(np.float32)


def _box(row: Floats) -> tuple[float, float, float, float]:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])
