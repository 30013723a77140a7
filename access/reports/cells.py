"""How a value reads in print: the same words on the page, in a CSV and in a PDF."""

from datetime import datetime
from typing import Any

from access.hours.words import hours
from access.reports.shape import Column, Kind, Row


def shown(column: Column, value: Any, row: Row | None = None) -> str:
    """The text of a cell. A time on the day after its row's own is marked: "06:05 +1"."""
    if value is None or value == "":
        return ""
    match column.kind:
        case Kind.DATE:
            return str(value.isoformat())
        case Kind.TIME:
            return f"{value:%H:%M}{_later(value, row)}"
        case Kind.CLOCK:
            return f"{value:%H:%M:%S}"
        case Kind.MOMENT:
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case Kind.MINUTES:
            return hours(value)
        case Kind.WORD:
            return word(column, value)
    return str(value)


def word(column: Column, value: str) -> str:
    return str(column.words.get(value, (value, ""))[0])


def style(column: Column, value: Any) -> str:
    """The name of the colour of a code: success, warning, danger, info or default; empty without any."""
    return column.words[value][1] if value in column.words else ""


def _later(value: datetime, row: Row | None) -> str:
    day = row.about.get("day") if row else None
    days = (value.date() - day).days if day else 0
    return f" +{days}" if days > 0 else ""
