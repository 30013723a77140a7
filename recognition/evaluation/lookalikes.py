"""Which two different people look most alike? For the operator, before a door confuses them.

Promise: every pair of people appears once, with the highest score any of their photographs reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.faces import Floats

Owners = NDArray[np.intp]
NEVER = -2.0  # below every cosine
AT_ONCE = 512  # rows compared together: bounds the memory, whatever the size of the gallery


@dataclass(frozen=True)
class LookAlikes:
    """Two different people and the highest cosine similarity between any two of their faceprints."""

    people: tuple[str, str]
    score: float


def closest(
    rows: Floats, people: Sequence[str], *, count: int = 20, at_least: float = -1.0
) -> tuple[LookAlikes, ...]:
    """The pairs nearest to each other, nearest first, of (N, D) unit vectors and whose they are.

    At most `count` (1 or more) pairs, none below `at_least`: with a model's threshold for the gallery's
    size these are the people a door would refuse as ambiguous, or confuse.
    """
    names, owner = np.unique(np.asarray(people), return_inverse=True)
    best: dict[tuple[int, int], float] = {}
    for start in range(0, len(rows), AT_ONCE):
        mine = owner[start : start + AT_ONCE]
        scores = rows[start : start + AT_ONCE] @ rows.T
        # Only a person before another in order: each pair once, and nobody with themselves.
        scores[mine[:, None] >= owner] = NEVER
        for a, b, score in _nearest(scores, mine, owner, count=count, at_least=at_least):
            best[a, b] = max(score, best.get((a, b), NEVER))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:count]
    return tuple(LookAlikes((str(names[a]), str(names[b])), score) for (a, b), score in ranked)


def _nearest(
    scores: Floats, mine: Owners, owner: Owners, *, count: int, at_least: float
) -> list[tuple[int, int, float]]:
    """The `count` nearest pairs of people in a block: no other pair of it can be among the nearest of all."""
    flat, several = scores.ravel(), 16 * count
    while True:
        # Only so many of the highest are sorted, and more where few people fill them with many photographs.
        several = min(several, flat.size)
        highest = np.argpartition(-flat, several - 1)[:several]
        found: dict[tuple[int, int], float] = {}
        for place in highest[np.argsort(-flat[highest], kind="stable")]:
            score = float(flat[place])
            if score < at_least or score == NEVER or len(found) == count:
                break
            a, b = divmod(int(place), scores.shape[1])
            found.setdefault((int(mine[a]), int(owner[b])), score)
        else:
            if several < flat.size:
                several *= 4
                continue
        return [(a, b, score) for (a, b), score in found.items()]
