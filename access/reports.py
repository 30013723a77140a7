"""Attendance lists as CSV and XLSX, streamed: a long period costs time, not memory.

Dates are real dates in the site's own zone, badge numbers stay text with their leading zeros, and a
name that begins like a formula stays a name.
"""

import csv
import io
import re
import tempfile
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import Any

import xlsxwriter
from django.db.models import Q, QuerySet

from access.attendance import Punch
from access.hours import reach
from access.staff import Staff

COLUMNS = (
    "Badge",
    "Name",
    "Department",
    "Date",
    "Time",
    "Zone",
    "Direction",
    "Site",
    "Door",
    "Kiosk",
    "Source",
)
# What a spreadsheet may take for a formula: a sign at the start of a cell, or behind a character at which
# another locale's spreadsheet begins a new cell, whatever blanks stand before it (OWASP CSV injection;
# ASVS 5.0 1.2.10). Tab and line feed are dangerous by themselves.
FORMULA = re.compile(r"((?:^|[;|\t\r\n])[\s\x00-\x1f\u200b\ufeff]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20\u2212])")
CONTROLS = ("\t", "\r", "\n", "\0")
WIDTHS = (12, 26, 20, 12, 10, 18, 10, 18, 18, 18, 10)
# A sheet holds 1,048,576 rows, the header among them; writing beyond that fails silently.
ROWS_PER_SHEET = 1_000_000
# The zone furthest ahead and behind UTC: a date can begin and end that much earlier or later.
ZONE_SPREAD = timedelta(hours=14)


@dataclass(frozen=True)
class Row:
    """One punch as people read it; `at` is the site's wall time, without zone because it stands in `zone`."""

    badge: str
    name: str
    department: str
    at: datetime
    zone: str
    direction: str
    site: str
    door: str
    kiosk: str
    source: str


def punches(
    first: date, last: date, *, department: int | None = None, staff: Staff | None = None
) -> Iterator[Row]:
    """Punches from the first to the last day, both whole days in the zone of the site where they fell.

    With `staff`, only those of people whom this login reaches.
    """
    if last < first:
        raise ValueError("The period ends before it begins.")
    begin = datetime.combine(first, time.min, zoneinfo.ZoneInfo("UTC")) - ZONE_SPREAD
    end = datetime.combine(last, time.max, zoneinfo.ZoneInfo("UTC")) + ZONE_SPREAD
    found: QuerySet[Punch] = Punch.objects.filter(at__gte=begin, at__lte=end)
    if department is not None:
        found = found.filter(Q(person__department=department))
    if staff is not None:
        found = reach.within(staff, found)
    found = found.select_related("person__department", "kiosk__door__site").order_by("at", "id")
    for punch in found.iterator(chunk_size=2000):
        row = _row(punch)
        if first <= row.at.date() <= last:
            yield row


def _row(punch: Punch) -> Row:
    door = punch.kiosk.door if punch.kiosk else None
    zone = door.site.zone if door else "UTC"
    return Row(
        badge=punch.person.badge,
        name=punch.person.name,
        department=punch.person.department.name if punch.person.department else "",
        at=punch.at.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None),
        zone=zone,
        direction=punch.direction,
        site=door.site.name if door else "",
        door=door.name if door else "",
        kiosk=punch.kiosk.name if punch.kiosk else "",
        source=punch.source,
    )


def harmless(text: str) -> str:
    """The text, with an apostrophe before anything a spreadsheet could run; all others stay as they are."""
    text = FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.startswith(CONTROLS) else text


def as_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with a mark, so that spreadsheets read umlauts; one chunk a few hundred rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield b"\xef\xbb\xbf"
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([harmless(cell) for cell in _cells(row)])
        if buffer.tell() > 32_768:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cells(row: Row) -> list[str]:
    day, clock = row.at.date().isoformat(), row.at.strftime("%H:%M:%S")
    return [
        row.badge,
        row.name,
        row.department,
        day,
        clock,
        row.zone,
        row.direction,
        row.site,
        row.door,
        row.kiosk,
        row.source,
    ]


def as_xlsx(rows: Iterable[Row], *, title: str) -> Iterator[bytes]:
    """A workbook with real dates and times, text badge numbers, a frozen header and a filter.

    Rows go to disk as they come (XlsxWriter's constant memory), so a million of them fit; what a sheet
    cannot hold goes on in the next one.
    """
    with tempfile.TemporaryFile() as file:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(file, options) as book:
            book.set_properties({"title": title})
            formats = {
                "head": book.add_format({"bold": True, "bg_color": "#E8EDF3", "bottom": 1}),
                "text": book.add_format({"num_format": "@"}),
                "day": book.add_format({"num_format": "yyyy-mm-dd"}),
                "clock": book.add_format({"num_format": "hh:mm:ss"}),
            }
            left, number = iter(rows), 0
            while number == 0 or (more := next(left, None)):
                number += 1
                found = left if number == 1 else chain([more], left)
                name = "Punches" if number == 1 else f"Punches {number}"
                _fill(book.add_worksheet(name), islice(found, ROWS_PER_SHEET), formats)
        file.seek(0)
        while chunk := file.read(65_536):
            yield chunk


def _fill(sheet: Any, rows: Iterable[Row], formats: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    for column, (name, width) in enumerate(zip(COLUMNS, WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, formats["head"])
    count = 0
    for count, row in enumerate(rows, start=1):
        for column, cell in enumerate(_cells(row)):
            if COLUMNS[column] == "Date":
                midnight = row.at.replace(hour=0, minute=0, second=0, microsecond=0)
                sheet.write_datetime(count, column, midnight, formats["day"])
            elif COLUMNS[column] == "Time":
                sheet.write_datetime(count, column, row.at.time().replace(microsecond=0), formats["clock"])
            else:
                sheet.write_string(count, column, cell, formats["text"])
    sheet.autofilter(0, 0, count, len(COLUMNS) - 1)
