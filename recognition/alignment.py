"""Turn a face upright: five landmarks to the places where an embedding model expects them.

Promise: `similarity` undoes any turn, scale and shift exactly, and never mirrors a face.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.faces import Floats, Pixels

# The five points that ArcFace (Deng et al., arXiv 1801.07698) and most models after it are trained on:
# both eyes, nose tip, both mouth corners in a crop of 112 x 112 pixels.
_ARCFACE_SIDE = 112
_ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float64,
)


def template_points(template: str) -> tuple[Floats, int]:
    """The five target points, (5, 2) float32, and the crop's side, for a name like "arcface-112".

    Other sizes ("arcface-96") are the same points scaled. "inner-96" is a window of 96 pixels on arcface-112,
    where `inner_corner` says: as near to the face, with less around it. Raises ValueError for any other name.
    """
    family, _, size = template.partition("-")
    side = int(size) if size.isdecimal() else 0
    if family == "inner" and 64 <= side <= _ARCFACE_SIDE:
        top, left = inner_corner(side)
        return (_ARCFACE - [left, top]).astype(np.float32), side
    if family != "arcface" or not 16 <= side <= 1024:
        known = f"arcface-SIDE, SIDE from 16 to 1024, and inner-SIDE, SIDE from 64 to {_ARCFACE_SIDE}"
        raise ValueError(f"unknown template {template!r}: known are {known}")
    # Pixel centres, not corners, are scaled about the picture's corner: hence the half pixels.
    points = (_ARCFACE + 0.5) * (side / _ARCFACE_SIDE) - 0.5
    return points.astype(np.float32), side


def inner_corner(side: int) -> tuple[int, int]:
    """Top and left of the template inner-SIDE in arcface-112: the forehead goes, the chin stays.

    Chosen on faces for training: the reference's answers change least where all rows that are left out are
    taken from the top.
    """
    return _ARCFACE_SIDE - side, (_ARCFACE_SIDE - side) // 2


def similarity(src: NDArray[np.floating], dst: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (2, 3) matrix of the turn, scale and shift that brings `src` (N, 2) nearest to `dst` (N, 2).

    Least squares without mirroring (Umeyama, IEEE TPAMI 13(4), 1991). Raises ValueError where all
    points of `src` coincide or anything is not finite.
    """
    source, target = np.asarray(src, np.float64), np.asarray(dst, np.float64)
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("points must be finite")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    variance = (source_centred**2).sum() / len(source)
    if variance < 1e-12:
        raise ValueError("all points coincide")
    u, spread, vt = np.linalg.svd(target_centred.T @ source_centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = u @ np.diag(signs) @ vt
    scale = (spread * signs).sum() / variance
    shift = target_mean - scale * rotation @ source_mean
    return np.hstack([scale * rotation, shift[:, None]])


def align(rgb: Pixels, landmarks: Floats, template: str) -> Pixels:
    """The upright face as (side, side, 3) uint8 RGB; what lies beyond the picture is black."""
    points, side = template_points(template)
    # A face far larger than the crop is averaged down first: warping reads four pixels for each new
    # one, and skipping the rest would turn texture into noise.
    matrix = similarity(landmarks, points)
    shrink = int(1.0 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6))
    if shrink >= 2:
        rgb, landmarks = _reduced(rgb, landmarks, shrink)
        matrix = similarity(landmarks, points)
    crop = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return crop.astype(np.uint8, copy=False)


def _reduced(rgb: Pixels, landmarks: Floats, shrink: int) -> tuple[Pixels, Floats]:
    """The part of the picture around the landmarks, each `shrink` x `shrink` pixels averaged to one."""
    height, width = rgb.shape[:2]
    centre, reach = landmarks.mean(axis=0), float(np.ptp(landmarks, axis=0).max()) * 2.0
    x1, y1 = (max(int(v - reach), 0) for v in centre)
    x2, y2 = min(int(centre[0] + reach) + 1, width), min(int(centre[1] + reach) + 1, height)
    part_width, part_height = (x2 - x1) // shrink, (y2 - y1) // shrink
    if part_width < 1 or part_height < 1:
        return rgb, landmarks
    part = rgb[y1 : y1 + part_height * shrink, x1 : x1 + part_width * shrink]
    small = cv2.resize(part, (part_width, part_height), interpolation=cv2.INTER_AREA)
    moved = (landmarks - np.array([x1, y1]) + 0.5) / shrink - 0.5
    return small.astype(np.uint8, copy=False), moved.astype(np.float32)
