"""The words of the timesheet on screen: statuses with their colours, figures, and the steps of a day."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from access.timesheet import sentence

# Code: words, and the colour of its badge.
STATUSES: dict[str, tuple[Any, str]] = {
    "P": (_("present"), "success"),
    "HD": (_("half day"), "warning"),
    "A": (_("absent"), "danger"),
    "M": (_("missed punch"), "warning"),
    "L": (_("leave"), "info"),
    "HL": (_("half day of leave"), "info"),
    "H": (_("holiday"), "default"),
    "HP": (_("worked on a holiday"), "success"),
    "WO": (_("day off"), "default"),
    "WP": (_("worked on a day off"), "success"),
    "NP": (_("nothing planned"), "default"),
    "O": (_("going on"), "info"),
}
# In the order in which people read them.
FIGURES: dict[str, Any] = {
    "planned": _("planned"),
    "worked": _("worked"),
    "paid": _("paid"),
    "overtime": _("overtime"),
    "overtime_1": _("overtime, first tier"),
    "overtime_2": _("overtime, second tier"),
    "overtime_rest": _("overtime on days off"),
    "overtime_holiday": _("overtime on holidays"),
    "overtime_weekly": _("weekly overtime"),
    "overtime_unapproved": _("overtime not approved"),
    "late": _("late"),
    "early": _("left early"),
    "break_taken": _("break taken"),
    "break_deducted": _("break deducted"),
    "night": _("at night"),
    "leave": _("leave"),
    "holiday": _("holiday"),
    "missed": _("missed punches"),
}
# A number of punches, not minutes.
COUNTS = {"missed"}
# What a proposal says in one line; the rest is on its page.
TOLD = ("worked", "overtime", "late", "early", "leave", "missed")


def status_words(status: str) -> str:
    return str(STATUSES.get(status, (status, ""))[0])


def status_style(status: str) -> str:
    return STATUSES.get(status, ("", "default"))[1]


def hours(minutes: int) -> str:
    """Minutes as people read working time: 8:30, with a sign where it is less than nothing."""
    sign = "−" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02d}"


def amount(name: str, value: int) -> str:
    return str(value) if name in COUNTS else f"{hours(value)} h"


def difference(changed: dict[str, int], names: tuple[str, ...] = TOLD) -> str:
    """ "+3:20 h overtime, −0:05 h late": the figures that change."""
    told = [name for name in names if changed.get(name)] or [name for name in FIGURES if changed.get(name)]
    return ", ".join(
        f"{'+' if changed[name] > 0 else ''}{amount(name, changed[name])} {FIGURES[name]}" for name in told
    )


def step_words(step: dict[str, Any]) -> str:
    return sentence(step["code"], step["values"])
