"""Shifts, patterns, who works them, and the roster on screen."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.admin.audit import Audited
from access.admin.days import Days
from access.admin.requests import Reached
from access.admin.rows import Rows
from access.hours import reach, shifts
from access.hours.shifts import Assignment, Pattern, PatternDay, RosterEntry, Shift, ShiftBreak, ShiftPart
from access.hours.words import hours

WEEKDAYS = [
    (1, _("Monday")),
    (2, _("Tuesday")),
    (3, _("Wednesday")),
    (4, _("Thursday")),
    (5, _("Friday")),
    (6, _("Saturday")),
    (7, _("Sunday")),
]


class PartsFormSet(forms.BaseInlineFormSet):
    """A fixed shift has times, in order, that do not overlap; together they fit into a day."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors) or self.instance.kind != Shift.Kind.FIXED:
            return
        rows = [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data and not self._should_delete_form(form)
        ]
        times = [(row["begins"], row["ends"]) for row in rows if row.get("begins") and row.get("ends")]
        if not times:
            raise forms.ValidationError(_("A fixed shift needs a time from and to."))
        if not shifts.in_order(times):
            raise forms.ValidationError(
                _("The times overlap, or take more than 24 hours together. Give them in order.")
            )


class PartsInline(Rows):
    model = ShiftPart
    formset = PartsFormSet
    extra = 0
    min_num = 0
    verbose_name_plural = _("Working times of a fixed shift; several make a split shift")
    hide_title = True


class BreaksInline(Rows):
    model = ShiftBreak
    extra = 0
    hide_title = True


@admin.register(Shift)
class ShiftAdmin(Audited):
    list_display = ["name", "code", "kind", "times", "planned", "active"]
    list_filter = [("kind", ChoicesDropdownFilter), "active"]
    search_fields = ["name", "code"]
    fieldsets = [
        (None, {"fields": [("name", "code"), ("kind", "active")]}),
        (_("Flexible hours"), {"fields": ["target_minutes"]}),
        (_("Which punches belong to it"), {"fields": [("window_before_minutes", "window_after_minutes")]}),
    ]
    inlines = [PartsInline, BreaksInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shift]:
        return super().get_queryset(request).prefetch_related("parts", "breaks")

    @display(description=_("times"))
    def times(self, shift: Shift) -> str:
        return ", ".join(str(part) for part in shift.parts.all()) or "–"

    @display(description=_("hours planned"))
    def planned(self, shift: Shift) -> str:
        return hours(shifts.planned_minutes(shift))


class PatternDayForm(ModelForm):
    """A free day is a day of the cycle, too: it is kept although nothing was chosen."""

    def has_changed(self) -> bool:
        numbered = bool(self.data.get(self.add_prefix("position")))
        return super().has_changed() or (numbered and self.instance.pk is None)


class PatternDayInline(Rows):
    model = PatternDay
    form = PatternDayForm
    extra = 0
    hide_title = True

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 7

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """A new pattern begins with the seven days of a week, numbered."""
        made = super().get_formset(request, obj, **kwargs)
        if obj is not None:
            return made

        class Numbered(made):  # type: ignore[misc, valid-type]
            def __init__(self, *args: Any, **options: Any) -> None:
                options.setdefault("initial", [{"position": number} for number in range(1, 8)])
                super().__init__(*args, **options)

        return Numbered


@admin.register(Pattern)
class PatternAdmin(Audited):
    list_display = ["name", "cycle", "anchor"]
    search_fields = ["name"]
    inlines = [PatternDayInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pattern]:
        return super().get_queryset(request).prefetch_related("days__shift")

    @display(description=_("cycle"))
    def cycle(self, pattern: Pattern) -> str:
        return " ".join(day.shift.code if day.shift else "·" for day in pattern.days.all())


class AssignmentForm(ModelForm):
    weekdays = forms.TypedMultipleChoiceField(
        label=_("on"),
        coerce=int,
        choices=WEEKDAYS,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Days of the week on which the shift is worked; the others are free."),
    )

    class Meta:
        model = Assignment
        fields = [
            "person",
            "department",
            "site",
            "rules",
            "shift",
            "weekdays",
            "pattern",
            "offset",
            "first",
            "last",
        ]


@admin.register(Assignment)
class AssignmentAdmin(Audited):
    form = AssignmentForm
    list_display = ["of", "plan", "on_days", "site", "rules", "since", "until"]
    list_filter = [("department", RelatedDropdownFilter), ("shift", RelatedDropdownFilter),
                   ("pattern", RelatedDropdownFilter)]  # fmt: skip
    list_select_related = ["person", "department", "shift", "pattern", "site", "rules"]
    search_fields = ["person__badge", "person__name", "department__name"]
    autocomplete_fields = ["person"]
    fieldsets = [
        (_("Who"), {"fields": [("person", "department")]}),
        (_("Which hours"), {"fields": ["shift", "weekdays", ("pattern", "offset")]}),
        (_("Where, and by which rules"), {"fields": [("site", "rules")]}),
        (_("When"), {"fields": [("first", "last")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        found = super().get_queryset(request)
        mine = reach.within(request.user, found) | reach.within(request.user, found, "department__people")
        return mine.distinct()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            kwargs["queryset"] = reach.people_for(request.user).filter(erased=None)
        if db_field.name == "department":
            kwargs["queryset"] = reach.departments_for(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("person or department"))
    def of(self, row: Assignment) -> str:
        return str(row.person or row.department)

    @display(description=_("shift or pattern"))
    def plan(self, row: Assignment) -> str:
        return str(row)

    @display(description=_("on"))
    def on_days(self, row: Assignment) -> str:
        if row.pattern_id or not row.shift_id:
            return "–"
        return " ".join(str(name)[:2] for number, name in WEEKDAYS if number in row.weekdays)

    @display(description=_("from"), ordering="first")
    def since(self, row: Assignment) -> str:
        return date_format(row.first, "j M Y")

    @display(description=_("to"), ordering="last")
    def until(self, row: Assignment) -> str:
        return date_format(row.last, "j M Y") if row.last else "–"


@admin.register(RosterEntry)
class RosterAdmin(Reached):
    list_display = ["person", "on", "shift", "note"]
    list_filter = [
        ("day", Days),
        ("shift", RelatedDropdownFilter),
        ("person__department", RelatedDropdownFilter),
    ]
    list_select_related = ["person", "shift"]
    search_fields = ["person__badge", "person__name"]

    @display(description=_("day"), ordering="day")
    def on(self, row: RosterEntry) -> str:
        return date_format(row.day, "D j M Y")
