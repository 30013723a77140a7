"""A report as a workbook: real dates and durations, text badge numbers, a sheet a department.

Rows go to disk as they come (XlsxWriter's constant memory), so a million of them fit; what a sheet cannot
hold goes on in the next one.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.utility import xl_range

from access.reports.cells import style, word
from access.reports.shape import Column, Kind, Row, Totals

# A sheet holds 1,048,576 rows, the header among them; writing beyond that fails silently.
ROWS_PER_SHEET = 1_000_000
MINUTES_OF_A_DAY = 24 * 60
# Of the text of a code and of its ground; the same on screen, and never alone: the letter says it too.
COLOURS = {
    "success": ("#166534", "#DCFCE7"),
    "warning": ("#92400E", "#FEF3C7"),
    "danger": ("#B91C1C", "#FEE2E2"),
    "info": ("#1D4ED8", "#DBEAFE"),
    "default": ("#4B5563", "#F3F4F6"),
}
# What no name of a sheet may hold, and how long it may be (Excel's limits).
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
LONGEST_NAME = 31
FORMATS = {
    Kind.TEXT: "@",
    Kind.DATE: "yyyy-mm-dd",
    Kind.TIME: "hh:mm",
    Kind.CLOCK: "hh:mm:ss",
    Kind.MOMENT: "yyyy-mm-dd hh:mm:ss",
    Kind.NUMBER: "General",
}


def write(
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    title: str,
    decimal: bool = False,
    footer: Sequence[str] = (),
) -> Iterator[bytes]:
    """The file in chunks. `decimal`: hours as 8.50 and not as 8:30. Without rows, one sheet of headings."""
    with tempfile.TemporaryFile() as file:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(file, options) as book:
            book.set_properties({"title": title})
            made = _Book(book, columns, title, decimal=decimal)
            for row in rows:
                made.add(row)
            made.finish(footer)
        file.seek(0)
        while chunk := file.read(65_536):
            yield chunk


class _Book:
    """The sheets of a workbook as they fill, each known by its group."""

    def __init__(self, book: Any, columns: Sequence[Column], title: str, *, decimal: bool) -> None:
        self.book, self.columns, self.title, self.decimal = book, columns, title, decimal
        self.head = book.add_format({"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "valign": "vcenter"})
        self.bold = book.add_format({"bold": True, "top": 1})
        self.quiet = book.add_format({"font_color": "#6B7280"})
        self.hours = "0.00" if decimal else "[h]:mm"
        self.formats = [self._format(column) for column in columns]
        self.colours = {
            name: book.add_format({"font_color": ink, "bg_color": ground, "align": "center"})
            for name, (ink, ground) in COLOURS.items()
        }
        self.names: set[str] = set()
        self.sheets: dict[str, _Sheet] = {}
        self.full: list[_Sheet] = []

    def _format(self, column: Column) -> Any:
        if column.kind is Kind.MINUTES:
            return self.book.add_format({"num_format": self.hours})
        return self.book.add_format({"num_format": FORMATS.get(column.kind, "@")})

    def add(self, row: Row) -> None:
        sheet = self.sheets.get(row.group)
        if sheet is not None and sheet.total.count == ROWS_PER_SHEET:
            self.full.append(sheet)
            sheet = None
        if sheet is None:
            sheet = self.sheets[row.group] = _Sheet(self, self._named(row.group or self.title))
        sheet.write(row)

    def _named(self, wanted: str) -> str:
        """A name that Excel takes and that no sheet has: "Flight", then "Flight 2"."""
        plain = FORBIDDEN.sub(" ", wanted).strip().strip("'")[:LONGEST_NAME].strip() or "–"
        name, number = plain, 1
        while name.casefold() in self.names:
            number += 1
            name = f"{plain[: LONGEST_NAME - len(str(number)) - 1]} {number}"
        self.names.add(name.casefold())
        return name

    def finish(self, footer: Sequence[str]) -> None:
        if not self.sheets:
            self.sheets[""] = _Sheet(self, self._named(self.title))
        for sheet in [*self.full, *self.sheets.values()]:
            sheet.finish(footer)


class _Sheet:
    def __init__(self, book: _Book, name: str) -> None:
        self.book, self.columns = book, book.columns
        self.total = Totals(book.columns)
        self.sheet = book.book.add_worksheet(name)
        self.sheet.freeze_panes(1, 0)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)  # A4
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(0)
        for n, column in enumerate(self.columns):
            self.sheet.set_column(n, n, column.width)
            self.sheet.write_string(0, n, str(column.title), book.head)

    def write(self, row: Row) -> None:
        self.total.add(row)
        line = self.total.count
        for n, (column, value) in enumerate(zip(self.columns, row.cells, strict=True)):
            if value is not None and value != "":
                self._write(line, n, column, value)

    def _write(self, line: int, n: int, column: Column, value: Any) -> None:
        how = self.book.formats[n]
        match column.kind:
            case Kind.DATE:
                self.sheet.write_datetime(line, n, datetime.combine(value, time()), how)
            case Kind.CLOCK:
                self.sheet.write_datetime(line, n, value.time().replace(microsecond=0), how)
            case Kind.TIME | Kind.MOMENT:
                self.sheet.write_datetime(line, n, value.replace(tzinfo=None, microsecond=0), how)
            case Kind.MINUTES:
                self.sheet.write_number(line, n, self._hours(value), how)
            case Kind.NUMBER:
                self.sheet.write_number(line, n, value, how)
            case Kind.CODE | Kind.WORD:
                text = value if column.kind is Kind.CODE else word(column, value)
                self.sheet.write_string(line, n, text, self.book.colours.get(style(column, value), how))
            case _:
                self.sheet.write_string(line, n, value, how)

    def _hours(self, minutes: int) -> float:
        return round(minutes / 60, 2) if self.book.decimal else minutes / MINUTES_OF_A_DAY

    def finish(self, footer: Sequence[str]) -> None:
        """The filter, the totals of what it shows, and the footer below."""
        last = self.total.count
        self.sheet.autofilter(0, 0, last, len(self.columns) - 1)
        line = last + 1
        if self.total.sums and last:
            self._totals(line, last)
            line += 1
        for text in footer:
            line += 1
            self.sheet.write_string(line, 0, text, self.book.quiet)

    def _totals(self, line: int, last: int) -> None:
        for n, column in enumerate(self.columns):
            if n not in self.total.sums:
                self.sheet.write_string(line, n, _("Total") if n == 0 else "", self.book.bold)
                continue
            value = self.total.sums[n]
            if column.kind is Kind.MINUTES:
                value = self._hours(value)
            how = {"bold": True, "top": 1, "num_format": self.book.formats[n].num_format}
            # 109: the sum of the rows that the filter leaves visible.
            formula = f"=SUBTOTAL(109,{xl_range(1, n, last, n)})"
            self.sheet.write_formula(line, n, formula, self.book.book.add_format(how), value)
