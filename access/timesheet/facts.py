"""What the timesheet is made from and what comes out: punches, plans and rules in, days with figures out.

All times of punches carry a zone; times of shifts are minutes from the midnight on which the shift's day
begins, on the clock of the wall. Figures are whole minutes: a time clock is read to the minute.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Any

DAY = 24 * 60

# The figures of a day, in minutes. What a figure counts stands in README.md, in the order of the rules.
FIGURES = (
    "planned",
    "worked",
    "paid",
    "break_taken",
    "break_deducted",
    "late",
    "early",
    "overtime",
    "overtime_1",
    "overtime_2",
    "overtime_rest",
    "overtime_holiday",
    "overtime_weekly",
    "overtime_unapproved",
    "night",
    "leave",
    "holiday",
    "missed",
)
# Codes of a monthly grid as the field knows them, and what each says.
STATUSES = {
    "P": "present",
    "HD": "half day",
    "A": "absent",
    "M": "missed punch",
    "L": "leave",
    "HL": "half day of leave",
    "H": "holiday",
    "HP": "worked on a holiday",
    "WO": "weekly off",
    "WP": "worked on a day off",
    "NP": "nothing planned",
}

IN, OUT, BREAK_OUT, BREAK_IN = "in", "out", "break_out", "break_in"
ARRIVING = frozenset({IN, BREAK_IN})


@dataclass(frozen=True, order=True)
class Punch:
    """One person in or out. `explicit`: the direction was given; otherwise it was guessed."""

    at: datetime
    id: str
    direction: str = IN
    explicit: bool = False


@dataclass(frozen=True)
class Break:
    """A break of a shift, at any time. Paid breaks count as work as long as they are no longer than this."""

    minutes: int
    paid: bool = False


@dataclass(frozen=True)
class Shift:
    """Fixed: parts from and to, in minutes from the day's midnight (beyond 1440: on the next day).

    Flexible: no parts, so many minutes at any time of the day. `before` and `after` are how far from a fixed
    shift a punch may lie and still belong to it.
    """

    code: str
    parts: tuple[tuple[int, int], ...] = ()
    target: int = 480
    breaks: tuple[Break, ...] = ()
    before: int = 240
    after: int = 360

    def __post_init__(self) -> None:
        last = None
        for start, end in self.parts:
            if not (0 <= start < end and (last is None or last <= start)):
                raise ValueError("The parts of a shift follow one another, and each ends after it begins.")
            last = end
        if self.parts and self.parts[-1][1] - self.parts[0][0] > DAY:
            raise ValueError("A shift takes no more than 24 hours.")

    @property
    def fixed(self) -> bool:
        return bool(self.parts)

    @property
    def planned(self) -> int:
        """Minutes of work planned: the parts without their unpaid breaks, or the target."""
        if not self.fixed:
            return self.target
        return max(sum(end - start for start, end in self.parts) - self.unpaid, 0)

    @property
    def unpaid(self) -> int:
        return sum(one.minutes for one in self.breaks if not one.paid)

    @property
    def paid(self) -> int:
        return sum(one.minutes for one in self.breaks if one.paid)


@dataclass(frozen=True)
class Leave:
    """Approved leave of a day. `part`: "whole", "first_half" or "second_half" of the planned hours."""

    code: str
    part: str = "whole"
    paid: bool = True


@dataclass(frozen=True)
class Rules:
    """The rules of working time, in the field's words; their meaning stands in README.md."""

    day_cutoff: time = time(4)
    duplicate_seconds: int = 60
    directions: str = "given"  # or "in_turn"
    pairing: str = "every_pair"  # or "first_last"
    missed: str = "nothing"  # or "planned", "half_day"
    maximum_minutes: int = 16 * 60
    grace_in_minutes: int = 5
    grace_out_minutes: int = 5
    early_counts: bool = False
    late_counts: bool = True
    round_in_minutes: int = 1
    round_in_way: str = "nearest"  # or "down", "up"
    round_out_minutes: int = 1
    round_out_way: str = "nearest"
    breaks: str = "actual"  # or "excess", "allowance"
    break_minutes: int = 30
    break_after_minutes: int = 360
    minimum_minutes: int = 0
    half_day_minutes: int = 0
    overtime_daily: bool = True
    overtime_after_minutes: int = 0
    weekly_minutes: int | None = None
    overtime_rest_day: bool = True
    overtime_holiday: bool = True
    tier_minutes: int | None = None
    overtime_approval: bool = False
    night_begins: time = time(23)
    night_ends: time = time(6)


@dataclass(frozen=True)
class Plan:
    """What was planned for one day. `shift` None: a day off, or, with `planned` False, nothing was said.

    `approved`: minutes of overtime that somebody approved for this day.
    """

    zone: tzinfo
    shift: Shift | None = None
    rules: Rules = field(default_factory=Rules)
    planned: bool = True
    holiday: str = ""
    short: bool = False
    leave: tuple[Leave, ...] = ()
    approved: int = 0


@dataclass(frozen=True)
class Step:
    """One rule that was applied, with its figures, for the explanation. `code` is a key of words.WORDS."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A stay: the punches it came from, None where one is missing, and what counts of it after the rules."""

    arrived: Punch | None
    left: Punch | None
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def missed(self) -> bool:
        return self.arrived is None or self.left is None


@dataclass(frozen=True)
class Day:
    """A working day: status (a key of STATUSES), figures in minutes, and how they came about."""

    day: date
    status: str
    shift: str
    figures: dict[str, int]
    pairs: tuple[Pair, ...] = ()
    steps: tuple[Step, ...] = ()
    left_out: tuple[Punch, ...] = ()

    def __getitem__(self, name: str) -> int:
        return self.figures.get(name, 0)

    def as_json(self) -> dict[str, Any]:
        """All of it in words that JSON knows; times in ISO 8601 with offset, punches by their ids."""
        return {
            "status": self.status,
            "shift": self.shift,
            "figures": dict(self.figures),
            "pairs": [
                {
                    "arrived": pair.arrived.id if pair.arrived else None,
                    "left": pair.left.id if pair.left else None,
                    "begins": pair.begins.isoformat() if pair.begins else None,
                    "ends": pair.ends.isoformat() if pair.ends else None,
                }
                for pair in self.pairs
            ],
            "steps": [{"code": step.code, "values": step.values} for step in self.steps],
            "left_out": [punch.id for punch in self.left_out],
        }
