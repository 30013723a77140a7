"""Drivers: how a door is told to open, and what became of every command.

Promise: a command leaves after the commit of the decision that caused it and never after that decision's
deadline; whatever failed or came late opened nothing that we know of, and is an alarm.
"""

import logging
import threading
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, vault
from access.doors import alarms, broker, relay, wiring
from access.doors.alarms import Kind
from access.doors.errand import Errand, Failed
from access.doors.wiring import Driver, Wiring
from access.places import Door

if TYPE_CHECKING:
    from access.decisions import Decision

# What a member of staff asked for is not worth carrying out later than this either.
STAFF_DEADLINE = timedelta(seconds=5)
# The process that made a command sends it at once; one that still waits after this has lost its process.
ORPHANED = timedelta(milliseconds=250)
# Sending ends at the deadline; a command said to be under way so long after it has lost its process too.
OVERDUE = timedelta(seconds=5)
# So long must a lock's answer be waited for, however near the deadline is: it was sent in time.
LEAST_SECONDS = 0.1
TOO_LATE = "the deadline came first; not sent"

SENDERS = {Driver.HTTP.value: relay.send, Driver.MQTT.value: broker.send}

logger = logging.getLogger(__name__)


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
    # Why a member of staff asked. Their words stay here, and out of the audit trail.
    reason = models.CharField(_("reason"), max_length=200, blank=True)
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
        permissions = [("order_door", "Can open, unlock and lock doors")]
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


def command(decision: "Decision") -> DoorCommand | None:
    """The order to open that a grant gives, in the decision's transaction; None for a refusal.

    It leaves after the commit and in a thread of its own, so that no kiosk waits for a lock.
    """
    if not decision.granted:
        return None
    snapshot = decision.snapshot
    return _give(snapshot.kiosk.door, Order.OPEN, deadline=snapshot.deadline, decision=decision)


@transaction.atomic
def order(door: Door, what: Order, *, by: Any, reason: str) -> DoorCommand:
    """A member of staff opens, unlocks or locks a door. Raises ValueError without a reason."""
    if not reason.strip():
        raise ValueError("Say why.")
    made = _give(door, what, deadline=timezone.now() + STAFF_DEADLINE, staff=by, reason=reason.strip()[:200])
    audit.record("door.ordered", door, by=by, order=what.value, command=made.pk)
    return made


def _give(door: Door, what: Order, *, deadline: datetime, **about: Any) -> DoorCommand:
    wired = wiring.of(door)
    made = DoorCommand(door=door, order=what.value, driver=wired.driver, deadline=deadline, **about)
    if wired.driver == Driver.SIMULATED:
        # Nothing to send: the lock is this very row.
        made.state, made.finished = Fate.DONE.value, made.made
        made.save()
    else:
        made.save()
        transaction.on_commit(lambda: _start(made.pk))
    return made


def _start(command_id: int) -> None:
    threading.Thread(target=_carry_out_and_close, args=(command_id,), name="door", daemon=True).start()


def _carry_out_and_close(command_id: int) -> None:
    try:
        carry_out(command_id)
    except Exception:
        # The edge of a thread. The sweep finds what this one left, and says so by an alarm.
        logger.exception("a door command was not carried out", extra={"command": command_id})
    finally:
        connection.close()


def carry_out(command_id: int) -> Fate | None:
    """What became of it: sent if it still waits and its deadline has not come. None if another has it."""
    waiting = DoorCommand.objects.select_related("door").filter(pk=command_id, state=Fate.PENDING.value)
    mine = waiting.filter(deadline__gt=timezone.now()).update(state=Fate.SENDING.value)
    if not mine:
        late = waiting.first()
        return _finish(late, Fate.EXPIRED, TOO_LATE) if late else None
    row = DoorCommand.objects.select_related("door").get(pk=command_id)
    wired = wiring.of(row.door)
    error = ""
    try:
        _send(row, wired)
    except Failed as failure:
        error = str(failure)
    except Exception as failure:
        # Whatever a library makes of a broken lock: the command failed, and somebody must know.
        logger.exception("a driver failed", extra={"command": command_id, "driver": row.driver})
        error = type(failure).__name__
    return _finish(row, Fate.FAILED if error else Fate.DONE, error)


def _send(row: DoorCommand, wired: Wiring) -> None:
    """Raises Failed. The clock is asked last of all: a claim may have had to wait for the database."""
    sender = SENDERS.get(row.driver)
    if sender is None:
        raise Failed(f"no driver {row.driver!r}")
    try:
        secret = wired.secret
    except vault.Sealed as error:
        raise Failed("the secret does not open with the master keys") from error
    if settings.DATABASE_POOL and not connection.in_atomic_block:
        connection.close()  # while a lock is waited for, the connection serves others
    left = (row.deadline - timezone.now()).total_seconds()
    if left <= 0:
        raise Failed(TOO_LATE)
    sender(
        Errand(
            command=row.pk,
            door=row.door_id,
            order=row.order,
            seconds=wired.open_seconds,
            address=wired.address,
            secret=secret,
            expires=row.deadline,
            left=max(left, LEAST_SECONDS),
        )
    )


@transaction.atomic
def _finish(row: DoorCommand, fate: Fate, error: str = "") -> Fate | None:
    """Write down how it ended, once; a command that did not reach its door is an alarm."""
    open_ones = DoorCommand.objects.filter(pk=row.pk, state__in=[Fate.PENDING.value, Fate.SENDING.value])
    if not open_ones.update(state=fate.value, finished=timezone.now(), error=error[:200]):
        return None
    if fate is Fate.DONE:
        alarms.end(Kind.COMMAND_FAILED, row.door)
    else:
        alarms.raise_alarm(
            Kind.COMMAND_FAILED, row.door, door=row.door, order=row.order, command=row.pk, error=error
        )
    return fate


def sweep() -> int:
    """How many commands had lost their process: sent if there is time, else given up with an alarm."""
    now, found = timezone.now(), 0
    under_way = DoorCommand.objects.filter(state__in=[Fate.PENDING.value, Fate.SENDING.value])
    for row in under_way.select_related("door").filter(
        models.Q(state=Fate.PENDING.value, made__lt=now - ORPHANED) | models.Q(deadline__lt=now - OVERDUE)
    ):
        if row.state == Fate.SENDING:
            found += _finish(row, Fate.FAILED, "the process that sent it ended") is not None
        elif row.deadline <= now:
            found += _finish(row, Fate.EXPIRED, TOO_LATE) is not None
        else:
            _start(row.pk)
            found += 1
    return found


def last_order(door: Door) -> DoorCommand | None:
    """The latest there was, whoever gave it."""
    return DoorCommand.objects.filter(door=door).order_by("-made", "-id").first()


def last_lasting_order(door: Door) -> DoorCommand | None:
    """The latest order that lasts, to unlock or to lock; one that came too late was never sent."""
    lasting = DoorCommand.objects.filter(door=door).exclude(order=Order.OPEN.value)
    return lasting.exclude(state=Fate.EXPIRED.value).order_by("-made", "-id").first()


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
