"""The words the eyes use among themselves: pixels, vectors, boxes and faces.

Promise: every face found by any detector has the same shape, so nothing behind
a detector needs to know which one it was.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) uint8, RGB
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture, in pixels of that picture.

    `box` is (x1, y1, x2, y2) and may reach beyond the edge. `landmarks` is (5, 2) float32, (x, y):
    the person's right eye (left in the image), left eye, nose tip, right and left mouth corner.
    """

    box: tuple[float, float, float, float]
    landmarks: Floats = field(repr=False)
    score: float

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes in pixels."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))

    def moved(self, *, scale: float, dx: float = 0.0, dy: float = 0.0) -> "Face":
        """The same face in a picture where (x, y) lies at (x * scale + dx, y * scale + dy)."""
        x1, y1, x2, y2 = self.box
        landmarks = (self.landmarks * scale + np.array([dx, dy])).astype(np.float32)
        box = (x1 * scale + dx, y1 * scale + dy, x2 * scale + dx, y2 * scale + dy)
        return Face(box, landmarks, self.score)


def suppress(boxes: Floats, scores: Floats, *, overlap: float, by_smaller: bool = False) -> NDArray[np.intp]:
    """Indices of the boxes left by greedy non-maximum suppression, best score first.

    `boxes` is (N, 4) x1 y1 x2 y2. Overlap is intersection over union, or over the smaller of the two
    areas with `by_smaller`, which also removes a box inside another one.
    """
    order = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    areas = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        whole = np.minimum(areas[best], areas[rest]) if by_smaller else areas[best] + areas[rest] - shared
        order = rest[shared <= overlap * np.maximum(whole, 1e-9)]
    return np.array(kept, dtype=np.intp)
