"""Changes of closed days, proposed: "14 days change, +3:20 h overtime". Nothing changes until one accepts.

At most one proposal of a person is open; a later look replaces it. What was rejected is not proposed again
as long as the same facts would lead to the same result.
"""

from collections import Counter
from datetime import date
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.hours import reach, workdays
from access.hours.payroll import Adjustment
from access.hours.requests import AlreadyDecided, NotYours
from access.hours.workdays import Computed, WorkDay
from access.people import Person
from access.staff import Staff

DECIDED_WITH = "access.decide_proposal"


class Outdated(Exception):
    """The days have changed since this was proposed; look again at the newer proposal."""


class Proposal(models.Model):
    """Personal data: working time before and after. Kept with the payroll; erasure empties the note and
    leaves a bare key."""

    class State(models.TextChoices):
        OPEN = "open", _("to decide")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        REPLACED = "replaced", _("replaced by a newer one")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="proposals"
    )
    made = models.DateTimeField(_("made"), auto_now_add=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.OPEN, db_index=True
    )
    # By day: what stood (digest, status, figures), what would stand (all of Computed).
    changes = models.JSONField(_("changes"), default=dict)
    days = models.PositiveIntegerField(_("days"))
    decided = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("proposed change")
        verbose_name_plural = _("proposed changes")
        ordering = ["-made", "-pk"]
        permissions = [("decide_proposal", "Can accept or reject changes of closed days")]
        constraints = [
            models.UniqueConstraint("person", condition=Q(state="open"), name="one_open_proposal_per_person")
        ]

    def __str__(self) -> str:
        return f"proposal:{self.pk}"

    @property
    def difference(self) -> dict[str, int]:
        """Minutes by figure over all days, only those that change."""
        total: Counter[str] = Counter()
        for change in self.changes.values():
            total.update(between(change["before"]["figures"], change["after"]["figures"]))
        return {name: minutes for name, minutes in total.items() if minutes}


def between(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Minutes by figure, after less before; figures that stay are left out."""
    names = {*before, *after}
    found = {name: after.get(name, 0) - before.get(name, 0) for name in sorted(names)}
    return {name: minutes for name, minutes in found.items() if minutes}


def changed(stands: workdays.Standing, found: Computed) -> bool:
    """Whether anybody would notice: another status or another figure. New words for the same do not count."""
    return stands.digest != found.digest and (
        stands.status != found.status or bool(between(stands.figures, found.figures))
    )


def propose(person: int, looked_at: set[date], found: dict[date, tuple[workdays.Standing, Computed]]) -> int:
    """How many days the person's open proposal now changes; 0 if none is needed.

    `looked_at`: the days that were computed; what an older proposal says of others is kept. In the caller's
    transaction, one caller at a time.
    """
    old = Proposal.objects.filter(person=person, state=Proposal.State.OPEN).first()
    refused = _refused(person)
    kept = {
        day: change
        for day, change in (old.changes if old else {}).items()
        if date.fromisoformat(day) not in looked_at
    }
    fresh = {
        day.isoformat(): _change(stands, computed)
        for day, (stands, computed) in sorted(found.items())
        if refused.get(day.isoformat()) != computed.digest
    }
    changes = kept | fresh
    if old and old.changes == changes:
        return len(changes)
    if old:
        old.state = Proposal.State.REPLACED
        old.save(update_fields=["state"])
    if changes:
        Proposal.objects.create(person_id=person, changes=changes, days=len(changes))
    return len(changes)


def _change(stands: workdays.Standing, found: Computed) -> dict[str, Any]:
    return {
        "before": {"digest": stands.digest, "status": stands.status, "figures": stands.figures},
        "after": {
            "digest": found.digest,
            "status": found.status,
            "figures": found.figures,
            "shift": found.shift,
            "rules": found.rules,
            "result": found.result,
        },
    }


def _refused(person: int) -> dict[str, str]:
    """Digest by day of what was last decided on and rejected."""
    found: dict[str, str] = {}
    decided = [Proposal.State.ACCEPTED, Proposal.State.REJECTED]
    for one in Proposal.objects.filter(person=person, state__in=decided).order_by("decided", "pk"):
        for day, change in one.changes.items():
            if one.state == Proposal.State.REJECTED:
                found[day] = change["after"]["digest"]
            else:
                found.pop(day, None)
    return found


def may_decide(staff: Staff, proposal: Proposal) -> bool:
    return staff.has_perm(DECIDED_WITH) and reach.reaches(staff, proposal.person)


@transaction.atomic
def accept(proposal: Proposal, *, by: Staff, note: str = "") -> Proposal:
    """Every day takes the proposed result; a frozen one gets an adjustment line instead.

    Raises NotYours, AlreadyDecided, and Outdated if a day no longer stands as it did.
    """
    held = _held(proposal, by)
    days = WorkDay.objects.select_for_update().filter(person=held.person, day__in=list(held.changes))
    rows = {row.day.isoformat(): row for row in days}
    stands = workdays.standing(rows.values())
    for day, change in held.changes.items():
        row = rows.get(day)
        if row is None or stands[row.pk].digest != change["before"]["digest"]:
            raise Outdated
        _apply(held, row, change)
    return _decide(held, Proposal.State.ACCEPTED, by, note)


@transaction.atomic
def reject(proposal: Proposal, *, by: Staff, note: str = "") -> Proposal:
    """The days stay as they are. Raises NotYours and AlreadyDecided."""
    return _decide(_held(proposal, by), Proposal.State.REJECTED, by, note)


def _held(proposal: Proposal, by: Staff) -> Proposal:
    held = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if not may_decide(by, held):
        raise NotYours
    if held.state != Proposal.State.OPEN:
        raise AlreadyDecided
    return held


def _apply(proposal: Proposal, row: WorkDay, change: dict[str, Any]) -> None:
    after = change["after"]
    if row.period_id is not None:
        Adjustment.objects.create(
            workday=row,
            person_id=row.person_id,
            day=row.day,
            proposal=proposal,
            difference=between(change["before"]["figures"], after["figures"]),
            result=after,
            digest=after["digest"],
        )
        return
    row.status, row.shift, row.rules_id = after["status"], after["shift"], after["rules"]
    row.figures, row.result, row.digest = after["figures"], after["result"], after["digest"]
    row.save()


def _decide(held: Proposal, state: str, by: Staff, note: str) -> Proposal:
    held.state, held.decided, held.decided_by, held.note = state, timezone.now(), by, note
    held.save()
    audit.record(f"proposal.{state}", held, by=by, person=held.person_id, days=held.days)
    return held
