"""What a report is: columns with types, the rows it finds, totals, and what it was made by.

Declared once. The page, the files, the interface for programs and whatever sends reports come from that one
declaration, so that they can never differ. Promise: a report finds only what its reader reaches, however it
is asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from access.reports.filters import Asked, FilterForm, Wrong
from access.staff import Staff

Found = QuerySet[Any]


class Kind(StrEnum):
    """What a cell holds: values are of these types, or None where there is nothing to say."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"  # a datetime with zone, read as the wall's hours and minutes
    CLOCK = "clock"  # the same, with seconds
    MOMENT = "moment"  # a datetime with zone, read with its day
    MINUTES = "minutes"
    NUMBER = "number"
    CODE = "code"  # a key of the column's `words`, read as itself in its colour
    WORD = "word"  # a key of the column's `words`, read as that word in its colour


# Set to the right, and dim where they are nothing.
NUMBERS = {Kind.MINUTES, Kind.NUMBER}


@dataclass(frozen=True)
class Column:
    """`key` never changes: programs and payroll profiles name columns by it. `leads`: see Row.about."""

    key: str
    title: Any
    kind: Kind = Kind.TEXT
    leads: str = ""
    total: bool = False
    width: int = 12
    words: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    # Of a column that stands for one day of a grid.
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`key` is that of the row in the database it was made from. `group`: its sheet in a workbook.

    `about` says what it is made of, by key: person, day, punch, decision, rules. A column leads there.
    """

    key: Any
    cells: tuple[Any, ...]
    group: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


class Gone(LookupError):
    """The row after which a following page should begin is no longer there."""


@dataclass(frozen=True)
class Report:
    """One report. `found` is in the order in which it is read, its last key unique; `told` makes one row of
    each of a batch. `sums` are aggregates of totals by key of column; without them the rows are added up.
    """

    key: str
    title: Any
    text: Any
    icon: str
    # Any one of these rights opens it.
    rights: tuple[str, ...]
    # Names of filters.FILTERS.
    filters: tuple[str, ...]
    columns: Callable[[Asked], Sequence[Column]]
    found: Callable[[Asked, Staff], Found]
    told: Callable[[Asked, Sequence[Any]], Sequence[Row]]
    sums: Mapping[str, Any] | None = None
    # The versions of the rules behind these rows, in words.
    rules: Callable[[Asked, Staff], Sequence[str]] = lambda _asked, _staff: ()
    files: tuple[str, ...] = ("csv", "xlsx")
    # As PDF, a page for each person with lines to sign; else one for each group.
    signed: bool = False
    # The period asked for where none is named, of filters.PERIODS.
    period: str = "this_month"
    batch: int = 500

    def may(self, staff: Staff) -> bool:
        return staff.is_active and staff.is_staff and any(staff.has_perm(right) for right in self.rights)

    def form(self, data: Mapping[str, Any], staff: Staff) -> FilterForm:
        return FilterForm(self.filters, data, staff, period=self.period)

    def ask(self, data: Mapping[str, Any], staff: Staff) -> Asked:
        """What these filters ask for. Raises Wrong, which says by field what cannot be."""
        form = self.form(data, staff)
        if not form.is_valid() or form.asked is None:
            raise Wrong({name: [str(text) for text in texts] for name, texts in form.errors.items()})
        return form.asked

    def rows(self, asked: Asked, staff: Staff, *, after: str = "") -> Iterator[Row]:
        """All rows, or those after the row with this key; a stream that holds one batch in memory.

        A following page begins after the same row whatever was added meanwhile. Raises Gone.
        """
        found = self.found(asked, staff)
        if after:
            found = _beyond(found, after)
        left = found.iterator(chunk_size=2000)
        while batch := list(islice(left, self.batch)):
            yield from self.told(asked, batch)

    def page(self, asked: Asked, staff: Staff, number: int, size: int) -> list[Row]:
        """The rows of one page of so many, from page 1 on."""
        batch = list(self.found(asked, staff)[(number - 1) * size : number * size])
        return list(self.told(asked, batch))

    def count(self, asked: Asked, staff: Staff) -> int:
        return self.found(asked, staff).count()

    def totals(self, asked: Asked, staff: Staff) -> dict[str, Any]:
        """By key of column, over all rows; empty where nothing is added up."""
        names = [column.key for column in self.columns(asked) if column.total]
        if not names:
            return {}
        if self.sums is not None:
            found = self.found(asked, staff).order_by().aggregate(**{name: self.sums[name] for name in names})
            return {name: found[name] or 0 for name in names}
        total = Totals(self.columns(asked))
        for row in self.rows(asked, staff):
            total.add(row)
        return total.by_key()


class Totals:
    """Sums of the columns that are added up, while the rows pass."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.sums = {n: 0 for n, column in enumerate(columns) if column.total}
        self.count = 0

    def add(self, row: Row) -> None:
        self.count += 1
        for n in self.sums:
            self.sums[n] += row.cells[n] or 0

    def by_key(self) -> dict[str, Any]:
        return {self.columns[n].key: value for n, value in self.sums.items()}


def _beyond(found: Found, key: str) -> Found:
    """Those that come after the row with this key, in the order of the query."""
    order = [str(name) for name in found.query.order_by]
    names = [name.lstrip("-") for name in order]
    try:
        last = found.filter(pk=key).values_list(*names).first()
    except (ValueError, TypeError) as error:  # not even a key
        raise Gone from error
    if last is None:
        raise Gone
    later = Q()
    equal = Q()
    for spelled, name, value in zip(order, names, last, strict=True):
        later |= equal & Q(**{f"{name}__{'lt' if spelled.startswith('-') else 'gt'}": value})
        equal &= Q(**{name: value})
    return found.filter(later)
