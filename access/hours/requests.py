"""What is asked for and decided once: leave, corrections. The row is locked while somebody decides.

Only a login that reaches the person and holds the right of that table decides; every step is in the trail.
"""

from typing import TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.hours import reach
from access.people import Person
from access.staff import Staff


class State(models.TextChoices):
    ASKED = "asked", _("asked for")
    APPROVED = "approved", _("approved")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


class AlreadyDecided(Exception):
    """Somebody else decided this meanwhile."""


class NotYours(Exception):
    """The login does not reach this person, or lacks the right to decide."""


class Request(models.Model):
    """The part all requests share: who asked, who decided, and the answer."""

    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.ASKED, editable=False, db_index=True
    )
    asked = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("entered by"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    decided = models.DateTimeField(_("decided"), null=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    answer = models.CharField(_("answer"), max_length=300, blank=True, editable=False)

    # The right that decides; each table names its own.
    decided_with = ""
    person: "models.ForeignKey[Person, Person]"

    class Meta:
        abstract = True

    def reached_by(self, staff: Staff) -> bool:
        """Whether this login reaches whom it is about."""
        return reach.reaches(staff, self.person)

    def about(self) -> dict[str, object]:
        """What the trail says of it, by keys."""
        return {"person": self.person.pk}


Asked = TypeVar("Asked", bound=Request)


def may_decide(staff: Staff, row: Request) -> bool:
    return staff.has_perm(row.decided_with) and row.reached_by(staff)


def ask(row: Asked, *, by: Staff | str | None) -> Asked:
    """File it, in the caller's transaction; it counts for nothing until somebody approves it."""
    row.state, row.asked = State.ASKED, timezone.now()
    row.asked_by = by if isinstance(by, Staff) else None
    row.save()
    audit.record(f"{row._meta.model_name}.asked", row, by=by, **row.about())
    return row


def decide(row: Asked, state: State, *, by: Staff, answer: str = "") -> Asked:
    """The row as decided, in the caller's transaction.

    Raises NotYours, and AlreadyDecided unless it was open (or, to be withdrawn, approved).
    """
    held = type(row)._default_manager.select_for_update().get(pk=row.pk)
    if not may_decide(by, held):
        raise NotYours
    open_to = {State.ASKED, State.APPROVED} if state == State.WITHDRAWN else {State.ASKED}
    if held.state not in open_to:
        raise AlreadyDecided
    held.state, held.decided, held.decided_by, held.answer = state, timezone.now(), by, answer
    held.save()
    audit.record(f"{row._meta.model_name}.{state}", held, by=by, **held.about())
    return held
