"""Invent the cast: draw people from the model, keep those who resemble nobody, photograph each eight times.

Promise: a photograph is kept only if the shipped eyes find one good face in it that is its person's, nobody
else's of the cast, and no training photograph's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import embedding, image, quality, weights
from recognition.alignment import align
from recognition.matching import threshold_for
from recognition.recognizer import Recognizer
from recognition.training import data
from recognition.training.invent import cast, scene
from recognition.training.invent.crops import TEMPLATE
from recognition.training.invent.model import FaceModel

Vectors = NDArray[np.float32]
Random = np.random.Generator

ENROLLED = 4  # photographs of each person that must be good enough for enrolment
GALLERY, RISK = 160, 0.003  # what the demo's door is set to: faceprints, false-positive identification rate
# How far below the door's threshold other people and training photographs stay, and above it one's own.
CLEAR, UNLIKE, CLOSE = 0.04, 0.005, 0.06
TEMPERATURE = 0.9
SKIN = {"luma": 0.45, "red": 0.3, "blue": 0.3}  # how far skins differ, in the model's standard deviations
MOVED = ("yaw", "pitch", "smile", "teeth", "side_light", "top_light")  # what changes between photographs
WIDER, WIDEST = 0.01, 0.35  # by how much faces may differ more with each one refused, and at most
TRIES, RETAKES, BYTES = 400, 6, 18_400


@dataclass(frozen=True, eq=False)
class Judge:
    """The eyes that a photograph must satisfy. `known`: (M, D) training photographs for each embedder."""

    eyes: Recognizer
    embedders: tuple[embedding.Embedder, ...]
    known: tuple[Vectors, ...]
    threshold: float

    @classmethod
    def load(cls, models: Path | None, work: Path, crops: NDArray[np.uint8]) -> Judge:
        """The shipped detector and embedder, and second opinions of embedders that were not trained here."""
        eyes = Recognizer.load(None)
        judges = tuple(embedders(models))
        if eyes.card.calibration is None:
            raise ValueError(f"{eyes.card.id} has no calibration: no threshold can be justified")
        points = eyes.card.calibration.points
        return cls(
            eyes, judges, tuple(known(one, crops, work) for one in judges),
            threshold_for(points, gallery_size=GALLERY, fpir=RISK),
        )  # fmt: skip

    def vectors(self, rgb: NDArray[np.uint8], purpose: quality.Purpose) -> list[Vectors] | None:
        """A vector of each embedder, or None where the eyes do not accept the picture."""
        seen = self.eyes.look_at(rgb, purpose=purpose)
        if seen.problem is not None or seen.face is None or len(seen.faces) != 1:
            return None
        crop = align(rgb, seen.face.landmarks, data.TEMPLATE)
        return [one.embed(crop[None])[0] for one in self.embedders]

    def promising(self, face: Vectors, others: Sequence[Sequence[Vectors]]) -> bool:
        """Whether a bare face, not yet in a scene, is a stranger: a quick look before eight slow ones."""
        crop = align(face.astype(np.uint8), TEMPLATE.astype(np.float32), data.TEMPLATE)
        return self.stranger([one.embed(crop[None])[0] for one in self.embedders], others)

    def stranger(self, vectors: Sequence[Vectors], others: Sequence[Sequence[Vectors]]) -> bool:
        """Whether they resemble no training photograph and none of `others`, by any embedder."""
        for index, vector in enumerate(vectors):
            if (self.known[index] @ vector).max() > self.threshold - UNLIKE:
                return False
            if others and max(float(one[index] @ vector) for one in others) > self.threshold - CLEAR:
                return False
        return True

    def same(self, vectors: Sequence[Vectors], own: Sequence[Sequence[Vectors]]) -> bool:
        """Whether they are near enough to all of a person's photographs so far."""
        limit = self.threshold + CLOSE
        return all(float(one[index] @ v) > limit for one in own for index, v in enumerate(vectors))


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody drawn: the model's coefficients and group, amounts of its attributes, and the look."""

    face: Vectors
    group: int
    amounts: dict[str, float]
    look: scene.Look


@dataclass
class Taken:
    """What was made so far: one list of vectors for each photograph kept, and counts."""

    vectors: list[list[Vectors]] = field(default_factory=list)
    drawn: int = 0


def make(model: FaceModel, judge: Judge, out: Path, *, count: int, seed: int) -> tuple[int, int]:
    """Write `BADGE/1.jpg` to `8.jpg` for each of `count` people into `out`; how many were there already, and
    how many faces were drawn for the others.

    Who is there already stays, and nobody new resembles them. Raises RuntimeError if nobody can be found who
    fits, and ValueError for a photograph there in which the eyes see no face.
    """
    taken = Taken()
    people = cast.people(count)
    there = [badge for badge, *_ in people if (out / badge).is_dir()]
    for badge in there:
        taken.vectors += _kept(judge, out / badge)
    for badge, name, group in people:
        if badge in there:
            continue
        random = np.random.default_rng([seed, *badge.encode()])
        pictures = _person(model, judge, random, group, taken)
        folder = out / badge
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures, 1):
            (folder / f"{number}.jpg").write_bytes(picture)
        print(f"{badge} {name}: {taken.drawn} faces drawn so far", flush=True)
    return len(there), taken.drawn


def _kept(judge: Judge, folder: Path) -> list[list[Vectors]]:
    found = []
    for number in range(1, len(cast.POSES) + 1):
        vectors = judge.vectors(image.decode((folder / f"{number}.jpg").read_bytes()), "door")
        if vectors is None:
            raise ValueError(f"{folder.name}/{number}.jpg: the eyes do not accept it")
        found.append(vectors)
    return found


def _person(model: FaceModel, judge: Judge, random: Random, group: int, taken: Taken) -> list[bytes]:
    """The eight photographs of somebody new, whose vectors are added to `taken`."""
    for attempt in range(TRIES):
        taken.drawn += 1
        skin = {name: float(random.normal()) * width for name, width in SKIN.items()}
        # The more people there are, the further from the average a new one must be to be like none of them.
        face = model.person(random, temperature=TEMPERATURE + min(attempt * WIDER, WIDEST))
        person = Person(face, group, {"forehead": 0.6} | skin, cast.look(random, group))
        if not judge.promising(model.draw(face, group, person.amounts)[0], taken.vectors):
            continue
        pictures, vectors = [], []
        for pose in cast.POSES:
            found = _photograph(model, judge, random, person, pose, own=vectors, others=taken.vectors)
            if found is None:
                break
            pictures.append(found[0])
            vectors.append(found[1])
        if len(pictures) == len(cast.POSES):
            taken.vectors += vectors
            return pictures
    raise RuntimeError(f"none of {TRIES} faces of group {group} is unlike all others; try another seed")


def _photograph(
    model: FaceModel, judge: Judge, random: Random, person: Person, pose: cast.Pose,
    *, own: list[list[Vectors]], others: list[list[Vectors]],
) -> tuple[bytes, list[Vectors]] | None:  # fmt: skip
    """A JPEG that the eyes accept, and its vectors; None where none of a few tries does."""
    purpose: quality.Purpose = "enrolment" if len(own) < ENROLLED else "door"
    for _ in range(RETAKES if own else 1):
        moved = {name: getattr(pose, name) + float(random.normal()) * 0.15 for name in MOVED}
        texture, mask = model.draw(person.face, person.group, person.amounts | moved)
        clothes = cast.CLOTHES[random.integers(len(cast.CLOTHES))]
        collar = cast.COLLARS[random.integers(len(cast.COLLARS))]
        shot = cast.shot(random, pose, clothes, collar)
        picture, pixels = encode(scene.compose(texture, mask, person.look, shot))
        vectors = judge.vectors(pixels, purpose)
        if vectors is not None and judge.same(vectors, own) and judge.stranger(vectors, others):
            return picture, vectors
    return None


def encode(rgb: NDArray[np.uint8]) -> tuple[bytes, NDArray[np.uint8]]:
    """A JPEG of at most `BYTES`, and what its decoder gives."""
    for level in (88, 84, 80, 76, 72, 66, 60):
        _, coded = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, level])
        if len(coded) <= BYTES:
            break
    return coded.tobytes(), np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1])


def embedders(models: Path | None) -> Iterator[embedding.Embedder]:
    """The default first, then every other one present that takes the same crops and was trained elsewhere.

    The other shipped ones learnt from the same teacher: what they say is no second opinion, and the lesser
    ones among them have thresholds of their own.
    """
    yield embedding.load(None)
    for card in weights.cards():
        fetched = card.folder is None and card.paths(models) is not None
        if card.task == "embedder" and fetched and card.template == data.TEMPLATE:
            yield embedding.load(models, card.id)


def known(embedder: embedding.Embedder, crops: NDArray[np.uint8], work: Path) -> Vectors:
    """(N, D) vectors of all training photographs, kept in `work` from one run to the next."""
    file = work / f"known-{embedder.card.files[0].sha256[:16]}-{len(crops)}.npy"
    if file.exists():
        stored: Vectors = np.load(file)
        return stored
    side = slice(data.MARGIN, -data.MARGIN)
    parts = []
    for start in range(0, len(crops), 64):
        parts.append(embedder.embed(np.ascontiguousarray(crops[start : start + 64, side, side])))
        if start % 6400 == 0:
            print(f"{embedder.card.id}: {start} of {len(crops)} training photographs", flush=True)
    vectors = np.concatenate(parts)
    np.save(file, vectors)
    return vectors
