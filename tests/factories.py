"""One factory per table, without surprises, and the cast of every story."""

import io
import itertools
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from access import gallery, people, places, snapshots
from access.gallery import Faceprint, Gallery
from access.people import ConsentText, Person
from access.places import Door, Kiosk, Site
from workers import turning

_numbers = itertools.count(10_001)  # beyond the badges of the cast

ALICE = (1.0, 0, 0, 0, 0, 0, 0, 0)
BOB = (0, 1.0, 0, 0, 0, 0, 0, 0)
CHARLIE = (0, 0, 1.0, 0, 0, 0, 0, 0)
STRANGER = (0, 0, 0, 0, 0, 0, 0, 1.0)


def picture(width: int = 160, height: int = 120, *, seed: int = 0, form: str = "JPEG") -> bytes:
    """A small picture file without a face; different for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def site(name: str = "", zone: str = "Europe/Berlin", *, demo: bool = False) -> Site:
    return Site.objects.create(name=name or f"Site {next(_numbers)}", zone=zone, demo=demo)


def door(where: Site, name: str = "", **fields: object) -> Door:
    return Door.objects.create(site=where, name=name or f"Door {next(_numbers)}", **fields)


def kiosk(at: Door, **fields: object) -> tuple[Kiosk, str]:
    """A kiosk and its key."""
    made = Kiosk.objects.create(door=at, name=f"Kiosk {next(_numbers)}", **fields)
    return made, places.issue_key(made)


def consent_text() -> ConsentText:
    return ConsentText.objects.get_or_create(version="2026-01", defaults={"body": "I agree."})[0]


def person(name: str = "", *, badge: str = "", consented: bool = True, **fields: object) -> Person:
    number = next(_numbers)
    made = Person.objects.create(name=name or f"Person {number}", badge=badge or f"{number:05d}", **fields)
    if consented:
        people.note_consent(made, consent_text())
    return made


def faceprint(
    of: Person, vector: tuple[float, ...], *, model: str = "test-model", active: bool = True
) -> Faceprint:
    """A stored faceprint, turned as a worker would have turned it."""
    turn, secret = gallery.current_turn()
    unit = np.asarray(vector, np.float32) / np.linalg.norm(vector)
    made = gallery.add(
        of, turning.turn(unit, secret), model=model, turn=turn, quality=None, photograph_id=None
    )
    made.active = active
    made.save(update_fields=["active"])
    return made


def sent(**fields: object) -> snapshots.Sent:
    """What a kiosk posted a moment ago."""
    values: dict[str, object] = {
        "image": picture(),
        "kind": "snapshot",
        "taken": timezone.now() - timedelta(milliseconds=200),
        "nonce": uuid.uuid4(),
        "direction": None,
    }
    return snapshots.Sent(**(values | fields))


@dataclass(frozen=True)
class Cast:
    site: Site
    front: Door
    back: Door
    kiosk: Kiosk
    key: str
    crew: Gallery
    alice: Person
    bob: Person
    charlie: Person


def cast() -> Cast:
    """One site, two doors, one kiosk at the front; Bob is admitted at the back only."""
    where = site("Works")
    crew, guests = (Gallery.objects.create(name=name) for name in ("Crew", "Guests"))
    for named in (crew, guests):
        named.sites.add(where)
    front, back = door(where, "Front door"), door(where, "Back door")
    front.admits.add(crew)
    back.admits.add(guests)
    device, key = kiosk(front)
    alice, bob = person("Alice Able", badge="00017"), person("Bob Best", badge="00018")
    charlie = person("Charlie Cross", badge="00019", active=False)
    crew.people.add(alice, charlie)
    guests.people.add(bob)
    for who, vector in ((alice, ALICE), (bob, BOB), (charlie, CHARLIE)):
        faceprint(who, vector)
    return Cast(where, front, back, device, key, crew, alice, bob, charlie)


def at(text: str) -> datetime:
    """A moment from its ISO form with offset."""
    return datetime.fromisoformat(text)


def unit(vector: tuple[float, ...]) -> NDArray[np.float32]:
    """(D,) float32 of length one."""
    values = np.asarray(vector, np.float32)
    return values / np.linalg.norm(values)
