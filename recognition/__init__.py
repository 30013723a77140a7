"""The eyes: pixels in, numbers out. No web, no database, no settings, no people.

Promise: what is named here is all that other packages need.
"""

from recognition.image import Unreadable, decode, encode_jpeg
from recognition.liveness import Liveness
from recognition.matching import Ambiguous, Match, Neighbour, Uncalibrated, Unknown, decide, threshold_for
from recognition.quality import Problem, Quality
from recognition.recognizer import Recognizer, Sighting
from recognition.weights import Card, ModelError

__all__ = [
    "Ambiguous",
    "Card",
    "Liveness",
    "Match",
    "ModelError",
    "Neighbour",
    "Problem",
    "Quality",
    "Recognizer",
    "Sighting",
    "Uncalibrated",
    "Unknown",
    "Unreadable",
    "decide",
    "decode",
    "encode_jpeg",
    "threshold_for",
]
