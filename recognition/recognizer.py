"""The whole look at one picture: find, judge, align, embed; and whether it is alive, where that is asked.

Promise: whatever the bytes, the answer is a `Sighting`; a face that fails a gate gets a reason and
no vector.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from recognition import detection, embedding, image, liveness, quality, weights
from recognition.alignment import align
from recognition.burst import Frame
from recognition.faces import Face, Floats, Pixels
from recognition.liveness import Liveness, Method, Why, not_judged
from recognition.quality import Problem, Purpose, Quality

Kind = Literal["snapshot", "crop"]
Rule = Literal["one", "largest"]

# A second face counts as somebody at the door from this share of the largest one's height. Height falls
# with distance, so 0.4 is a person two and a half times as far away: in the background.
COMPARABLE = 0.4
# A crop by the edge is mostly face; detectors want surroundings. This much grey is added on each side.
CROP_MARGIN = 0.4
CROP_SIDE = 240  # and a smaller crop is enlarged until its longest side has this many pixels


@dataclass(frozen=True, eq=False)
class Sighting:
    """What recognition saw in one picture.

    `faces` are all that were found, largest first; `face` is the chosen one, in pixels of the upright
    picture. `vector` is (D,) float32 of length one, or None, and then `problem` says why. `milliseconds`
    by stage: decode, detect, align, liveness, embed. `detail` says more about an unreadable picture, by
    code. `liveness` is None exactly where it was not asked for.
    """

    width: int
    height: int
    model: str
    faces: tuple[Face, ...] = ()
    face: Face | None = None
    quality: Quality | None = None
    problem: Problem | None = None
    detail: str = ""
    vector: Floats | None = field(default=None, repr=False)
    milliseconds: dict[str, float] = field(default_factory=dict)
    liveness: Liveness | None = None


class Recognizer:
    """A detector, an embedder and, where its model is present, passive liveness; for use by one thread.

    `clock` gives the seconds that stages are timed by.
    """

    def __init__(
        self,
        detector: detection.Detector,
        embedder: embedding.Embedder,
        passive: liveness.Passive | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.detector = detector
        self.embedder = embedder
        self.passive = passive
        self.clock = clock

    @classmethod
    def load(
        cls, models_dir: Path | str | None = None, *, detector: str | None = None, embedder: str | None = None
    ) -> "Recognizer":
        """By model ids, else LINTEL_DETECTOR and LINTEL_EMBEDDER, else the best present.

        Models are looked for among the shipped ones and in LINTEL_MODELS, else `models_dir`.
        Raises `weights.ModelError` where there is none.
        """
        # One process per core is how the workers scale: OpenCV's own threads would fight the neighbours.
        cv2.setNumThreads(1)
        folder = weights.models_folder(models_dir)
        return cls(detection.load(folder, detector), embedding.load(folder, embedder), liveness.load(folder))

    @property
    def card(self) -> weights.Card:
        """The embedder's card: its id stands beside every faceprint, its calibration gives thresholds."""
        return self.embedder.card

    def warm(self) -> None:
        """Run everything once, so that the first job is not the slow one."""
        self.detector.warm()
        self.embedder.warm()
        if self.passive is not None:
            self.passive.warm()

    def look(
        self,
        data: bytes,
        *,
        kind: Kind = "snapshot",
        faces: Rule = "one",
        purpose: Purpose = "door",
        liveness: bool = False,
    ) -> Sighting:
        """What is to be seen in a JPEG, PNG or WebP file. Never raises for what is in the file.

        `liveness` asks the passive model too, where the face passed the gates; otherwise that costs nothing.
        """
        spent: dict[str, float] = {}
        try:
            with self._timed(spent, "decode"):
                rgb = image.decode(data)
        except image.Unreadable as unreadable:
            alive = not_judged(Why.NO_FACE, method=Method.PASSIVE) if liveness else None
            return Sighting(
                0, 0, self.card.id,
                problem=Problem.UNREADABLE, detail=unreadable.code, milliseconds=spent, liveness=alive,
            )  # fmt: skip
        return self.look_at(rgb, kind=kind, faces=faces, purpose=purpose, liveness=liveness, spent=spent)

    def look_at(
        self,
        rgb: Pixels,
        *,
        kind: Kind = "snapshot",
        faces: Rule = "one",
        purpose: Purpose = "door",
        liveness: bool = False,
        spent: dict[str, float] | None = None,
    ) -> Sighting:
        """The same for pixels (H, W, 3) uint8 RGB that were decoded already."""
        spent = {} if spent is None else spent
        height, width = rgb.shape[:2]
        with self._timed(spent, "detect"):
            found = self._in_crop(rgb) if kind == "crop" else self.detector.detect(rgb)
        face, problem = choose(found, faces)
        alive = not_judged(Why.NO_FACE, method=Method.PASSIVE) if liveness else None
        if face is None or problem is not None:
            return Sighting(
                width, height, self.card.id, found, face,
                problem=problem, milliseconds=spent, liveness=alive,
            )  # fmt: skip
        with self._timed(spent, "align"):
            crop = judged = align(rgb, face.landmarks, self.card.template)
            if self.card.template != quality.TEMPLATE:
                judged = align(rgb, face.landmarks, quality.TEMPLATE)
            measured = quality.measure(face, judged, width=width, height=height)
            problem = quality.problem(measured, purpose)
        vector = None
        if problem is None:
            if liveness:
                with self._timed(spent, "liveness"):
                    alive = self._judged(rgb, face)
            with self._timed(spent, "embed"):
                vector = self.embedder.embed(crop[None])[0]
        return Sighting(
            width, height, self.card.id, found, face, measured, problem,
            vector=vector, milliseconds=spent, liveness=alive,
        )  # fmt: skip

    def frame(self, rgb: Pixels, seconds: float, *, faces: Rule = "one") -> Frame | None:
        """One frame of a burst, whatever its quality: turned heads and coloured light are what it is for.

        None where no face was found in (H, W, 3) uint8 RGB, or several where one was asked for.
        """
        face, problem = choose(self.detector.detect(rgb), faces)
        if face is None or problem is not None:
            return None
        crop = align(rgb, face.landmarks, self.card.template)
        return Frame(rgb, face, self.embedder.embed(crop[None])[0], seconds)

    @contextmanager
    def _timed(self, spent: dict[str, float], stage: str) -> Iterator[None]:
        began = self.clock()
        try:
            yield
        finally:
            spent[stage] = round((self.clock() - began) * 1000, 3)

    def _judged(self, rgb: Pixels, face: Face) -> Liveness:
        if self.passive is None:
            return not_judged(Why.NO_MODEL, method=Method.PASSIVE)
        return self.passive.judge(rgb, face)

    def _in_crop(self, rgb: Pixels) -> tuple[Face, ...]:
        """Faces in a picture that is little more than a face, in its own pixels."""
        height, width = rgb.shape[:2]
        scale = max(1.0, CROP_SIDE / max(height, width))
        enlarged = (
            cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) if scale > 1 else rgb
        )
        margin = round(CROP_MARGIN * max(enlarged.shape[:2]))
        grey = (127, 127, 127)
        padded = cv2.copyMakeBorder(enlarged, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=grey)
        found = self.detector.detect(padded.astype(np.uint8, copy=False))
        return tuple(face.moved(scale=1 / scale, dx=-margin / scale, dy=-margin / scale) for face in found)


def choose(found: Sequence[Face], rule: Rule) -> tuple[Face | None, Problem | None]:
    """The face to judge, of faces sorted largest first; "one" refuses where a second person stands close."""
    if not found:
        return None, Problem.NO_FACE
    tallest = max(found, key=lambda face: face.height)
    if rule == "largest":
        return found[0], None
    close = [face for face in found if face.height >= COMPARABLE * tallest.height]
    return found[0], Problem.SEVERAL_FACES if len(close) > 1 else None
