"""What a door is set to, and what it remembers: who came first, who waits for a second, when it last opened.

Promise: what one decision reads here no other can change before it is committed (`hold`), so of two doors of
an airlock never both open, and one person is never counted as two.
"""

import zoneinfo
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, policy
from access.doors import alarms, contacts, drivers
from access.doors.alarms import Kind
from access.doors.drivers import Order
from access.people import Person
from access.places import Door, Site
from access.staff import Staff


class DoorMemory(models.Model):
    """Personal data: who waits at a door for a second person, for seconds. Overwritten by the next."""

    door = models.OneToOneField(Door, primary_key=True, on_delete=models.CASCADE, related_name="memory")
    opened = models.DateTimeField(_("last opened"), null=True)
    came = models.DateTimeField(_("first person came"), null=True)
    waiting = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    waiting_since = models.DateTimeField(null=True)
    # The attempt that waits: once a second person has come, it is punched too.
    waiting_snapshot = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("door's memory")
        verbose_name_plural = _("doors' memories")

    def __str__(self) -> str:
        return f"memory of door:{self.door_id}"


def partners(door: Door) -> list[Door]:
    """The doors that must be shut while this one opens. Asked of few doors: most have none."""
    return list(door.interlocked.all())


def remembers(door: Door, beside: Sequence[Door]) -> bool:
    """Whether decisions at this door depend on earlier ones."""
    modes = (door.mode, door.mode_after)
    return bool(beside) or Door.Mode.FIRST_PERSON in modes or Door.Mode.TWO_PERSON in modes


def hold(door: Door, beside: Sequence[Door]) -> dict[int, DoorMemory]:
    """The memories of this door and those beside it, by key; locked in one order, for the transaction."""
    keys = sorted({door.pk, *(one.pk for one in beside)})
    DoorMemory.objects.bulk_create([DoorMemory(door_id=key) for key in keys], ignore_conflicts=True)
    found = DoorMemory.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    return {memory.door_id: memory for memory in found}


def doorway(door: Door, memory: DoorMemory | None, *, now: datetime) -> policy.Doorway:
    """The door and its site in the words of the rule."""
    zone = zoneinfo.ZoneInfo(door.site.zone)
    return policy.Doorway(
        name=door.name,
        zone=zone,
        mode=policy.Mode(door.mode_at(now)),
        factors=door.factors,
        second_factor=door.second_factor,
        locked_down=door.site.locked_down is not None,
        keeps_access=door.site.keeps_access,
        keeps_attendance=door.site.keeps_attendance,
        somebody_came=_somebody_came(door, memory, now.astimezone(zone)),
    )


def beside_open(door: Door, beside: Sequence[Door], memories: dict[int, DoorMemory], *, now: datetime) -> str:
    """The name of an interlocked door that is open, or was just opened and has not closed; or nothing."""
    just = now - timedelta(seconds=door.interlock_seconds)
    for one in beside:
        contact = contacts.state_of(one)
        if contact.state is not None and contact.state is not contacts.State.CLOSED:
            return one.name
        opened = memories[one.pk].opened
        closed_since = contact.since is not None and opened is not None and contact.since > opened
        if opened is not None and opened > just and not closed_since:
            return one.name
    return ""


def waiting(door: Door, memory: DoorMemory | None, *, now: datetime) -> DoorMemory | None:
    """The memory, if somebody waits at this door for a second person and has not waited too long."""
    if memory is None or memory.waiting_since is None or door.mode_at(now) != Door.Mode.TWO_PERSON:
        return None
    return memory if now - memory.waiting_since <= timedelta(seconds=door.two_person_seconds) else None


def remember(
    memory: DoorMemory, verdict: policy.Verdict, *, person: Person | None, snapshot: object, now: datetime
) -> None:
    """Write down what the next decision at this door, or beside it, must know."""
    if verdict.reason is policy.Reason.SECOND_PERSON_NEEDED:
        memory.waiting, memory.waiting_since, memory.waiting_snapshot = person, now, snapshot  # type: ignore[assignment]
    elif verdict.granted:
        memory.opened = now
        memory.waiting = memory.waiting_since = memory.waiting_snapshot = None
        if verdict.proven and verdict.reason is not policy.Reason.FREE_PASSAGE:
            memory.came = now
    else:
        return
    memory.save()


def _somebody_came(door: Door, memory: DoorMemory | None, local: datetime) -> bool:
    if memory is None or memory.came is None or door.mode_at(local) != Door.Mode.FIRST_PERSON:
        return False
    return any(
        begin <= local < end and begin <= memory.came < end
        for begin, end in (_hours(door, local - timedelta(days=days)) for days in (0, 1))
    )


def _hours(door: Door, local: datetime) -> tuple[datetime, datetime]:
    """The door's free hours that begin on this day, by the clock on the site's wall; beyond midnight too."""
    day, zone = local.date(), local.tzinfo
    begin = datetime.combine(day, door.free_from or time(0), zone)
    until = door.free_until or time(0)
    last = day if until > begin.time() else day + timedelta(days=1)
    return begin, datetime.combine(last, until, zone)


LONGEST = timedelta(days=366)


class Unacceptable(Exception):
    """The door cannot be set so; the text says why."""


@transaction.atomic
def set_mode(door: Door, mode: str, *, by: Staff | None, why: str, until: datetime | None = None) -> Door:
    """The door, in this mode from the next decision on: until a moment (with zone), then as before; or until
    somebody sets another. Raises Unacceptable without a reason, for a moment gone by or a year ahead."""
    now = timezone.now()
    if not why.strip():
        raise Unacceptable(_("Say why."))
    if until is not None and until <= now:
        raise Unacceptable(_("This moment is over."))
    if until is not None and until > now + LONGEST:
        raise Unacceptable(_("For a year at most; set a mode that lasts instead."))
    row = Door.objects.select_for_update().select_related("site").get(pk=door.pk)
    lasting = row.mode_after if row.mode_until is not None else row.mode
    row.mode, row.mode_until = mode, until
    row.mode_after = mode if until is None else lasting
    row.mode_set, row.mode_by, row.mode_why = now, by, why.strip()[:200]
    row.save(update_fields=["mode", "mode_until", "mode_after", "mode_set", "mode_by", "mode_why"])
    # The words of the reason stay on the door: somebody may write a name there.
    audit.record("door.mode_set", row, by=by, mode=mode, until=until.isoformat() if until else None)
    if mode == Door.Mode.LOCKED:
        _shut([row], by=by, why=why)
    return row


@transaction.atomic
def lock_down(site: Site, *, by: Staff | None = None, why: str = "") -> bool:
    """True if the site was open until now: from the next decision on none of its doors opens for anybody.

    A lock that staff had left released is told to hold again, and an alarm tells everybody who watches.
    """
    why = why.strip()[:200]
    done = Site.objects.filter(pk=site.pk, locked_down=None).update(
        locked_down=timezone.now(), lockdown_by=by, lockdown_why=why
    )
    if done:
        audit.record("site.locked_down", site, by=by)
        alarms.raise_alarm(Kind.LOCKDOWN, site)
        _shut(list(Door.objects.filter(site=site).select_related("site")), by=by, why=why)
    return bool(done)


@transaction.atomic
def lift(site: Site, *, by: object = None) -> bool:
    """True if the site was locked down until now: its doors do again what they are set to."""
    down = Site.objects.filter(pk=site.pk).exclude(locked_down=None)
    done = down.update(locked_down=None, lockdown_by=None, lockdown_why="")
    if done:
        audit.record("site.lockdown_lifted", site, by=by)
        alarms.end(Kind.LOCKDOWN, site)
    return bool(done)


def _shut(doors: Sequence[Door], *, by: Staff | None, why: str) -> None:
    """Locks that an order by staff left released hold again."""
    for door in doors:
        last = drivers.last_lasting_order(door)
        if last is not None and last.order == Order.UNLOCK:
            drivers.order(door, Order.LOCK, by=by, reason=why or str(_("lockdown")))
