"""What an attempt to deliver came to."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """AGAIN is tried later; REFUSED and GONE never: it will not take this one, or nothing more."""

    DELIVERED = "delivered"
    AGAIN = "again"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True)
class Outcome:
    """`error` is a few words for the log, without names, secrets or what the other side said."""

    fate: Fate
    status: int | None = None
    error: str = ""


def of_status(status: int) -> Outcome:
    """2xx only is delivered; no redirect is followed; 410 says never again."""
    if 200 <= status < 300:
        return Outcome(Fate.DELIVERED, status)
    if status == 410:
        return Outcome(Fate.GONE, status, "it wants nothing any more")
    return Outcome(Fate.AGAIN, status, "redirected" if 300 <= status < 400 else "not accepted")
