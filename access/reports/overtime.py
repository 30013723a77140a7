"""Overtime by day: normal, on days off, on holidays, of the week, and what nobody approved."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from access.hours import words
from access.hours.corrections import OvertimeApproval
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
    Column("worked", _("Worked"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime_1", _("Normal"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime_2", _("Second tier"), Kind.MINUTES, leads="day", total=True, width=12),
    Column("overtime_rest", _("Day off"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime_holiday", _("Holiday"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime_weekly", _("Weekly"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime", _("Overtime"), Kind.MINUTES, leads="day", total=True, width=10),
    Column("overtime_unapproved", _("Not approved"), Kind.MINUTES, leads="day", total=True, width=13),
    Column("approved_by", _("Approved by"), width=18),
)


def found(asked: Asked, staff: Staff) -> Found:
    rows = days.found(asked, staff).alias(
        counted=days.figure("overtime") + days.figure("overtime_unapproved")
    )
    return rows.filter(counted__gt=0)


def told(asked: Asked, batch: Sequence[WorkDay]) -> list[Row]:
    """Who approved stands in a query of its own, one a batch."""
    people, on = {row.person_id for row in batch}, {row.day for row in batch}
    approvals = OvertimeApproval.objects.filter(person__in=people, day__in=on).select_related("by")
    by = {(one.person_id, one.day): one.by.get_username() if one.by else "–" for one in approvals}
    return days.told(COLUMNS, batch, lambda row: {"approved_by": by.get((row.person_id, row.day), "")})


REPORT = Report(
    key="overtime",
    title=_("Overtime"),
    text=_("Normal, on days off and holidays; approved or not."),
    icon="more_time",
    rights=days.RIGHTS,
    filters=("period", "department", "person"),
    columns=lambda asked: COLUMNS,
    found=found,
    told=told,
    sums=days.sums(*(column.key for column in COLUMNS if column.total)),
    rules=days.rules,
    files=("csv", "xlsx", "pdf"),
)
