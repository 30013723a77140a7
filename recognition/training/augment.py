"""Random views of loose face crops: what cameras, doors and compression do to a face.

Every view is a function of the crop and the generator alone, so that a seed repeats a training run.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def view(crop: Pixels, *, size: int, rng: np.random.Generator) -> Pixels:
    """A `(size, size, 3)` random view of a loose `(L, L, 3)` crop whose middle is the aligned face."""
    out = _moved(crop, size, rng)
    if rng.random() < 0.9:
        out = _relit(out, rng)
    if rng.random() < 0.1:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.2:
        out = _blurred(out, rng)
    if rng.random() < 0.1:
        noise = rng.normal(0, rng.uniform(2, 10), out.shape)
        out = np.clip(out + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = int(rng.integers(25, 80))
        out = cv2.imdecode(
            cv2.imencode(".jpg", out, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], cv2.IMREAD_COLOR
        )
    if rng.random() < 0.1:
        out = _covered(out, rng)
    return out


def _moved(crop: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A small random similarity with a little shear around the middle, mirrored half of the time.

    Half of the views keep nearly the exact alignment, because that is what the network meets in service.
    """
    amount = rng.choice((0.3, 1.0))
    angle, scale = np.deg2rad(rng.normal(0, 6 * amount)), np.exp(rng.normal(0, 0.06 * amount))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = linear @ (np.eye(2) + rng.normal(0, 0.03 * amount, (2, 2)))
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    middle_in, middle_out = (crop.shape[0] - 1) / 2, (size - 1) / 2
    shift = rng.normal(0, 2.5 * amount, 2)
    offset = middle_out + shift - linear @ np.full(2, middle_in)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        crop, np.c_[linear, offset], (size, size), flags=cv2.INTER_LINEAR, borderMode=border
    )


def _relit(face: Pixels, rng: np.random.Generator) -> Pixels:
    """Random gain, gamma and offset per channel, most of it shared by the three channels."""
    ramp = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.05, 3))
    gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, 3))
    offset = rng.normal(0, 0.08) + rng.normal(0, 0.02, 3)
    table = np.clip((ramp**gamma - 0.5) * gain + 0.5 + offset, 0, 1) * 255
    return cv2.LUT(face, np.rint(table).astype(np.uint8)[:, None, :])


def _blurred(face: Pixels, rng: np.random.Generator) -> Pixels:
    if rng.random() < 0.5:
        return cv2.GaussianBlur(face, (0, 0), rng.uniform(0.4, 1.6))
    small = int(face.shape[0] * rng.uniform(0.35, 0.8))  # a face that was far away
    return cv2.resize(cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA), face.shape[:2])


def _covered(face: Pixels, rng: np.random.Generator) -> Pixels:
    """A rectangle of one colour over part of the face: a mask, a hand, hair."""
    size = face.shape[0]
    height, width = rng.integers(size // 8, size // 2, 2)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    out = face.copy()
    out[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return out
