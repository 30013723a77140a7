"""How well it recognises, and how good pictures are: every figure from photographs, with its counts.

Promise: a rate is only stated where at least thirty errors support it, and a photograph in which no
face is found counts against us.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import image, quality
from recognition.alignment import align
from recognition.detection import Detector
from recognition.faces import Face, Floats, Pixels
from recognition.recognizer import Recognizer, choose

Progress = Callable[[int, int], None]
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
# Rule of 30 (Doddington et al., Speech Communication 31, 2000): thirty errors give the rate to within
# 30 % at 90 % confidence.
ERRORS_NEEDED = 30
RATES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
NO_FACE = -1.0  # the lowest cosine there is: where no face is found, nobody is recognised


@dataclass(frozen=True)
class Photograph:
    person: str
    path: Path


@dataclass(frozen=True)
class Impostors:
    """Thresholds by false-match rate, (rate, threshold, pairs that reach it), and the margin, with counts."""

    points: tuple[tuple[float, float, int], ...]
    margin: float
    retakes: int
    people: int
    photographs: int
    pairs: int
    failed: int


@dataclass(frozen=True)
class Pairs:
    """Results of the pairs protocol; accuracy's interval is Wilson's at 95 %."""

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    folds: tuple[float, ...]
    tar: dict[float, float]
    pairs: int
    failed: int


def photographs(folder: Path) -> list[Photograph]:
    """All pictures of a folder that holds one folder for each person, sorted."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in PICTURES)
    return [Photograph(path.parent.name, path) for path in paths]


def central(faces: Sequence[Face], rgb: Pixels) -> Face | None:
    """The face nearest to the middle: whom a press photograph is of."""
    middle = np.array([rgb.shape[1] / 2, rgb.shape[0] / 2])
    return min(
        faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - middle)), default=None
    )


def vectors(eyes: Recognizer, paths: Sequence[Path], progress: Progress) -> tuple[Floats, NDArray[np.bool_]]:
    """(N, D) unit vectors, no quality gate, and (N,) False where no face was found (a zero vector)."""
    rows = np.zeros((len(paths), eyes.card.dimension), np.float32)
    found = np.zeros(len(paths), np.bool_)
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        face = central(eyes.detector.detect(rgb), rgb)
        if face is not None:
            rows[index] = eyes.embedder.embed(align(rgb, face.landmarks, eyes.card.template)[None])[0]
            found[index] = True
        progress(index + 1, len(paths))
    return rows, found


def calibrate(rows: Floats, people: Sequence[str], *, failed: int) -> Impostors:
    """All against all: how high two different people score, (N, D) unit vectors and whose they are.

    The margin is how far a lead moves when the photograph changes: for two photographs of one person and
    any two other people, the standard deviation of the change of the difference between the two scores.
    Raises ValueError with fewer than thirty such pairs of photographs, or too few people for any rate.
    """
    names, owner = np.unique(np.asarray(people), return_inverse=True)
    scores = rows @ rows.T
    first, second = np.triu_indices(len(rows), k=1)
    different = owner[first] != owner[second]
    impostors = np.sort(scores[first[different], second[different]])[::-1]
    points = []
    for rate in RATES:
        errors = int(rate * impostors.size)
        if errors >= ERRORS_NEEDED:
            points.append((rate, round(float(impostors[errors - 1]), 4), errors))
    if len(points) < 2:
        raise ValueError(
            f"{impostors.size} pairs of different people support no rate; more people are needed"
        )
    retakes = [(a, b) for a, b in zip(first[~different], second[~different], strict=True)]
    if len(retakes) < ERRORS_NEEDED:
        raise ValueError(
            f"{len(retakes)} pairs of photographs of one person; the margin needs {ERRORS_NEEDED}"
        )
    moved = []
    for a, b in retakes:
        others = owner != owner[a]
        moved.append(np.var(scores[a, others] - scores[b, others]) * 2)
    margin = round(math.sqrt(float(np.mean(moved))), 4)
    return Impostors(tuple(points), margin, len(retakes), len(names), len(rows), int(impostors.size), failed)


def read_pairs(path: Path) -> tuple[list[tuple[str, str, bool]], int]:
    """LFW's pairs file: (first, second, same person) in order, as NAME/NAME_0001.jpg; and the folds."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    folds = int(lines[0][0])
    pairs = []
    for fields in lines[1:]:
        left, right = fields[:2], [fields[0], fields[2]] if len(fields) == 3 else fields[2:]
        names = [f"{name}/{name}_{int(number):04d}.jpg" for name, number in (left, right)]
        pairs.append((names[0], names[1], len(fields) == 3))
    if folds < 2 or len(pairs) % folds:
        raise ValueError(f"{path.name}: {len(pairs)} pairs do not divide into {folds} folds")
    return pairs, folds


def verify(eyes: Recognizer, folder: Path, pairs_file: Path, progress: Progress) -> Pairs:
    """LFW's protocol: for each fold, the threshold that is best on all other folds judges its pairs."""
    pairs, folds = read_pairs(pairs_file)
    names = sorted({name for pair in pairs for name in pair[:2]})
    rows, found = vectors(eyes, [folder / name for name in names], progress)
    index = {name: number for number, name in enumerate(names)}
    scores = np.array([_score(rows, found, index[a], index[b]) for a, b, _ in pairs], np.float32)
    same = np.array([is_same for *_, is_same in pairs])
    fold = np.repeat(np.arange(folds), len(pairs) // folds)
    right = np.zeros(len(pairs), np.bool_)
    for held_out in range(folds):
        rest = fold != held_out
        threshold = best_threshold(scores[rest], same[rest])
        right[~rest] = (scores[~rest] >= threshold) == same[~rest]
    low, high = wilson(int(right.sum()), len(pairs))
    return Pairs(
        accuracy=float(right.mean()),
        accuracy_low=low,
        accuracy_high=high,
        folds=tuple(float(right[fold == number].mean()) for number in range(folds)),
        tar={rate: accepted_at(scores, same, rate) for rate in (1e-2, 1e-3)},
        pairs=len(pairs),
        failed=int((~found).sum()),
    )


def best_threshold(scores: Floats, same: NDArray[np.bool_]) -> float:
    """The score that separates best if everything at or above it is called the same person."""
    order = np.argsort(-scores, kind="stable")
    gained = np.cumsum(np.where(same[order], 1, -1))
    best = int(np.argmax(gained))
    ranked = scores[order]
    following = ranked[best + 1] if best + 1 < len(ranked) else ranked[best]
    return float((ranked[best] + following) / 2)


def accepted_at(scores: Floats, same: NDArray[np.bool_], rate: float) -> float:
    """True-accept rate at the lowest threshold that at most this share of different pairs reaches."""
    impostors = np.sort(scores[~same])[::-1]
    allowed = int(rate * len(impostors))
    return float((scores[same] > impostors[allowed]).mean())


def wilson(successes: int, tries: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson, JASA 22, 1927)."""
    z = 1.959964
    share, spread = successes / tries, z * z / tries
    half = z * math.sqrt(share * (1 - share) / tries + spread / (4 * tries)) / (1 + spread)
    middle = (share + spread / 2) / (1 + spread)
    return middle - half, middle + half


def measure_quality(
    eyes: Recognizer, paths: Sequence[Path], progress: Progress, *, blur: float = 0.0
) -> tuple[list[quality.Quality], int, int]:
    """The numbers of each photograph's central face; how many had none, and how many comparable ones.

    `blur` is the sigma of a Gaussian, in pixels of a 112-pixel crop, that is laid over the face first.
    """
    numbers, failed, crowded = [], 0, 0
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        faces = eyes.detector.detect(rgb)
        face = central(faces, rgb)
        crowded += choose(faces, "one")[1] is quality.Problem.SEVERAL_FACES
        if face is None:
            failed += 1
        else:
            crop = align(rgb, face.landmarks, quality.TEMPLATE)
            if blur:
                crop = cv2.GaussianBlur(crop, (0, 0), blur).astype(np.uint8, copy=False)
            numbers.append(quality.measure(face, crop, width=rgb.shape[1], height=rgb.shape[0]))
        progress(index + 1, len(paths))
    return numbers, failed, crowded


def agreement(
    one: Detector, other: Detector, paths: Sequence[Path], progress: Progress
) -> NDArray[np.float64]:
    """(N,) mean distance of the five landmarks between two detectors, in eye distances of the first.

    Over the photographs in which both find a face; of the other's faces the nearest counts.
    """
    distances = []
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        face, others = central(one.detect(rgb), rgb), other.detect(rgb)
        if face is not None and others:
            gaps = [np.linalg.norm(rival.landmarks - face.landmarks, axis=1).mean() for rival in others]
            distances.append(float(min(gaps)) / face.eye_distance)
        progress(index + 1, len(paths))
    return np.array(distances)


def _score(rows: Floats, found: NDArray[np.bool_], a: int, b: int) -> float:
    return float(rows[a] @ rows[b]) if found[a] and found[b] else NO_FACE
