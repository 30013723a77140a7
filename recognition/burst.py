"""Is it a head that moves? A few frames of one face, looked at together.

Promise: only motion that no flat picture shows is called live. A film of the person, played on a screen,
shows it too: this check alone stops prints and still pictures, nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.alignment import align, similarity, template_points
from recognition.faces import Face, Floats, Pixels
from recognition.liveness import Liveness, Method, Why, alive, not_judged, refused
from recognition.quality import TEMPLATE

FRAMES = 3  # at least, and as many pairs of them in which the face could be followed


@dataclass(frozen=True)
class Limits:
    """What a burst must keep to; see `LIMITS` for where the numbers come from.

    `shortest` and `longest` gap between two frames in seconds; `speed` of the face in its own widths a
    second; `growth` of its height, natural logarithm a second; the others as in `Change`.
    """

    shortest: float
    longest: float
    speed: float
    growth: float
    unlike: float
    misfit: float
    motion: float


# Speed and growth: a brisk walk of 1.5 m/s across or towards a camera half a metre away, faces 15 cm wide.
# Misfit and motion lie above what noise, JPEG and slipped points do to 395 of 400 simulated bursts, as
# `evaluate liveness` counts them (README.md, Liveness, honestly). One level of luma is what a camera's own
# noise leaves on average; the same file sent twice leaves none.
LIMITS = Limits(shortest=0.1, longest=1.0, speed=10.0, growth=3.0, unlike=1.0, misfit=0.035, motion=0.03)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a burst: (H, W, 3) uint8 RGB, its face, the face's unit vector, and when it was taken."""

    rgb: Pixels = field(repr=False)
    face: Face
    vector: Floats = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class Change:
    """How a face changed between two frames.

    `unlike`: mean difference of luma (0-255) where turn, size, place and brightness are taken away.
    `motion`: what turn, size and place do not explain; `misfit`: what the best homography does not explain
    either, which holds for every motion of a plane (Hartley and Zisserman, Multiple View Geometry, 2004,
    13.1). Both are the third quartile over tracked points, in eye distances; None where those are too few.
    """

    unlike: float
    motion: float | None = None
    misfit: float | None = None


def check(frames: Sequence[Frame], *, same: float, whose: Floats | None = None) -> Liveness:
    """Does the face in `frames`, in order, move as a head does? `same` is the cosine from which two vectors
    are one person, by the embedder's calibration; `whose` is the vector that all of them must be, if it
    matters. The score is the median misfit in eye distances.

    Frames that are one picture and frames of a plane that turns are refused; one who keeps still is not
    judged, since a still head and a still print look alike. Bent paper and a mask with holes for eyes and
    mouth may pass, as does any film.
    """
    fault = continuity(frames, same=same, whose=whose)
    if fault is Why.NO_BURST:
        return not_judged(fault, method=Method.BURST)
    if fault is not None:
        return refused(fault, method=Method.BURST)
    faces = [_luma(frame) for frame in frames]
    # Every pair: neighbours can be followed through a quick turn, frames far apart show a slow one.
    changes = [change(one, other) for one, other in combinations(faces, 2)]
    if max(each.unlike for each in changes) < LIMITS.unlike:
        return refused(Why.FROZEN, method=Method.BURST)
    misfits = [each.misfit for each in changes if each.misfit is not None]
    motions = [each.motion for each in changes if each.motion is not None]
    if len(misfits) < FRAMES:
        return not_judged(Why.STILL, method=Method.BURST)
    # The median: one frame with slipped points must not make a print alive.
    misfit, motion = float(np.median(misfits)), float(np.median(motions))
    if misfit >= LIMITS.misfit:
        return alive(misfit, method=Method.BURST)
    # A plane leaves little unexplained; a head that turned too little to be told from one leaves most.
    if motion >= LIMITS.motion and misfit <= motion / 2:
        return refused(Why.FLAT, method=Method.BURST, score=misfit)
    return not_judged(Why.STILL, method=Method.BURST)


def continuity(frames: Sequence[Frame], *, same: float, whose: Floats | None = None) -> Why | None:
    """None where the frames can be one burst of one person: enough of them, in time, alike, without jumps."""
    gaps = [later.seconds - earlier.seconds for earlier, later in pairwise(frames)]
    if len(frames) < FRAMES or not all(LIMITS.shortest <= gap <= LIMITS.longest for gap in gaps):
        return Why.NO_BURST
    vectors = [frame.vector for frame in frames] + ([] if whose is None else [whose])
    if not all(float(one @ other) >= same for one, other in combinations(vectors, 2)):
        return Why.ANOTHER_FACE
    for (earlier, later), gap in zip(pairwise(frames), gaps, strict=True):
        size = (earlier.face.width + later.face.width) / 2
        path = np.linalg.norm(later.face.landmarks.mean(axis=0) - earlier.face.landmarks.mean(axis=0))
        growth = abs(float(np.log(max(later.face.height, 1e-6) / max(earlier.face.height, 1e-6))))
        # "Not within" rather than "beyond": a number that is not a number is a jump.
        if not (path <= LIMITS.speed * gap * size and growth <= LIMITS.growth * gap):
            return Why.JUMPED
    return None


def change(first: NDArray[np.uint8], later: NDArray[np.uint8]) -> Change:
    """What changed between two aligned faces, (S, S) uint8 luma each."""
    points, moved = _tracked(first, later)
    mask = face_mask(first.shape[0])
    if len(points) < _LEAST:
        return Change(unlike=_difference(first, later, mask))
    matrix = similarity(points, moved)
    side = (first.shape[1], first.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(later, matrix, side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    unlike = _difference(first, back.astype(np.uint8, copy=False), mask)
    motion = _third_quartile(points @ matrix[:, :2].T + matrix[:, 2] - moved)
    homography, _ = cv2.findHomography(points, moved, 0)
    if homography is None or not np.isfinite(homography).all():
        return Change(unlike, motion)
    on_plane = cv2.perspectiveTransform(points[None].astype(np.float64), homography)[0]
    misfit = _third_quartile(on_plane - moved)
    return Change(unlike, motion, misfit)


# Corners are tracked there and back again; a point that does not come home within half a pixel has slipped.
_LEAST = 12  # points: a homography takes four, and one that fits all of too few says nothing
_HOME = 0.5
_WINDOW = (11, 11)  # about the size of an eye's iris and lids on the aligned face


def _tracked(first: NDArray[np.uint8], later: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """(N, 2) float32 corners of the first face and where the later one has them (Lucas and Kanade, 1981)."""
    none = np.empty((0, 2), np.float32)
    found: Any = cv2.goodFeaturesToTrack(first, 80, 0.01, 4, mask=face_mask(first.shape[0]))
    if found is None:
        return none, none
    start = found.astype(np.float32)
    there, went, _ = cv2.calcOpticalFlowPyrLK(first, later, start, start.copy(), winSize=_WINDOW, maxLevel=2)
    home, came, _ = cv2.calcOpticalFlowPyrLK(later, first, there, there.copy(), winSize=_WINDOW, maxLevel=2)
    strayed = np.linalg.norm((home - start)[:, 0], axis=1)
    kept = (went.ravel() == 1) & (came.ravel() == 1) & (strayed < _HOME)
    return start[kept, 0], there[kept, 0].astype(np.float32, copy=False)


def _luma(frame: Frame) -> NDArray[np.uint8]:
    crop = align(frame.rgb, frame.face.landmarks, TEMPLATE)
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def face_mask(side: int) -> NDArray[np.uint8]:
    """The face without its background: an ellipse about the template's nose."""
    mask = np.zeros((side, side), np.uint8)
    half = (round(0.375 * side), round(0.45 * side))
    cv2.ellipse(mask, (side // 2, round(0.55 * side)), half, 0, 0, 360, 255, -1)
    return mask


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    # Brightness and contrast are levelled: a lamp that flickers does not make two pictures of one.
    inside = mask > 0
    first, later = (each[inside] - float(each[inside].mean()) for each in (one, other))
    gain = float(first @ later) / max(float(later @ later), 1e-9)
    return float(np.abs(first - gain * later).mean())


def _third_quartile(gaps: NDArray[np.floating]) -> float:
    eyes = template_points(TEMPLATE)[0]
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    return float(np.quantile(np.linalg.norm(gaps, axis=1), 0.75)) / unit
