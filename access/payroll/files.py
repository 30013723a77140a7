"""The payroll file itself: the same accounts and the same layout give the same bytes, always.

Text is text (leading zeros stay, what a spreadsheet could run is made harmless), hours are decimal and
rounded half up, row by row; totals are the sums of what stands in the rows.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from access.hours.payroll import PayrollPeriod
from access.payroll.amounts import Account
from access.payroll.layouts import CODE, FIXED, LEFT, MAY_BE_CUT, ZEROS, Column, Layout
from access.reports.csv_file import harmless

ADJUSTMENT = "adjustment"
DRAFT = "DRAFT-"
SERIALS = 100  # two digits, as ADP's file names have


@dataclass(frozen=True)
class Frame:
    """What is the same in every row."""

    first: date
    last: date
    serial: int
    draft: bool

    @classmethod
    def of(cls, period: PayrollPeriod, serial: int) -> "Frame":
        return cls(period.first, period.last, serial, period.locked is None)

    def fill(self, text: str, company: str = "") -> str:
        """The text with its placeholders filled in."""
        values = {"first": f"{self.first}", "last": f"{self.last}", "serial": f"{self.serial % SERIALS:02d}"}
        return text.format(company=company, **values)


@dataclass(frozen=True)
class Row:
    """One line of the file: somebody's hours by kind, or those of one pay code (`code`, `minutes`)."""

    account: Account
    by_kind: Counter[str]
    day: date | None = None
    code: str = ""
    minutes: int = 0


@dataclass(frozen=True)
class File:
    name: str
    content: bytes
    # As text, for whoever looks at it first; without headings and totals.
    rows: list[list[str]]
    # By heading of the column, or by pay code.
    totals: dict[str, Decimal]
    people: int


def name_of(layout: Layout, frame: Frame) -> str:
    """A draft says so in its name: nobody pays by it."""
    return f"{DRAFT if frame.draft else ''}{frame.fill(layout.file_name, layout.company)}"


def code_of(layout: Layout, account: Account) -> str:
    """The employee code as it stands in the file; empty if the person has none."""
    person = account.person
    own = person.payroll_number if layout.code_from == "payroll_number" else person.badge
    return own.zfill(layout.code_length) if own else ""


def decimal_hours(minutes: int, places: int) -> Decimal:
    """8:20 h as 8.33."""
    return (Decimal(minutes) / 60).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def rows_of(layout: Layout, account: Account) -> Iterator[Row]:
    """The rows of one person; none where the file would only say nought."""
    own = account.minutes if layout.apart else account.total
    yield from _rows(layout, account, own, None)
    if layout.apart:
        for day, minutes in account.adjustments.values():
            yield from _rows(layout, account, minutes, day)


def _rows(layout: Layout, account: Account, minutes: Counter[str], day: date | None) -> Iterator[Row]:
    if layout.rows != CODE:
        if any(minutes.get(kind) for kind in layout.carried):
            yield Row(account, minutes, day)
        return
    by_code: dict[str, int] = {}
    for kind, code in layout.codes:
        by_code[code] = by_code.get(code, 0) + minutes.get(kind, 0)
    for code, amount in by_code.items():
        if amount:
            yield Row(account, minutes, day, code, amount)


def cell(layout: Layout, column: Column, row: Row, frame: Frame) -> str:
    """What stands there, before it is fitted into a width."""
    match column.what:
        case "employee":
            return code_of(layout, row.account)
        case "name":
            return row.account.person.name
        case "department":
            return str(row.account.person.department or "")
        case "company":
            return layout.company
        case "batch":
            return frame.fill(layout.batch, layout.company)
        case "first" | "last":
            return getattr(frame, column.what).strftime(column.text or "%Y-%m-%d")
        case "text":
            return column.text
        case "sort":
            return (column.text or ADJUSTMENT) if row.day else ""
        case "day":
            return row.day.strftime(column.text or "%Y-%m-%d") if row.day else ""
        case "code":
            if not column.kind:
                return row.code
            return layout.code_of(column.kind) if row.by_kind.get(column.kind) else ""
    return _hours(layout, row.by_kind.get(column.kind, 0) if column.kind else row.minutes)


def _hours(layout: Layout, minutes: int) -> str:
    if not minutes and not layout.zeros:
        return ""
    return _written(layout, decimal_hours(minutes, layout.places))


def _written(layout: Layout, hours: Decimal) -> str:
    return f"{hours:f}".replace(".", layout.mark)


def fits(layout: Layout, column: Column, text: str) -> bool:
    if column.what == "employee" and 0 < layout.code_length < len(text):
        return False
    return not column.width or len(text) <= column.width or column.what in MAY_BE_CUT


def fitted(column: Column, text: str) -> str:
    if not column.width:
        return text
    text = text[: column.width]
    if column.align == ZEROS:
        return text.zfill(column.width)
    return text.ljust(column.width) if column.align == LEFT else text.rjust(column.width)


def render(layout: Layout, accounts: Iterable[Account], frame: Frame) -> File:
    """The file of these people, in their order."""
    rows: list[list[str]] = []
    totals: dict[str, Decimal] = {}
    people: set[int] = set()
    for account in accounts:
        for row in rows_of(layout, account):
            rows.append([cell(layout, column, row, frame) for column in layout.columns])
            people.add(account.person.pk)
            _add(layout, row, totals)
    content = "".join(_fixed(layout, rows) if layout.form == FIXED else _csv(layout, rows, totals))
    return File(
        name_of(layout, frame), content.encode(layout.encoding, errors="replace"), rows, totals, len(people)
    )


def _add(layout: Layout, row: Row, totals: dict[str, Decimal]) -> None:
    for column in layout.columns:
        if column.what == "hours":
            key = (column.heading or column.content) if column.kind else row.code
            minutes = row.by_kind.get(column.kind, 0) if column.kind else row.minutes
            totals[key] = totals.get(key, Decimal(0)) + decimal_hours(minutes, layout.places)


def _csv(layout: Layout, rows: list[list[str]], totals: dict[str, Decimal]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=layout.separator, lineterminator=layout.line_end)
    if layout.headings:
        writer.writerow([harmless(column.heading) for column in layout.columns])
    for row in rows:
        writer.writerow(
            [
                text if column.what == "hours" else harmless(text)
                for column, text in zip(layout.columns, row, strict=True)
            ]
        )
    if layout.totals:
        sums = [_sum(layout, column, totals) for column in layout.columns]
        writer.writerow([sums[0] or str(_("Total")), *sums[1:]])
    yield buffer.getvalue()


def _sum(layout: Layout, column: Column, totals: dict[str, Decimal]) -> str:
    if column.what != "hours":
        return ""
    own = totals.get(column.heading or column.content, Decimal(0))
    found = own if column.kind else sum(totals.values(), Decimal(0))
    return _written(layout, found)


def _fixed(layout: Layout, rows: list[list[str]]) -> Iterator[str]:
    for row in rows:
        yield "".join(fitted(column, text) for column, text in zip(layout.columns, row, strict=True))
        yield layout.line_end
