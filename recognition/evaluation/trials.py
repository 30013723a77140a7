"""Searches in random galleries: the error rates of open-set identification at any threshold.

Promise: everybody who is not enrolled comes as a stranger, and a probe without a face is a person not found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.evaluation.intervals import RESAMPLES, Wide, interval, resampled, widened
from recognition.evaluation.photographs import NO_FACE
from recognition.faces import Floats

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]
AT_ONCE = 512  # probes searched together: bounds the memory, whatever the number of photographs
STEPS = 60  # thresholds on a curve


@dataclass(frozen=True)
class Plan:
    """How to search: `draws` random galleries of each of `sizes` people, `enrol` photographs a person.

    With `probes`, only people who have that many photographs besides are enrolled, and no more are searched.
    """

    sizes: tuple[int, ...]
    enrol: int = 1
    probes: int | None = None
    draws: int = 20
    resamples: int = RESAMPLES
    seed: int = 1


@dataclass(frozen=True)
class Share:
    """An error rate, its 95 % interval, errors and tries over all galleries, people who had any error."""

    rate: float
    low: float
    high: float
    errors: int
    tries: int
    people: int


@dataclass(frozen=True)
class Point:
    """What happens at one threshold."""

    threshold: float
    fpir: Share
    fnir: Share


@dataclass(frozen=True)
class _Search:
    """One gallery: for each probe whose it is, if they are enrolled, and the two best people's scores."""

    owner: Rows
    mated: Flags
    best: Floats
    second: Floats
    correct: Flags


class Trials:
    """All searches in galleries of one size, and the error rates at any threshold.

    `rows` (N, D) unit vectors, `found` (N,), `people` N names. In a resample both the people who stand before
    the camera and the galleries are drawn anew; who is in a gallery stays, which is why there are many.
    Raises ValueError where the photographs do not allow the plan.
    """

    def __init__(self, rows: Floats, found: Flags, people: Sequence[str], *, size: int, plan: Plan) -> None:
        names, owner = np.unique(np.asarray(people), return_inverse=True)
        self.people = len(names)
        chance = np.random.default_rng((plan.seed, size))
        eligible = eligible_people(found, owner, plan)
        if not 1 <= size <= len(eligible):
            raise ValueError(
                f"a gallery of {size} needs as many people with enough photographs "
                f"({len(eligible)} of {self.people} have)"
            )
        self.searches = tuple(
            _search(rows, found, owner, chance.choice(eligible, size, replace=False), plan, chance)
            for _ in range(plan.draws)
        )
        self._drawn = resampled(self.people, resamples=plan.resamples, seed=plan.seed)
        self._galleries = resampled(plan.draws, resamples=plan.resamples, seed=plan.seed + 1)
        self._mated = self._by_person([search.mated for search in self.searches])
        self._strangers = self._by_person([~search.mated for search in self.searches])
        self.mated, self.strangers = int(self._mated.sum()), int(self._strangers.sum())

    def at(self, threshold: float, *, margin: float = 0.0) -> Point:
        """Both error rates at a threshold; with a margin, a lead smaller than it names nobody."""
        wrong, missed = [], []
        for search in self.searches:
            rivals = (search.second >= threshold) & (search.best - search.second < margin)
            named = (search.best >= threshold) & ~rivals
            wrong.append(named & ~search.mated)
            missed.append(search.mated & ~(named & search.correct))
        return Point(
            threshold,
            self._share(self._by_person(wrong), self._strangers),
            self._share(self._by_person(missed), self._mated),
        )

    def rank_1(self) -> Share:
        """How often the nearest person is the right one, whatever the score."""
        right = self._by_person([search.mated & search.correct for search in self.searches])
        return self._share(right, self._mated)

    def threshold_at(self, fpir: float) -> float:
        """The lowest threshold that at most this share of strangers reaches, over all galleries."""
        highest = np.sort(np.concatenate([search.best[~search.mated] for search in self.searches]))[::-1]
        return float(np.nextafter(highest[int(fpir * len(highest))], np.float32(2)))

    def thresholds(self) -> Wide:
        """Evenly from where nearly every stranger is named to where nobody is."""
        strangers = np.concatenate([search.best[~search.mated] for search in self.searches])
        highest = max(float(search.best.max()) for search in self.searches)
        return np.linspace(float(np.quantile(strangers, 0.01)), highest + 1e-6, STEPS)

    def _by_person(self, flags: Sequence[Flags]) -> Wide:
        """(draws, people): how many of a person's probes are flagged in each gallery."""
        counts = [
            np.bincount(search.owner[flag], minlength=self.people)
            for search, flag in zip(self.searches, flags, strict=True)
        ]
        return np.stack(counts).astype(np.float64)

    def _share(self, errors: Wide, tries: Wide) -> Share:
        people = int((tries.sum(axis=0) > 0).sum())
        whole = float(tries.sum())
        if not whole:
            return Share(0.0, 0.0, 1.0, 0, 0, 0)
        rate = float(errors.sum()) / whole
        with np.errstate(invalid="ignore"):
            ratios = self._weighed(errors) / self._weighed(tries)
        low, high = widened(*interval(ratios), share=rate, people=people)
        return Share(rate, low, high, int(errors.sum()), int(whole), int((errors.sum(axis=0) > 0).sum()))

    def _weighed(self, counts: Wide) -> Wide:
        weighed: Wide = np.einsum("rp,rp->r", self._galleries @ counts, self._drawn)
        return weighed


def eligible_people(found: Flags, owner: Rows, plan: Plan) -> Rows:
    """Who has enough photographs to be enrolled: with faces for the gallery, of any kind for the probes."""
    usable = np.bincount(owner[found], minlength=int(owner.max()) + 1)
    whole = np.bincount(owner)
    return np.flatnonzero((usable >= plan.enrol) & (whole >= plan.enrol + (plan.probes or 0)))


def _search(
    rows: Floats, found: Flags, owner: Rows, enrolled: Rows, plan: Plan, chance: np.random.Generator
) -> _Search:
    order = chance.permutation(len(rows))
    prints, probes = [], [order[~np.isin(owner[order], enrolled)]]
    for person in enrolled:
        mine = order[owner[order] == person]
        chosen = mine[found[mine]][: plan.enrol]
        prints.append(chosen)
        probes.append(mine[~np.isin(mine, chosen)][: plan.probes])
    asked = np.concatenate(probes)
    best, second, nearest = _two_best(rows, asked, np.stack(prints))
    best[~found[asked]] = second[~found[asked]] = NO_FACE
    mated = np.isin(owner[asked], enrolled)
    correct = (enrolled[nearest] == owner[asked]) & found[asked]
    return _Search(owner[asked], mated, best, second, correct)


def _two_best(rows: Floats, asked: Rows, prints: Rows) -> tuple[Floats, Floats, Rows]:
    """Best and second best person's score (M,) and the best one's place (M,); prints is (people, each)."""
    best, second = np.empty(len(asked), np.float32), np.full(len(asked), NO_FACE, np.float32)
    nearest = np.empty(len(asked), np.intp)
    faceprints = rows[prints.ravel()].T
    for start in range(0, len(asked), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        scores = (rows[asked[part]] @ faceprints).reshape(-1, *prints.shape).max(axis=2)
        nearest[part] = scores.argmax(axis=1)
        best[part] = scores.max(axis=1)
        if scores.shape[1] > 1:
            second[part] = np.partition(scores, -2, axis=1)[:, -2]
    return best, second, nearest
