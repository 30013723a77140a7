"""The demo: made by `manage.py up`, marked as demo everywhere, removed whole by `manage.py remove_demo`."""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import ProtectedError, Q, QuerySet

from access import audit, enrolment, people
from access.attendance import Punch
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.gallery import Gallery
from access.hours import keeping
from access.people import Consent, ConsentText, Department, Person
from access.places import Door, Kiosk, Site
from access.snapshots import Snapshot
from access.terminals.devices import Terminal
from access.terminals.pushes import TerminalLine
from access.up.demo import scenes

SITE, ANNEX = "Demo site", "Demo annex"
KIOSK, ANNEX_KIOSK = "Demo kiosk", "Demo annex kiosk"
DEPARTMENT, MARK = "Visitors", "(demo)"
CONSENT = "demo"
CONSENT_BODY = (
    "Demo consent. A real one says who stores which data for which purpose, for how long, who may see it, "
    "that a card or PIN is offered instead, and how to withdraw."
)
# The invented people who are enrolled: no two of them resemble each other so much that an enrolment would
# wait for a review, in whatever order the workers take them. The others are strangers.
ENROLLED = tuple(f"DEMO-{number:02d}" for number in (1, 7, 8, 10, 12, 14, 16, 19, 22, 24))
ENROLMENT_PHOTOGRAPHS = (1, 2, 3)
# The one photograph of a real person, and somebody without any: a face is never a condition.
PORTRAIT = ("DEMO-91", "Eileen Collins")
FACELESS = ("DEMO-92", "Sam Sample")


class InUse(Exception):
    """Demo people or kiosks took part in real events; the text says what to do."""


def seed() -> dict[str, int] | None:
    """Counts of what was made, or None where the demo stands. The workers look at the photographs later."""
    if Site.objects.filter(demo=True).exists():
        return None
    with transaction.atomic():
        text, _ = ConsentText.objects.get_or_create(
            version=CONSENT, language="en", defaults={"body": CONSENT_BODY}
        )
        crew = Gallery.objects.create(name="Demo crew", demo=True)
        nobody = Gallery.objects.create(name="Demo annex crew", demo=True)
        site, annex = (
            Site.objects.create(name=name, zone="Europe/Berlin", demo=True) for name in (SITE, ANNEX)
        )
        crew.sites.add(site)
        nobody.sites.add(annex)
        front, _store_room = (
            Door.objects.create(site=site, name=name) for name in ("Front door", "Store room")
        )
        front.admits.add(crew)
        gate = Door.objects.create(site=annex, name="Gate")
        gate.admits.add(nobody)
        Kiosk.objects.create(door=front, name=KIOSK)
        Kiosk.objects.create(door=gate, name=ANNEX_KIOSK)
        count = sum(_enrol(crew, text, *one) for one in _cast())
        audit.record("demo.made", site, by="demo")
    return {"doors": 3, "kiosks": 2, "people": count}


def person(badge: str) -> Person:
    """One of the demo, by badge number."""
    return Person.objects.get(badge=badge, demo=True)


def strangers() -> list[scenes.Invented]:
    """The invented people whom nobody enrolled."""
    return [one for one in scenes.invented() if one.badge not in ENROLLED]


def _cast() -> Iterator[tuple[tuple[str, str], str, list[tuple[str, bytes]]]]:
    """Badge and name, department, and photographs as (file name, bytes) of everybody in the demo."""
    for one in scenes.invented():
        if one.badge not in ENROLLED:
            continue
        files = [(f"{number}.jpg", one.photograph(number)) for number in ENROLMENT_PHOTOGRAPHS]
        yield (one.badge, one.name), one.department, files
    yield PORTRAIT, DEPARTMENT, [(f"portrait-{light}.jpg", data) for light, data in scenes.photographs()]
    yield FACELESS, DEPARTMENT, []


def _enrol(
    crew: Gallery, text: ConsentText, who: tuple[str, str], department: str, files: list[tuple[str, bytes]]
) -> int:
    badge, name = who
    place, _ = Department.objects.get_or_create(name=f"{department} {MARK}")
    person = Person.objects.create(badge=badge, name=name, department=place, demo=True)
    crew.people.add(person)
    if files:
        people.note_consent(person, text, by="demo")
        enrolment.submit(person, files, by="demo")
    return 1


def happened_at(sites: QuerySet[Site]) -> list[tuple[str, QuerySet]]:
    """What goes before demo sites do, in this order; the database refuses it of any other site."""
    of_terminals = Q(terminal_line__terminal__site__in=sites)
    lines = TerminalLine.objects.filter(terminal__site__in=sites)
    return [
        ("alarms", Alarm.objects.filter(door__site__in=sites)),
        ("punches", Punch.objects.filter(Q(kiosk__door__site__in=sites) | of_terminals)),
        ("lines of terminals", lines),
        ("terminals", Terminal.objects.filter(site__in=sites)),
        ("decisions", Decision.objects.filter(snapshot__kiosk__door__site__in=sites)),
        ("snapshots", Snapshot.objects.filter(kiosk__door__site__in=sites)),
    ]


def made_of(sites: QuerySet[Site]) -> list[tuple[str, QuerySet]]:
    """The sites themselves; doors before the zones that they lead into."""
    return [("doors", Door.objects.filter(site__in=sites)), ("sites", sites)]


@transaction.atomic
def remove() -> dict[str, int]:
    """Counts of what was deleted. Only facts of demo sites go; the database refuses any other.

    Raises InUse if something of the demo took part in real events: then nothing is deleted.
    """
    sites = Site.objects.filter(demo=True)
    counts: dict[str, int] = {}
    try:
        for name, rows in (
            *keeping.of_demo(sites),
            *happened_at(sites),
            ("punches elsewhere", Punch.objects.filter(person__demo=True, snapshot=None)),
            ("consents", Consent.objects.filter(person__demo=True)),
            ("people", Person.objects.filter(demo=True)),
            ("galleries", Gallery.objects.filter(demo=True)),
            *made_of(sites),
        ):
            counts[name] = rows.count()
            rows.delete()
    except ProtectedError as error:
        raise InUse(
            "Somebody of the demo took part in events of real sites. Erase them in the admin instead."
        ) from error
    ConsentText.objects.filter(version=CONSENT, consent=None).delete()
    Department.objects.filter(name__endswith=MARK, people=None).delete()
    audit.record("demo.removed", "demo", by="command", **counts)
    return counts
