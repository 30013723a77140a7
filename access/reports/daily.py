"""Daily detail: one line a person and day, in the order that the field knows."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from access.hours import words
from access.hours.workdays import WorkDay
from access.reports import days
from access.reports.filters import Asked
from access.reports.shape import Column, Kind, Report, Row

COLUMNS = (
    Column("badge", _("Badge"), width=12),
    Column("name", _("Name"), leads="month", width=26),
    Column("shift", _("Shift"), width=8),
    Column("day", _("Date"), Kind.DATE, leads="day", width=12),
    Column("status", _("Status"), Kind.WORD, leads="day", width=18, words=words.STATUSES),
    Column("shift_start", _("Shift start"), Kind.TIME, width=10),
    Column("shift_end", _("Shift end"), Kind.TIME, width=10),
    Column("in", _("In"), Kind.TIME, leads="day", width=9),
    Column("out", _("Out"), Kind.TIME, leads="day", width=9),
    Column("worked", _("Working hours"), Kind.MINUTES, leads="day", total=True, width=14),
    Column("late", _("Late by"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("early", _("Early by"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("department", _("Department"), width=20),
    Column("overtime", _("Overtime"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("paid", _("Paid"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("state", _("State"), Kind.WORD, leads="day", width=12, words=days.STATES),
)


def told(asked: Asked, batch: Sequence[WorkDay]) -> list[Row]:
    return days.told(COLUMNS, batch)


REPORT = Report(
    key="daily",
    title=_("Daily detail"),
    text=_("Each person's day: shift, status, in and out, hours, lateness."),
    icon="calendar_today",
    rights=days.RIGHTS,
    filters=("period", "department", "person", "status"),
    columns=lambda asked: COLUMNS,
    found=days.found,
    told=told,
    sums=days.sums(*(column.key for column in COLUMNS if column.total)),
    rules=days.rules,
)
