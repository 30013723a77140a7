"""Working days as they stand, each with its figures and the whole explanation of how they came about.

A day is provisional until it is closed; the days of a locked period are frozen in the database itself.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from access.hours.payroll import Adjustment, PayrollPeriod
from access.people import Person

# A day that is not over yet; closed days never have it. The others are timesheet.STATUSES.
OPEN = "O"


@dataclass(frozen=True)
class Computed:
    """What the rules make of one day of one person: figures in minutes, and the result they come from."""

    person: int
    day: date
    status: str
    shift: str
    rules: int | None
    figures: dict[str, int]
    result: dict[str, Any]

    @property
    def digest(self) -> str:
        """Equal for equal results: the punches that count, the plan, the rules' version, every figure."""
        text = json.dumps([self.status, self.shift, self.rules, self.figures, self.result], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class WorkDay(models.Model):
    """Personal data: working time of a day. Kept as the law asks; after erasure it names only a bare key."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="workdays"
    )
    day = models.DateField(_("day"))
    # Text without choices: the list is the engine's, and a new status needs no migration.
    status = models.CharField(_("status"), max_length=20, db_index=True)
    shift = models.CharField(_("shift"), max_length=6, blank=True)
    rules = models.ForeignKey(
        "access.RuleVersion", null=True, on_delete=models.PROTECT, related_name="workdays"
    )
    # Minutes by name; the names are timesheet.FIGURES.
    figures = models.JSONField(_("figures"), default=dict)
    # Everything the explanation shows: plan, punches, spans, steps with their rule.
    result = models.JSONField(_("result"), default=dict)
    digest = models.CharField(max_length=64)
    computed = models.DateTimeField(_("computed"), auto_now=True)
    closed = models.DateTimeField(_("closed"), null=True)
    period = models.ForeignKey(
        PayrollPeriod, verbose_name=_("payroll period"), null=True, on_delete=models.PROTECT
    )

    class Meta:
        verbose_name = _("working day")
        verbose_name_plural = _("working days")
        ordering = ["-day", "person__name"]
        constraints = [models.UniqueConstraint("person", "day", name="one_working_day_a_day")]
        indexes = [models.Index(fields=["day", "person"], name="working_days_by_day")]

    def __str__(self) -> str:
        return f"{self.day:%d.%m.%Y}, person:{self.person_id}"

    def fill(self, found: Computed) -> None:
        """Take over what was computed; the caller saves, and says why it may."""
        self.status, self.shift, self.rules_id = found.status, found.shift, found.rules
        self.figures, self.result, self.digest = found.figures, found.result, found.digest


@dataclass(frozen=True)
class Standing:
    """What holds of a day now: the day itself, or its last adjustment if it was frozen before."""

    status: str
    figures: dict[str, int]
    digest: str


def standing(days: Iterable[WorkDay]) -> dict[int, Standing]:
    """By key of the day. One query, however many days."""
    found = {day.pk: Standing(day.status, day.figures, day.digest) for day in days}
    frozen = [day.pk for day in days if day.period_id is not None]
    for line in Adjustment.objects.filter(workday__in=frozen).order_by("pk"):
        found[line.workday_id] = Standing(line.result["status"], line.result["figures"], line.digest)
    return found
