"""What a person's page says of doors: cards and PIN, what admits them where, and where they are."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from access.admin import what_if
from access.admin.cards import days_of, state_of, zone_of_days
from access.admin.days import at_site
from access.doors import passback
from access.doors.credentials import Pin
from access.doors.levels import AccessLevel, Grant
from access.people import Person
from access.places import Door

MOST_CARDS = 12


def panel(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    """Each part only for whoever may see its table; None where nothing is left."""
    may, now = request.user.has_perm, timezone.now()
    found: dict[str, Any] = {"cards": None, "admits": None, "inside": None, "has_pin": None}
    if may("access.view_card"):
        cards = person.cards.all()[:MOST_CARDS]
        zone = zone_of_days()
        found["cards"] = [(card, state_of(card), days_of(card, zone)) for card in cards]
    if may("access.view_pin"):
        pin = Pin.objects.filter(person=person).first()
        found["has_pin"] = {"pin": pin, "duress": bool(pin and pin.duress)}
    if may("access.view_accesslevel"):
        found["admits"] = _admits(person, now)
    if may("access.view_presence"):
        rows = person.presences.select_related("zone__site")
        found["inside"] = [
            (row.zone, at_site(row.since, row.zone.site.zone))
            for row in rows
            if passback.inside(row.zone, now).filter(pk=row.pk).exists()
        ]
    if request.user.has_perms(what_if.RIGHTS) and (door := Door.objects.select_related("site").first()):
        found["simulate"] = what_if.address(person.pk, door)
    return found if any(value is not None for value in found.values()) else None


def _admits(person: Person, now: datetime) -> list[tuple[str, Any, str]]:
    """What admits the person: the table, the row, and its doors."""
    levels = AccessLevel.objects.filter(Q(people=person) | Q(galleries__people=person)).distinct()
    galleries = person.galleries.filter(doors__isnull=False).distinct()
    grants = Grant.objects.filter(person=person, ends__gt=now)
    found: list[tuple[str, Any, str]] = []
    for rows in (levels, galleries, grants):
        for row in rows.prefetch_related("doors__site"):
            doors = ", ".join(str(door) for door in row.doors.all())
            found.append((row._meta.model_name, row, doors or "–"))
    return found
