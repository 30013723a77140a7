"""Payroll profiles, and the page on which a file is looked at first and then handed out.

Promise: no file leaves before what is odd about it was shown and acknowledged; each one is kept on record.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanWidget,
)

from access.admin.audit import Audited, ReadOnly, utc
from access.admin.days import unbroken
from access.hours import reach, words
from access.hours.payroll import PayrollPeriod
from access.payroll import exports, layouts, profiles
from access.payroll.amounts import KINDS, OVERTIMES
from access.payroll.checks import Problem
from access.payroll.exports import Change, PayrollExport
from access.payroll.layouts import CODE, FIXED, OF_A_ROW
from access.payroll.profiles import PayrollCode, PayrollColumn, PayrollProfile
from access.people import Person

MOST_ROWS = 15
MOST_LINES = 200
NONE = [("", "–")]


def live(forms_of: Any) -> list[dict[str, Any]]:
    """What the lines of a formset say, without those to be deleted."""
    return [
        one.cleaned_data
        for one in forms_of.forms
        if one.cleaned_data and not forms_of._should_delete_form(one)
    ]


class CodesFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        kinds = {line.get("kind") for line in live(self)}
        if "overtime" in kinds and kinds & set(OVERTIMES):
            raise forms.ValidationError(
                _("“Overtime, all kinds” and one of its kinds would pay the same hours twice.")
            )


class ColumnsFormSet(forms.BaseInlineFormSet):
    """The columns make a file: somebody's code, some hours, and each column of a kind the rows have."""

    def clean(self) -> None:
        super().clean()
        lines = live(self)
        if any(self.errors) or not lines:
            return
        contents = [str(line["content"]) for line in lines]
        by_code = self.instance.rows == CODE
        if "employee" not in contents:
            raise forms.ValidationError(_("One column has to hold the employee code."))
        if by_code and not {"code", "hours"} <= set(contents):
            raise forms.ValidationError(
                _("With a row for each pay code, columns have to hold the pay code and the hours of the row.")
            )
        if not by_code and not any(content.startswith("hours:") for content in contents):
            raise forms.ValidationError(_("One column has to hold hours."))
        wrong = [one for one in contents if (":" in one if by_code else one in OF_A_ROW)]
        if wrong:
            raise forms.ValidationError(
                _("“%(content)s” fits files with one row for %(other)s."),
                params={
                    "content": told(wrong[0]),
                    "other": _("each person") if by_code else _("each pay code"),
                },
            )
        if self.instance.form == FIXED and not all(line["width"] for line in lines):
            raise forms.ValidationError(_("Columns of fixed width need a width each."))


def told(content: str) -> str:
    return next(
        str(text) for _group, choices in layouts.contents() for name, text in choices if name == content
    )


class CodeForm(ModelForm):
    kind = forms.ChoiceField(
        label=_("Kind of pay"),
        choices=lambda: NONE + [(kind, text) for kind, (text, _parts) in KINDS.items()],
        widget=UnfoldAdminSelectWidget,
    )


class ColumnForm(ModelForm):
    content = forms.ChoiceField(
        label=_("Holds"), choices=lambda: NONE + layouts.contents(), widget=UnfoldAdminSelectWidget
    )


class CodesInline(TabularInline):
    model = PayrollCode
    form = CodeForm
    formset = CodesFormSet
    fields = ["kind", "code"]
    extra = 0
    hide_title = True
    verbose_name_plural = _("Pay codes: under which code which hours are booked")


class ColumnsInline(TabularInline):
    model = PayrollColumn
    form = ColumnForm
    formset = ColumnsFormSet
    extra = 0
    hide_title = True
    verbose_name_plural = _("Columns, in the order of their positions")

    def get_fields(self, request: HttpRequest, obj: PayrollProfile | None = None) -> list[str]:
        """Widths only where they mean something, or will: the table is wide enough without."""
        form = request.POST.get("form", obj.form if obj else "")
        return ["position", "heading", "content", "text", *(["width", "align"] if form == FIXED else [])]


class BeginForm(ModelForm):
    example = forms.ChoiceField(
        label=_("Begin with"),
        choices=lambda: [(name, text) for name, (text, _layout) in profiles.EXAMPLES.items()],
        widget=forms.RadioSelect,
        initial="generic",
        help_text=_("Everything can be changed on the next page."),
    )

    class Meta:
        model = PayrollProfile
        fields = ["name", "company"]


@admin.register(PayrollProfile)
class PayrollProfileAdmin(Audited):
    list_display = ["name", "form", "rows", "file_name", "made"]
    search_fields = ["name"]
    change_fieldsets = [
        (None, {"fields": ["name", ("form", "rows"), ("apart", "most_hours"), "departments"]}),
        (_("Names and codes"), {"fields": [("company", "batch"), "file_name", ("code_from", "code_length")]}),
        (
            _("How it is written"),
            {
                "fields": [
                    ("separator", "encoding"),
                    ("mark", "places"),
                    ("line_end", "zeros"),
                    ("headings", "totals"),
                ]
            },
        ),
    ]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
        if db_field.name == "departments":
            kwargs["queryset"] = reach.departments_for(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: PayrollProfile | None = None) -> Any:
        return self.change_fieldsets if obj else [(None, {"fields": ["name", "company", "example"]})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = BeginForm
        return super().get_form(request, obj, change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [ColumnsInline, CodesInline] if obj else []

    def save_model(self, request: HttpRequest, obj: PayrollProfile, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            profiles.begin(obj, form.cleaned_data["example"])

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        messages.success(request, _("Made. Look over its columns and codes."))
        return HttpResponseRedirect(self.url("change", obj.pk))

    @display(description=_("files made"))
    def made(self, profile: PayrollProfile) -> int:
        return profile.exports.count()


class ChoiceForm(forms.Form):
    period = forms.ModelChoiceField(
        PayrollPeriod.objects.all(), label=_("Payroll period"), widget=UnfoldAdminSelectWidget
    )
    profile = forms.ModelChoiceField(
        PayrollProfile.objects.all(), label=_("Profile"), widget=UnfoldAdminSelectWidget
    )


class HandOutForm(forms.Form):
    seen = forms.CharField(widget=forms.HiddenInput)
    acknowledged = forms.BooleanField(
        label=_("I have looked at all of these, and the file is to be used as it is"),
        required=False,
        widget=UnfoldBooleanWidget,
    )


@admin.register(PayrollExport)
class PayrollExportAdmin(ReadOnly):
    show_add_link = True
    list_display = ["when", "file_name", "period", "profile", "state", "people", "row_count", "digest", "by"]
    list_filter = [("period", RelatedDropdownFilter), ("profile", RelatedDropdownFilter)]
    list_select_related = ["period", "profile", "made_by"]
    search_fields = ["file_name", "=sha256"]
    search_help_text = _("File name or SHA-256")

    # Whose hours are in a file is everybody: who reaches only some may not see it.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm(reach.EVERYBODY)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["access.add_payrollexport", reach.EVERYBODY])

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:key>/file/", wrap(self.download), name="access_payrollexport_file"),
            *super().get_urls(),
        ]

    @display(description=_("made (UTC)"), ordering="pk")
    def when(self, row: PayrollExport) -> str:
        return unbroken(utc(row.made))

    @display(description=_("state"), label={"draft": "warning", "final": "success"})
    def state(self, row: PayrollExport) -> tuple[str, Any]:
        return ("draft", _("draft")) if row.draft else ("final", _("period locked"))

    @display(description=_("SHA-256"))
    def digest(self, row: PayrollExport) -> str:
        return f"{row.sha256[:12]}…"

    @display(description=_("by"))
    def by(self, row: PayrollExport) -> str:
        return row.made_by.get_username() if row.made_by else "–"

    # --- Looking first, then handing out --------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        given = {name: request.GET[name] for name in ("period", "profile") if request.GET.get(name)}
        choice = ChoiceForm(given if len(given) == 2 else None, initial=given)
        shown: dict[str, Any] = {}
        if choice.is_bound and choice.is_valid():
            period, profile = choice.cleaned_data["period"], choice.cleaned_data["profile"]
            if request.method == "POST" and (made := self.hand_out(request, profile, period)):
                messages.success(request, _("The file is made and on record."))
                return HttpResponseRedirect(self.url("change", made.pk))
            shown = self.preview(profile, period)
        return self.page(
            request,
            "access/payroll_preview.html",
            None,
            title=_("Payroll file"),
            choice=choice,
            profiles=PayrollProfile.objects.exists(),
            **shown,
        )

    def hand_out(
        self, request: HttpRequest, profile: PayrollProfile, period: PayrollPeriod
    ) -> PayrollExport | None:
        """The export; None where a message says what to do first."""
        form = HandOutForm(request.POST)
        if not form.is_valid():
            return None
        try:
            return exports.hand_out(profile, period, by=request.user, **form.cleaned_data)
        except exports.Changed:
            messages.warning(request, _("Something has changed since you looked. Please look again."))
        except exports.NotAcknowledged:
            messages.error(request, _("Please say that you have looked at what is listed first."))
        return None

    def preview(self, profile: PayrollProfile, period: PayrollPeriod) -> dict[str, Any]:
        found = exports.prepare(profile, period)
        last = exports.before(profile, period)
        names = {one.person.pk: one.person for one in found.accounts}
        headings = [column.heading or told(column.content) for column in found.layout.columns]
        return {
            "found": found,
            "period": period,
            "profile": profile,
            "problems": problem_lines(found.problems, period, names),
            "acknowledge": HandOutForm(initial={"seen": found.seen}),
            "headings": headings,
            "rows": found.file.rows[:MOST_ROWS],
            "totals": found.file.totals.items(),
            "last": last,
            "changes": change_lines(exports.changes(last, exports.as_kept(found.accounts)), period, names)
            if last
            else [],
            "other_layout": last is not None and layouts.read(last.layout) != found.layout,
        }

    # --- What was handed out --------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.seen(request, object_id)
        last = exports.before(row.profile, row.period, row.serial)
        return self.page(
            request,
            "access/payroll_export.html",
            None,
            title=row.file_name,
            row=row,
            period=row.period,
            totals=row.totals,
            problems=problem_lines([Problem(**one) for one in row.problems], row.period, {}),
            last=last,
            changes=change_lines(exports.changes(last, row.accounts), row.period, {}) if last else [],
            other_layout=last is not None and last.layout != row.layout,
            may_download=self.has_add_permission(request),
        )

    def download(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.seen(request, str(key), allowed=self.has_add_permission(request))
        try:
            content = exports.download(row, by=request.user)
        except exports.NotTheSame:
            messages.error(
                request,
                _(
                    "A badge number, a name or a department in this file has changed since, so it cannot be "
                    "made again as it was. Make a new one; it says what changed."
                ),
            )
            return HttpResponseRedirect(self.url("change", row.pk))
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="{row.file_name}"'
        response["Cache-Control"] = "no-store"
        return response


def _named(keys: Iterable[int | None], names: dict[int, Person]) -> dict[int, Person]:
    missing = [key for key in keys if key is not None and key not in names]
    return names | (Person.objects.in_bulk(missing) if missing else {})


def problem_lines(
    problems: list[Problem], period: PayrollPeriod, names: dict[int, Person]
) -> list[dict[str, Any]]:
    """The first of them, with the name of whom they are about."""
    shown = problems[:MOST_LINES]
    people = _named((one.person for one in shown), names)
    return [
        {
            "person": people.get(one.person or 0),
            "month": f"{period.first:%Y-%m}",
            "what": one.words,
            "text": one.text,
            "left_out": one.left_out,
        }
        for one in shown
    ]


def change_lines(
    found: list[Change], period: PayrollPeriod, names: dict[int, Person]
) -> list[dict[str, Any]]:
    shown = found[:MOST_LINES]
    people = _named((one.person for one in shown), names)
    return [
        {
            "person": people.get(one.person),
            "month": f"{period.first:%Y-%m}",
            "new": one.new,
            "gone": one.gone,
            "kinds": [
                {"what": KINDS[kind][0], "before": words.hours(old), "after": words.hours(now)}
                | {"by": f"{'+' if now > old else ''}{words.hours(now - old)}"}
                for kind, (old, now) in one.kinds.items()
            ],
        }
        for one in shown
    ]
