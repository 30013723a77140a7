"""The rules of a door, pure: facts in, verdict and reason out. Plain Python, no Django, tested as tables.

`door` holds the rule, `reasons` the closed list and its words, `schedule` when a door is open for whom.
"""

from access.policy.door import CLOCK_AHEAD, Evidence, Moment, Standing, Verdict, decide, timely
from access.policy.reasons import MESSAGES, OF_THE_FACE, Reason
from access.policy.schedule import HORIZON, Bar, Holiday, Opening, Permit, Row, Week, opening

__all__ = [
    "CLOCK_AHEAD",
    "HORIZON",
    "MESSAGES",
    "OF_THE_FACE",
    "Bar",
    "Evidence",
    "Holiday",
    "Moment",
    "Opening",
    "Permit",
    "Reason",
    "Row",
    "Standing",
    "Verdict",
    "Week",
    "decide",
    "opening",
    "timely",
]
