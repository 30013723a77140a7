"""When something happened that a kiosk told later: by its clocks then, and by its clocks and ours now. Pure.

Promise: the moment is right within seconds, or it is marked as not to be trusted. A wall clock may be wrong,
be set or be reset; a monotonic clock ends with the page's life and may stand still while a tablet sleeps. Two
ways of telling the time that do not depend on the same clock must agree. Not seen: a page that starts without
the network while its clock is wrong, and ends before the clock is right again.
"""

from dataclasses import dataclass
from enum import StrEnum

# Beyond the first, the kiosk's clocks are worth a look; beyond the second, nobody should be paid by them.
DRIFT_MS, UNTRUSTED_MS = 2_000, 30_000


class Clock(StrEnum):
    FINE = "fine"
    DRIFTED = "drifted"
    UNTRUSTED = "clock_untrusted"


@dataclass(frozen=True)
class Told:
    """An event by the kiosk's clocks, in ms. `at` is what it took for our time: counted from our own word in
    this life of the page (`anchored`), or its wall clock put right by what it was off in an earlier one."""

    boot: str
    wall: int
    ticks: int
    at: int
    anchored: bool


@dataclass(frozen=True)
class Contact:
    """The same clocks at the moment of telling, and ours."""

    boot: str
    wall: int
    ticks: int
    received: int


@dataclass(frozen=True)
class Moment:
    """When it was, by our clock; how far the two ways of telling it were apart; what that makes of it."""

    at: int
    apart: int
    clock: Clock


def moment(told: Told, contact: Contact, *, not_before: int | None) -> Moment:
    """`not_before`: it cannot have been earlier (ms); its data were made then."""
    by_wall = contact.received - (contact.wall - told.wall)
    if told.boot == contact.boot:
        # The page still lives: so long ago by the monotonic clock, whatever became of the wall clock.
        counted = contact.received - (contact.ticks - told.ticks)
        apart = abs(counted - told.at)
        # What the kiosk took it for is the same whenever it is told; so it counts where it is right.
        at = told.at if apart <= DRIFT_MS else counted
        if not told.anchored:
            apart = min(apart, abs(counted - by_wall))
    else:
        at, apart = told.at, abs(told.at - by_wall)
    possible = (not_before is None or at >= not_before - DRIFT_MS) and at <= contact.received + DRIFT_MS
    if apart > UNTRUSTED_MS or not possible:
        return Moment(at, apart, Clock.UNTRUSTED)
    return Moment(at, apart, Clock.DRIFTED if apart > DRIFT_MS else Clock.FINE)
