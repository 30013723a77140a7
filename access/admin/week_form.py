"""The form of a week: a line of text for each day, and a grid to drag on where scripts run.

Promise: what the grid does is written into the lines, and the lines alone are saved; so everything can be
done with a keyboard, and without a script.
"""

import re
from collections.abc import Iterable
from datetime import time
from itertools import pairwise
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from access.doors import levels
from access.doors.levels import Schedule
from access.places import Door
from access.policy import Bar, Row

ROWS = {
    Row.MONDAY: _("Monday"),
    Row.TUESDAY: _("Tuesday"),
    Row.WEDNESDAY: _("Wednesday"),
    Row.THURSDAY: _("Thursday"),
    Row.FRIDAY: _("Friday"),
    Row.SATURDAY: _("Saturday"),
    Row.SUNDAY: _("Sunday"),
    Row.HOLIDAY: _("Holiday"),
    Row.SHORT_DAY: _("Short day"),
}
_PART = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})(?:\s+([a-z_]+))?")


def written(bars: Iterable[Bar]) -> str:
    """The hours of one day as the form shows them: "07:30–12:00, 13:00–18:00 face_pin"."""
    return ", ".join(f"{bar.start:%H:%M}–{_end(bar.end)} {bar.factors}".rstrip() for bar in bars)


def _end(end: time) -> str:
    return "24:00" if end == time(0) else f"{end:%H:%M}"


def read(row: int, text: str) -> tuple[Bar, ...]:
    """The bars that a line says, in order. Raises ValidationError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    bars = sorted((_bar(row, part) for part in parts), key=lambda bar: bar.start)
    for earlier, later in pairwise(bars):
        if earlier.end <= earlier.start or earlier.end > later.start:
            raise ValidationError(
                _("%(first)s and %(second)s overlap."),
                params={"first": written([earlier]), "second": written([later])},
            )
    return tuple(bars)


def _bar(row: int, part: str) -> Bar:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValidationError(_("“%(part)s” is not of the form 07:30–12:00."), params={"part": part})
    hours, minutes, last_hours, last_minutes = (int(number) for number in found.groups()[:4])
    factors = found[5] or ""
    if factors and factors not in Door.Factors.values:
        raise ValidationError(
            _("“%(factors)s” is none of: %(known)s."),
            params={"factors": factors, "known": ", ".join(Door.Factors.values)},
        )
    if (last_hours, last_minutes) == (24, 0):
        last_hours = 0
    try:
        return Bar(row, time(hours, minutes), time(last_hours, last_minutes), factors)
    except ValueError as error:
        raise ValidationError(_("“%(part)s” is no time of a day."), params={"part": part}) from error


class WeekInput(forms.Widget):
    template_name = "access/week_input.html"

    class Media:
        css = {"all": ["access/week.css"]}
        js = ["access/week.js"]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        lines = value if isinstance(value, list) else lines_of(value or ())
        context["rows"] = [
            {"row": int(row), "name": f"{name}_{row:d}", "label": label, "text": lines[row]}
            for row, label in ROWS.items()
        ]
        context["factors"] = Door.Factors.choices
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [data.get(f"{name}_{row:d}", "") for row in ROWS]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(f"{name}_{row:d}" in data for row in ROWS)

    def id_for_label(self, id_: str) -> str:
        return ""


def lines_of(bars: Iterable[Bar]) -> list[str]:
    found = list(bars)
    return [written(bar for bar in found if bar.row == row) for row in ROWS]


class WeekField(forms.Field):
    """Cleans to a tuple of policy.Bar."""

    widget = WeekInput

    def clean(self, value: list[str]) -> tuple[Bar, ...]:
        bars: list[Bar] = []
        wrong: list[ValidationError] = []
        for (row, label), text in zip(ROWS.items(), value, strict=True):
            try:
                bars.extend(read(int(row), text))
            except ValidationError as error:
                wrong.append(ValidationError(f"{label}: {error.messages[0]}"))
        if wrong:
            raise ValidationError(wrong)
        return tuple(bars)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return set(initial or ()) != set(self.clean(data))
        except ValidationError:
            return True


class ScheduleForm(forms.ModelForm):
    bars = WeekField(label=_("Week"), required=False)

    class Meta:
        model = Schedule
        fields = ["name", "keeps_holidays"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["bars"] = tuple(levels.week_of(self.instance))
