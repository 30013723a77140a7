"""What a clerk must have seen before a payroll file is handed out, person by person.

Somebody whose row would be wrong is left out of the file, and that is said; the rest is in it as it stands.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.payroll import files
from access.payroll.amounts import KINDS, OVERTIMES, Account
from access.payroll.files import Frame
from access.payroll.layouts import Layout

MOST_DAYS_NAMED = 5


class Kind(StrEnum):
    NO_CODE = "no_code"
    SAME_CODE = "same_code"
    TOO_WIDE = "too_wide"
    NEGATIVE = "negative"
    LONG_DAY = "long_day"
    MISSED = "missed"
    NOT_CLOSED = "not_closed"
    PROPOSED = "proposed"
    NOT_CARRIED = "not_carried"


WORDS = {
    Kind.NO_CODE: gettext_lazy("no employee code"),
    Kind.SAME_CODE: gettext_lazy("the same employee code as somebody else"),
    Kind.TOO_WIDE: gettext_lazy("does not fit into its column"),
    Kind.NEGATIVE: gettext_lazy("less than nothing"),
    Kind.LONG_DAY: gettext_lazy("a very long day"),
    Kind.MISSED: gettext_lazy("missed punches"),
    Kind.NOT_CLOSED: gettext_lazy("days not closed yet"),
    Kind.PROPOSED: gettext_lazy("changes wait for a decision"),
    Kind.NOT_CARRIED: gettext_lazy("hours that the file has no place for"),
}
# Such a row would be booked wrong, or for somebody else.
LEAVES_OUT = frozenset({Kind.NO_CODE, Kind.SAME_CODE, Kind.TOO_WIDE})


@dataclass(frozen=True)
class Problem:
    """One thing to see. Kept with the export: keys, days and figures, no names."""

    kind: str
    person: int | None
    text: str

    @property
    def words(self) -> str:
        return str(WORDS.get(self.kind, self.kind))  # type: ignore[call-overload]

    @property
    def left_out(self) -> bool:
        return self.kind in LEAVES_OUT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def find(layout: Layout, accounts: Iterable[Account], frame: Frame) -> list[Problem]:
    """Everything odd, in the order of the people; what concerns the whole file comes first."""
    people = list(accounts)
    codes = Counter(files.code_of(layout, one) for one in people if any(files.rows_of(layout, one)))
    found = [*_not_carried(layout, people)]
    for account in people:
        found += _of(layout, account, codes, frame)
    return found


def _of(layout: Layout, account: Account, codes: Counter[str], frame: Frame) -> Iterable[Problem]:
    key = account.person.pk
    rows = list(files.rows_of(layout, account))
    code = files.code_of(layout, account)
    if rows and not code:
        yield Problem(Kind.NO_CODE, key, _("Give this person a number in payroll."))
    elif rows and codes[code] > 1:
        yield Problem(Kind.SAME_CODE, key, _("%(count)d people have it.") % {"count": codes[code]})
    if wide := _too_wide(layout, rows, frame):
        yield Problem(Kind.TOO_WIDE, key, ", ".join(wide))
    less = [kind for kind, minutes in account.total.items() if minutes < 0 and kind in layout.carried]
    if less:
        yield Problem(Kind.NEGATIVE, key, ", ".join(_amount(kind, account.total[kind]) for kind in less))
    limit = layout.most_hours * 60
    if long := {day: minutes for day, minutes in account.worked.items() if minutes > limit}:
        told = [f"{date_format(day, 'j M')}: {_hours(minutes)}" for day, minutes in long.items()]
        yield Problem(Kind.LONG_DAY, key, _list(told))
    for kind, days in (
        (Kind.MISSED, account.missed),
        (Kind.NOT_CLOSED, account.not_closed),
    ):
        if days:
            yield Problem(kind, key, _list([date_format(day, "j M") for day in days]))
    if account.proposed:
        yield Problem(Kind.PROPOSED, key, _("Accept or reject them first, or they are paid later."))


def _too_wide(layout: Layout, rows: list[files.Row], frame: Frame) -> list[str]:
    """Headings of the columns that somebody's code or hours are too long for."""
    return [
        column.heading or column.content
        for column in layout.columns
        if not all(files.fits(layout, column, files.cell(layout, column, row, frame)) for row in rows)
    ]


def _not_carried(layout: Layout, accounts: list[Account]) -> Iterable[Problem]:
    """Paid time of a kind that no column and no pay code takes."""
    total: Counter[str] = Counter()
    for account in accounts:
        total.update(account.total)
    carried = set(layout.carried)
    if "paid" in carried:
        return
    if "overtime" in carried or carried.isdisjoint(OVERTIMES):
        wanted = ["regular", "overtime", "leave", "holiday"]
    else:
        wanted = ["regular", *OVERTIMES, "leave", "holiday"]
    for kind in wanted:
        if total[kind] and kind not in carried:
            yield Problem(Kind.NOT_CARRIED, None, _amount(kind, total[kind]))


def _amount(kind: str, minutes: int) -> str:
    return f"{KINDS[kind][0]} {_hours(minutes)}"


def _hours(minutes: int) -> str:
    sign = "−" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02d} h"


def _list(told: list[str]) -> str:
    more = len(told) - MOST_DAYS_NAMED
    return ", ".join(told[:MOST_DAYS_NAMED]) + (f" (+{more})" if more > 0 else "")
