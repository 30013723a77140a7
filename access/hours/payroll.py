"""Payroll periods: what was paid stays as it was paid. Changes found later become lines of their own.

Locking freezes the days of the period, in the database itself; an accepted change of a frozen day is an
adjustment, paid with the next period that is locked.
"""

from datetime import date

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models, transaction
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.people import Person
from access.staff import Staff


class DateRange(Func):
    function = "daterange"
    output_field = DateRangeField()


class PayrollPeriod(models.Model):
    """No personal data but who locked it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    locked = models.DateTimeField(_("locked"), null=True, editable=False)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("locked by"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("payroll period")
        verbose_name_plural = _("payroll periods")
        ordering = ["-first"]
        permissions = [("lock_payrollperiod", "Can lock payroll periods")]
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="a_period_ends_after_it_begins"),
            ExclusionConstraint(
                name="payroll_periods_do_not_overlap",
                expressions=[(DateRange("first", "last", Value("[]")), RangeOperators.OVERLAPS)],
                violation_error_message=_("Another period has some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Adjustment(models.Model):
    """Personal data: by how much a day that was paid has changed since. Kept with the payroll; erasure leaves
    a bare key."""

    workday = models.ForeignKey(
        "access.WorkDay", verbose_name=_("working day"), on_delete=models.PROTECT, related_name="adjustments"
    )
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="adjustments"
    )
    day = models.DateField(_("day"))
    paid_in = models.ForeignKey(
        PayrollPeriod,
        verbose_name=_("paid with"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="adjustments",
        help_text=_("The next period that is locked."),
    )
    proposal = models.ForeignKey(
        "access.Proposal", null=True, on_delete=models.SET_NULL, related_name="adjustments"
    )
    # Minutes by figure, after less before.
    difference = models.JSONField(_("difference"), default=dict)
    # The whole result that the day has now; what was paid stays in the working day itself.
    result = models.JSONField(_("result"), default=dict)
    digest = models.CharField(max_length=64)
    made = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        ordering = ["-made", "-pk"]
        indexes = [models.Index(fields=["person", "day"], name="adjustments_of_a_person")]

    def __str__(self) -> str:
        return f"adjustment of {self.day:%d.%m.%Y}, person:{self.person_id}"


class NotYet(Exception):
    """The period cannot be locked; the text says why and what to do."""


def locked_period(day: date) -> PayrollPeriod | None:
    return PayrollPeriod.objects.filter(first__lte=day, last__gte=day).exclude(locked=None).first()


@transaction.atomic
def mark_locked(period: PayrollPeriod, *, by: Staff | None) -> PayrollPeriod:
    """The period, locked; the adjustments waiting are paid with it. Raises NotYet if it is locked."""
    held = PayrollPeriod.objects.select_for_update().get(pk=period.pk)
    if held.locked is not None:
        raise NotYet(_("This period is locked already."))
    held.locked, held.locked_by = timezone.now(), by
    held.save(update_fields=["locked", "locked_by"])
    lines = Adjustment.objects.filter(paid_in=None).update(paid_in=held)
    audit.record("payrollperiod.locked", held, by=by, adjustments=lines)
    return held
