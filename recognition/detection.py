"""Find the faces in a picture, whichever network does it.

Promise: every detector obeys one contract (`Detector.detect`), and a picture of any size costs about
the same, because it is looked at with its longest side at 640 pixels.
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from recognition import weights
from recognition.faces import Face, Pixels
from recognition.image import shrink
from recognition.mtcnn import Mtcnn
from recognition.yunet import YuNet

FIRST_LOOK = 640
SECOND_LOOK = 1280  # only where the first look found nothing: small faces in a large picture
THIRD_LOOK = 256  # and last, smaller: a face that fills the picture is larger than the networks know


class Network(Protocol):
    def find(self, rgb: Pixels) -> list[Face]: ...


class Detector:
    """A face detector. `card` says which."""

    def __init__(self, card: weights.Card, network: Network) -> None:
        self.card = card
        self._network = network
        fixed = card.input.width and card.input.width < SECOND_LOOK
        self._looks = (FIRST_LOOK, THIRD_LOOK) if fixed else (FIRST_LOOK, SECOND_LOOK, THIRD_LOOK)

    def detect(self, rgb: Pixels) -> tuple[Face, ...]:
        """All faces in (H, W, 3) uint8 RGB, in its pixels, largest first; empty where there is none."""
        longest = max(rgb.shape[:2])
        seen: set[int] = set()
        for look in self._looks:
            side = min(look, longest)
            if side in seen:
                continue
            seen.add(side)
            faces = self._look(rgb, side / longest)
            if faces:
                return faces
        return ()

    def warm(self) -> None:
        """Plan every shape of the first look, so that the first job is not the slow one."""
        for width, height in ((640, 480), (480, 640), (640, 640), (250, 250), (384, 384)):
            self.detect(np.zeros((height, width, 3), np.uint8))

    def _look(self, rgb: Pixels, scale: float) -> tuple[Face, ...]:
        small = shrink(rgb, scale) if scale < 1 else rgb
        # Sides are rounded when the picture shrinks, so the way back uses what became of them.
        across, down = rgb.shape[1] / small.shape[1], rgb.shape[0] / small.shape[0]
        faces = [_stretched(face, across, down) for face in self._network.find(np.ascontiguousarray(small))]
        return tuple(sorted(faces, key=lambda face: (-face.area, face.box)))


def load(models_dir: Path | None = None, model_id: str | None = None) -> Detector:
    """The detector named, or the best one present. Raises `weights.ModelError`."""
    card = weights.default_detector(models_dir, model_id)
    sessions = weights.open_sessions(card, models_dir)
    if card.family == "yunet":
        return Detector(card, YuNet(sessions[0]))
    if card.family == "mtcnn":
        return Detector(card, Mtcnn(*sessions))
    raise weights.ModelError(f"{card.id}: no detector of family {card.family!r} is known")


def _stretched(face: Face, across: float, down: float) -> Face:
    x1, y1, x2, y2 = face.box
    points = (face.landmarks * np.array([across, down])).astype(np.float32)
    return replace(face, box=(x1 * across, y1 * down, x2 * across, y2 * down), landmarks=points)
