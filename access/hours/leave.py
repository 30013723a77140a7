"""Leave: what kinds there are, how much of each a person has, and who asked for which days.

A request is decided once. Approved leave may be taken back; the days it covered then change like any others.
"""

from datetime import date, timedelta
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from access.hours import requests
from access.hours.requests import Request, State
from access.people import Person
from access.staff import Staff


class Part(models.TextChoices):
    WHOLE = "whole", _("whole days")
    FIRST_HALF = "first_half", _("first half of the day")
    SECOND_HALF = "second_half", _("second half of the day")


class LeaveType(models.Model):
    """No personal data."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    code = models.CharField(
        _("code"), max_length=4, unique=True, help_text=_("Up to four letters, shown in the monthly grid.")
    )
    paid = models.BooleanField(
        _("paid"), default=True, help_text=_("Paid leave counts as the planned hours of its days.")
    )
    counted = models.BooleanField(
        _("taken from a balance"), default=True, help_text=_("Switch off for sickness and the like.")
    )

    class Meta:
        verbose_name = _("type of leave")
        verbose_name_plural = _("types of leave")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class LeaveBalance(models.Model):
    """Personal data: days of leave a person has in a year. Deleted when the person is erased."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="leave_balances"
    )
    type = models.ForeignKey(LeaveType, verbose_name=_("type"), on_delete=models.PROTECT)
    year = models.PositiveSmallIntegerField(_("year"))
    days = models.DecimalField(
        _("days"), max_digits=5, decimal_places=1, validators=[MinValueValidator(Decimal(0))]
    )

    class Meta:
        verbose_name = _("balance of leave")
        verbose_name_plural = _("balances of leave")
        ordering = ["-year", "person__name", "type__name"]
        constraints = [models.UniqueConstraint("person", "type", "year", name="one_balance_a_year")]

    def __str__(self) -> str:
        return f"leave of person:{self.person_id} in {self.year}"


class Leave(Request):
    """Personal data: days away and their kind, which may tell of health. Kept with the payroll; erasure
    empties the note and leaves a bare key."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="leaves"
    )
    type = models.ForeignKey(LeaveType, verbose_name=_("type"), on_delete=models.PROTECT)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    part = models.CharField(_("part"), max_length=12, choices=Part.choices, default=Part.WHOLE)
    note = models.CharField(_("note"), max_length=300, blank=True)
    decided_with = "access.approve_leave"

    class Meta:
        verbose_name = _("leave")
        verbose_name_plural = _("leave")
        ordering = ["-first", "-pk"]
        permissions = [("approve_leave", "Can decide on leave")]
        indexes = [models.Index(fields=["person", "first"], name="leave_of_a_person")]
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="leave_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(part=Part.WHOLE) | Q(last=F("first")), name="half_a_day_of_leave_is_one_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}, {self.first:%d.%m.%Y}–{self.last:%d.%m.%Y}"


def overlapping(leave: Leave) -> QuerySet[Leave]:
    """Other leave of the person, asked for or approved, on one of the same days; halves may share a day."""
    others = Leave.objects.filter(
        person=leave.person_id,
        first__lte=leave.last,
        last__gte=leave.first,
        state__in=[State.ASKED, State.APPROVED],
    ).exclude(pk=leave.pk)
    if leave.part == Part.WHOLE:
        return others
    return others.filter(part__in=[Part.WHOLE, leave.part])


@transaction.atomic
def ask(leave: Leave, *, by: Staff | None) -> Leave:
    """File the request; it counts for nothing until somebody approves it."""
    return requests.ask(leave, by=by)


@transaction.atomic
def decide(leave: Leave, state: State, *, by: Staff, answer: str = "") -> Leave:
    """Approve, refuse, or take back. Raises requests.NotYours and requests.AlreadyDecided."""
    return requests.decide(leave, state, by=by, answer=answer)


def approved(people: list[int], first: date, last: date) -> QuerySet[Leave]:
    """The leave that counts in these days."""
    return (
        Leave.objects.filter(person__in=people, first__lte=last, last__gte=first, state=State.APPROVED)
        .select_related("type")
        .order_by("first", "pk")
    )


def taken(person: int, kind: int, year: int) -> Decimal:
    """Days of approved leave of a kind in a year, weekends not counted; a half day is a half.

    Simple on purpose: a balance is what people compare with the form they filled in, and needs no plan.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    days = Decimal(0)
    for row in approved([person], first, last).filter(type=kind):
        if row.part != Part.WHOLE:
            days += Decimal("0.5")
            continue
        span = range((min(row.last, last) - max(row.first, first)).days + 1)
        begin = max(row.first, first)
        days += sum((begin + timedelta(days=n)).isoweekday() <= 5 for n in span)
    return days
