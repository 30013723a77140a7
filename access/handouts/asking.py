"""Who may have which report as a file: asking for one, and fetching it when it is ready.

Promise: rights are asked when it is asked for, when it is made and when it is fetched; and nobody fetches
what somebody else asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction

from access import audit, queue, reports
from access.handouts import files
from access.handouts.files import ReportFile
from access.reports import exports
from access.reports.exports import Layout
from access.reports.filters import Asked
from access.staff import Staff

# One login does not fill the table: so many that are not ready yet.
MOST_WAITING = 5


class NotAllowed(Exception):
    """This login may not open this report."""


class TooMany(Exception):
    """This login has enough files to wait for."""


@transaction.atomic
def ask(
    report: str, given: Mapping[str, Any], layout: Layout, *, by: Staff, limited: bool = True
) -> ReportFile:
    """A file to be made. Raises NotAllowed, TooMany, and filters.Wrong for what cannot be asked.

    Not `limited`: planned ones, of which a login may have many at the same hour.
    """
    asked = checked(report, given, by)
    Staff.objects.select_for_update(no_key=True).get(pk=by.pk)
    open_to = [ReportFile.State.WAITING, ReportFile.State.MAKING]
    if limited and ReportFile.objects.filter(asked_by=by, state__in=open_to).count() >= MOST_WAITING:
        raise TooMany
    made = ReportFile.objects.create(
        report=report,
        given=dict(asked.given),
        layout=asdict(layout),
        asked_by=by,
        file_name=exports.name(reports.REPORTS[report], asked, layout),
        wrapped=files.new_key(),
    )
    audit.record("reportfile.asked", made, by=by, report=report)
    queue.send_on_commit(queue.MAKE_REPORTS, made.pk)
    return made


def checked(report: str, given: Mapping[str, Any], staff: Staff) -> Asked:
    """What the filters ask for, if this login may. Raises NotAllowed and filters.Wrong."""
    found = reports.REPORTS.get(report)
    if found is None or not found.may(staff):
        raise NotAllowed
    return found.ask(given, staff)


def fetch(row: ReportFile, *, by: Staff) -> Iterator[bytes]:
    """The content, a piece at a time. Raises NotAllowed if it is not theirs or the right is gone since."""
    report = reports.REPORTS.get(row.report)
    if row.asked_by_id != by.pk or report is None or not report.may(by):
        raise NotAllowed
    audit.record("reportfile.fetched", row, by=by, report=row.report)
    return files.content(row)
