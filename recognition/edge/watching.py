"""From frames to the few pictures worth sending: each face followed, its best frame chosen.

Following is by place alone, without a network for names: whom a picture shows is the server's business, and a
small computer is spared the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition import quality
from recognition.alignment import align
from recognition.detection import Detector
from recognition.faces import Face, Pixels
from recognition.quality import Quality
from recognition.tracking import shared

# Of two boxes in following frames; a face moves less than its width from one look to the next.
OVERLAP = 0.3
# The surroundings a crop keeps on each side, in faces. The server's passive liveness looks at 4 times the
# face (its larger crop), so 1.5 on each side leaves it room.
MARGIN = 1.5


@dataclass(frozen=True)
class Pace:
    """When a face is worth sending. Seconds; `most` pictures of one face while it stays."""

    hold: float = 0.35
    again: float = 2.0
    most: int = 3
    patience: float = 0.7


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best frame of a face: (H, W, 3) uint8 RGB, when it was taken (seconds, the source's clock)."""

    rgb: Pixels
    face: Face
    at: float
    worth: float


@dataclass(eq=False)
class _Followed:
    face: Face
    since: float
    seen: float
    sent: int = 0
    last_sent: float = float("-inf")
    best: Chosen | None = None


@dataclass
class Watcher:
    """Give it frames in order; it gives back what is worth sending."""

    detector: Detector
    pace: Pace = field(default_factory=Pace)
    _followed: list[_Followed] = field(default_factory=list)

    def look(self, rgb: Pixels, at: float) -> list[Chosen]:
        """What to send now that this frame, (H, W, 3) uint8 RGB, taken `at` (seconds), has been seen."""
        faces = self.detector.detect(rgb)
        self._follow(rgb, faces, at)
        self._followed = [one for one in self._followed if at - one.seen <= self.pace.patience]
        return [chosen for one in self._followed if (chosen := self._due(one, at)) is not None]

    def _follow(self, rgb: Pixels, faces: Sequence[Face], at: float) -> None:
        """The pairs that overlap most are joined first; a face left over begins a new following."""
        pairs = sorted(
            (
                (shared(one.face.box, face.box), n, one)
                for n, face in enumerate(faces)
                for one in self._followed
            ),
            key=lambda pair: -pair[0],
        )
        given: dict[int, _Followed] = {}
        for overlap, n, one in pairs:
            if overlap >= OVERLAP and n not in given and all(one is not other for other in given.values()):
                given[n] = one
        for n, face in enumerate(faces):
            if n not in given:
                given[n] = _Followed(face, since=at, seen=at)
                self._followed.append(given[n])
            one = given[n]
            one.face, one.seen = face, at
            value = worth(rgb, face)
            if value > 0 and (one.best is None or value > one.best.worth):
                one.best = Chosen(rgb, face, at, value)

    def _due(self, one: _Followed, at: float) -> Chosen | None:
        """The best frame so far, if the face has stayed long enough and was not sent just now."""
        ready = one.best is not None and at - one.since >= self.pace.hold
        if not ready or one.sent >= self.pace.most or at - one.last_sent < self.pace.again:
            return None
        chosen, one.best = one.best, None
        one.sent, one.last_sent = one.sent + 1, at
        return chosen


def worth(rgb: Pixels, face: Face) -> float:
    """How good a frame is to be named by: 0 where the door's gates would refuse it, else more is better."""
    height, width = rgb.shape[:2]
    measured = quality.measure(face, align(rgb, face.landmarks, quality.TEMPLATE), width=width, height=height)
    if quality.problem(measured, "door") is not None:
        return 0.0
    return _frontal(measured) * measured.sharpness * min(measured.eye_distance, 80.0)


def _frontal(measured: Quality) -> float:
    turned = abs(measured.pose.yaw) + abs(measured.pose.pitch)
    return float(max(0.05, 1 - turned / 90))


def crop(chosen: Chosen, margin: float = MARGIN) -> Pixels:
    """The face with its surroundings, cut out of its frame."""
    height, width = chosen.rgb.shape[:2]
    x1, y1, x2, y2 = chosen.face.box
    across, down = (x2 - x1) * margin, (y2 - y1) * margin
    left, top = max(int(x1 - across), 0), max(int(y1 - down), 0)
    right, bottom = min(int(np.ceil(x2 + across)), width), min(int(np.ceil(y2 + down)), height)
    return np.ascontiguousarray(chosen.rgb[top:bottom, left:right])
