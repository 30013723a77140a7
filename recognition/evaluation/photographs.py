"""The photographs of a labelled folder, and a vector for each.

Promise: a photograph in which no face is found is kept and counted, never dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition import image
from recognition.alignment import align
from recognition.detection import Detector
from recognition.embedding import Embedder
from recognition.faces import Face, Floats, Pixels
from recognition.recognizer import Recognizer

Progress = Callable[[int, int], None]
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
NO_FACE = -1.0  # the lowest cosine there is: where no face is found, nobody is recognised


@dataclass(frozen=True)
class Photograph:
    person: str
    path: Path


def photographs(folder: Path) -> list[Photograph]:
    """All pictures of a folder that holds one folder for each person, sorted."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in PICTURES)
    return [Photograph(path.parent.name, path) for path in paths]


def merged(people: Sequence[str], table: Path) -> list[str]:
    """The names with those that are one person made one; each line of `table` lists such names, with commas.

    Public sets hold some people under two names, and such a stranger is rightly recognised. Raises
    ValueError for a name that is not among the people.
    """
    first: dict[str, str] = {}
    for line in table.read_text("utf-8").splitlines():
        names = [name.strip() for name in line.split(",") if name.strip()]
        first |= dict.fromkeys(names, names[0]) if names else {}
    unknown = sorted(set(first) - set(people))
    if unknown:
        raise ValueError(f"{table.name}: there are no photographs of {', '.join(unknown)}")
    return [first.get(name, name) for name in people]


def central(faces: Sequence[Face], rgb: Pixels) -> Face | None:
    """The face nearest to the middle: whom a press photograph is of."""
    middle = np.array([rgb.shape[1] / 2, rgb.shape[0] / 2])
    return min(
        faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - middle)), default=None
    )


def vectors(eyes: Recognizer, paths: Sequence[Path], progress: Progress) -> tuple[Floats, NDArray[np.bool_]]:
    """(N, D) unit vectors, no quality gate, and (N,) False where no face was found (a zero vector)."""
    (rows,), found = vectors_of(eyes.detector, [eyes.embedder], paths, progress)
    return rows, found


def vectors_of(
    detector: Detector, embedders: Sequence[Embedder], paths: Sequence[Path], progress: Progress
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """The same by each of several embedders, from one look for faces."""
    rows = [np.zeros((len(paths), each.card.dimension), np.float32) for each in embedders]
    found = np.zeros(len(paths), np.bool_)
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        face = central(detector.detect(rgb), rgb)
        if face is not None:
            for own, each in zip(rows, embedders, strict=True):
                own[index] = each.embed(align(rgb, face.landmarks, each.card.template)[None])[0]
            found[index] = True
        progress(index + 1, len(paths))
    return rows, found
