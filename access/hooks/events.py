"""What an event says: small, by keys, without biometrics, and with names only where the endpoint may."""

from datetime import datetime
from typing import Any

from access.attendance import Punch
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.hooks.endpoints import Event
from access.people import Person

TEST = "test"


def told(event: str, key: str, *, names: bool) -> dict[str, Any] | None:
    """The data of an event; None where the fact is gone, as with a demo that was removed."""
    if event == TEST:
        return {"message": "It works."}
    if event == Event.PUNCH:
        punch = Punch.objects.select_related("person").filter(pk=key).first()
        return punch and _punch(punch, names)
    if event == Event.DECISION:
        decision = Decision.objects.select_related("person", "snapshot__kiosk__door").filter(pk=key).first()
        return decision and _decision(decision, names)
    alarm = Alarm.objects.select_related("person").filter(pk=key).first()
    return alarm and _alarm(alarm, names)


def _punch(punch: Punch, names: bool) -> dict[str, Any]:
    return {
        "id": str(punch.pk),
        "at": iso(punch.at),
        "direction": punch.direction,
        "direction_given": punch.explicit,
        "source": punch.source,
        "clock_suspect": punch.suspect,
        "kiosk": punch.kiosk_id,
        "person": _person(punch.person, names),
    }


def _decision(decision: Decision, names: bool) -> dict[str, Any]:
    kiosk = decision.snapshot.kiosk
    return {
        "id": str(decision.pk),
        "at": iso(decision.at),
        "granted": decision.granted,
        "reason": decision.reason,
        "direction": decision.direction or None,
        "kiosk": kiosk.pk,
        "door": kiosk.door_id,
        "site": kiosk.door.site_id,
        "person": _person(decision.person, names),
    }


def _alarm(alarm: Alarm, names: bool) -> dict[str, Any]:
    return {
        "id": alarm.pk,
        "kind": alarm.kind,
        "about": alarm.subject,
        "door": alarm.door_id,
        "kiosk": alarm.kiosk_id,
        "silent": alarm.silent,
        "opened": iso(alarm.opened),
        "acknowledged": iso(alarm.acknowledged) if alarm.acknowledged else None,
        "person": _person(alarm.person, names),
    }


def _person(person: Person | None, names: bool) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"id": person.pk} | ({"badge": person.badge, "name": person.name} if names else {})


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
