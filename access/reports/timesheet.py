"""The timesheet: a person's days one below the other, with what is paid; as PDF a page to sign for each."""

from collections.abc import Sequence

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
    *(
        days.minutes(name)
        for name in (
            "planned",
            "worked",
            "break_deducted",
            "late",
            "early",
            "overtime",
            "night",
            "leave",
            "holiday",
            "paid",
        )
    ),
)


def found(asked: Asked, staff: Staff) -> Found:
    return days.found(asked, staff).order_by("person__name", "person_id", "day")


def told(asked: Asked, batch: Sequence[WorkDay]) -> list[Row]:
    return days.told(COLUMNS, batch)


REPORT = Report(
    key="timesheet",
    title=_("Timesheets"),
    text=_("Each person's days one below the other; as PDF a page to sign."),
    icon="assignment_ind",
    rights=days.RIGHTS,
    filters=("month", "department", "person"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    sums=days.sums(*(column.key for column in COLUMNS if column.total)),
    rules=days.rules,
    files=("csv", "xlsx", "pdf"),
    signed=True,
)
