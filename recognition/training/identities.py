"""Who is who among faces without names: people by the names that are known, and else by a teacher's likeness.

Promise: two photographs with different known names never count as one person, however alike they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recognition.faces import Pixels
from recognition.training import augment
from recognition.training.views import SIDE, fitted

# A cosine that the teacher gives two people about once in ten million pairs (it is 0.47 for 1e-5 and 0.53 for
# 1e-6): some twenty false pairs among all those of 21 thousand faces.
ALIKE = 0.6


def people(vectors: NDArray[np.float32], names: Sequence[str], *, alike: float = ALIKE) -> NDArray[np.int64]:
    """(N,) numbers from 0: the person in each photograph, by its unit vector and its name ("" for none).

    Likenesses are taken from the closest down; one that would join two names is passed over.
    """
    if len(vectors) != len(names):
        raise ValueError(f"{len(vectors)} vectors but {len(names)} names")
    head, called = list(range(len(names))), list(names)

    def root(index: int) -> int:
        while head[index] != index:
            head[index] = index = head[head[index]]
        return index

    def join(one: int, other: int) -> None:
        one, other = root(one), root(other)
        if one == other or (called[one] and called[other] and called[one] != called[other]):
            return
        head[other] = one
        called[one] = called[one] or called[other]

    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name:
            join(first.setdefault(name, index), index)
    for one, other in _likenesses(vectors, alike):
        join(one, other)
    return np.unique([root(index) for index in range(len(names))], return_inverse=True)[1].astype(np.int64)


def _likenesses(vectors: NDArray[np.float32], alike: float) -> list[tuple[int, int]]:
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(vectors), 1000):
        block = vectors[start : start + 1000] @ vectors.T
        for row, column in np.argwhere(block >= alike):
            if start + row < column:
                found.append((-float(block[row, column]), int(start + row), int(column)))
    return [(one, other) for _, one, other in sorted(found)]


class Faces:
    """Crops with their people, drawn so that every batch holds several views of each of its people."""

    def __init__(self, crops: Pixels, who: NDArray[np.int64]) -> None:
        self.crops, self.who = crops, who
        order = np.argsort(who, kind="stable")
        self.photographs = np.split(order, np.flatnonzero(np.diff(who[order])) + 1)
        counts = np.array([len(each) for each in self.photographs])
        self.several, self.single = np.flatnonzero(counts > 1), np.flatnonzero(counts == 1)

    def batches(
        self, steps: int, *, size: int, people: int, views: int, seed: int, start: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """`(people * views, 3, size, size)` pixels and `(people * views,)` numbers of persons.

        Half of the people have several photographs, as far as there are any; of the others each view is of
        the same one, seen differently.
        """
        for step in range(start, steps):
            rng = np.random.default_rng((seed, step))
            half = people // 2 if len(self.single) else people
            chosen = np.concatenate(
                [
                    rng.choice(self.several, min(half, len(self.several)), replace=False),
                    rng.choice(self.single, len(self.single) and people, replace=False),
                ]
            )[:people]
            pictures = [rng.permutation(np.resize(self.photographs[one], views)) for one in chosen]
            faces = np.stack(
                [augment.view(self.crops[index], size=SIDE, rng=rng) for index in np.concatenate(pictures)]
            )
            yield fitted(torch.from_numpy(faces), size), torch.from_numpy(np.repeat(chosen, views))
