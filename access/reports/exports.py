"""A report as a file: what one may choose of its form, its name, its footer, its content as a stream.

The one way by which a report leaves, for pages, programs and workers alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from access import audit
from access.reports import csv_file, pdf, workbook
from access.reports.csv_file import Hand
from access.reports.filters import Asked, bounds, home
from access.reports.shape import Report
from access.staff import Staff

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


@dataclass(frozen=True)
class Layout:
    """The form of a file. `decimal`: hours as 8.50; `comma`: with a decimal comma."""

    file: str = "csv"
    separator: str = "comma"
    mark: bool = True
    decimal: bool = False
    comma: bool = False
    footer: bool = True


_FILES = [(name, name.upper()) for name in MEDIA_TYPES]


class LayoutForm(forms.Form):
    """What is chosen of a file; what is not said is as in a Layout."""

    layout = forms.ChoiceField(label=_("File"), required=False, choices=_FILES)
    separator = forms.ChoiceField(
        label=_("Separator"),
        required=False,
        choices=[("comma", _("comma")), ("semicolon", _("semicolon")), ("tab", _("tab"))],
    )
    hours = forms.ChoiceField(
        label=_("Hours as"), required=False, choices=[("clock", "8:30"), ("decimal", "8.50")]
    )
    decimal_sign = forms.ChoiceField(
        label=_("Decimal sign"), required=False, choices=[("point", _("point")), ("comma", _("comma"))]
    )
    mark = forms.ChoiceField(
        label=_("Byte order mark"),
        required=False,
        choices=[("yes", _("yes, for Excel")), ("no", _("no"))],
    )
    footer = forms.ChoiceField(
        label=_("Footer"), required=False, choices=[("yes", _("yes")), ("no", _("no"))]
    )

    def __init__(self, data: Mapping[str, Any], report: Report) -> None:
        super().__init__(data)
        file = self.fields["layout"]
        file.choices = [(name, name.upper()) for name in report.files]  # type: ignore[attr-defined]

    def chosen(self) -> Layout:
        found = self.cleaned_data
        return Layout(
            file=found["layout"] or "csv",
            separator=found["separator"] or "comma",
            mark=found["mark"] != "no",
            decimal=found["hours"] == "decimal",
            comma=found["decimal_sign"] == "comma",
            footer=found["footer"] != "no",
        )


def days(asked: Asked) -> str:
    """The period in words: a whole month by its name, a single day as such."""
    if (asked.first, asked.last) == bounds("this_month", asked.first):
        return date_format(asked.first, "F Y")
    if asked.first == asked.last:
        return asked.first.isoformat()
    return say("%(first)s to %(last)s") % {"first": asked.first.isoformat(), "last": asked.last.isoformat()}


def footer(report: Report, asked: Asked, staff: Staff, now: datetime) -> list[str]:
    """When this was made, of which days, by which rules; in every file of a report."""
    zone = home()
    lines = [
        f"{report.title}, {days(asked)}",
        say("Generated %(time)s (%(zone)s)")
        % {"time": now.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"), "zone": zone.key},
    ]
    if rules := report.rules(asked, staff):
        lines.append(say("Rules: %(rules)s") % {"rules": "; ".join(rules)})
    return lines


def name(report: Report, asked: Asked, layout: Layout) -> str:
    return f"{report.key}-{asked.first}-{asked.last}.{layout.file}"


def content(
    report: Report, asked: Asked, staff: Staff, layout: Layout, *, now: datetime | None = None
) -> Iterator[bytes]:
    """The file in chunks, made while it is read. Ask `report.may` first, and `note` that it left."""
    columns = report.columns(asked)
    rows = report.rows(asked, staff)
    below: Sequence[str] = footer(report, asked, staff, now or timezone.now()) if layout.footer else ()
    if layout.file == "xlsx":
        title = str(report.title)
        return workbook.write(columns, rows, title=title, decimal=layout.decimal, footer=below)
    if layout.file == "pdf":
        return pdf.write(report, columns, rows, footer=below)
    hand = Hand(SEPARATORS[layout.separator], layout.mark, layout.decimal, layout.comma)
    return csv_file.write(columns, rows, hand, below)


def note(report: Report, asked: Asked, layout: Layout, *, by: Staff | str) -> None:
    """Write into the trail that the report left, with what was asked: keys and days, never names."""
    given = {key: value for key, value in asked.given.items() if key != "people"}
    audit.record(
        "report.exported",
        f"report:{report.key}",
        by=by,
        layout=layout.file,
        first=asked.first.isoformat(),
        last=asked.last.isoformat(),
        filter=" ".join(f"{key}={value}" for key, value in sorted(given.items())),
        **({"narrowed_by_name": "yes"} if asked.people else {}),
    )
