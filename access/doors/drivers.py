"""Drivers: how a door is told to open, and what became of every command.

Promise: a command leaves after the commit of the decision that caused it and never after that decision's
deadline; whatever failed or came late opened nothing that we know of, and is an alarm.
"""

from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.places import Door


class Order(StrEnum):
    """What a lock is told. OPEN releases it for the door's seconds; UNLOCK until a LOCK."""

    OPEN = "open"
    UNLOCK = "unlock"
    LOCK = "lock"


class Fate(StrEnum):
    """What became of a command. Only PENDING may still be carried out."""

    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class DoorCommand(models.Model):
    """Personal data: whose grant it was, through the decision, or which login asked. Kept like decisions;
    goes with a demo's door."""

    door = models.ForeignKey(Door, verbose_name=_("door"), on_delete=models.CASCADE, related_name="commands")
    order = models.CharField(_("order"), max_length=10, default=Order.OPEN.value)
    # One command per decision, by constraint; None where a member of staff asked.
    decision = models.OneToOneField(
        "access.Decision",
        verbose_name=_("decision"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="command",
    )
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    driver = models.CharField(_("driver"), max_length=20)
    made = models.DateTimeField(_("made"), default=timezone.now)
    # Not carried out later than this, whatever happens.
    deadline = models.DateTimeField(_("deadline"))
    state = models.CharField(_("state"), max_length=10, default=Fate.PENDING.value)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("door command")
        verbose_name_plural = _("door commands")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["door", "-made"], name="commands_of_a_door"),
            models.Index(
                fields=["deadline"],
                name="commands_under_way",
                condition=models.Q(state__in=["pending", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} door:{self.door_id}"


def released(door: Door, first: datetime, last: datetime) -> bool:
    """True if the lock was released by an order at some moment from `first` to `last`."""
    commands = DoorCommand.objects.filter(door=door, made__lte=last).exclude(state=Fate.EXPIRED.value)
    if commands.filter(order=Order.OPEN.value, made__gte=first).exists():
        return True
    lasting = commands.exclude(order=Order.OPEN.value)
    if lasting.filter(made__gte=first, order=Order.UNLOCK.value).exists():
        return True
    before = lasting.filter(made__lt=first).order_by("-made", "-id").first()
    return before is not None and before.order == Order.UNLOCK.value
