"""Questions to the simulator as links: from a decision, from a person, from another answer."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.decisions import Decision
from access.places import Door
from access.policy import Factor

SHOWN = [
    (Factor.FACE.value, _("a face")),
    (Factor.CARD.value, _("a card or QR code")),
    (Factor.PIN.value, _("a PIN")),
]
MILLISECOND, RESOLUTION = timedelta(milliseconds=1), timedelta.resolution
RIGHTS = ("access.view_door", "access.view_person", "access.view_decision")


def address(
    person: object, door: Door, at: datetime | None = None, *, shown: Any = (), decision: object = None
) -> str:
    """The page with this question asked."""
    query: list[tuple[str, Any]] = [("person", person), ("door", door.pk)]
    if at is not None:
        # Not before it, by a hair: what was edited in the same second was in force by then.
        local = (at + MILLISECOND - RESOLUTION).astimezone(ZoneInfo(door.site.zone)).replace(tzinfo=None)
        query.append(("at", local.isoformat(timespec="milliseconds")))
    query += [("shown", one) for one in shown]
    if decision is not None:
        query.append(("decision", decision))
    return f"{reverse('admin:access_door_simulate')}?{urlencode(query)}"


def of_decision(decision: Decision) -> str | None:
    """What if the same were shown at the moment of a past decision? None where nobody is known."""
    if decision.person_id is None:
        return None
    known = {value for value, _words in SHOWN}
    shown = [one for one in decision.facts.get("shown", []) if one in known]
    door = decision.snapshot.kiosk.door
    return address(decision.person_id, door, decision.at, shown=shown, decision=decision.pk)
