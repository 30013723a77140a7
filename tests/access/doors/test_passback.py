"""Zones at real doors: entering twice, so many at most, emptied by night, by hand, and for one person."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from access.doors import passback
from access.doors.passback import Presence, Zone
from access.models import AuditEntry, Door, Gallery, Site
from access.policy import Reason
from tests import factories
from tests.access.doors.acting import show_face
from tests.access.racing import at_once
from tests.factories import Cast

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def zone(cast: Cast, **fields: object) -> Zone:
    """A hall behind the front door."""
    made = Zone.objects.create(site=cast.site, name="Hall", **fields)
    Door.objects.filter(pk=cast.front.pk).update(enters=made)
    return made


def enter(cast: Cast, who: object = None) -> str:
    return show_face(cast.kiosk, (who or cast.alice).pk, direction="in").reason


def leave(cast: Cast) -> str:
    return show_face(cast.kiosk, cast.alice.pk, direction="out").reason


def test_nobody_enters_a_hard_zone_twice_without_leaving_it(cast: Cast) -> None:
    hall = zone(cast, passback="hard")
    assert [enter(cast), enter(cast)] == [Reason.OK, Reason.PASSBACK]
    assert [row.person for row in hall.presences.all()] == [cast.alice]
    assert [leave(cast), leave(cast), enter(cast)] == [Reason.OK, Reason.OK, Reason.OK]


def test_a_soft_zone_notes_it_and_opens(cast: Cast) -> None:
    zone(cast, passback="soft")
    enter(cast)
    made = show_face(cast.kiosk, cast.alice.pk, direction="in")
    assert (made.reason, made.facts["noticed"]) == (Reason.OK, "passback")
    assert "that is only noted" in made.explanation


def test_a_timed_zone_lets_in_again_after_its_minutes(cast: Cast) -> None:
    zone(cast, passback="timed", passback_minutes=15)
    assert [enter(cast), enter(cast)] == [Reason.OK, Reason.PASSBACK]
    Presence.objects.update(since=timezone.now() - 15 * MINUTE)
    assert enter(cast) == Reason.OK


def test_a_zone_that_is_not_watched_counts_all_the_same(cast: Cast) -> None:
    hall = zone(cast)
    assert [enter(cast), enter(cast)] == [Reason.OK, Reason.OK]
    assert hall.presences.count() == 1


def test_exempt_people_enter_twice_and_count_as_inside(cast: Cast) -> None:
    hall = zone(cast, passback="hard", most=1)
    guards = Gallery.objects.create(name="Guards")
    guards.people.add(cast.alice)
    hall.exempt.add(guards)
    assert [enter(cast), enter(cast)] == [Reason.OK, Reason.OK]
    cast.crew.people.add(cast.bob)
    assert enter(cast, cast.bob) == Reason.ZONE_FULL


def test_a_full_zone_takes_somebody_once_another_has_left(cast: Cast) -> None:
    zone(cast, most=1)
    cast.crew.people.add(cast.bob)
    assert [enter(cast), enter(cast, cast.bob), leave(cast), enter(cast, cast.bob)] == [
        Reason.OK,
        Reason.ZONE_FULL,
        Reason.OK,
        Reason.OK,
    ]


def test_from_zone_to_zone_somebody_is_in_one_at_a_time(cast: Cast) -> None:
    hall = zone(cast, passback="hard")
    lab = Zone.objects.create(site=cast.site, name="Lab", passback="hard")
    Door.objects.filter(pk=cast.back.pk).update(enters=lab, leaves=hall)
    cast.back.admits.add(cast.crew)
    inner, _key = factories.kiosk(cast.back)
    enter(cast)
    assert show_face(inner, cast.alice.pk, direction="in").reason == Reason.OK
    assert [row.zone for row in Presence.objects.all()] == [lab]
    assert show_face(inner, cast.alice.pk, direction="out").reason == Reason.OK
    assert [row.zone for row in Presence.objects.all()] == [hall]


def test_who_was_refused_is_not_inside(cast: Cast) -> None:
    hall = zone(cast, passback="hard")
    enter(cast, cast.bob)
    assert not hall.presences.exists()


def test_a_reset_of_one_person_or_of_the_zone_lets_them_in_again_on_record(cast: Cast) -> None:
    hall = zone(cast, passback="hard")
    enter(cast)
    assert passback.reset_person(cast.alice) == 1
    assert enter(cast) == Reason.OK
    assert passback.reset_zone(hall) == 1
    assert enter(cast) == Reason.OK
    actions = AuditEntry.objects.filter(action__in=["person.passback_reset", "zone.reset"]).order_by("pk")
    assert [entry.action for entry in actions] == ["person.passback_reset", "zone.reset"]


def test_the_night_empties_a_zone_by_the_clock_on_its_own_wall(cast: Cast) -> None:
    now = timezone.now()
    local = now.astimezone(ZoneInfo(cast.site.zone))
    hall = zone(cast, passback="hard", reset_at=(local - 10 * MINUTE).time())
    enter(cast)
    assert enter(cast) == Reason.PASSBACK
    Presence.objects.update(since=now - 20 * MINUTE)
    assert enter(cast) == Reason.OK
    Presence.objects.update(since=now - 20 * MINUTE)
    assert passback.forget_yesterday(now) == 1
    assert not hall.presences.exists()


def test_without_attendance_in_turn_goes_by_the_zone(cast: Cast) -> None:
    zone(cast, passback="hard")
    Site.objects.update(keeps_attendance=False)
    ways = [show_face(cast.kiosk, cast.alice.pk).direction for _n in range(4)]
    assert ways == ["in", "out", "in", "out"]


@pytest.mark.django_db(transaction=True)
def test_the_last_place_goes_to_one_of_two_who_ask_at_once() -> None:
    cast = factories.cast()
    zone(cast, most=1)
    cast.crew.people.add(cast.bob)
    second, _key = factories.kiosk(cast.front)
    for _round in range(5):
        Presence.objects.all().delete()
        made = at_once(
            lambda: show_face(cast.kiosk, cast.alice.pk, direction="in"),
            lambda: show_face(second, cast.bob.pk, direction="in"),
        )
        assert sorted(decision.reason for decision in made) == [Reason.OK, Reason.ZONE_FULL]
