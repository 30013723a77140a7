"""Neighbours to a name, or to nobody. Pure.

Promise: unknown means no. A stricter threshold never names anyone new, and without a calibration
there is no threshold at all.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

P = TypeVar("P")  # whatever the caller calls a person


class Uncalibrated(ValueError):
    """The model's card holds no measured threshold: the caller grants nobody."""


@dataclass(frozen=True)
class Neighbour(Generic[P]):
    """A near faceprint: whose it is and its cosine similarity to the face seen."""

    person: P
    score: float


@dataclass(frozen=True)
class Match(Generic[P]):
    """One person, with the score and the lead over the next other person (infinite where there is none)."""

    person: P
    score: float
    lead: float


@dataclass(frozen=True)
class Ambiguous(Generic[P]):
    """Two different people are too near to each other to choose: step up, never guess."""

    people: tuple[P, P]
    lead: float


@dataclass(frozen=True)
class Unknown:
    """Nobody is near enough. `score` is the best there was, if any."""

    score: float | None = None


def decide(
    neighbours: Iterable[Neighbour[P]], *, threshold: float, margin: float
) -> Match[P] | Ambiguous[P] | Unknown:
    """Who this is, from the nearest faceprints in any order.

    A person counts with their best score. Two people at or above the threshold whose scores differ by
    less than the margin, or not at all, are ambiguous. A score that is not a number names nobody, and
    neither does anything compared with a threshold or margin that is not a number.
    """
    best: dict[P, float] = {}
    for neighbour in neighbours:
        if math.isnan(neighbour.score):
            return Unknown()
        best[neighbour.person] = max(neighbour.score, best.get(neighbour.person, -math.inf))
    ranked = sorted(best.items(), key=lambda item: (-item[1], repr(item[0])))
    if math.isnan(margin) or not ranked:
        return Unknown()
    person, score = ranked[0]
    if not score >= threshold:
        return Unknown(score)
    if len(ranked) == 1:
        return Match(person, score, math.inf)
    rival, rival_score = ranked[1]
    lead = score - rival_score
    if rival_score >= threshold and (lead < margin or lead == 0):
        return Ambiguous((person, rival), lead)
    return Match(person, score, lead)


def needed_fmr(*, gallery_size: int, fpir: float) -> float:
    """The false-match rate of one comparison that keeps a search of `gallery_size` faceprints at `fpir`.

    FMR = 1 - (1 - FPIR)^(1/N): comparisons taken as independent (requirements 1.2).
    """
    if gallery_size < 1 or not 0 < fpir < 1:
        raise ValueError("a gallery has at least one faceprint, a rate lies between 0 and 1")
    return -math.expm1(math.log1p(-fpir) / gallery_size)


def threshold_for(points: Sequence[tuple[float, float]], *, gallery_size: int, fpir: float) -> float:
    """The score a match needs so that a stranger is named with probability `fpir` at most.

    `points` are measured (false-match rate, threshold). Between two, the threshold is linear in log10 FMR.
    Beyond the lowest rate measured it is extrapolated: linear in log10 FMR with the steepest slope found
    among the last two decades. Impostor scores fall off at least that fast in every set measured so far, so
    the result errs towards refusing; it is an extrapolation all the same. Above the highest rate the first
    threshold holds. Raises `Uncalibrated` unless there are two points, finite, at different rates.
    """
    curve = _monotone(points)
    wanted = math.log10(needed_fmr(gallery_size=gallery_size, fpir=fpir))
    if wanted >= curve[0][0]:
        return curve[0][1]
    for (high, above), (low, below) in pairwise(curve):
        if wanted >= low:
            return above + (below - above) * (high - wanted) / (high - low)
    last_rate, last = curve[-1]
    return last + _steepest(curve) * (last_rate - wanted)


def _monotone(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """(log10 FMR, threshold), rates falling, thresholds never falling."""
    usable = all(0 < rate <= 1 and math.isfinite(threshold) for rate, threshold in points)
    if (
        not usable
        or len({rate for rate, _ in points}) < 2
        or len({rate for rate, _ in points}) != len(points)
    ):
        raise Uncalibrated("the model has no usable calibration: no threshold can be justified")
    curve: list[tuple[float, float]] = []
    for rate, threshold in sorted(points, reverse=True):
        floor = curve[-1][1] if curve else -math.inf
        curve.append((math.log10(rate), max(threshold, floor)))
    return curve


def _steepest(curve: Sequence[tuple[float, float]]) -> float:
    """Threshold per decade, the largest among the segments that touch the last two decades."""
    last = curve[-1][0]
    return max(
        (below - above) / (high - low) for (high, above), (low, below) in pairwise(curve) if low < last + 2
    )
