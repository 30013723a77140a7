"""What somebody should look at: who came late, left early, was absent, or missed a punch."""

from collections.abc import Sequence

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from access.hours import words
from access.hours.workdays import WorkDay
from access.reports import days
from access.reports.filters import Asked
from access.reports.shape import Column, Found, Kind, Report, Row
from access.staff import Staff

COLUMNS = (
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="month", width=26),
    Column("department", _("Department"), width=20),
    Column("day", _("Date"), Kind.DATE, leads="day", width=12),
    Column("status", _("Status"), Kind.WORD, leads="day", width=18, words=words.STATUSES),
    Column("shift", _("Shift"), width=8),
    Column("in", _("In"), Kind.TIME, leads="day", width=9),
    Column("out", _("Out"), Kind.TIME, leads="day", width=9),
    Column("late", _("Late by"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("early", _("Early by"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("missed", _("Missed punches"), Kind.NUMBER, leads="day", total=True, width=14),
    Column("planned", _("Planned"), Kind.MINUTES, leads="day", width=10),
    Column("worked", _("Worked"), Kind.MINUTES, leads="day", width=10),
)
KINDS = {
    "late": Q(late_minutes__gt=0),
    "early": Q(early_minutes__gt=0),
    "absent": Q(standing="A"),
    "missed": Q(missed_punches__gt=0),
}


def found(asked: Asked, staff: Staff) -> Found:
    rows = days.found(asked, staff).alias(
        standing=days.status(),
        late_minutes=days.figure("late"),
        early_minutes=days.figure("early"),
        missed_punches=days.figure("missed"),
    )
    if asked.exception:
        return rows.filter(KINDS[asked.exception])
    return rows.filter(KINDS["late"] | KINDS["early"] | KINDS["absent"] | KINDS["missed"])


def told(asked: Asked, batch: Sequence[WorkDay]) -> list[Row]:
    return days.told(COLUMNS, batch)


REPORT = Report(
    key="exceptions",
    title=_("Late, early, absent"),
    text=_("Days that somebody should look at, with missed punches."),
    icon="running_with_errors",
    rights=days.RIGHTS,
    filters=("period", "department", "person", "exception"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    sums=days.sums("late", "early", "missed"),
    rules=days.rules,
    files=("csv", "xlsx", "pdf"),
)
