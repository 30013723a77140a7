"""Working time, pure: punches and the rules valid then in, days with figures and reasons out.

Plain Python without Django. Promise: the same facts give the same days, in whatever order they arrived and
however often they are computed; durations are time that passed, clock times are the wall's.
"""

from access.timesheet.day import workday
from access.timesheet.facts import (
    FIGURES,
    STATUSES,
    Break,
    Day,
    Leave,
    Pair,
    Plan,
    Punch,
    Rules,
    Shift,
    Step,
)
from access.timesheet.periods import bounds
from access.timesheet.punches import by_day
from access.timesheet.weeks import days, with_weeks
from access.timesheet.words import sentence

__all__ = [
    "FIGURES",
    "STATUSES",
    "Break",
    "Day",
    "Leave",
    "Pair",
    "Plan",
    "Punch",
    "Rules",
    "Shift",
    "Step",
    "bounds",
    "by_day",
    "days",
    "sentence",
    "with_weeks",
    "workday",
]
