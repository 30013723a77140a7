"""Same or different person? LFW's protocol of k folds (Huang et al., UMass TR 07-49, 2007).

Promise: no pair is judged by a threshold that was chosen on it, and a pair with a face not found counts as
different people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.detection import Detector
from recognition.embedding import Embedder
from recognition.evaluation.intervals import RESAMPLES, Wide, interval, resampled
from recognition.evaluation.photographs import NO_FACE, Progress, vectors_of
from recognition.faces import Floats
from recognition.recognizer import Recognizer

Flags = NDArray[np.bool_]
RATES = (1e-2, 1e-3)
Interval = tuple[float, float]


@dataclass(frozen=True)
class Pairs:
    """Results of the pairs protocol; intervals are 95 %, by people drawn anew.

    `tar` and `tar_interval` are true-accept rates by false-accept rate; `impostors` is how many pairs of
    different people there are, so that a rate of 1e-3 rests on a thousandth of them.
    """

    accuracy: float
    accuracy_interval: Interval
    folds: tuple[float, ...]
    tar: dict[float, float]
    tar_interval: dict[float, Interval]
    pairs: int
    impostors: int
    people: int
    failed: int


def read_pairs(path: Path) -> tuple[list[tuple[str, str, bool]], int]:
    """LFW's pairs file: (first, second, same person) in order, as NAME/NAME_0001.jpg; and the folds.

    The first line holds the number of folds, or that and the pairs of each kind in a fold.
    """
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


def verify(
    eyes: Recognizer,
    folder: Path,
    pairs_file: Path,
    progress: Progress,
    *,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> Pairs:
    """The protocol on the photographs of `folder`."""
    (result,) = verify_each(
        eyes.detector, [eyes.embedder], folder, pairs_file, progress, resamples=resamples, seed=seed
    )
    return result


def verify_each(
    detector: Detector,
    embedders: Sequence[Embedder],
    folder: Path,
    pairs_file: Path,
    progress: Progress,
    *,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> list[Pairs]:
    """The protocol by each of several embedders, from one look for faces."""
    pairs, folds = read_pairs(pairs_file)
    names = sorted({name for pair in pairs for name in pair[:2]})
    index = {name: number for number, name in enumerate(names)}
    each, found = vectors_of(detector, embedders, [folder / name for name in names], progress)
    results = []
    for rows in each:
        scores = np.array([_score(rows, found, index[a], index[b]) for a, b, _ in pairs], np.float32)
        failed = int((~found).sum())
        results.append(judge(scores, pairs, folds=folds, failed=failed, resamples=resamples, seed=seed))
    return results


def judge(
    scores: Floats,
    pairs: list[tuple[str, str, bool]],
    *,
    folds: int,
    failed: int = 0,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> Pairs:
    """For each fold, the threshold that is best on all other folds judges its pairs (scores: (N,)).

    In a resample a person drawn twice counts twice: a pair weighs as often as both of its people were drawn,
    and the threshold of a false-accept rate is found anew.
    """
    same = np.array([is_same for *_, is_same in pairs])
    right = _right(scores, same, folds)
    people, owners = np.unique(
        [[name.split("/")[0] for name in pair[:2]] for pair in pairs], return_inverse=True
    )
    first, second = owners.reshape(-1, 2).T
    drawn = resampled(len(people), resamples=resamples, seed=seed)
    weights = drawn[:, first] * np.where(same, 1.0, drawn[:, second])
    return Pairs(
        accuracy=float(right.mean()),
        accuracy_interval=interval(weights @ right / weights.sum(axis=1)),
        folds=tuple(float(part.mean()) for part in np.split(right, folds)),
        tar={rate: accepted_at(scores, same, rate) for rate in RATES},
        tar_interval={rate: interval(_accepted(scores, same, rate, weights)) for rate in RATES},
        pairs=len(pairs),
        impostors=int((~same).sum()),
        people=len(people),
        failed=failed,
    )


def best_threshold(scores: Floats, same: Flags) -> float:
    """The score that separates best if everything at or above it is called the same person."""
    order = np.argsort(-scores, kind="stable")
    gained = np.cumsum(np.where(same[order], 1, -1))
    best = int(np.argmax(gained))
    ranked = scores[order]
    following = ranked[best + 1] if best + 1 < len(ranked) else ranked[best]
    return float((ranked[best] + following) / 2)


def accepted_at(scores: Floats, same: Flags, rate: float) -> float:
    """True-accept rate at the lowest threshold that at most this share of different pairs reaches."""
    return float(_accepted(scores, same, rate, np.ones((1, len(scores))))[0])


def _accepted(scores: Floats, same: Flags, rate: float, weights: Wide) -> Wide:
    """The same for each row of weights (R, N) on the pairs: (R,)."""
    impostors, genuine = scores[~same], scores[same]
    order = np.argsort(-impostors, kind="stable")
    reached = np.cumsum(weights[:, ~same][:, order], axis=1)
    # The first pair that is one too many; a pair that ties with it is not accepted either.
    too_many = (reached > rate * reached[:, -1:] + 1e-9).argmax(axis=1)
    thresholds = impostors[order][too_many]
    kept = weights[:, same]
    with np.errstate(invalid="ignore"):
        shares: Wide = (kept * (genuine > thresholds[:, None])).sum(axis=1) / kept.sum(axis=1)
    return shares


def _right(scores: Floats, same: Flags, folds: int) -> Flags:
    fold = np.repeat(np.arange(folds), len(scores) // folds)
    right = np.zeros(len(scores), np.bool_)
    for held_out in range(folds):
        rest = fold != held_out
        threshold = best_threshold(scores[rest], same[rest])
        right[~rest] = (scores[~rest] >= threshold) == same[~rest]
    return right


def _score(rows: Floats, found: Flags, a: int, b: int) -> float:
    return float(rows[a] @ rows[b]) if found[a] and found[b] else NO_FACE
