"""Reports for whoever answers for people's time and doors: each declared once, read in many forms.

`shape.py` says what a report is, `exports.py` how it leaves, and each report has a module of its own.
Promise: a report holds only people whom its reader reaches, and a long one costs time, not memory.
"""

from access.reports import (
    daily,
    exceptions,
    grid,
    muster,
    overtime,
    passages,
    presence,
    punches,
    timesheet,
)
from access.reports.shape import Report
from access.staff import Staff

# In the order of the menu.
REPORTS: dict[str, Report] = {
    one.REPORT.key: one.REPORT
    for one in (grid, daily, timesheet, exceptions, overtime, punches, presence, muster, passages)
}


def for_reader(staff: Staff) -> list[Report]:
    """Those that this login may open."""
    return [report for report in REPORTS.values() if report.may(staff)]
