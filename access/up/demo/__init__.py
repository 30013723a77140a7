"""The demo: made by `manage.py up`, marked as demo everywhere, removed whole by `manage.py remove_demo`."""

from django.db import transaction
from django.db.models import ProtectedError

from access import audit, enrolment, people
from access.attendance import Punch
from access.decisions import Decision
from access.gallery import Gallery
from access.people import Consent, ConsentText, Department, Person
from access.places import Door, Kiosk, Site
from access.snapshots import Snapshot
from access.up.demo import scenes

SITE, ANNEX = "Demo site", "Demo annex"
KIOSK, ANNEX_KIOSK = "Demo kiosk", "Demo annex kiosk"
DEPARTMENT = "Demo department"
CONSENT = "demo"
CONSENT_BODY = (
    "Demo consent. A real one says who stores which data for which purpose, for how long, who may see it, "
    "that a card or PIN is offered instead, and how to withdraw."
)
# Badge, name, and whether photographs are on file: a face is never a condition.
CAST = (("DEMO-01", "Eileen Collins", True), ("DEMO-02", "Sam Sample", False))


class InUse(Exception):
    """Demo people or kiosks took part in real events; the text says what to do."""


def seed() -> dict[str, int] | None:
    """Counts of what was made, or None where the demo stands. The workers look at the photographs later."""
    if Site.objects.filter(demo=True).exists():
        return None
    with transaction.atomic():
        text, _ = ConsentText.objects.get_or_create(version=CONSENT, defaults={"body": CONSENT_BODY})
        department, _ = Department.objects.get_or_create(name=DEPARTMENT)
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
        for badge, name, with_face in CAST:
            person = Person.objects.create(badge=badge, name=name, department=department, demo=True)
            crew.people.add(person)
            if with_face:
                people.note_consent(person, text, by="demo")
                files = [(f"portrait-{light}.jpg", data) for light, data in scenes.photographs()]
                enrolment.submit(person, files, by="demo")
        audit.record("demo.made", site, by="demo")
    return {"doors": 3, "kiosks": 2, "people": len(CAST)}


@transaction.atomic
def remove() -> dict[str, int]:
    """Counts of what was deleted. Only facts of demo sites go; the database refuses any other.

    Raises InUse if something of the demo took part in real events: then nothing is deleted.
    """
    sites = Site.objects.filter(demo=True)
    counts: dict[str, int] = {}
    try:
        for name, rows in (
            ("punches", Punch.objects.filter(kiosk__door__site__in=sites)),
            ("decisions", Decision.objects.filter(snapshot__kiosk__door__site__in=sites)),
            ("snapshots", Snapshot.objects.filter(kiosk__door__site__in=sites)),
            ("consents", Consent.objects.filter(person__demo=True)),
            ("people", Person.objects.filter(demo=True)),
            ("galleries", Gallery.objects.filter(demo=True)),
            ("sites", sites),
        ):
            counts[name] = rows.count()
            rows.delete()
    except ProtectedError as error:
        raise InUse(
            "Somebody of the demo took part in events of real sites. Erase them in the admin instead."
        ) from error
    ConsentText.objects.filter(version=CONSENT, consent=None).delete()
    Department.objects.filter(name=DEPARTMENT, people=None).delete()
    audit.record("demo.removed", "demo", by="command", **counts)
    return counts
