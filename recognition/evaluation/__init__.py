"""Error rates on labelled photographs and clips, each with its counts.

Promise: a rate comes with an interval or with the number of errors behind it, and a photograph in which
no face is found counts against us.
"""

from recognition.evaluation.calibration import ERRORS_NEEDED, Impostors, calibrate
from recognition.evaluation.detectors import agreement, measure_quality
from recognition.evaluation.intervals import resampled, share_interval, wilson
from recognition.evaluation.lookalikes import LookAlikes, closest
from recognition.evaluation.pairs import Pairs, accepted_at, best_threshold, read_pairs, verify
from recognition.evaluation.photographs import Photograph, Progress, central, photographs, vectors

__all__ = [
    "ERRORS_NEEDED",
    "Impostors",
    "LookAlikes",
    "Pairs",
    "Photograph",
    "Progress",
    "accepted_at",
    "agreement",
    "best_threshold",
    "calibrate",
    "central",
    "closest",
    "measure_quality",
    "photographs",
    "read_pairs",
    "resampled",
    "share_interval",
    "vectors",
    "verify",
    "wilson",
]
