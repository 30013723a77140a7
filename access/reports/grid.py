"""The monthly grid: people down, the days of a month across, a letter and a colour for each, and totals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from access.hours import words
from access.hours.workdays import WorkDay
from access.people import Person
from access.reports import days
from access.reports.filters import Asked
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff

ONE_DAY = timedelta(days=1)
# What a status adds to the totals, in days. Each status adds up to one day, so that all totals of a line
# together are the days of the month; what no status says is unmarked.
SHARES: dict[str, dict[str, float]] = {
    "P": {"present": 1},
    "HP": {"present": 1},
    "WP": {"present": 1},
    "HD": {"present": 0.5, "absent": 0.5},
    "HL": {"present": 0.5, "leave": 0.5},
    "A": {"absent": 1},
    "L": {"leave": 1},
    "H": {"holiday": 1},
    "WO": {"off": 1},
    "M": {"missed": 1},
}
TOTALS = {
    "present": _("Present"),
    "absent": _("Absent"),
    "leave": _("Leave"),
    "holiday": _("Holiday"),
    "off": _("Off"),
    "missed": _("Missed"),
    "unmarked": _("Blank"),
}
TIMES = {"late": _("Late"), "early": _("Early")}
MINUTES = {"worked": _("Worked"), "overtime": _("Overtime")}


def columns(asked: Asked) -> Sequence[Column]:
    return (
        Column("badge", _("Badge"), width=9),
        Column("name", _("Name"), leads="month", width=22),
        *(
            Column(
                f"d{day.day:02}", str(day.day), Kind.CODE, leads="day", width=4, words=words.STATUSES, day=day
            )
            for day in _month(asked)
        ),
        *(
            Column(key, title, Kind.NUMBER, leads="month", total=True, width=10)
            for key, title in TOTALS.items()
        ),
        *(
            Column(key, title, Kind.NUMBER, leads="month", total=True, width=7)
            for key, title in TIMES.items()
        ),
        *(
            Column(key, title, Kind.MINUTES, leads="month", total=True, width=11)
            for key, title in MINUTES.items()
        ),
    )


def _month(asked: Asked) -> list[date]:
    return [asked.first + n * ONE_DAY for n in range((asked.last - asked.first).days + 1)]


def found(asked: Asked, staff: Staff) -> Found:
    """The people with a working day in this month, department by department."""
    marked = WorkDay.objects.filter(person=OuterRef("pk"), day__gte=asked.first, day__lte=asked.last)
    people = asked.narrow(Person.objects.filter(Exists(marked)), staff, "")
    people = people.annotate(unit=Coalesce("department__name", Value("")))
    return people.select_related("department").order_by("unit", "name", "pk")


def told(asked: Asked, batch: Sequence[Person]) -> list[Row]:
    rows = WorkDay.objects.filter(person__in=batch, day__gte=asked.first, day__lte=asked.last)
    by_person: defaultdict[int, dict[date, tuple[str, Mapping[str, int]]]] = defaultdict(dict)
    found = rows.values_list("person_id", "day", "status", "figures", days.adjusted())
    for person, day, status, figures, adjusted in found:
        if adjusted:
            status, figures = adjusted["status"], adjusted["figures"]
        by_person[person][day] = (status, figures)
    return [_row(asked, person, by_person[person.pk]) for person in batch]


def _row(asked: Asked, person: Person, marked: Mapping[date, tuple[str, Mapping[str, int]]]) -> Row:
    month = _month(asked)
    totals: dict[str, float] = dict.fromkeys((*TOTALS, *TIMES, *MINUTES), 0)
    for day in month:
        status, figures = marked.get(day, ("", {}))
        for name, share in SHARES.get(status, {"unmarked": 1}).items():
            totals[name] += share
        for name in TIMES:
            totals[name] += bool(figures.get(name))
        for name in MINUTES:
            totals[name] += figures.get(name, 0)
    return Row(
        person.pk,
        (
            person.badge,
            person.name,
            *(marked[day][0] if day in marked else "" for day in month),
            *(_plain(value) for value in totals.values()),
        ),
        group=days.department(person),
        about={"person": person.pk, "day": asked.first},
    )


def _plain(value: float) -> float:
    """20 and not 20.0; half days stay halves."""
    return int(value) if value == int(value) else value


REPORT = Report(
    key="grid",
    title=_("Monthly grid"),
    text=_("Everybody's month at a glance: a code and a colour a day, with totals."),
    icon="calendar_view_month",
    rights=days.RIGHTS,
    filters=("month", "department", "person"),
    columns=columns,
    found=found,
    told=told,
    rules=days.rules,
    files=("csv", "xlsx", "pdf"),
    batch=200,
)
