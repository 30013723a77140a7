"""Presence now: who is in, late, missing or on leave, each on their own day and in their own zone."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.hours import roll
from access.people import Person
from access.reports import days
from access.reports.filters import PRESENCES, Asked
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff

STYLES = {"in": "success", "late": "warning", "missing": "danger", "leave": "info"}
STATES = {state: (text, STYLES.get(state, "default")) for state, text in PRESENCES.items()}
INSIDE = {"yes": (_("yes"), "success"), "no": (_("no"), "default")}
COLUMNS = (
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="month", width=26),
    Column("department", _("Department"), width=20),
    Column("state", _("State"), Kind.WORD, leads="day", width=18, words=STATES),
    Column("inside", _("Is in"), Kind.WORD, leads="day", width=8, words=INSIDE),
    Column("since", _("Since, or due"), Kind.MOMENT, leads="day", width=20),
)


def found(asked: Asked, staff: Staff) -> Found:
    people = asked.narrow(Person.objects.filter(active=True, erased=None), staff, "")
    people = people.select_related("department").order_by("name", "pk")
    if not asked.presence:
        return people
    calls = roll.call(list(people), timezone.now())
    return people.filter(pk__in=[one.person.pk for one in calls if one.state == asked.presence])


def told(asked: Asked, batch: Sequence[Person]) -> list[Row]:
    return [_row(asked, one) for one in roll.call(batch, timezone.now())]


def _row(asked: Asked, one: roll.Call) -> Row:
    person = one.person
    cells = (
        person.badge,
        person.name,
        str(person.department or ""),
        one.state,
        "yes" if one.inside else "no",
        one.since.astimezone(one.zone) if one.since else None,
    )
    return Row(person.pk, cells, group=days.department(person), about={"person": person.pk, "day": one.day})


REPORT = Report(
    key="presence",
    title=_("Presence now"),
    text=_("Who is in, late, missing or on leave at this moment."),
    icon="person_pin_circle",
    rights=days.RIGHTS,
    filters=("department", "person", "presence"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    period="today",
)
