"""What a terminal is told to do when it next asks: tell about itself, look for news, set its clock.

An order is text of the protocol without anybody's name; its fate stays on record.
"""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.terminals import lines
from access.terminals.devices import Terminal

AT_ONCE = 10


class Kind(StrEnum):
    INFO = "info"
    CHECK = "check"
    CLOCK = "clock"


class Fate(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


class TerminalCommand(models.Model):
    """Personal data: which login asked. Kept with its terminal."""

    terminal = models.ForeignKey(
        Terminal, verbose_name=_("terminal"), on_delete=models.CASCADE, related_name="commands"
    )
    # Text without choices: the lists are Kind and Fate.
    kind = models.CharField(_("order"), max_length=10)
    state = models.CharField(_("state"), max_length=10, default=Fate.PENDING.value)
    answer = models.CharField(_("answer"), max_length=40, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made = models.DateTimeField(_("made"), default=timezone.now)
    sent = models.DateTimeField(_("sent"), null=True)
    finished = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("terminal command")
        verbose_name_plural = _("terminal commands")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} terminal:{self.terminal_id}"


@transaction.atomic
def ask(terminal: Terminal, kind: Kind, *, by: object = None) -> TerminalCommand:
    """The order, waiting for the terminal to ask; one of a kind waits at a time."""
    Terminal.objects.select_for_update(no_key=True).get(pk=terminal.pk)
    waiting = terminal.commands.filter(kind=kind.value, state=Fate.PENDING.value).first()
    if waiting is not None:
        return waiting
    made = TerminalCommand.objects.create(
        terminal=terminal, kind=kind.value, asked_by=by if isinstance(by, models.Model) else None
    )
    audit.record("terminal.asked", terminal, by=by, order=kind.value)
    return made


@transaction.atomic
def take(terminal: Terminal) -> list[str]:
    """The waiting orders as lines of the protocol, oldest first; they count as sent from here on.

    One that the terminal has not answered is not sent again: asking again is a human's decision.
    """
    waiting = list(
        terminal.commands.select_for_update().filter(state=Fate.PENDING.value).order_by("id")[:AT_ONCE]
    )
    now = timezone.now()
    for order in waiting:
        order.state, order.sent = Fate.SENT.value, now
        order.save(update_fields=["state", "sent"])
    return [f"C:{order.pk}:{_text(order, now)}" for order in waiting]


def _text(order: TerminalCommand, now: datetime) -> str:
    if order.kind != Kind.CLOCK:
        return order.kind.upper()
    site = order.terminal.site
    wall = now.astimezone(ZoneInfo(site.zone if site else "UTC"))
    return f"SET OPTION DateTime={lines.packed(wall)}"


@transaction.atomic
def answered(terminal: Terminal, number: int, code: str) -> bool:
    """True if it was an order sent to this terminal. Codes from 0 up mean done, negative ones an error."""
    found = terminal.commands.filter(pk=number, state=Fate.SENT.value)
    done = code.isascii() and code.isdigit()
    state = Fate.DONE if done else Fate.FAILED
    return bool(found.update(state=state.value, answer=code[:40], finished=timezone.now()))
