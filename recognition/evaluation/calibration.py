"""Thresholds by false-match rate for a model's card, from photographs of many people.

Promise: a rate is only stated where at least thirty errors support it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.faces import Floats

# Rule of 30 (Doddington et al., Speech Communication 31, 2000): thirty errors give the rate to within
# 30 % at 90 % confidence.
ERRORS_NEEDED = 30
RATES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)


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
