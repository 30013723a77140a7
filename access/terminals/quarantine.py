"""What waits for a human: strange terminals, unknown users, clocks that cannot be right.

Every answer is on record.
"""

from django.db import transaction
from django.db.models import QuerySet

from access import audit
from access.people import Person
from access.places import Door, Site
from access.terminals import pushes
from access.terminals.devices import Standing, Terminal, TerminalUser
from access.terminals.pushes import DOUBTFUL, State, TerminalLine


class Settled(Exception):
    """Somebody else has settled this meanwhile, or there was nothing to settle."""


@transaction.atomic
def approve(terminal: Terminal, *, site: Site, door: Door | None = None, by: object = None) -> int:
    """Listen to this terminal from now on; how many of its lines now wait for pushes.book_received."""
    held = Terminal.objects.select_for_update().get(pk=terminal.pk)
    held.standing, held.site, held.door = Standing.APPROVED.value, site, door
    held.full_clean(validate_unique=False, validate_constraints=False)
    held.save(update_fields=["standing", "site", "door"])
    waiting = held.lines.filter(state=State.UNAPPROVED.value)
    count = waiting.filter(table=pushes.ATTENDANCE).update(state=State.RECEIVED.value)
    waiting.update(state=State.EVENT.value)
    audit.record("terminal.approved", held, by=by, site=site.pk, lines=count)
    return count


@transaction.atomic
def refuse(terminal: Terminal, *, by: object = None) -> int:
    """Listen no longer; what nobody booked is emptied. How many lines that were."""
    held = Terminal.objects.select_for_update().get(pk=terminal.pk)
    held.standing = Standing.REFUSED.value
    held.save(update_fields=["standing"])
    count = _empty(held.lines.filter(punch=None).exclude(state=State.DISCARDED.value))
    audit.record("terminal.refused", held, by=by, lines=count)
    return count


@transaction.atomic
def assign(terminal: Terminal, pin: str, person: Person, *, by: object = None) -> int:
    """This PIN is this person's, now and for all that comes; how many lines were booked.

    Raises Settled if the PIN is somebody else's by now, and Person.DoesNotExist for somebody erased.
    """
    held = Person.objects.select_for_update(no_key=True).get(pk=person.pk, erased=None)
    row, made = TerminalUser.objects.get_or_create(terminal=terminal, pin=pin, defaults={"person": held})
    if not made and row.person_id != held.pk:
        raise Settled
    audit.record("terminal.user_assigned", terminal, by=by, person=held.pk)
    waiting = terminal.lines.filter(state=State.UNKNOWN_USER.value, pin=pin)
    keys = list(waiting.values_list("pk", flat=True))
    waiting.update(state=State.RECEIVED.value)
    return sum(pushes.book(key) is State.BOOKED for key in keys)


@transaction.atomic
def trust(line: TerminalLine, *, by: object = None) -> State:
    """Book a line whose clock was doubted, at the time it says; the punch stays marked as suspect."""
    found = TerminalLine.objects.filter(pk=line.pk, state=State.CLOCK.value)
    if not found.update(state=State.RECEIVED.value, trusted=True):
        raise Settled
    audit.record("terminalline.trusted", line, by=by)
    return pushes.book(line.pk)


@transaction.atomic
def discard(line: TerminalLine, *, by: object = None) -> None:
    """Empty a line that waits for a human. Raises Settled if it no longer does."""
    if not _empty(TerminalLine.objects.filter(pk=line.pk, state__in=[state.value for state in DOUBTFUL])):
        raise Settled
    audit.record("terminalline.discarded", line, by=by)


def _empty(rows: QuerySet[TerminalLine]) -> int:
    return rows.update(state=State.DISCARDED.value, raw="", pin="", at=None, flag="")


def forget(person: Person) -> int:
    """How many lines of somebody who is erased were emptied, the punches apart; part of erasing them."""
    TerminalUser.objects.filter(person=person).delete()
    return TerminalLine.objects.filter(punch__person=person).exclude(raw="").update(raw="", pin="")
