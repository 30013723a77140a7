"""Who is inside, from the last passage of each: for the muster point, and for whoever locks up.

Promise: when in doubt, somebody is listed. Whoever went to a break still counts, and visitors with a one-off
grant for now are listed as expected even if no door saw them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.attendance import Punch
from access.decisions import Decision
from access.doors.levels import Grant
from access.doors.passback import Presence
from access.people import Person
from access.places import Site
from access.reports import days
from access.reports.filters import Asked
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff
from access.timesheet.facts import ARRIVING

# Whoever came in longer ago than this and was not seen since has left some other way.
LONGEST = timedelta(hours=24)
STATES = {
    "inside": (_("inside"), "success"),
    "break": (_("on a break"), "warning"),
    "expected": (_("expected, not seen"), "info"),
}
SORTS = {"staff": (_("staff"), "default"), "visitor": (_("visitor"), "info")}
COLUMNS = (
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="person", width=26),
    Column("department", _("Department"), width=20),
    Column("sort", _("Staff or visitor"), Kind.WORD, width=14, words=SORTS),
    Column("state", _("Where"), Kind.WORD, leads="passage", width=18, words=STATES),
    Column("since", _("Last seen"), Kind.MOMENT, leads="passage", width=20),
    Column("site", _("Site"), width=18),
    Column("door", _("Last door"), leads="passage", width=18),
)


@dataclass(frozen=True)
class Passage:
    """The last that is known of where somebody went. `site` None: it is not known at which."""

    at: datetime
    way: str
    site: Site | None = None
    door: str = ""
    punch: object = None
    decision: object = None

    @property
    def state(self) -> str:
        if self.way in ARRIVING:
            return "inside"
        return "break" if self.way == Punch.Way.BREAK_OUT else ""


def last_passages(people: Iterable[int] | Found, now: datetime) -> dict[int, Passage]:
    """By person, over doors, punches and zones; three queries."""
    since = now - LONGEST
    found: dict[int, Passage] = {}
    decisions = Decision.objects.filter(person__in=people, granted=True, at__gt=since, at__lte=now)
    decisions = decisions.exclude(direction="").order_by("person_id", "-at").distinct("person_id")
    for one in decisions.defer("facts").select_related("snapshot__kiosk__door__site"):
        door = one.snapshot.kiosk.door
        _later(found, one.person_id, Passage(one.at, one.direction, door.site, door.name, decision=one.pk))
    punches = Punch.objects.filter(person__in=people, at__gt=since, at__lte=now)
    punches = punches.order_by("person_id", "-at", "-created").distinct("person_id")
    for punch in punches.select_related("kiosk__door__site"):
        _later(found, punch.person_id, _punched(punch, found.get(punch.person_id)))
    zones = Presence.objects.filter(person__in=people).select_related("zone__site")
    for there in zones:
        passage = Passage(there.since, Punch.Way.IN, there.zone.site, there.zone.name)
        _later(found, there.person_id, passage)
    return found


def _punched(punch: Punch, before: Passage | None) -> Passage:
    """A punch that no kiosk made says nothing of the place: it is where the person was last."""
    key, decision = punch.pk, punch.snapshot_id
    if punch.kiosk is None:
        site, door = (before.site, before.door) if before else (None, "")
        return Passage(punch.at, punch.direction, site, door, key, decision)
    door_of = punch.kiosk.door
    return Passage(punch.at, punch.direction, door_of.site, door_of.name, key, decision)


def _later(found: dict[int, Passage], person: int, passage: Passage) -> None:
    before = found.get(person)
    if before is None or passage.at > before.at:
        found[person] = passage


def visitors(now: datetime, site: Site | None = None) -> Found:
    """Keys of people with a one-off grant for this moment, at this site."""
    grants = Grant.objects.filter(begins__lte=now, ends__gte=now)
    if site is not None:
        grants = grants.filter(doors__site=site)
    return grants.values_list("person_id", flat=True)


def found(asked: Asked, staff: Staff) -> Found:
    """Those inside, and the visitors expected, by name."""
    now = timezone.now()
    people = asked.narrow(Person.objects.filter(erased=None), staff, "")
    passages = last_passages(people.values("pk"), now)
    inside = {
        person for person, passage in passages.items() if passage.state and asked.site in (None, passage.site)
    }
    expected = set(visitors(now, asked.site)) - set(passages)
    return people.filter(pk__in=inside | expected).select_related("department").order_by("name", "pk")


def told(asked: Asked, batch: Sequence[Person]) -> list[Row]:
    now = timezone.now()
    keys = [person.pk for person in batch]
    passages, visiting = last_passages(keys, now), set(visitors(now))
    return [_row(person, passages.get(person.pk), person.pk in visiting) for person in batch]


def _row(person: Person, passage: Passage | None, visiting: bool) -> Row:
    site = passage.site if passage else None
    zone = ZoneInfo(site.zone if site else "UTC")
    cells = (
        person.badge,
        person.name,
        str(person.department or ""),
        "visitor" if visiting else "staff",
        (passage.state if passage else "expected") or None,
        passage.at.astimezone(zone) if passage else None,
        site.name if site else "",
        passage.door if passage else "",
    )
    about = {"person": person.pk}
    if passage:
        about |= {"punch": passage.punch, "decision": passage.decision}
    return Row(person.pk, cells, group=days.department(person), about=about)


REPORT = Report(
    key="muster",
    title=_("Muster list"),
    text=_("Who is inside now, last door and when; visitors too. To tick off, on a phone or on paper."),
    icon="diversity_3",
    rights=("access.view_presence", "access.view_punch"),
    filters=("site", "department", "person"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    period="today",
)
