"""What a report may be asked: the filters that reports choose from, as one form for pages and programs.

Promise: only what the reader reaches can be chosen, and a period moves with the calendar unless its days are
named, so that what was saved as "last month" stays last month.
"""

import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.doors.reasons import REASONS
from access.hours import reach, words
from access.people import Department, Person
from access.places import Door, Site
from access.staff import Staff

LONGEST_DAYS = 366
# Spreadsheets know no dates before 1900, and the calendar ends in 9999.
YEARS = (1900, 9998)
PERIODS = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "this_week": _("This week"),
    "last_week": _("Last week"),
    "this_month": _("This month"),
    "last_month": _("Last month"),
    "days": _("From day to day"),
}
EXCEPTIONS = {
    "late": _("late"),
    "early": _("left early"),
    "absent": _("absent"),
    "missed": _("missed punch"),
}
# As the roll of today calls people (hours/roll.py).
PRESENCES = {
    "in": _("in"),
    "late": _("late"),
    "out": _("out again"),
    "missing": _("missing"),
    "leave": _("on leave"),
    "free": _("not expected"),
}
OUTCOMES = {"granted": _("granted"), "refused": _("refused")}


@dataclass(frozen=True)
class Asked:
    """What was asked, checked. `first` and `last` are days, both included.

    `given` is what was typed, by name of field: asking with it again asks the same.
    """

    first: date
    last: date
    department: Department | None = None
    site: Site | None = None
    door: Door | None = None
    person: Person | None = None
    people: str = ""
    status: str = ""
    exception: str = ""
    reason: str = ""
    outcome: str = ""
    presence: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    def narrow(self, rows: QuerySet[Any], staff: Staff, path: str = "person") -> QuerySet[Any]:
        """Those rows whose person the reader reaches and was asked for; `path` leads from a row to it.

        An empty path: the rows are people.
        """
        prefix = f"{path}__" if path else ""
        rows = reach.within(staff, rows, path) if path else rows.filter(pk__in=reach.people_for(staff))
        if self.person is not None:
            rows = rows.filter(**{f"{prefix}pk": self.person.pk})
        if self.department is not None:
            rows = rows.filter(**{f"{prefix}department": self.department})
        for word in self.people.split():
            named = Q(**{f"{prefix}name__icontains": word}) | Q(**{f"{prefix}badge__icontains": word})
            rows = rows.filter(named)
        return rows


def today() -> date:
    """Today at the first site: which day it is depends on where one stands."""
    return timezone.now().astimezone(home()).date()


def home() -> zoneinfo.ZoneInfo:
    """The zone of the first site, in which a report says when it was made."""
    return zoneinfo.ZoneInfo(Site.objects.order_by("pk").values_list("zone", flat=True).first() or "UTC")


def bounds(period: str, day: date) -> tuple[date, date]:
    """The first and last day of a named period, as seen from this day."""
    week = day - timedelta(days=day.weekday())
    month = day.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    return {
        "today": (day, day),
        "yesterday": (day - timedelta(days=1), day - timedelta(days=1)),
        "this_week": (week, week + timedelta(days=6)),
        "last_week": (week - timedelta(days=7), week - timedelta(days=1)),
        "this_month": (month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)),
        "last_month": (before, month - timedelta(days=1)),
    }[period]


def _choice(label: Any, choices: Mapping[str, Any], anything: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", anything), *choices.items()])


def _row(label: Any, rows: QuerySet[Any], anything: Any, text: Any = "") -> forms.ModelChoiceField:
    return forms.ModelChoiceField(rows, label=label, required=False, empty_label=anything, help_text=text)


def _statuses() -> dict[str, Any]:
    return {code: f"{code} · {text}" for code, (text, _style) in words.STATUSES.items()}


# By name, the fields that it adds to the form of whoever asks.
FILTERS: dict[str, Callable[[Staff], dict[str, forms.Field]]] = {
    "period": lambda staff: {
        "period": forms.ChoiceField(
            label=_("Period"),
            required=False,
            choices=list(PERIODS.items()),
            help_text=_("Not needed where the days are named."),
        ),
        "first": forms.DateField(label=_("First day"), required=False),
        "last": forms.DateField(
            label=_("Last day"), required=False, help_text=_("Included; at most 366 days after the first.")
        ),
    },
    "month": lambda staff: {
        "month": forms.RegexField(
            r"^\d{4}-(0[1-9]|1[0-2])\Z",
            label=_("Month"),
            required=False,
            help_text=_("As 2026-03; empty: this month."),
            error_messages={"invalid": _("A month such as 2026-03.")},
        ),
    },
    "department": lambda staff: {
        "department": _row(_("Department"), reach.departments_for(staff), _("All departments"))
    },
    "site": lambda staff: {"site": _row(_("Site"), Site.objects.all(), _("All sites"))},
    "door": lambda staff: {
        "door": _row(_("Door"), Door.objects.select_related("site"), _("All doors")),
    },
    "person": lambda staff: {
        "people": forms.CharField(label=_("Name or badge number"), required=False, max_length=80),
        "person": forms.ModelChoiceField(
            reach.people_for(staff),
            label=_("Person"),
            required=False,
            help_text=_("The key of one person."),
            widget=forms.HiddenInput,
        ),
    },
    "status": lambda staff: {"status": _choice(_("Status"), _statuses(), _("Any status"))},
    "exception": lambda staff: {"exception": _choice(_("What"), EXCEPTIONS, _("All exceptions"))},
    "presence": lambda staff: {"presence": _choice(_("State"), PRESENCES, _("Any state"))},
    "reason": lambda staff: {
        "reason": _choice(
            _("Reason"), {reason.value: text for reason, text in REASONS.items()}, _("Any reason")
        )
    },
    "outcome": lambda staff: {"outcome": _choice(_("Decision"), OUTCOMES, _("Granted and refused"))},
}


class FilterForm(forms.Form):
    """The form of some filters, for one reader. Valid, it says what was `asked`."""

    def __init__(
        self, names: Sequence[str], data: Mapping[str, Any], staff: Staff, *, period: str = "this_month"
    ) -> None:
        self.period = period
        super().__init__(data)
        for name in names:
            self.fields.update(FILTERS[name](staff))
        self.asked: Asked | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if "month" in self.fields:
            named = cleaned["month"]
            inside = datetime.strptime(named, "%Y-%m").date() if named else today()  # noqa: DTZ007
            first, last = bounds("this_month", inside)
        else:
            first, last = self._days(cleaned)
        if not self.errors:
            given = {name: str(value) for name in self.fields if (value := self.data.get(name))}
            known = {name: value for name, value in cleaned.items() if name in _NAMES and value}
            self.asked = Asked(first, last, **known, given=given)
        return cleaned

    def _days(self, cleaned: dict[str, Any]) -> tuple[date, date]:
        first, last = cleaned.get("first"), cleaned.get("last")
        period = cleaned.get("period") or ("days" if first or last else self.period)
        if period != "days":
            return bounds(period, today())
        first, last = first or last, last or first
        if first is None or last is None:
            return bounds(self.period, today())
        if not (YEARS[0] <= first.year and last.year <= YEARS[1]):
            self.add_error("first", _("From 1900 to 9998."))
        elif last < first:
            self.add_error("last", _("The period ends before it begins."))
        elif (last - first).days > LONGEST_DAYS:
            self.add_error("last", _("At most 366 days at once."))
        return first, last


_NAMES = frozenset(Asked.__dataclass_fields__) - {"first", "last", "given"}


class Wrong(ValueError):
    """What was asked cannot be answered; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = errors
