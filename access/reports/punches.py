"""The punch list: each punch of a period as it was made, by the wall's clock of its site."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, F, Func, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from access.attendance import Punch
from access.reports.filters import Asked
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff

COLUMNS = (
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="month", width=26),
    Column("department", _("Department"), width=20),
    Column("date", _("Date"), Kind.DATE, leads="punch", width=12),
    Column("time", _("Time"), Kind.CLOCK, leads="punch", width=10),
    Column("zone", _("Zone"), width=18),
    Column("direction", _("Direction"), width=10),
    Column("site", _("Site"), width=18),
    Column("door", _("Door"), width=18),
    Column("kiosk", _("Kiosk"), width=18),
    Column("source", _("Source"), width=10),
)
# The zone furthest ahead and behind UTC: a date can begin and end that much earlier or later.
ZONE_SPREAD = timedelta(hours=14)


def at_wall(moment: str, zone: str) -> Any:
    """The day, as the zone found at `zone` counts it, of the moment found at `moment`; UTC without one."""
    wall = Func(Coalesce(F(zone), Value("UTC")), F(moment), function="timezone", output_field=DateTimeField())
    return Cast(wall, DateField())


def within_days(rows: Found, asked: Asked, moment: str, zone: str) -> Found:
    """Those of the days asked for, both whole days in the zone of the site where they fell."""
    begin = datetime.combine(asked.first, time.min, UTC) - ZONE_SPREAD
    end = datetime.combine(asked.last, time.max, UTC) + ZONE_SPREAD
    rows = rows.filter(**{f"{moment}__gte": begin, f"{moment}__lte": end})
    rows = rows.alias(local_day=at_wall(moment, zone))
    return rows.filter(local_day__gte=asked.first, local_day__lte=asked.last)


def found(asked: Asked, staff: Staff) -> Found:
    rows = within_days(Punch.objects.all(), asked, "at", "kiosk__door__site__zone")
    rows = asked.narrow(rows, staff)
    if asked.site is not None:
        rows = rows.filter(kiosk__door__site=asked.site)
    if asked.door is not None:
        rows = rows.filter(kiosk__door=asked.door)
    return rows.select_related("person__department", "kiosk__door__site").order_by("at", "id")


def told(asked: Asked, batch: Sequence[Punch]) -> list[Row]:
    return [_row(punch) for punch in batch]


def _row(punch: Punch) -> Row:
    kiosk = punch.kiosk
    door = kiosk.door if kiosk else None
    zone = door.site.zone if door else "UTC"
    at = punch.at.astimezone(ZoneInfo(zone))
    person = punch.person
    department = person.department.name if person.department else ""
    return Row(
        punch.pk,
        (
            person.badge,
            person.name,
            department,
            at.date(),
            at,
            zone,
            punch.direction,
            door.site.name if door else "",
            door.name if door else "",
            kiosk.name if kiosk else "",
            punch.source,
        ),
        about={"person": person.pk, "punch": punch.pk, "decision": punch.snapshot_id, "day": at.date()},
    )


REPORT = Report(
    key="punches",
    title=_("Punches"),
    text=_("Each punch as it was made, with its site, door and source."),
    icon="schedule",
    rights=("access.view_punch",),
    filters=("period", "department", "person", "site", "door"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    batch=2000,
)
