"""Payroll periods: from which day to which day one is paid."""

import calendar
from datetime import date, timedelta

KINDS = ("weekly", "biweekly", "semi_monthly", "monthly")


def bounds(kind: str, day: date, anchor: date = date(2024, 1, 1)) -> tuple[date, date]:
    """The first and last day of the period in which a day lies.

    Weekly and biweekly periods are counted from the anchor (any first day of a period; a Monday by default).
    Semi-monthly: the 1st to 15th, and the rest. Monthly periods begin on the anchor's day of the month, where
    a month has no such day on its last. Raises ValueError for another kind.
    """
    if kind in ("weekly", "biweekly"):
        length = 7 if kind == "weekly" else 14
        first = day - timedelta(days=(day - anchor).days % length)
        return first, first + timedelta(days=length - 1)
    if kind == "semi_monthly":
        if day.day <= 15:
            return day.replace(day=1), day.replace(day=15)
        return day.replace(day=16), day.replace(day=_length(day))
    if kind == "monthly":
        first = _in_month(day.year, day.month, anchor.day)
        if first > day:
            first = _in_month(*_month_before(day), anchor.day)
        following = _in_month(*_month_after(first), anchor.day)
        return first, following - timedelta(days=1)
    raise ValueError(f"{kind!r} is not a kind of payroll period: {', '.join(KINDS)}.")


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _month_before(day: date) -> tuple[int, int]:
    return (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)


def _month_after(day: date) -> tuple[int, int]:
    return (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
