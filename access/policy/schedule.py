"""When a door is open for a person: weekly bars, holidays, validity. Pure; times are local to the site."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Opening:
    """How a person's schedule stands with a door at one moment.

    `admitted`: some level or gallery lets the person through this door at all. `open`: it does so now.
    `level` names what admits; `factors` is what this hour demands instead of the door's own setting ("" means
    the door's). `until` and `next_from` are with zone, for the explanation.
    """

    admitted: bool
    open: bool
    level: str = ""
    factors: str = ""
    until: datetime | None = None
    next_from: datetime | None = None
