"""A scenario: the site, and what happens there, as a TOML file that anybody can read and change (day.toml).

Promise: a file with an unknown word or a missing one is refused before anything is made.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAY = Path(__file__).parent / "day.toml"


class Unplayable(Exception):
    """The file is no scenario; the text says where."""


@dataclass(frozen=True)
class Place:
    """A door with its kiosk, and what the door is set to where that is not the usual."""

    name: str
    kiosk: str
    factors: str = "face"
    liveness: str = "nothing"
    zone: str = ""  # that it leads into, and that refuses whoever is in it already
    direction: str = "auto"
    tablet: bool = False  # the kiosk is a paired tablet too, which lets people pass without the network


@dataclass(frozen=True)
class Event:
    """One line of the day: `expect` is the answer in the words of `play.Day`. What is shown are badges of
    people: their face, their card, their PIN ("wrong" for another)."""

    at: str
    what: str
    expect: str
    door: str = ""
    face: str = ""
    photograph: int = 5
    card: str = ""
    pin: str = ""
    screen: str = ""  # its colours, where the door asks for them: "lit" on the face, or "dark" as in a film
    direction: str = ""
    minutes_old: int = 0  # so long the kiosk was without network before it could send
    network: str = ""  # of the door's tablet: "down" or "up"
    contact: str = ""
    site: str = ""  # "lock_down" or "lift"
    terminal: tuple[str, ...] = ()  # "BADGE HH:MM in": what a time clock on the wall noted yesterday
    workday: str = ""  # the badge of somebody whose yesterday is worked out


@dataclass(frozen=True)
class Scenario:
    name: str
    zone: str
    doors: dict[str, Place]
    events: tuple[Event, ...]
    shift: tuple[str, str]
    end: dict[str, str] = field(default_factory=dict)


def read(path: Path = DAY) -> Scenario:
    """Raises Unplayable."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
        doors = {key: Place(**given) for key, given in written.pop("doors").items()}
        events = tuple(_event(given) for given in written.pop("events"))
        found = Scenario(doors=doors, events=events, shift=tuple(written.pop("shift")), **written)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise Unplayable(f"{path}: {error}") from error
    for event in found.events:
        if event.door and event.door not in doors:
            raise Unplayable(f"{path}: {event.at} {event.what}: there is no door {event.door!r}")
    return found


def _event(given: dict[str, Any]) -> Event:
    return Event(**given | {"terminal": tuple(given.get("terminal", ()))})
