"""YuNet: a small detector with five landmarks (Wu et al., Machine Intelligence Research 20, 2023).

Promise: the session only ever sees a few fixed shapes, so onnxruntime plans each of them once.
"""

import cv2
import numpy as np

from recognition.faces import Face, Floats, Pixels, suppress
from recognition.weights import Session

STRIDES = (8, 16, 32)
SCORE = 0.7  # of sqrt(class * objectness); a press photograph's main face scores 0.85 and more
OVERLAP = 0.3  # the value of OpenCV's FaceDetectorYN
# Canvases (width, height) for a graph that takes any size: small crops, the two ways to hold a camera,
# a square, and the same at twice the size for the second look.
CANVASES = (
    (256, 256),
    (384, 384),
    (640, 480),
    (480, 640),
    (640, 640),
    (1280, 960),
    (960, 1280),
    (1280, 1280),
)


class YuNet:
    """Finds faces in a picture that fits on one of its canvases."""

    def __init__(self, session: Session) -> None:
        self._session = session
        height, width = session.shape[2:4]
        fixed = width is not None and height is not None
        self.canvases: tuple[tuple[int, int], ...] = ((width, height),) if fixed else CANVASES  # type: ignore[assignment]
        self._cells = {canvas: _cells(*canvas) for canvas in self.canvases}

    def find(self, rgb: Pixels) -> list[Face]:
        """Faces in pixels of `rgb` (H, W, 3), best score first. Raises ValueError where no canvas fits."""
        canvas = self._canvas(rgb.shape[1], rgb.shape[0])
        outputs = self._session(_blob(rgb, canvas))
        scores = np.sqrt(
            np.clip(_joined(outputs, "cls"), 0, 1)[:, 0] * np.clip(_joined(outputs, "obj"), 0, 1)[:, 0]
        )
        hits = np.flatnonzero(scores >= SCORE)
        if hits.size == 0:
            return []
        corner, stride = self._cells[canvas][0][hits], self._cells[canvas][1][hits]
        box, points = _joined(outputs, "bbox")[hits], _joined(outputs, "kps")[hits]
        centre, size = corner + box[:, :2] * stride, np.exp(box[:, 2:]) * stride
        boxes = np.hstack([centre - size / 2, centre + size / 2]).astype(np.float32)
        landmarks = points.reshape(-1, 5, 2) * stride[:, None] + corner[:, None]
        kept = suppress(boxes, scores[hits], overlap=OVERLAP)
        return [
            Face(
                (float(boxes[i, 0]), float(boxes[i, 1]), float(boxes[i, 2]), float(boxes[i, 3])),
                landmarks[i].astype(np.float32),
                float(scores[hits[i]]),
            )
            for i in kept
        ]

    def _canvas(self, width: int, height: int) -> tuple[int, int]:
        large_enough = [(w, h) for w, h in self.canvases if w >= width and h >= height]
        if not large_enough:
            raise ValueError(f"{width}x{height} fits on none of {self.canvases}")
        return min(large_enough, key=lambda canvas: canvas[0] * canvas[1])


def _blob(rgb: Pixels, canvas: tuple[int, int]) -> Floats:
    """(1, 3, H, W) float32 BGR 0-255, the picture in the upper left corner of a black canvas."""
    height, width = rgb.shape[:2]
    blob = np.zeros((1, 3, canvas[1], canvas[0]), np.float32)
    for plane, channel in zip(blob[0], (2, 1, 0), strict=True):
        plane[:height, :width] = cv2.extractChannel(rgb, channel)
    return blob


def _cells(width: int, height: int) -> tuple[Floats, Floats]:
    """For every output row: its cell's corner (N, 2) and stride (N, 1), both in pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1) * stride)
        strides.append(np.full((corners[-1].shape[0], 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _joined(outputs: dict[str, Floats], name: str) -> Floats:
    return np.concatenate([outputs[f"{name}_{stride}"][0] for stride in STRIDES])
