"""What a terminal's line means: who, when by its wall clock, in or out, by which proof. Plain Python.

Terminals send local wall time without a zone; the site's zone turns it into a moment, and the hour that a
change of the clock leaves out or repeats is said, not guessed away.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

# The protocol's status codes; overtime in and out are in and out, which rules of working time tell apart.
DIRECTIONS = {0: "in", 1: "out", 2: "break_out", 3: "break_in", 4: "in", 5: "out"}
# The codes that every family of firmware shares; others are shown by their number.
PROOFS = {"0": "password", "1": "fingerprint", "2": "card", "3": "password", "4": "card", "15": "face"}
LONGEST_PIN = 24


class Flag(StrEnum):
    """What a change of the clock did to a wall time."""

    NONE = ""
    GAP = "gap"
    OVERLAP = "overlap"


@dataclass(frozen=True)
class Tap:
    """One line of an attendance log, as the terminal wrote it; `wall` is without zone."""

    pin: str
    wall: datetime
    status: int
    verify: str

    @property
    def direction(self) -> str:
        """in, out, break_out or break_in; empty where the terminal did not say (255, or its own code)."""
        return DIRECTIONS.get(self.status, "")


def read(raw: str) -> Tap | None:
    """The tap in a line of table ATTLOG: PIN, time, status and verify code between tabs. None: not readable.

    A terminal that leaves out the status did not say in or out, as with 255.
    """
    cells = [cell.strip() for cell in raw.split("\t")]
    if len(cells) < 2 or not 0 < len(cells[0]) <= LONGEST_PIN:
        return None
    try:
        wall = datetime.strptime(cells[1], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  a wall time has no zone
    except ValueError:
        return None
    status = cells[2] if len(cells) > 2 and cells[2] else "255"
    if not (status.isascii() and status.isdigit() and len(status) <= 3):
        return None
    return Tap(cells[0], wall, int(status), cells[3][:6] if len(cells) > 3 else "")


def moment(wall: datetime, zone: ZoneInfo) -> tuple[datetime, Flag]:
    """The moment (UTC) of a wall time, and whether a change of the clock makes it doubtful.

    In the hour that comes twice the first one is taken; a time in the hour that does not exist is read as if
    the clock had not been put forward (PEP 495, fold=0). Both are told by the flag.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first, Flag.NONE
    exists = first.astimezone(zone).replace(tzinfo=None) == wall
    return first, Flag.OVERLAP if exists else Flag.GAP


def packed(wall: datetime) -> int:
    """A wall time as the firmware counts: seconds since 2000 in years of twelve months of 31 days."""
    days = ((wall.year - 2000) * 12 + wall.month - 1) * 31 + wall.day - 1
    return days * 86_400 + wall.hour * 3600 + wall.minute * 60 + wall.second
