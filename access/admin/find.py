"""Search from everywhere: people by name, badge or card, doors, kiosks, decisions by their id, and pages.

Promise: it finds only what the login may see and, of people, only those it reaches. A card is found by its
whole number alone, of which nothing but a digest is kept.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.admin import index
from access.decisions import Decision
from access.doors import credentials
from access.hours import reach
from access.places import Door, Kiosk, Site

# Of each kind; who wants more opens the list.
MOST = 6
# Shorter than this only a badge is looked for: one letter is in every name.
LEAST = 2
# Longer than this is no name.
LONGEST = 100


@dataclass(frozen=True)
class Found:
    """One line of the answer."""

    title: str
    detail: Any
    link: str
    icon: str


def find(request: HttpRequest) -> HttpResponse:
    """The page of the search, or the lines alone for the box in the header (`part`)."""
    wanted = " ".join(request.GET.get("q", "").split())[:LONGEST]
    groups = [(title, lines) for title, lines in search(request, wanted) if lines] if wanted else []
    context = {"wanted": wanted, "groups": groups, "title": _("Search")}
    if "part" in request.GET:
        answer = TemplateResponse(request, "access/found.html", context)
        answer["Cache-Control"] = "no-store"
        return answer
    return TemplateResponse(request, "access/find.html", admin.site.each_context(request) | context)


def search(request: HttpRequest, wanted: str) -> Iterator[tuple[Any, list[Found]]]:
    """Group by group, in the order in which they are shown."""
    for title, right, look in KINDS:
        if right is None or request.user.has_perm(right):
            yield title, list(look(request, wanted))[:MOST]


def people(request: HttpRequest, wanted: str) -> Iterator[Found]:
    """By badge first, then names that begin so, then names with a word that begins so, then any."""
    named = Q(name__icontains=wanted) if len(wanted) >= LEAST else Q()
    badged = Q(badge__istartswith=wanted)
    holder = _holder(request, wanted)
    rank = Case(
        When(pk=holder, then=Value(0)),
        When(badge__iexact=wanted, then=Value(1)),
        When(name__istartswith=wanted, then=Value(2)),
        When(name__icontains=f" {wanted}", then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    met = badged | Q(pk=holder) | named if named else badged | Q(pk=holder)
    rows = reach.people_for(request.user).filter(met, erased=None).select_related("department")
    for person in rows.annotate(rank=rank).order_by("rank", "name")[:MOST]:
        told = [person.badge, str(person.department or ""), "" if person.active else str(_("suspended"))]
        if person.pk == holder:
            told.append(str(_("holds this card")))
        yield _row(person, person.name, " · ".join(filter(None, told)), "badge")


def _holder(request: HttpRequest, number: str) -> int | None:
    """Whose card this is, for those who may see cards."""
    if not request.user.has_perm("access.view_card"):
        return None
    card = credentials.card_with(number)
    return card.person_id if card else None


def departments(request: HttpRequest, wanted: str) -> Iterator[Found]:
    for row in _named(reach.departments_for(request.user), wanted):
        people_there = f"{reverse('admin:access_person_changelist')}?department__id__exact={row.pk}"
        yield Found(row.name, _("its people"), people_there, "domain")


def doors(request: HttpRequest, wanted: str) -> Iterator[Found]:
    for door in _named(Door.objects.select_related("site"), wanted, Q(site__name__icontains=wanted)):
        yield _row(door, door.name, door.site.name, "door_front")


def kiosks(request: HttpRequest, wanted: str) -> Iterator[Found]:
    for kiosk in _named(Kiosk.objects.select_related("door__site"), wanted, Q(door__name__icontains=wanted)):
        yield _row(kiosk, kiosk.name, str(kiosk.door), "tablet")


def sites(request: HttpRequest, wanted: str) -> Iterator[Found]:
    for site in _named(Site.objects.all(), wanted):
        yield _row(site, site.name, site.zone, "location_city")


def decisions(request: HttpRequest, wanted: str) -> Iterator[Found]:
    """The one with this id, as it stands in a log, a webhook or on its own page."""
    try:
        key = uuid.UUID(wanted)
    except ValueError:
        return
    for decision in reach.within(request.user, Decision.objects.filter(pk=key)):
        yield _row(decision, str(decision), f"{decision.at:%Y-%m-%d %H:%M:%S} UTC", "sensor_door")


def pages(request: HttpRequest, wanted: str) -> Iterator[Found]:
    """The entries of the menu that this login has."""
    for section, parts in index.MENU:
        for name, icon, target in (entry for _heading, entries in parts for entry in entries):
            met = wanted.casefold() in str(name).casefold()
            if met and index.may_see(request, target):
                yield Found(str(name), section, index.item(request, name, icon, target)["link"], icon)


def _named(rows: QuerySet[Any], wanted: str, besides: Q | None = None) -> QuerySet[Any]:
    if len(wanted) < LEAST:
        return rows.none()
    named = Q(name__icontains=wanted)
    return rows.filter(named | besides if besides is not None else named).order_by("name")[:MOST]


def _row(row: Any, title: str, detail: Any, icon: str) -> Found:
    return Found(title, detail, reverse(f"admin:access_{row._meta.model_name}_change", args=[row.pk]), icon)


Look = Callable[[HttpRequest, str], Iterator[Found]]
# Group, the right it needs, and how it is looked for.
KINDS: tuple[tuple[Any, str | None, Look], ...] = (
    (_("People"), "access.view_person", people),
    (_("Departments"), "access.view_department", departments),
    (_("Doors"), "access.view_door", doors),
    (_("Kiosks"), "access.view_kiosk", kiosks),
    (_("Sites"), "access.view_site", sites),
    (_("Decisions"), "access.view_decision", decisions),
    (_("Pages"), None, pages),
)
