"""What a kiosk is given for the time without the network: for whom, by what, for whose eyes."""

from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from access import attendance, erasure, people, policy
from access.doors import credentials, levels, modes
from access.models import AccessLevel, Door, KioskKey, Schedule, Site
from access.policy import offline
from access.policy.offline import Needs
from tests import factories
from tests.factories import Cast
from tests.kiosk.tablet import Tablet, opened, paired

BUNDLE, REPORT = "/api/v1/kiosk/bundle/", "/api/v1/kiosk/report/"
SOON, GONE_BY = (timezone.now() + timedelta(days=days) for days in (1, -1))
FINE = {"version": "test", "queued": 0, "clock_offset_ms": 0}


@pytest.fixture
def alone(cast: Cast) -> Cast:
    """The cast at a front door that opens offline; Alice and Charlie have a PIN and a card each, Bob too."""
    Door.objects.filter(pk=cast.front.pk).update(offline=Door.Offline.ALLOW_CACHED)
    for who, pin, card in (
        (cast.alice, "2704", "04AA"),
        (cast.bob, "8142", "04BB"),
        (cast.charlie, "5931", "04CC"),
    ):
        credentials.set_pin(who, pin)
        credentials.issue_card(who, card)
    cast.kiosk.refresh_from_db()
    return cast


def bundle(client: Client, cast: Cast) -> dict[str, Any]:
    tablet = paired(client, cast.kiosk)
    return opened(tablet, tablet.get(BUNDLE).json())


def now_ms() -> int:
    return round(timezone.now().timestamp() * 1000)


def test_the_bundle_names_those_whom_the_door_admits_and_lets_them_pass(client: Client, alone: Cast) -> None:
    found = bundle(client, alone)
    assert [person["person"] for person in found["people"]] == [alone.alice.pk]  # not Bob, not Charlie
    assert found["people"][0]["name"] == "Alice"
    for attempt in ({"badge": "00017", "pin": "2704"}, {"card": "04 aa"}, {"card": "04AA", "pin": "2704"}):
        assert offline.decide(found, attempt, now_ms()).person == alone.alice.pk, attempt
    for attempt in ({"badge": "00018", "pin": "8142"}, {"card": "04BB"}, {"badge": "00017", "pin": "8142"}):
        assert not offline.decide(found, attempt, now_ms()).granted, attempt


def test_the_lease_ends(client: Client, alone: Cast) -> None:
    found = bundle(client, alone)
    assert found["expires"] - found["issued"] == settings.OFFLINE_HOURS * 3_600_000
    answer = offline.decide(found, {"card": "04AA"}, found["expires"])
    assert (answer.granted, answer.reason) == (False, "bundle_expired")


def test_nothing_of_a_face_and_nothing_in_the_clear_is_in_it(client: Client, alone: Cast) -> None:
    text = str(bundle(client, alone)).lower()
    for word in ("vector", "faceprint", "photo", "2704", "04aa", "able"):
        assert word not in text, word


def test_only_the_tablet_it_was_made_for_can_open_it_and_it_knows_whose_it_is(
    client: Client, alone: Cast
) -> None:
    tablet = paired(client, alone.kiosk)
    answer = tablet.get(BUNDLE).json()
    other = Tablet(client, key=tablet.key, server=tablet.server)  # another agreement key
    with pytest.raises(InvalidTag):
        opened(other, answer)
    foreign = paired(client, factories.kiosk(alone.front)[0])
    with pytest.raises(InvalidSignature):
        opened(foreign, answer)
    for name in ("ephemeral", "iv", "sealed"):
        swapped = answer | {name: foreign.get(BUNDLE).json()[name]}
        with pytest.raises(InvalidSignature):
            opened(tablet, swapped)


def test_a_key_for_programs_gets_none(client: Client, alone: Cast) -> None:
    response = client.get(BUNDLE, headers={"Authorization": f"Kiosk {alone.key}"})
    assert response.status_code == 403


def test_the_row_of_the_key_says_what_left_the_house(client: Client, alone: Cast) -> None:
    bundle(client, alone)
    key = KioskKey.objects.get(public__isnull=False)
    assert key.bundle_people == 1
    assert key.bundle_until is not None
    assert key.bundle_until > timezone.now() + timedelta(hours=23)


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"offline": "deny"}, Needs.NEVER),
        ({"offline": "pin_only"}, Needs.PIN),
        ({"offline": "pin_only", "factors": "card"}, Needs.CARD_AND_PIN),
        ({"offline": "pin_only", "factors": "pin"}, Needs.PIN),
        ({"offline": "allow_cached"}, Needs.ANY),
        ({"offline": "allow_cached", "factors": "face_pin"}, Needs.CARD_AND_PIN),
        ({"offline": "allow_cached", "factors": "face_card"}, Needs.CARD_AND_PIN),
        ({"offline": "allow_cached", "factors": "card"}, Needs.CARD),
        ({"offline": "allow_cached", "factors": "pin"}, Needs.PIN),
        ({"offline": "allow_cached", "factors": "new"}, Needs.CARD_AND_PIN),
        ({"offline": "allow_cached", "liveness": "two_factor"}, Needs.CARD_AND_PIN),
        ({"offline": "pin_only", "liveness": "two_factor"}, Needs.CARD_AND_PIN),
        ({"offline": "allow_cached", "liveness": "colour"}, Needs.ANY),
        ({"offline": "allow_cached", "mode": "locked"}, Needs.NEVER),
        ({"offline": "allow_cached", "mode": "two_person"}, Needs.NEVER),
        ({"offline": "allow_cached", "mode": "free"}, Needs.ANY),
        ({"offline": "allow_cached", "mode_after": "two_person", "mode_until": SOON}, Needs.NEVER),
        ({"offline": "allow_cached", "mode": "locked", "mode_until": GONE_BY}, Needs.ANY),
    ],
)
def test_the_doors_policy_says_what_opens_it(
    client: Client, alone: Cast, fields: dict[str, str], needs: Needs
) -> None:
    Door.objects.filter(pk=alone.front.pk).update(**fields)
    found = bundle(client, alone)
    assert found["needs"] == needs
    assert bool(found["people"]) == (needs is not Needs.NEVER)


def test_a_lockdown_and_an_interlocked_door_keep_it_shut(client: Client, alone: Cast) -> None:
    alone.front.interlocked.add(alone.back)
    assert bundle(client, alone)["needs"] == Needs.NEVER
    alone.front.interlocked.clear()
    modes.lock_down(alone.site)
    assert bundle(client, alone)["needs"] == Needs.NEVER
    Site.objects.update(locked_down=None, keeps_access=False, keeps_attendance=False)
    assert bundle(client, alone)["needs"] == Needs.NEVER


def test_a_site_that_only_keeps_attendance_takes_punches_at_any_hour(client: Client, alone: Cast) -> None:
    shut = Schedule.objects.create(name="Never")
    only(alone, shut)
    assert bundle(client, alone)["people"] == []
    Site.objects.update(keeps_access=False)
    assert [person["person"] for person in bundle(client, alone)["people"]] == [alone.alice.pk]


def only(cast: Cast, schedule: Schedule) -> AccessLevel:
    """Alice passes by this schedule alone."""
    cast.front.admits.clear()
    level = AccessLevel.objects.create(name="Crew's hours", schedule=schedule)
    level.doors.add(cast.front)
    level.people.add(cast.alice)
    return level


def test_hours_are_windows_and_an_hour_may_ask_for_more(client: Client, alone: Cast) -> None:
    schedule = Schedule.objects.create(name="Office")
    only(alone, schedule)
    rows = [row for row in policy.Row if row < policy.Row.HOLIDAY]
    bars = [policy.Bar(row, time(0), time(12)) for row in rows]
    bars += [policy.Bar(row, time(12), time(0), "card_pin") for row in rows]
    levels.set_week(schedule, bars)
    windows = bundle(client, alone)["people"][0]["windows"]
    assert len(windows) in (2, 3)  # a day has two halves, and now is in one of them
    assert [len(window) for window in windows] in ([2, 3], [3, 2], [2, 3, 2], [3, 2, 3])
    assert {window[2] for window in windows if len(window) == 3} == {"card_and_pin"}
    assert all(first[1] == second[0] for first, second in pairwise(windows))


def test_who_may_not_pass_is_not_in_it(client: Client, alone: Cast) -> None:
    person = alone.alice
    person.valid_until = date(2020, 1, 1)
    person.save()
    assert bundle(client, alone)["people"] == []
    person.valid_until = None
    person.save()
    assert len(bundle(client, alone)["people"]) == 1
    credentials.clear_pin(person)
    credentials.revoke_card(person.cards.get())
    assert bundle(client, alone)["people"] == []  # nothing to show
    credentials.issue_card(person, "04DD", valid_until=timezone.now() + timedelta(hours=1))
    [card] = bundle(client, alone)["people"][0]["cards"]
    assert now_ms() < card["until"] <= now_ms() + 3_600_000
    people.suspend(person)
    assert bundle(client, alone)["people"] == []


def test_a_receipt_of_erasure_names_the_tablets_that_may_still_know_the_person(
    client: Client, alone: Cast
) -> None:
    tablet = paired(client, alone.kiosk)
    assert erasure.erase(alone.charlie).kiosks_with_offline_data == 0
    assert opened(tablet, tablet.get(BUNDLE).json())["people"]
    assert erasure.erase(alone.alice).kiosks_with_offline_data == 1
    assert opened(tablet, tablet.get(BUNDLE).json())["people"] == []


def test_a_duress_pin_opens_and_is_told_apart(client: Client, alone: Cast) -> None:
    credentials.set_pin(alone.alice, "2704", duress="9119")
    found = bundle(client, alone)
    forced = offline.decide(found, {"badge": "00017", "pin": "9119"}, now_ms())
    assert (forced.granted, forced.duress) == (True, True)
    assert not offline.decide(found, {"badge": "00017", "pin": "2704"}, now_ms()).duress


@pytest.mark.parametrize("change", ["suspend", "card", "pin", "new card", "lockdown", "gallery"])
def test_each_report_tells_whether_what_the_kiosk_holds_is_stale(
    client: Client, alone: Cast, change: str
) -> None:
    tablet = paired(client, alone.kiosk)

    def told() -> str:
        return str(tablet.post(REPORT, FINE).json()["bundle"])

    tag = tablet.get(BUNDLE).json()["tag"]
    assert told() == told() == tag
    {
        "suspend": lambda: people.suspend(alone.alice),
        "card": lambda: credentials.revoke_card(alone.alice.cards.get()),
        "pin": lambda: credentials.set_pin(alone.alice, "7315"),
        "new card": lambda: credentials.issue_card(alone.alice, "04EE"),
        "lockdown": lambda: modes.lock_down(alone.site),
        "gallery": lambda: alone.crew.people.remove(alone.alice),
    }[change]()
    connection.check_constraints()  # what a commit does to the kept rules
    assert told() != tag


def test_the_direction_in_turn_goes_on_from_the_last_punch(client: Client, alone: Cast) -> None:
    attendance.note_punch(alone.alice, at=timezone.now() - timedelta(hours=2), direction="in")
    found = bundle(client, alone)
    assert offline.decide(found, {"card": "04AA"}, now_ms()).direction == "out"
