"""Whether a kiosk without the network let somebody pass who might not, by the rules of that very moment.

Promise: the same standing is asked as at the door, under the rules as they stood then. A conflict says what
was wrong, since when, and of when the kiosk's data were.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from access import cases, policy
from access.doors import history, levels
from access.doors.credentials import Card, Pin
from access.doors.history import RuleChange
from access.kiosk import bundles
from access.people import Person
from access.places import Door, Kiosk
from access.policy import Holiday, Permit, Reason
from access.policy.offline import Needs

# What was wrong, once it was right: with the moment from which on it was wrong.
SINCE = {
    Reason.SUSPENDED: gettext_noop("Opened %(at)s, suspended %(since)s; the kiosk's data are of %(bundle)s."),
    Reason.NOT_VALID_NOW: gettext_noop(
        "Opened %(at)s, the person's days were changed %(since)s; the kiosk's data are of %(bundle)s."
    ),
    Reason.NO_PERMISSION: gettext_noop(
        "Opened %(at)s, the permission was taken away %(since)s; the kiosk's data are of %(bundle)s."
    ),
    Reason.OUTSIDE_HOURS: gettext_noop(
        "Opened %(at)s, the hours were changed %(since)s; the kiosk's data are of %(bundle)s."
    ),
    Reason.OFFLINE_DENIED: gettext_noop(
        "Opened %(at)s, locked down or set to open for nobody %(since)s; the kiosk's data are of %(bundle)s."
    ),
    Reason.CARD_NOT_VALID: gettext_noop(
        "Opened %(at)s, the card was revoked %(since)s; the kiosk's data are of %(bundle)s."
    ),
    Reason.WRONG_PIN: gettext_noop(
        "Opened %(at)s, the PIN was changed %(since)s; the kiosk's data are of %(bundle)s."
    ),
}
# What was wrong already when the kiosk's data were made: they cannot have said so.
NEVER_RIGHT = gettext_noop(
    "Opened %(at)s for somebody whom data of %(bundle)s did not let pass (%(why)s): look at this kiosk."
)


@dataclass(frozen=True)
class Conflict:
    """`reason` is what the server would have said; the sentence in parts, for every language."""

    reason: Reason
    words: str
    values: dict[str, str]


Asked = tuple[int | None, int, date]
Read = tuple[Door, Person, Sequence[Permit], Sequence[Holiday]]


class Rules:
    """The rules of a kiosk's door as they stood: read once for each person, version and day, however many
    events of a batch ask for them."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.kiosk = kiosk
        self._read: dict[Asked, Read] = {}
        self._never: dict[Asked, Reason] = {}

    def wrong(self, person: int | None, at: datetime, version: int) -> Reason | None:
        """Why the door was not to open at `at`, under the rules of a version; None where it might."""
        asked = (person, version, at.date())
        if asked not in self._read and asked not in self._never:
            with history.as_of(version):
                self._look(asked, at)
        if asked in self._never:
            return self._never[asked]
        door, who, permits, days = self._read[asked]
        begins, ends = cases.validity(who, door)
        if not who.active:
            return Reason.SUSPENDED
        if (begins and at < begins) or (ends and at >= ends):
            return Reason.NOT_VALID_NOW
        opening = policy.opening(permits, days, ZoneInfo(door.site.zone), at)
        if not opening.admitted:
            return Reason.NO_PERMISSION
        return None if opening.open or not door.site.keeps_access else Reason.OUTSIDE_HOURS

    def _look(self, asked: Asked, at: datetime) -> None:
        place = Kiosk.objects.select_related("door__site").filter(pk=self.kiosk.pk).first()
        who = Person.objects.filter(pk=asked[0], erased=None).first() if asked[0] is not None else None
        if place is None or who is None:
            self._never[asked] = Reason.CREDENTIAL_REFUSED
        elif bundles.needs_of(place.door) is Needs.NEVER:
            self._never[asked] = Reason.OFFLINE_DENIED
        else:
            permits = levels.permits(who, place.door)
            self._read[asked] = place.door, who, permits, levels.special_days(place.door, permits, at)


def find(
    rules: Rules, person: int | None, credential: str, *, at: datetime, bundle: datetime | None
) -> Conflict | None:
    """For a door opened at a moment, by a PIN ("pin") or card ("card:<key>"), by data of `bundle`."""
    version = history.version_at(at)
    if version is None:
        return None  # nothing is kept of that time
    zone = ZoneInfo(rules.kiosk.door.site.zone)
    values = {"at": _clock(at, at, zone), "bundle": _clock(bundle, at, zone) if bundle else "–"}
    reason = rules.wrong(person, at, version)
    since: datetime | None = None
    if reason is not None:
        since = _since(lambda then: rules.wrong(person, at, then), version, bundle)
    else:
        reason, since = _credential(person, credential, at, bundle)
    if reason is None:
        return None
    if since is None or reason not in SINCE:
        return Conflict(reason, NEVER_RIGHT, values | {"why": reason.value})
    return Conflict(reason, SINCE[reason], values | {"since": _clock(since, at, zone)})


def _since(wrong: Callable[[int], Reason | None], version: int, bundle: datetime | None) -> datetime | None:
    """When it became wrong after the bundle was made; None if it was wrong then. Halves what lies between."""
    right = history.version_at(bundle) if bundle is not None else None
    if right is None or wrong(right) is not None:
        return None
    while version - right > 1:
        middle = (right + version) // 2
        if wrong(middle) is None:
            right = middle
        else:
            version = middle
    return RuleChange.objects.filter(pk__gt=right).order_by("pk").values_list("at", flat=True).first()


def _credential(
    person: int | None, credential: str, at: datetime, bundle: datetime | None
) -> tuple[Reason | None, datetime | None]:
    """What was wrong with the card or PIN itself, and since when: they are no rules of a version."""
    kind, _colon, key = credential.partition(":")
    if kind == "card":
        card = Card.objects.filter(pk=key if key.isdecimal() else None, person=person).first()
        if card is None:
            return Reason.CARD_NOT_VALID, None
        ended = min((when for when in (card.revoked, card.valid_until) if when), default=None)
        return (Reason.CARD_NOT_VALID, ended) if ended is not None and ended <= at else (None, None)
    pin = Pin.objects.filter(person=person).first()
    if pin is None:
        return Reason.WRONG_PIN, None
    changed = bundle is not None and bundle < pin.changed <= at
    return (Reason.WRONG_PIN, pin.changed) if changed else (None, None)


def _clock(moment: datetime, at: datetime, zone: ZoneInfo) -> str:
    """10:04 on the site's wall, with its day where that is not the day of the event."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == at.astimezone(zone).date() else f"{local:%Y-%m-%d %H:%M}"
