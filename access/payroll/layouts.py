"""How a payroll file is laid out, as a value: made from a profile, kept with each export, and read back.

A file is rows of columns. One row a person with its hours side by side, or one row for each pay code; what
is an adjustment may have rows of its own.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from access.payroll.amounts import KINDS

CSV, FIXED = "csv", "fixed"
PERSON, CODE = "person", "code"
LEFT, RIGHT, ZEROS = "left", "right", "zeros"

# What a column may hold, besides `hours:KIND` and `code:KIND`.
ABOUT = {
    "employee": _("employee code"),
    "name": _("name"),
    "department": _("department"),
    "company": _("company code"),
    "batch": _("batch"),
    "first": _("first day of the period"),
    "last": _("last day of the period"),
    "text": _("always the same text"),
    "sort": _("“adjustment” on such rows"),
    "day": _("day that an adjustment changes"),
}
OF_A_ROW = {"code": _("pay code of the row"), "hours": _("hours of the row")}
# These may be cut to the width of a column; all others may not.
MAY_BE_CUT = frozenset({"name", "department", "text"})


def contents() -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Everything a column may hold, in groups, each with its words."""
    return [
        (_("About the row"), list(ABOUT.items())),
        (
            _("Hours, one row a person"),
            [
                (f"hours:{kind}", format_lazy(_("hours: {}"), words))
                for kind, (words, _parts) in KINDS.items()
            ],
        ),
        (
            _("Pay code, where there are such hours"),
            [(f"code:{kind}", format_lazy(_("code: {}"), words)) for kind, (words, _parts) in KINDS.items()],
        ),
        (_("One row a pay code"), list(OF_A_ROW.items())),
    ]


CONTENTS = frozenset(name for _group, choices in contents() for name, _words in choices)


@dataclass(frozen=True)
class Column:
    heading: str
    content: str
    text: str = ""
    width: int = 0
    align: str = LEFT

    @property
    def what(self) -> str:
        return self.content.partition(":")[0]

    @property
    def kind(self) -> str:
        return self.content.partition(":")[2]


@dataclass(frozen=True)
class Layout:
    form: str = CSV
    rows: str = PERSON
    separator: str = ","
    mark: str = "."
    places: int = 2
    encoding: str = "utf-8"
    line_end: str = "\r\n"
    headings: bool = True
    totals: bool = False
    zeros: bool = False
    apart: bool = False
    code_from: str = "badge"
    code_length: int = 0
    company: str = ""
    batch: str = ""
    file_name: str = "payroll-{first}-{last}.csv"
    most_hours: int = 14
    # Pay code by kind of pay, in the order of the rows.
    codes: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def code_of(self, kind: str) -> str:
        return dict(self.codes).get(kind, "")

    @property
    def carried(self) -> frozenset[str]:
        """The kinds of pay whose hours are in the file."""
        if self.rows == CODE:
            return frozenset(kind for kind, _code in self.codes)
        return frozenset(column.kind for column in self.columns if column.what == "hours" and column.kind)


def read(told: dict[str, Any]) -> Layout:
    """The opposite of `as_json`; what a later release added has its default."""
    known = {one.name for one in fields(Layout)}
    found = Layout(**{name: value for name, value in told.items() if name in known})
    return replace(
        found,
        codes=tuple((kind, code) for kind, code in found.codes),
        columns=tuple(Column(**column) for column in told["columns"]),
    )
