"""The rules of a door, pure: facts in, verdict and reason out. Plain Python, no Django, tested as tables.

`facts` is what is known, `door` holds the rule, `reasons` the closed list and its words, `schedule` when a
door is open for whom, `explanations` the sentence that says why.
"""

from access.policy.door import (
    CLOCK_AHEAD,
    DEMANDS,
    STEP_LASTS,
    Factor,
    asked,
    claimed,
    decide,
    never_alone,
    stands_open,
    timely,
)
from access.policy.explanations import Explanation, explain
from access.policy.facts import (
    Case,
    Doorway,
    Evidence,
    Inside,
    Mode,
    Moment,
    Passage,
    Passback,
    Proof,
    Shown,
    Standing,
    Verdict,
)
from access.policy.reasons import MESSAGES, OF_THE_FACE, SUSPICIOUS, Reason, outward
from access.policy.records import evidence_of, note, passage_of, shown_of
from access.policy.schedule import HORIZON, Bar, Holiday, Opening, Permit, Row, Week, opening, windows

__all__ = [
    "CLOCK_AHEAD",
    "DEMANDS",
    "HORIZON",
    "MESSAGES",
    "OF_THE_FACE",
    "STEP_LASTS",
    "SUSPICIOUS",
    "Bar",
    "Case",
    "Doorway",
    "Evidence",
    "Explanation",
    "Factor",
    "Holiday",
    "Inside",
    "Mode",
    "Moment",
    "Opening",
    "Passage",
    "Passback",
    "Permit",
    "Proof",
    "Reason",
    "Row",
    "Shown",
    "Standing",
    "Verdict",
    "Week",
    "asked",
    "claimed",
    "decide",
    "evidence_of",
    "explain",
    "never_alone",
    "note",
    "opening",
    "outward",
    "passage_of",
    "shown_of",
    "stands_open",
    "timely",
    "windows",
]
