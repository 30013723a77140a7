"""The virtual site in the database: made for one play, marked demo, and taken away with all its events.

Promise: nothing but demo sites and demo people is touched, and what a play that was cut off left behind goes
with the next one, or with `manage.py remove_demo`.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from access import audit, places
from access.doors import credentials
from access.doors.credentials import Card
from access.doors.passback import Zone
from access.doors.wiring import Wiring
from access.gallery import Gallery
from access.hours import ledger
from access.hours.rules import RuleSet, RuleVersion
from access.hours.shifts import Assignment, Shift, ShiftPart
from access.hours.workdays import WorkDay
from access.kiosk import pairing
from access.places import Door, Kiosk, Site
from access.terminals.devices import Standing, Terminal
from access.up import demo
from access.up.devices import VirtualKiosk, VirtualTerminal
from access.up.tablet import VirtualTablet
from access.up.virtual.scenario import Place, Scenario

BY = "virtual site"


@dataclass
class Stage:
    """The site, and what its devices and people hold: doors and kiosks by key, cards and PINs by badge."""

    site: Site
    yesterday: date
    terminal: VirtualTerminal
    kiosks: dict[str, VirtualKiosk] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    tablets: dict[str, VirtualTablet] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)  # to pair the tablets with
    cards: dict[str, str] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    issued: list[int] = field(default_factory=list)  # keys of the cards


@contextmanager
def built(scenario: Scenario, address: str) -> Iterator[Stage]:
    """The stage, for as long as the block lasts. The demo's people must be there."""
    clear(scenario.name)
    made = _build(scenario, address)
    try:
        for door, code in made.codes.items():
            made.tablets[door].pair(code)
        yield made
    finally:
        Card.objects.filter(pk__in=made.issued).delete()
        for badge in made.pins:
            credentials.clear_pin(demo.person(badge), by=BY)
        clear(scenario.name)


@transaction.atomic
def _build(scenario: Scenario, address: str) -> Stage:
    site = Site.objects.create(name=scenario.name, zone=scenario.zone, demo=True)
    crew = Gallery.objects.filter(demo=True, people__badge__in=demo.ENROLLED).distinct().get()
    crew.sites.add(site)
    yesterday = timezone.now().astimezone(ZoneInfo(scenario.zone)).date() - timedelta(days=1)
    box = Terminal.objects.create(
        serial=f"VIRTUAL-{secrets.token_hex(4)}",
        name=scenario.name,
        site=site,
        standing=Standing.APPROVED.value,
    )
    stage = Stage(site, yesterday, VirtualTerminal(address, box.serial))
    for key, place in scenario.doors.items():
        stage.doors[key] = door = _door(site, place, crew)
        kiosk = Kiosk.objects.create(door=door, name=place.kiosk, direction=place.direction)
        stage.kiosks[key] = VirtualKiosk(address, places.issue_key(kiosk, by=BY))
        if place.tablet:
            stage.tablets[key] = VirtualTablet(address)
            stage.codes[key] = pairing.offer(kiosk, by=BY)[0]
    for event in scenario.events:
        if event.card and event.card not in stage.cards:
            stage.cards[event.card] = secrets.token_hex(6)
            if event.card == "unknown":
                continue
            card = credentials.issue_card(demo.person(event.card), stage.cards[event.card], by=BY)
            stage.issued.append(card.pk)
        if event.pin not in {"", "wrong"} and event.pin not in stage.pins:
            stage.pins[event.pin] = credentials.new_pin()
            credentials.set_pin(demo.person(event.pin), stage.pins[event.pin], by=BY)
    _plan(stage, scenario)
    audit.record("demo.made", site, by=BY)
    return stage


def _door(site: Site, place: Place, crew: Gallery) -> Door:
    zone = place.zone and Zone.objects.create(site=site, name=place.zone, passback=Zone.Passback.HARD)
    door = Door.objects.create(
        site=site,
        name=place.name,
        factors=place.factors,
        liveness=place.liveness,
        enters=zone or None,
        offline=Door.Offline.ALLOW_CACHED if place.tablet else Door.Offline.DENY,
        deadline_ms=10_000,
    )
    door.admits.add(crew)
    # As long as a play may take between a grant and the opening that follows it.
    Wiring.objects.create(door=door, has_contact=True, open_seconds=30)
    return door


def _plan(stage: Stage, scenario: Scenario) -> None:
    """Whoever's yesterday is worked out was planned for the scenario's shift, on every day of the week."""
    badges = {event.workday for event in scenario.events if event.workday}
    if not badges:
        return
    rules = RuleSet.objects.create(name=scenario.name)
    RuleVersion.objects.create(rule_set=rules, valid_from=stage.yesterday)
    shift = Shift.objects.create(name=scenario.name, code="VS")
    begins, ends = (time.fromisoformat(text) for text in scenario.shift)
    ShiftPart.objects.create(shift=shift, begins=begins, ends=ends)
    for badge in badges:
        Assignment.objects.create(
            person=demo.person(badge),
            site=stage.site,
            rules=rules,
            shift=shift,
            weekdays=list(range(7)),
            first=stage.yesterday,
            last=stage.yesterday,
        )


@transaction.atomic
def clear(name: str) -> None:
    """The site of this name with everything that happened there; nothing if there is none."""
    sites = Site.objects.filter(name=name, demo=True)
    if not sites.exists():
        return
    planned = Assignment.objects.filter(site__in=sites)
    days = {(row.person_id, row.first) for row in planned}
    for _what, rows in (*demo.happened_at(sites), ("plans", planned)):
        rows.delete()
    for person, day in days:
        WorkDay.objects.filter(person=person, day=day).delete()
        ledger.refresh([person], day, day)  # whatever else happened on it
    RuleSet.objects.filter(name=name).delete()
    Shift.objects.filter(name=name).delete()
    for _what, rows in demo.made_of(sites):
        rows.delete()
    audit.record("demo.removed", "demo", by=BY)
