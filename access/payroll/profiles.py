"""Payroll profiles: how the file for one payroll program looks, edited by whoever runs the payroll.

A new one begins as a copy of an example: decimal hours, ADP, or fixed width.
"""

import string
from dataclasses import replace

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from access.payroll.amounts import KINDS
from access.payroll.layouts import CODE, CONTENTS, CSV, FIXED, LEFT, PERSON, RIGHT, ZEROS, Column, Layout
from access.people import Department

PLACEHOLDERS = frozenset({"company", "serial", "first", "last"})
CRLF, LF = "crlf", "lf"
LINE_ENDS = {CRLF: "\r\n", LF: "\n"}


def check_pattern(text: str) -> None:
    """Refuse a file name or batch whose placeholders nobody could fill in."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValidationError(_("A brace is not closed.")) from error
    for _literal, name, form, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            raise ValidationError(_("Only {company}, {serial}, {first} and {last} can be filled in."))


class PayrollProfile(models.Model):
    """No personal data."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    form = models.CharField(
        _("form"),
        max_length=5,
        default=CSV,
        choices=[(CSV, _("separated by a character (CSV)")), (FIXED, _("columns of fixed width"))],
    )
    rows = models.CharField(
        _("one row for"),
        max_length=6,
        default=PERSON,
        choices=[(PERSON, _("each person, hours side by side")), (CODE, _("each person and pay code"))],
    )
    apart = models.BooleanField(
        _("adjustments in rows of their own"),
        default=False,
        help_text=_("Otherwise they are added to the person's hours."),
    )
    departments = models.ManyToManyField(
        Department,
        verbose_name=_("departments"),
        blank=True,
        related_name="+",
        help_text=_("None chosen: everybody."),
    )
    company = models.CharField(
        _("company code"),
        max_length=20,
        blank=True,
        validators=[RegexValidator(r"^[\w\-]*\Z", _("Letters, digits, - and _ only."))],
        help_text=_("ADP: Co Code."),
    )
    batch = models.CharField(
        _("batch"),
        max_length=40,
        blank=True,
        validators=[check_pattern],
        help_text=_("ADP: Batch ID. {first}, {last} and {serial} are filled in."),
    )
    file_name = models.CharField(
        _("file name"),
        max_length=80,
        default="payroll-{first}-{last}.csv",
        validators=[
            check_pattern,
            RegexValidator(r"^[\w.\-{} ]+\Z", _("Letters, digits, blanks and . - _ { } only.")),
        ],
        help_text=_("{company}, {serial}, {first} and {last} are filled in. ADP: EPI{company}{serial}.csv"),
    )
    code_from = models.CharField(
        _("employee code"),
        max_length=14,
        default="badge",
        choices=[("badge", _("badge number")), ("payroll_number", _("number in payroll"))],
        help_text=_("Always text: leading zeros stay."),
    )
    code_length = models.PositiveSmallIntegerField(
        _("digits of the employee code"),
        default=0,
        validators=[MaxValueValidator(20)],
        help_text=_("Shorter ones get zeros in front, longer ones do not fit. 0: as they are."),
    )
    separator = models.CharField(
        _("between columns"),
        max_length=1,
        default=",",
        choices=[
            (",", _("comma ,")),
            (";", _("semicolon ;")),
            ("\t", _("tab")),
            ("|", _("bar |")),
        ],
    )
    mark = models.CharField(
        _("decimal mark"),
        max_length=1,
        default=".",
        blank=True,
        choices=[(".", _("point 8.50")), (",", _("comma 8,50")), ("", _("none 850"))],
    )
    places = models.PositiveSmallIntegerField(
        _("decimal places"), default=2, validators=[MaxValueValidator(4)]
    )
    encoding = models.CharField(
        _("letters"),
        max_length=10,
        default="utf-8",
        choices=[
            ("utf-8", _("UTF-8")),
            ("utf-8-sig", _("UTF-8 with a mark, for Excel")),
            ("cp1252", _("Windows-1252")),
        ],
    )
    line_end = models.CharField(
        _("end of a line"), max_length=4, default=CRLF, choices=[(CRLF, _("Windows")), (LF, _("Unix"))]
    )
    headings = models.BooleanField(_("headings in the first line"), default=True)
    totals = models.BooleanField(_("totals in the last line"), default=False)
    zeros = models.BooleanField(_("write noughts"), default=False, help_text=_("Otherwise left empty."))
    most_hours = models.PositiveSmallIntegerField(
        _("ask about days longer than (hours)"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(24)],
    )

    class Meta:
        verbose_name = _("payroll profile")
        verbose_name_plural = _("payroll profiles")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.form == CSV and self.mark == "" and self.places:
            raise ValidationError({"mark": _("Without a mark, decimal places cannot be told in a CSV.")})

    def layout(self) -> Layout:
        """What the file is made by, codes and columns in order."""
        own = ("form", "rows", "separator", "mark", "places", "encoding", "headings", "totals", "zeros")
        own += ("apart", "code_from", "code_length", "company", "batch", "file_name", "most_hours")
        return Layout(
            **{name: getattr(self, name) for name in own},
            line_end=LINE_ENDS[self.line_end],
            codes=tuple(self.codes.values_list("kind", "code")),
            columns=tuple(
                Column(row.heading, row.content, row.text, row.width if self.form == FIXED else 0, row.align)
                for row in self.columns.all()
            ),
        )


def check_kind(text: str) -> None:
    if text not in KINDS:
        raise ValidationError(_("No such kind of pay."))


def check_content(text: str) -> None:
    if text not in CONTENTS:
        raise ValidationError(_("No such content."))


class PayrollCode(models.Model):
    """Under which code a kind of pay is booked. No personal data."""

    profile = models.ForeignKey(PayrollProfile, on_delete=models.CASCADE, related_name="codes")
    # Text without choices: the list is amounts.KINDS.
    kind = models.CharField(_("kind of pay"), max_length=20, validators=[check_kind])
    code = models.CharField(_("pay code"), max_length=12)

    class Meta:
        verbose_name = _("pay code")
        verbose_name_plural = _("pay codes")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint("profile", "kind", name="one_pay_code_a_kind")]

    def __str__(self) -> str:
        return self.code


class PayrollColumn(models.Model):
    """One column of the file. No personal data."""

    profile = models.ForeignKey(PayrollProfile, on_delete=models.CASCADE, related_name="columns")
    position = models.PositiveSmallIntegerField(_("position"), validators=[MinValueValidator(1)])
    heading = models.CharField(_("heading"), max_length=40, blank=True)
    # Text without choices: the list is layouts.CONTENTS.
    content = models.CharField(_("holds"), max_length=30, validators=[check_content])
    text = models.CharField(
        _("text or form of a date"),
        max_length=40,
        blank=True,
        help_text=_("The text itself, or how a date is written: %d.%m.%Y"),
    )
    width = models.PositiveSmallIntegerField(
        _("width"), default=0, validators=[MaxValueValidator(200)], help_text=_("Fixed width only.")
    )
    align = models.CharField(
        _("filled"),
        max_length=5,
        default=LEFT,
        choices=[(LEFT, _("blanks behind")), (RIGHT, _("blanks before")), (ZEROS, _("zeros before"))],
    )

    class Meta:
        verbose_name = _("column")
        verbose_name_plural = _("columns")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.heading or self.content


# --- Examples to begin with ---------------------------------------------------------------------------

_PAY = (
    ("Regular", "hours:regular"),
    ("Overtime", "hours:overtime"),
    ("Night", "hours:night"),
    ("Leave", "hours:leave"),
    ("Holiday", "hours:holiday"),
    ("Paid", "hours:paid"),
)
_CODES = (("regular", "REG"), ("overtime", "OT"), ("leave", "VAC"), ("holiday", "HOL"))

GENERIC = Layout(
    file_name="payroll-{first}-{last}-{serial}.csv",
    encoding="utf-8-sig",
    apart=True,
    zeros=True,
    totals=True,
    columns=(
        Column("Employee", "employee"),
        Column("Name", "name"),
        Column("Department", "department"),
        Column("First day", "first"),
        Column("Last day", "last"),
        Column("Adjusts", "day"),
        *(Column(heading, content) for heading, content in _PAY),
    ),
)
# The columns of ADP's pay data import, the three that come first first; file name EPI, company code and two
# digits. Further kinds of hours go in pairs of a code and an amount.
ADP = Layout(
    code_length=6,
    file_name="EPI{company}{serial}.csv",
    batch="{last}",
    codes=_CODES,
    columns=(
        Column("Co Code", "company"),
        Column("Batch ID", "batch"),
        Column("File #", "employee"),
        Column("Reg Hours", "hours:regular"),
        Column("O/T Hours", "hours:overtime"),
        Column("Hours 3 Code", "code:leave"),
        Column("Hours 3 Amount", "hours:leave"),
        Column("Hours 4 Code", "code:holiday"),
        Column("Hours 4 Amount", "hours:holiday"),
    ),
)
FIXED_WIDTH = Layout(
    form=FIXED,
    rows=CODE,
    mark="",
    headings=False,
    file_name="payroll-{first}-{last}-{serial}.txt",
    code_length=10,
    codes=_CODES,
    columns=(
        Column("Indicator", "text", "E", 1),
        Column("Employee", "employee", "", 10, ZEROS),
        Column("Department", "department", "", 12),
        Column("Pay code", "code", "", 6),
        Column("Hours", "hours", "", 8, ZEROS),
        Column("From", "first", "%Y%m%d", 8),
        Column("To", "last", "%Y%m%d", 8),
    ),
)
EXAMPLES = {
    "generic": (_("Decimal hours: one row a person, for a spreadsheet or most programs"), GENERIC),
    "adp": (_("ADP: pay data import (EPI file)"), ADP),
    "fixed": (_("Fixed width: one row for each pay code"), FIXED_WIDTH),
}


@transaction.atomic
def begin(profile: PayrollProfile, example: str) -> PayrollProfile:
    """The profile saved, laid out like the example; its own name and company code stay."""
    layout = replace(EXAMPLES[example][1], company=profile.company)
    ends = {text: name for name, text in LINE_ENDS.items()}
    for name, value in layout.as_json().items():
        if name not in {"codes", "columns", "line_end"}:
            setattr(profile, name, value)
    profile.line_end = ends[layout.line_end]
    profile.save()
    PayrollCode.objects.bulk_create(
        PayrollCode(profile=profile, kind=kind, code=code) for kind, code in layout.codes
    )
    PayrollColumn.objects.bulk_create(
        PayrollColumn(
            profile=profile,
            position=10 * number,
            heading=column.heading,
            content=column.content,
            text=column.text,
            width=column.width,
            align=column.align,
        )
        for number, column in enumerate(layout.columns, start=1)
    )
    return profile
