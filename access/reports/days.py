"""Working days as reports find them: as they stand, the adjustments of days that were paid included."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, JSONField, OuterRef, Subquery, Sum, TextField, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from access.attendance import Punch
from access.hours import words
from access.hours.payroll import Adjustment
from access.hours.workdays import WorkDay
from access.reports.filters import Asked
from access.reports.shape import Column, Found, Kind, Row
from access.staff import Staff

RIGHTS = ("access.view_workday",)
NO_DEPARTMENT = _("No department")


def adjusted() -> Any:
    """Of a working day: the result of its last adjustment, if it changed after it was paid."""
    last = Adjustment.objects.filter(workday=OuterRef("pk")).order_by("-pk").values("result")[:1]
    return Case(When(period__isnull=False, then=Subquery(last)), output_field=JSONField())


def found(asked: Asked, staff: Staff) -> Found:
    """The working days asked for, by day and name."""
    rows = WorkDay.objects.filter(day__gte=asked.first, day__lte=asked.last)
    rows = asked.narrow(rows, staff).annotate(adjusted=adjusted())
    if asked.status:
        rows = rows.alias(standing=status()).filter(standing=asked.status)
    return rows.select_related("person__department").order_by("day", "person__name", "person_id")


def status() -> Any:
    """The status as the day stands, in SQL."""
    return Coalesce(KeyTextTransform("status", "adjusted"), Cast("status", TextField()))


def figure(name: str) -> Any:
    """The minutes of one figure as the day stands, in SQL."""
    figures = Coalesce(KeyTransform("figures", "adjusted"), "figures")
    return Coalesce(Cast(KeyTextTransform(name, figures), IntegerField()), 0)


def sums(*names: str) -> dict[str, Any]:
    return {name: Sum(figure(name)) for name in names}


def rules(asked: Asked, staff: Staff) -> Sequence[str]:
    """The versions of rules these days were worked out with."""
    rows = found(asked, staff)
    names = ("rules__rule_set__name", "rules__valid_from")
    versions = rows.exclude(rules=None).order_by(*names).values_list(*names).distinct()
    return [f"{name}, {valid_from.isoformat()}" for name, valid_from in versions]


@dataclass(frozen=True)
class Standing:
    """A day as it stands: what was computed, or what its last adjustment says."""

    status: str
    shift: str
    figures: Mapping[str, int]
    result: Mapping[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.result.get("zone") or "UTC")

    @property
    def arrived(self) -> str | None:
        """The punch with which the day began, by key."""
        return next((pair["arrived"] for pair in self.result.get("pairs", []) if pair["arrived"]), None)

    @property
    def left(self) -> str | None:
        pairs = reversed(self.result.get("pairs", []))
        return next((pair["left"] for pair in pairs if pair["left"]), None)

    def planned(self, day: date) -> tuple[datetime | None, datetime | None]:
        """When the shift began and ended, as the day's own explanation tells it."""
        told = next((step["values"] for step in self.result.get("steps", []) if step["code"] == "shift"), {})
        times = str(told.get("times") or "").replace(", ", "–").split("–")
        if len(times) < 2:
            return None, None
        begins, ends = (_at(day, text, self.zone) for text in (times[0], times[-1]))
        return begins, ends if ends > begins else ends + timedelta(days=1)


def standing(row: WorkDay) -> Standing:
    held = row.adjusted  # type: ignore[attr-defined]
    if held:
        return Standing(held["status"], held["shift"], held["figures"], held["result"])
    return Standing(row.status, row.shift, row.figures, row.result)


def _at(day: date, text: str, zone: ZoneInfo) -> datetime:
    hour, minute = text.split(":")[:2]
    return datetime(day.year, day.month, day.day, int(hour) % 24, int(minute[:2]), tzinfo=zone)


def times(keys: Iterable[str | None]) -> dict[str, datetime]:
    """When these punches were made, by key. One query."""
    wanted = [key for key in keys if key]
    return {str(key): at for key, at in Punch.objects.filter(pk__in=wanted).values_list("pk", "at")}


def told(
    columns: Sequence[Column],
    batch: Sequence[WorkDay],
    more: Callable[[WorkDay], dict[str, Any]] = lambda row: {},
) -> list[Row]:
    """One row a day with what these columns ask for by key; `more` adds what only one report knows."""
    stands = [standing(row) for row in batch]
    at = times(key for one in stands for key in (one.arrived, one.left))
    return [_row(columns, row, one, at, more(row)) for row, one in zip(batch, stands, strict=True)]


def _row(
    columns: Sequence[Column], row: WorkDay, one: Standing, at: Mapping[str, datetime], more: dict[str, Any]
) -> Row:
    begins, ends = one.planned(row.day)
    first, last = (at.get(key or "") for key in (one.arrived, one.left))
    values = {
        "badge": row.person.badge,
        "name": row.person.name,
        "department": str(row.person.department or ""),
        "shift": one.shift,
        "day": row.day,
        "status": one.status,
        "shift_start": begins,
        "shift_end": ends,
        "in": first and first.astimezone(one.zone),
        "out": last and last.astimezone(one.zone),
        "state": state(row),
    } | more
    return Row(
        row.pk,
        tuple(
            values[column.key] if column.key in values else one.figures.get(column.key, 0)
            for column in columns
        ),
        group=department(row.person),
        about={"person": row.person_id, "day": row.day, "rules": row.rules_id},
    )


def state(row: WorkDay) -> str:
    """How firmly the day stands: a key of STATES."""
    return "paid" if row.period_id else "closed" if row.closed else "provisional"


STATES = {
    "provisional": (_("provisional"), "info"),
    "closed": (_("closed"), "default"),
    "paid": (_("paid"), "success"),
}


def minutes(name: str, *, width: int = 10) -> Column:
    """A column of one figure, which leads to its day."""
    title = str(words.FIGURES[name])
    return Column(name, title[:1].upper() + title[1:], Kind.MINUTES, leads="day", total=True, width=width)


def department(row: Any) -> str:
    """The name of the sheet on which a person stands."""
    return str(row.department or NO_DEPARTMENT)
