"""How far a measured share may lie from the true one.

Promise: people are drawn, not photographs or pairs, so that one person's many photographs do not pass for
many people; and no error seen never means an interval of no width.
"""

import math

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.float64]
RESAMPLES = 1000  # requirements 1.2 ask for this many at least
ENDS = (0.025, 0.975)  # a 95 % interval by the percentile method (Efron and Tibshirani, 1993, chapter 13)


def resampled(people: int, *, resamples: int = RESAMPLES, seed: int = 1) -> Wide:
    """(resamples, people): how often each person is drawn when as many are drawn with replacement."""
    chance = np.random.default_rng(seed)
    return chance.multinomial(people, np.full(people, 1 / people), size=resamples).astype(np.float64)


def interval(values: Wide) -> tuple[float, float]:
    """The 95 % interval of a resampled figure; resamples without a value (nan) are left out."""
    usable = values[np.isfinite(values)]
    if not usable.size:
        return 0.0, 1.0
    low, high = np.quantile(usable, ENDS)
    return float(low), float(high)


def share_interval(errors: Wide, tries: Wide, drawn: Wide) -> tuple[float, float]:
    """95 % interval of sum(errors) / sum(tries), both (P,) by person, under `drawn` (R, P) from `resampled`.

    Where no try or every try is an error, resampling would show no doubt at all: that end is then the exact
    binomial bound for as many tries as there are people (Clopper and Pearson, Biometrika 26, 1934).
    """
    people = int((tries > 0).sum())
    if people == 0:
        return 0.0, 1.0
    with np.errstate(invalid="ignore"):
        low, high = interval((drawn @ errors) / (drawn @ tries))
    return widened(low, high, share=float(errors.sum() / tries.sum()), people=people)


def widened(low: float, high: float, *, share: float, people: int) -> tuple[float, float]:
    """The interval with the exact bound where resampling cannot see beyond a share of 0 or 1."""
    beyond = 1 - ENDS[0] ** (1 / people)
    if share <= 0:
        return 0.0, max(high, beyond)
    if share >= 1:
        return min(low, 1 - beyond), 1.0
    return low, high


def wilson(successes: int, tries: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share of independent tries (Wilson, JASA 22, 1927)."""
    z = 1.959964
    share, spread = successes / tries, z * z / tries
    half = z * math.sqrt(share * (1 - share) / tries + spread / (4 * tries)) / (1 + spread)
    middle = (share + spread / 2) / (1 + spread)
    return middle - half, middle + half
