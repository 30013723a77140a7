"""What terminals pushed: every line kept once as it came, and booked as a punch where nothing is doubtful.

Promise: `store` commits before anybody acknowledges; any order and any repetition of pushes leads to the
same punches; a doubtful line waits for a human and is never booked in silence.
"""

import hmac
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import attendance
from access.attendance import CLOCK_TOLERANCE, LONGEST_OUTAGE, Punch
from access.doors import alarms
from access.terminals import devices, lines
from access.terminals.devices import Standing, Terminal

ATTENDANCE = "ATTLOG"
# Tables and kinds of lines with fingerprints, faces or photographs: answered, so that the terminal does not
# send them for ever, and thrown away. Names, cards and passwords of its users are not ours to keep either.
BIOMETRIC = frozenset(
    {"BIODATA", "BIOPHOTO", "FP", "FACE", "FVEIN", "ATTPHOTO", "USERPIC", "TEMPLATEV10", "USER"}
)
# Lines of one stranger that wait at most; more are not acknowledged, and it keeps them.
MOST_WAITING_LINES = 5_000
LONGEST_LINE = 500

logger = logging.getLogger(__name__)


class State(StrEnum):
    """What became of a line. Only RECEIVED is still to be booked."""

    RECEIVED = "received"
    BOOKED = "booked"
    UNAPPROVED = "unapproved"
    UNKNOWN_USER = "unknown_user"
    CLOCK = "clock"
    UNREADABLE = "unreadable"
    SWITCHED_OFF = "switched_off"
    EVENT = "event"
    DISCARDED = "discarded"


WORDS = {
    State.RECEIVED: _("to be booked"),
    State.BOOKED: _("booked"),
    State.UNAPPROVED: _("terminal not approved"),
    State.UNKNOWN_USER: _("unknown user"),
    State.CLOCK: _("clock not to be trusted"),
    State.UNREADABLE: _("not readable"),
    State.SWITCHED_OFF: _("attendance is switched off here"),
    State.EVENT: _("event of the terminal"),
    State.DISCARDED: _("discarded"),
}
# What waits for a human.
DOUBTFUL = (State.UNKNOWN_USER, State.CLOCK, State.UNREADABLE)


class Full(Exception):
    """A stranger sent more than is kept of strangers; nothing of this push was stored."""


class TerminalLine(models.Model):
    """Personal data: a PIN and when it was used. Discarding or erasing empties the line; a salted digest
    stays, so that the terminal's repeat is not taken for news."""

    terminal = models.ForeignKey(
        Terminal, verbose_name=_("terminal"), on_delete=models.PROTECT, related_name="lines"
    )
    table = models.CharField(_("table"), max_length=20)
    raw = models.CharField(_("line"), max_length=LONGEST_LINE)
    identity = models.BinaryField(max_length=32)
    # Text without choices: the lists are State and lines.Flag.
    state = models.CharField(_("state"), max_length=14, default=State.RECEIVED.value, db_index=True)
    pin = models.CharField(_("PIN"), max_length=lines.LONGEST_PIN, blank=True)
    verify = models.CharField(_("proof"), max_length=6, blank=True)
    at = models.DateTimeField(_("at"), null=True)
    flag = models.CharField(_("change of the clock"), max_length=8, blank=True)
    # A human said that its time holds, whatever the clock.
    trusted = models.BooleanField(default=False)
    received = models.DateTimeField(_("received"), default=timezone.now)
    times = models.PositiveIntegerField(_("times sent"), default=1)
    punch = models.OneToOneField(
        Punch, verbose_name=_("punch"), null=True, on_delete=models.SET_NULL, related_name="terminal_line"
    )

    class Meta:
        verbose_name = _("line of a terminal")
        verbose_name_plural = _("lines of terminals")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("terminal", "identity", name="a_line_is_kept_once")]
        indexes = [
            models.Index(fields=["id"], name="lines_to_book", condition=models.Q(state="received")),
        ]

    def __str__(self) -> str:
        return f"terminalline:{self.pk}"


@dataclass(frozen=True)
class Stored:
    """Of one push: the lines that are safe now (and may be acknowledged), those new among them, and those of
    people's bodies that were thrown away."""

    lines: int
    new: int
    discarded: int


def store(terminal: Terminal, table: str, text: str, *, stamp: str = "") -> Stored:
    """Keep every line of a push, each once. Raises Full for a stranger with too much to say."""
    found = [line.replace("\x00", "\ufffd") for line in text.splitlines() if line.strip()]
    kept = [line for line in found if not _biometric(table, line)]
    discarded = len(found) - len(kept)
    with transaction.atomic():
        # One push of a terminal at a time, so that its lines are counted right.
        held = Terminal.objects.select_for_update(no_key=True).get(pk=terminal.pk)
        new = _keep(held, table.upper(), kept)
        held.biometrics_discarded += discarded
        if table.upper() == ATTENDANCE and stamp.isascii() and stamp.isdigit():
            held.stamp = stamp[:40]
        held.save(update_fields=["biometrics_discarded", "stamp", "clock_ahead"])
    if discarded:
        logger.info("biometrics of a terminal thrown away", extra={"terminal": held.pk, "lines": discarded})
    return Stored(len(kept), new, discarded)


def _biometric(table: str, line: str) -> bool:
    return table.upper() in BIOMETRIC or (
        table.upper() != ATTENDANCE and line.split(maxsplit=1)[0].upper() in BIOMETRIC
    )


def _keep(held: Terminal, table: str, found: Sequence[str]) -> int:
    """How many were new. Call it with the terminal's row locked."""
    rows: dict[bytes, TerminalLine] = {}
    seen: Counter[bytes] = Counter()
    for raw in found:
        line = _line(held, table, raw)
        rows.setdefault(line.identity, line)
        seen[line.identity] += 1
    mine = TerminalLine.objects.filter(terminal=held)
    known = {bytes(key) for key in mine.filter(identity__in=rows).values_list("identity", flat=True)}
    for times in set(seen.values()):
        same = [key for key in known if seen[key] == times]
        mine.filter(identity__in=same).update(times=F("times") + times)
    fresh = [line for key, line in rows.items() if key not in known]
    for line in fresh:
        line.times = seen[line.identity]
    if held.standing == Standing.WAITING and mine.count() + len(fresh) > MOST_WAITING_LINES:
        raise Full
    TerminalLine.objects.bulk_create(fresh, batch_size=1000)
    if moments := [line.at for line in fresh if line.at]:
        held.clock_ahead = max(moments) - timezone.now()
    return len(fresh)


def _line(held: Terminal, table: str, raw: str) -> TerminalLine:
    """The row for a line; its identity is what makes two lines the same tap."""
    tap = lines.read(raw) if table == ATTENDANCE else None
    key = f"{tap.pin}\t{tap.wall}\t{tap.status}" if tap else f"{table}\n{raw}"
    line = TerminalLine(
        terminal=held,
        table=table[:20],
        raw=raw[:LONGEST_LINE],
        identity=hmac.digest(bytes(held.salt), key.encode(), "sha256"),
        state=(State.RECEIVED if table == ATTENDANCE else State.EVENT).value,
    )
    if tap:
        line.pin, line.verify = tap.pin, tap.verify
        if held.site:
            at, flag = lines.moment(tap.wall, ZoneInfo(held.site.zone))
            line.at, line.flag = at, flag.value
    if held.standing != Standing.APPROVED:
        line.state = State.UNAPPROVED.value
    return line


def waiting(terminal: Terminal | None = None) -> bool:
    """Whether lines are still to be booked, of this terminal or of any."""
    found = TerminalLine.objects.filter(state=State.RECEIVED.value)
    return (found.filter(terminal=terminal) if terminal else found).exists()


def book_received(*, terminal: Terminal | None = None, until: datetime | None = None) -> int:
    """How many lines were looked at. What is left at `until` stays to be booked by the next one who asks."""
    done = 0
    waiting = TerminalLine.objects.filter(state=State.RECEIVED.value).order_by("id")
    if terminal is not None:
        waiting = waiting.filter(terminal=terminal)
    for key in waiting.values_list("pk", flat=True)[:MOST_WAITING_LINES]:
        if until is not None and timezone.now() >= until:
            break
        book(key)
        done += 1
    return done


@transaction.atomic
def book(line_id: int) -> State:
    """Make a punch of a line that was received, or say what it waits for. Safe to repeat."""
    line = (
        TerminalLine.objects.select_for_update(of=("self",)).select_related("terminal__site").get(pk=line_id)
    )
    if line.state != State.RECEIVED:
        return State(line.state)
    state = _book(line)
    line.state = state.value
    line.save(update_fields=["state", "punch", "at", "flag"])
    if state is State.CLOCK:
        alarms.raise_alarm(alarms.Kind.CLOCK, line.terminal, line=line.pk)
    return state


def _book(line: TerminalLine) -> State:
    tap, site = lines.read(line.raw), line.terminal.site
    if tap is None:
        return State.UNREADABLE
    if site is None:
        return State.UNAPPROVED
    line.at, flag = lines.moment(tap.wall, ZoneInfo(site.zone))
    line.flag = flag.value
    if not site.keeps_attendance:
        return State.SWITCHED_OFF
    sane = line.received - LONGEST_OUTAGE <= line.at <= line.received + CLOCK_TOLERANCE
    if not sane and not line.trusted:
        return State.CLOCK
    person = devices.person_behind(line.terminal, tap.pin)
    if person is None:
        return State.UNKNOWN_USER
    doubtful = line.trusted or flag is not lines.Flag.NONE
    line.punch, _new = attendance.note_late(
        person,
        at=line.at,
        direction=tap.direction,
        origin=f"terminalline:{line.pk}",
        clock_ahead=None if doubtful else timedelta(0),
        source=Punch.Source.TERMINAL,
    )
    return State.BOOKED
