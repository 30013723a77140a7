"""Shifts and who works them when: by person or department, in a week or a rotating pattern, or by roster.

Which plan holds on a day has one answer (`plan_of`): the roster's entry, else the person's own assignment,
else the department's; of several, the one that began last.
"""

from datetime import date, time

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from access.people import Department, Person
from access.places import Site

WORKING_WEEK = [1, 2, 3, 4, 5]
LONGEST_CYCLE = 366
DAY = 24 * 60


def monday_to_friday() -> list[int]:
    return list(WORKING_WEEK)


class Shift(models.Model):
    """No personal data."""

    class Kind(models.TextChoices):
        FIXED = "fixed", _("fixed: from and to")
        FLEXIBLE = "flexible", _("flexible: so many hours a day")

    name = models.CharField(_("name"), max_length=80, unique=True)
    code = models.CharField(
        _("code"), max_length=6, unique=True, help_text=_("Short, for rosters and the monthly grid: E, L, N.")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.FIXED)
    target_minutes = models.PositiveSmallIntegerField(
        _("hours planned (minutes)"),
        default=480,
        validators=[MaxValueValidator(24 * 60)],
        help_text=_("Flexible shifts only; a fixed shift's hours follow from its times."),
    )
    window_before_minutes = models.PositiveSmallIntegerField(
        _("earliest punch before the start (minutes)"), default=240, validators=[MaxValueValidator(720)]
    )
    window_after_minutes = models.PositiveSmallIntegerField(
        _("latest punch after the end (minutes)"), default=360, validators=[MaxValueValidator(720)]
    )
    active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class ShiftPart(models.Model):
    """One stretch of a fixed shift, or of a split one: an end at or before the start is on the next day.

    No personal data."""

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="parts")
    begins = models.TimeField(_("from"))
    ends = models.TimeField(_("to"))

    class Meta:
        verbose_name = _("working time")
        verbose_name_plural = _("working times")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}–{self.ends:%H:%M}"


class ShiftBreak(models.Model):
    """A break of a shift, so long at any time. No personal data."""

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="breaks")
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), validators=[MinValueValidator(1), MaxValueValidator(480)]
    )
    paid = models.BooleanField(_("paid"), default=False)

    class Meta:
        verbose_name = _("break")
        verbose_name_plural = _("breaks")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.minutes} min"


class Pattern(models.Model):
    """A rotation: so many days, each with a shift or free, again and again. No personal data."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    anchor = models.DateField(
        _("a first day of the cycle"), help_text=_("Any date on which day 1 of the cycle falls.")
    )

    class Meta:
        verbose_name = _("rotating pattern")
        verbose_name_plural = _("rotating patterns")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PatternDay(models.Model):
    """No personal data."""

    pattern = models.ForeignKey(Pattern, on_delete=models.CASCADE, related_name="days")
    position = models.PositiveSmallIntegerField(
        _("day"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_CYCLE)]
    )
    shift = models.ForeignKey(
        Shift, verbose_name=_("shift"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("day of the cycle")
        verbose_name_plural = _("days of the cycle")
        ordering = ["position"]
        constraints = [models.UniqueConstraint("pattern", "position", name="one_shift_per_day_of_a_pattern")]

    def __str__(self) -> str:
        return f"{self.position}"


class Assignment(models.Model):
    """Personal data: which shifts a person works, where, under which rules. Deleted when they are erased."""

    person = models.ForeignKey(
        Person,
        verbose_name=_("person"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="assignments",
    )
    department = models.ForeignKey(
        Department,
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="assignments",
    )
    site = models.ForeignKey(
        Site,
        verbose_name=_("site"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Its time zone and its holidays hold."),
    )
    rules = models.ForeignKey(
        "access.RuleSet", verbose_name=_("rules"), on_delete=models.PROTECT, related_name="assignments"
    )
    shift = models.ForeignKey(
        Shift, verbose_name=_("shift"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("on"),
        default=monday_to_friday,
        blank=True,
        help_text=_("Days of the week on which the shift is worked; the others are free."),
    )
    pattern = models.ForeignKey(
        Pattern,
        verbose_name=_("rotating pattern"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Instead of a shift."),
    )
    offset = models.PositiveSmallIntegerField(
        _("days ahead in the pattern"),
        default=0,
        validators=[MaxValueValidator(LONGEST_CYCLE)],
        help_text=_("Crews that work the same pattern one after the other: 0, 7, 14 …"),
    )
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: until further notice."))

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["-first", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=True) ^ Q(department__isnull=True),
                name="an_assignment_is_of_a_person_or_a_department",
            ),
            models.CheckConstraint(
                condition=Q(shift__isnull=True) | Q(pattern__isnull=True),
                name="an_assignment_has_a_shift_or_a_pattern",
            ),
            models.CheckConstraint(
                condition=Q(last__isnull=True) | Q(last__gte=F("first")),
                name="an_assignment_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pattern or self.shift or _('no plan')}"

    def clean(self) -> None:
        if (self.person_id is None) == (self.department_id is None):
            raise ValidationError(_("Choose a person or a department, and not both."))
        if self.shift_id is not None and self.pattern_id is not None:
            raise ValidationError(_("Choose a shift or a rotating pattern, and not both."))
        if self.last is not None and self.first is not None and self.last < self.first:
            raise ValidationError({"last": _("The period ends before it begins.")})
        if not set(self.weekdays) <= set(range(1, 8)):
            raise ValidationError({"weekdays": _("Days of the week are 1 to 7.")})


class RosterEntry(models.Model):
    """Personal data: the shift of one day, whatever the assignment says. Deleted when they are erased."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="roster"
    )
    day = models.DateField(_("day"))
    shift = models.ForeignKey(
        Shift,
        verbose_name=_("shift"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: free on this day."),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("roster entry")
        verbose_name_plural = _("roster")
        ordering = ["-day", "person__name"]
        constraints = [models.UniqueConstraint("person", "day", name="one_roster_entry_a_day")]

    def __str__(self) -> str:
        return f"{self.shift or _('free')}, {self.day:%d.%m.%Y}"


def in_force(assignments: list[Assignment], day: date) -> Assignment | None:
    """Of assignments of one kind, the one that holds: begun, not ended, and the last to begin."""
    found = [one for one in assignments if one.first <= day and (one.last is None or day <= one.last)]
    return max(found, key=lambda one: (one.first, one.pk), default=None)


def shift_of(assignment: Assignment, day: date, cycles: dict[int, list[int | None]]) -> int | None:
    """The key of the shift an assignment plans for a day, None for a free one.

    `cycles`: the keys of each pattern's shifts, day by day.
    """
    if assignment.pattern_id is not None:
        cycle = cycles.get(assignment.pattern_id, [])
        if not cycle:
            return None
        anchor = assignment.pattern.anchor  # type: ignore[union-attr]
        return cycle[((day - anchor).days + assignment.offset) % len(cycle)]
    return assignment.shift_id if day.isoweekday() in assignment.weekdays else None


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def spans(times: list[tuple[time, time]]) -> list[tuple[int, int]]:
    """Each part in minutes from the midnight on which the shift begins.

    What is earlier than the part before it, and an end at or before its start, lie on the next day.
    """
    found: list[tuple[int, int]] = []
    last = 0
    for begins, ends in times:
        start, end = _minute(begins), _minute(ends)
        while start < last:
            start += DAY
        while end <= start:
            end += DAY
        found.append((start, end))
        last = end
    return found


def in_order(times: list[tuple[time, time]]) -> bool:
    """Whether these parts, in the order given, take no more than a day from the first to the last."""
    found = spans(times)
    return bool(found) and found[-1][1] - found[0][0] <= DAY


def planned_minutes(shift: Shift) -> int:
    """Working time planned: the parts less their unpaid breaks, or the flexible target."""
    if shift.kind == Shift.Kind.FLEXIBLE:
        return shift.target_minutes
    whole = sum(end - start for start, end in spans([(part.begins, part.ends) for part in shift.parts.all()]))
    return whole - sum(one.minutes for one in shift.breaks.all() if not one.paid)
