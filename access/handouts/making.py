"""Making a report file: streamed from the database into sealed pieces, with its progress written down.

Memory is bounded by a piece, however long the report; a maker may be killed at any moment.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from access import reports
from access.handouts import asking, files
from access.handouts.files import ReportFile
from access.reports import exports
from access.reports.exports import Layout
from access.reports.filters import Asked, Wrong
from access.reports.shape import Report, Row

PIECE_BYTES = 1024 * 1024
PROGRESS_SECONDS = 0.5

logger = logging.getLogger(__name__)


def make(key: object) -> bool:
    """True if this call made the file. Safe to repeat and to race: see files.claim."""
    row = files.claim(key)
    if row is None:
        return False
    try:
        _fill(row)
    except files.Superseded:
        logger.info("report file given up", extra={"file": str(row.pk), "try": row.tries})
        return False
    except (asking.NotAllowed, Wrong) as error:
        _fail(row, "not allowed any more" if isinstance(error, asking.NotAllowed) else str(error))
        return False
    except Exception as error:
        # The edge of a process: whoever waits for the file must learn that it will not come.
        logger.exception("a report file failed", extra={"file": str(row.pk)})
        _fail(row, f"failed ({type(error).__name__})")
        return False
    return True


def _fail(row: ReportFile, error: str) -> None:
    try:
        files.finish(row, ReportFile.State.FAILED, error)
    except files.Superseded:
        logger.info("report file given up", extra={"file": str(row.pk), "try": row.tries})


def _fill(row: ReportFile) -> None:
    staff = row.asked_by
    asked = asking.checked(row.report, row.given, staff)
    report, layout = reports.REPORTS[row.report], Layout(**row.layout)
    exports.note(report, asked, layout, by=staff)
    files.progress(row, rows_all=report.found(asked, staff).count())
    chunks = exports.content(_counting(report, row), asked, staff, layout)
    for number, piece in enumerate(pieces(chunks)):
        files.add(row, number, piece)
    files.finish(row, ReportFile.State.READY)


def _counting(report: Report, row: ReportFile) -> Report:
    """The same report, which writes down how many rows it has told, now and then."""
    done, told_at = 0, time.monotonic()

    def told(asked: Asked, batch: Sequence[Any]) -> Sequence[Row]:
        nonlocal done, told_at
        found = report.told(asked, batch)
        done += len(batch)
        if time.monotonic() - told_at > PROGRESS_SECONDS:
            files.progress(row, rows_done=done)
            told_at = time.monotonic()
        return found

    return replace(report, told=told)


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of PIECE_BYTES, the last one shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)
