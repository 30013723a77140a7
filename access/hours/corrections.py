"""Corrections: a punch that is missing, should not count, or was at another time. The facts stay.

Approving one that names a time writes a punch by hand, with its reason; a punch that it names counts no more
as long as the correction is approved. Withdrawing it restores what was.
"""

import datetime as dt

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from access import attendance
from access.attendance import Punch
from access.hours import requests
from access.hours.requests import Request, State
from access.people import Person
from access.staff import Staff


class Correction(Request):
    """Personal data: working time, and why it was corrected. Kept with the payroll; erasure empties the
    reason and leaves a bare key."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="corrections"
    )
    day = models.DateField(_("working day"))
    punch = models.ForeignKey(
        Punch,
        verbose_name=_("punch that counts no more"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrections",
        help_text=_("Those around the day, once a person and a day are chosen. Empty: none is taken away."),
    )
    at = models.DateTimeField(
        _("punch to add"), null=True, blank=True, help_text=_("Empty: nothing is added.")
    )
    direction = models.CharField(
        _("direction"), max_length=9, choices=Punch.Way.choices, blank=True, help_text=_("Of the new punch.")
    )
    reason = models.CharField(_("reason"), max_length=300)
    # Where nobody was logged in: "kiosk:3", with the decision whose answer asked.
    asked_at = models.CharField(max_length=80, blank=True, editable=False)
    decision = models.OneToOneField(
        "access.Decision", null=True, editable=False, on_delete=models.SET_NULL, related_name="correction"
    )
    made = models.OneToOneField(
        Punch, null=True, editable=False, on_delete=models.SET_NULL, related_name="made_by"
    )

    outage = models.ForeignKey(
        "access.Outage", null=True, editable=False, on_delete=models.PROTECT, related_name="corrections"
    )

    decided_with = "access.approve_correction"

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-asked", "-pk"]
        permissions = [("approve_correction", "Can decide on corrections")]
        indexes = [models.Index(fields=["person", "day"], name="corrections_of_a_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(punch__isnull=False) | Q(at__isnull=False), name="a_correction_changes_something"
            ),
            models.CheckConstraint(
                condition=Q(at__isnull=True) | ~Q(direction=""), name="a_punch_by_hand_has_a_direction"
            ),
            models.UniqueConstraint(
                "punch", condition=Q(state=State.APPROVED), name="a_punch_is_corrected_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} · {self.day:%d.%m.%Y}"

    @property
    def what(self) -> str:
        if self.punch_id and self.at:
            return str(_("change a punch"))
        return str(_("add a punch") if self.at else _("leave out a punch"))


class OvertimeApproval(models.Model):
    """Personal data: overtime of a day that somebody approved. Kept with the payroll; erasure leaves a bare
    key."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="overtime_approvals"
    )
    day = models.DateField(_("working day"))
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), help_text=_("Overtime beyond this counts for nothing where rules ask for approval.")
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    by = models.ForeignKey(
        "access.Staff", verbose_name=_("by"), null=True, editable=False, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(_("at"), auto_now=True)

    class Meta:
        verbose_name = _("approval of overtime")
        verbose_name_plural = _("approvals of overtime")
        ordering = ["-day"]
        constraints = [models.UniqueConstraint("person", "day", name="overtime_is_approved_once_a_day")]

    def __str__(self) -> str:
        return f"{self.minutes} min, {self.day:%d.%m.%Y}"


class AskedBefore(Exception):
    """The question of this decision was answered already."""


class OwnRequest(Exception):
    """Who asked for punches of an outage does not approve them."""


class CorrectedBefore(Exception):
    """Another correction of the same punch is in force; it has to be taken back first."""


@transaction.atomic
def ask(correction: Correction, *, by: Staff | str | None) -> Correction:
    """File the request; the punches count as before until somebody approves it."""
    correction.asked_at = by if isinstance(by, str) else ""
    return requests.ask(correction, by=by)


@transaction.atomic
def decide(correction: Correction, state: State, *, by: Staff, answer: str = "") -> Correction:
    """Approve, refuse, or take back.

    Raises CorrectedBefore, OwnRequest, requests.NotYours and requests.AlreadyDecided.
    """
    if state == State.APPROVED and correction.outage_id and correction.asked_by_id == by.pk:
        raise OwnRequest
    rivals = Correction.objects.filter(punch=correction.punch_id, state=State.APPROVED)
    if state == State.APPROVED and correction.punch_id and rivals.exclude(pk=correction.pk).exists():
        raise CorrectedBefore
    held = requests.decide(correction, state, by=by, answer=answer)
    if state == State.APPROVED and held.at is not None:
        held.made = attendance.note_punch(
            held.person,
            at=held.at,
            direction=held.direction,
            explicit=True,
            source=Punch.Source.OUTAGE if held.outage_id else Punch.Source.MANUAL,
            origin=f"correction:{held.pk}",
        )
        held.save(update_fields=["made"])
    return held


def left_out(people: list[int], begin: dt.datetime, end: dt.datetime) -> set[object]:
    """Keys of punches in this time that count for nothing: corrected, or made by a correction taken back."""
    taken = Correction.objects.filter(
        punch__person__in=people, punch__at__gte=begin, punch__at__lt=end, state=State.APPROVED
    ).values_list("punch_id", flat=True)
    undone = (
        Correction.objects.filter(made__person__in=people, made__at__gte=begin, made__at__lt=end)
        .exclude(state=State.APPROVED)
        .values_list("made_id", flat=True)
    )
    return {*taken, *undone}
