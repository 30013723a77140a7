"""Follow faces from frame to frame, and gather what is best for naming them.

Promise: a track never joins two faces that look like two people, even where one stands where the other
stood (a cut in a film, somebody stepping before somebody else).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.faces import Face, Floats

OVERLAP = 0.3  # of two boxes in following frames, intersection over union: a face moves less than its width
KEPT = 5  # vectors a track is named by: more add little, and a poor one among them does harm


@dataclass(frozen=True)
class Likeness:
    """Cosines that decide, from a model's calibration: `same` names one person, `apart` rules one out.

    Between the two a face must also stand where the track was.
    """

    same: float
    apart: float


@dataclass(frozen=True, eq=False)
class Seen:
    """A face in a frame with its unit vector (D,); `worth` orders vectors, 0 is not to be named by."""

    face: Face
    vector: Floats
    worth: float


@dataclass(eq=False)
class Track:
    """One face followed: the last frame it was seen in, where, and its best vectors."""

    number: int
    frame: int
    face: Face
    best: list[Seen] = field(default_factory=list)
    length: int = 0
    latest: Floats = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)

    def take(self, frame: int, seen: Seen) -> None:
        self.frame, self.face, self.latest, self.length = frame, seen.face, seen.vector, self.length + 1
        if seen.worth > 0:
            self.best = sorted([*self.best, seen], key=lambda each: -each.worth)[:KEPT]

    def vector(self) -> Floats | None:
        """The mean of the best vectors, brought to length one; None while there is none to be named by."""
        if not self.best:
            return None
        mean = np.mean([seen.vector for seen in self.best], axis=0)
        length = float(np.linalg.norm(mean))
        return (mean / length).astype(np.float32) if length > 0 else None


class Tracker:
    """Gives each face of each frame the number of its track. `patience` is in frames."""

    def __init__(self, likeness: Likeness, *, patience: int) -> None:
        self._likeness, self._patience = likeness, patience
        self._live: list[Track] = []
        self._count = 0

    def follow(self, frame: int, faces: Sequence[Seen]) -> list[Track]:
        """The track of each face, in order. Frames come in rising order.

        The pairs of face and track that agree best are joined first; a face left over begins a track.
        """
        self._live = [track for track in self._live if frame - track.frame <= self._patience]
        rated = [
            (self._agreement(track, seen), place, track)
            for place, seen in enumerate(faces)
            for track in self._live
        ]
        given: dict[int, Track] = {}
        for agreement, place, track in sorted(rated, key=lambda each: (-each[0], each[1], each[2].number)):
            if agreement > 0 and place not in given and track not in given.values():
                given[place] = track
        for place, seen in enumerate(faces):
            if place not in given:
                self._count += 1
                given[place] = Track(self._count, frame, seen.face)
                self._live.append(given[place])
            given[place].take(frame, seen)
        return [given[place] for place in range(len(faces))]

    def _agreement(self, track: Track, seen: Seen) -> float:
        """How well a face continues a track; 0 where it does not."""
        # Against the last frame, which is nearest in pose and light, and against the mean of the best. Not
        # against each of the best: the highest of many cosines is high for strangers too.
        mean = track.vector()
        known = [track.latest] if mean is None else [track.latest, mean]
        likeness = max(float(vector @ seen.vector) for vector in known)
        overlap = shared(track.face.box, seen.face.box)
        if likeness < self._likeness.apart or (likeness < self._likeness.same and overlap < OVERLAP):
            return 0.0
        return 1.0 + likeness + overlap


def shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2), from 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both)
