"""A report as CSV, streamed, for spreadsheets and programs. Nothing in it is run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from access.reports.cells import shown
from access.reports.shape import Column, Kind, Row

# What a spreadsheet may take for a formula: a sign at the start of a cell, or behind a character at which
# another locale's spreadsheet begins a new cell, whatever blanks stand before it (OWASP CSV injection;
# ASVS 5.0 1.2.10). Tab and line feed are dangerous by themselves.
FORMULA = re.compile(r"((?:^|[;|\t\r\n])[\s\x00-\x1f\u200b\ufeff]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20\u2212])")
CONTROLS = ("\t", "\r", "\n", "\0")
SEPARATORS = (",", ";", "\t")
CHUNK = 32_768
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Hand:
    """How a CSV is written: for whose spreadsheet. `decimal`: hours as 8.5 and not as 8:30."""

    separator: str = ","
    mark: bool = True
    decimal: bool = False
    comma: bool = False


def harmless(text: str) -> str:
    """The text, with an apostrophe before anything a spreadsheet could run; all others stay as they are."""
    text = FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.startswith(CONTROLS) else text


def write(
    columns: Sequence[Column], rows: Iterable[Row], hand: Hand | None = None, footer: Sequence[str] = ()
) -> Iterator[bytes]:
    """UTF-8, with a mark so that spreadsheets read umlauts; the footer after an empty line."""
    hand = hand or Hand()
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=hand.separator)
    if hand.mark:
        yield MARK
    writer.writerow([harmless(str(column.title)) for column in columns])
    for row in rows:
        writer.writerow(
            [cell(column, value, row, hand) for column, value in zip(columns, row.cells, strict=True)]
        )
        if buffer.tell() > CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if footer:
        writer.writerows([[], *([harmless(line)] for line in footer)])
    yield buffer.getvalue().encode()


def cell(column: Column, value: Any, row: Row, hand: Hand) -> str:
    if column.kind is Kind.MINUTES and value is not None:
        text = f"{value / 60:.2f}" if hand.decimal else _clock(value)
        return text.replace(".", ",") if hand.comma else text
    if column.kind is Kind.NUMBER and value is not None:
        return str(value).replace(".", ",") if hand.comma else str(value)
    return harmless(shown(column, value, row))


def _clock(minutes: int) -> str:
    """Hours and minutes with an ASCII sign, which every spreadsheet reads as a number."""
    return f"{'-' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02}"
