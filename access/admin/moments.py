"""Moments as people type them: a wall time at some place, and what it means there."""

import zoneinfo
from datetime import UTC, datetime

from django import forms
from unfold.widgets import INPUT_CLASSES


class LocalMoment(forms.DateTimeInput):
    """A time on the wall of the place, without zone: to the minute as typed, to the millisecond as linked."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__({"class": " ".join(INPUT_CLASSES), "step": "any"}, format="%Y-%m-%dT%H:%M")


class LocalDay(forms.DateInput):
    """A day, without zone."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__({"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")


def there(wall: datetime, zone: str) -> datetime | None:
    """The moment at which the clocks there show this; None where they never do, being put forward."""
    place = zoneinfo.ZoneInfo(zone)
    wall = wall.replace(tzinfo=None)
    found = wall.replace(tzinfo=place)
    return found if found.astimezone(UTC).astimezone(place).replace(tzinfo=None) == wall else None
