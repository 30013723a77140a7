"""What kiosks did without the network, told later: once, as it was, with what was wrong about it."""

import html
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from access import people
from access.admin.index import ENTRIES
from access.doors import credentials, modes, passback
from access.doors.alarms import Kind
from access.doors.passback import Presence, Zone
from access.models import (
    Alarm,
    AuditEntry,
    Decision,
    Door,
    DoorCommand,
    OfflineEvent,
    Punch,
    RuleChange,
    Snapshot,
    Staff,
)
from tests.admin.conftest import signed_in
from tests.factories import Cast
from tests.kiosk.tablet import Alone, paired, results
from tests.load.offline import replay, undone

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def alone(client: Client, cast: Cast) -> Alone:
    """A tablet at a front door that opens offline, where Alice has a PIN."""
    Door.objects.filter(pk=cast.front.pk).update(offline=Door.Offline.ALLOW_CACHED)
    credentials.set_pin(cast.alice, "2704")
    connection.check_constraints()
    long_ago = timezone.now() - timedelta(days=2)
    with connection.cursor() as cursor:  # as if all this had been so for days
        cursor.execute("ALTER TABLE access_rulechange DISABLE TRIGGER USER")
        cursor.execute("UPDATE access_rulechange SET at = %s", [long_ago])
        cursor.execute("ALTER TABLE access_rulechange ENABLE TRIGGER USER")
    cast.alice.pin.__class__.objects.update(changed=long_ago)
    return Alone(paired(client, cast.kiosk))


def changed(minutes: float) -> None:
    """What was just changed, was changed so many minutes ago."""
    connection.check_constraints()
    latest = RuleChange.objects.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_rulechange DISABLE TRIGGER USER")
        then = timezone.now() - timedelta(minutes=minutes)
        cursor.execute("UPDATE access_rulechange SET at = %s WHERE id = %s", [then, latest.pk])
        cursor.execute("ALTER TABLE access_rulechange ENABLE TRIGGER USER")


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_a_grant_becomes_the_decision_and_the_punch_that_it_was(alone: Alone, cast: Cast) -> None:
    told = alone.event(HOUR, person=cast.alice.pk, direction="in")
    assert results(alone.tell([told])) == ["stored"]
    decision, punch, event = Decision.objects.get(), Punch.objects.get(), OfflineEvent.objects.get()
    assert (decision.granted, decision.reason, decision.person) == (True, "ok", cast.alice)
    assert abs(ms(decision.at) - (alone.now - HOUR)) <= 1
    assert (punch.at, punch.direction, punch.source, punch.kiosk) == (decision.at, "in", "pin", cast.kiosk)
    assert (punch.suspect, punch.explicit, punch.snapshot_id) == (False, False, decision.pk)
    assert decision.snapshot.kind == Snapshot.Kind.OFFLINE
    assert "without the network" in decision.explanation
    assert (event.clock, event.conflict, event.seq) == ("fine", None, 1)
    assert not DoorCommand.objects.exists()  # nothing opens now
    assert not Alarm.objects.exists()


def test_a_refusal_is_a_fact_too(alone: Alone) -> None:
    no = {"granted": False, "reason": "credential_refused", "direction": "", "credential": ""}
    assert results(alone.tell([alone.event(HOUR, **no)])) == ["stored"]
    decision = Decision.objects.get()
    assert (decision.granted, decision.reason, decision.person) == (False, "credential_refused", None)
    assert not Punch.objects.exists()


def test_told_again_it_changes_nothing_and_another_under_its_number_is_refused(
    alone: Alone, cast: Cast
) -> None:
    told = alone.event(HOUR, person=cast.alice.pk)
    other = told | {"person": cast.bob.pk}
    answers = [results(alone.tell([event])) for event in (told, told, other)]
    assert answers == [["stored"], ["duplicate"], ["contradiction"]]
    assert Decision.objects.get().person == cast.alice


def test_one_bad_event_keeps_no_other_from_being_stored(alone: Alone, cast: Cast) -> None:
    good = [alone.event(n * MINUTE, person=cast.alice.pk) for n in (3, 2)]
    bad: list[Any] = [
        good[0] | {"id": "x"},
        good[0] | {"id": str(uuid.uuid4()), "granted": False},
        good[0] | {"id": str(uuid.uuid4()), "person": None},
        good[0] | {"id": str(uuid.uuid4()), "wall": -1},
        "nonsense",
    ]
    assert (
        sorted(results(alone.tell([bad[0], good[0], *bad[1:], good[1]]))) == ["invalid"] * 5 + ["stored"] * 2
    )
    assert Decision.objects.count() == 2


def test_more_than_a_batch_and_a_key_for_programs_are_refused(
    client: Client, alone: Alone, cast: Cast
) -> None:
    assert alone.tell([alone.event() for _ in range(501)]).status_code == 400
    response = client.post(
        "/api/v1/kiosk/events/",
        {"events": []},
        content_type="application/json",
        headers={"Authorization": f"Kiosk {cast.key}"},
    )
    assert response.status_code == 403


def test_who_was_suspended_meanwhile_is_a_conflict_in_one_sentence(alone: Alone, cast: Cast) -> None:
    people.suspend(cast.alice)
    changed(minutes=12)
    told = alone.event(10 * MINUTE, person=cast.alice.pk, bundle=alone.now - 19 * MINUTE)
    assert results(alone.tell([told])) == ["stored"]
    event, alarm = OfflineEvent.objects.get(), Alarm.objects.get()
    opened, suspended, data = (berlin(alone.now - n * MINUTE) for n in (10, 12, 19))
    assert event.sentence == f"Opened {opened}, suspended {suspended}; the kiosk's data are of {data}."
    assert (alarm.kind, alarm.person, alarm.kiosk) == (Kind.OFFLINE_CONFLICT.value, cast.alice, cast.kiosk)
    assert Punch.objects.count() == 1  # they did come in


def berlin(moment: int) -> str:
    local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo("Europe/Berlin"))
    return f"{local:%H:%M}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("suspended", "suspended"),
        ("taken out", "no_permission"),
        ("locked down", "offline_denied"),
        ("door set to deny", "offline_denied"),
        ("pin changed", "wrong_pin"),
        ("card revoked", "card_not_valid"),
    ],
)
def test_what_was_taken_away_before_is_a_conflict_and_after_is_none(
    alone: Alone, cast: Cast, change: str, reason: str
) -> None:
    card = credentials.issue_card(cast.alice, "04AA")
    shown = f"card:{card.pk}" if change == "card revoked" else "pin"
    {
        "suspended": lambda: people.suspend(cast.alice),
        "taken out": lambda: cast.crew.people.remove(cast.alice),
        "locked down": lambda: modes.lock_down(cast.site),
        "door set to deny": lambda: Door.objects.filter(pk=cast.front.pk).update(offline="deny"),
        "pin changed": lambda: credentials.set_pin(cast.alice, "7315"),
        "card revoked": lambda: credentials.revoke_card(card),
    }[change]()
    then = timezone.now() - timedelta(minutes=30)
    if reason not in ("wrong_pin", "card_not_valid"):
        changed(minutes=30)
    cast.alice.cards.filter(revoked__isnull=False).update(revoked=then)
    if change == "pin changed":
        type(cast.alice.pin).objects.update(changed=then)
    bundle = alone.now - 50 * MINUTE
    events = [
        alone.event(ago * MINUTE, person=cast.alice.pk, credential=shown, bundle=bundle) for ago in (40, 20)
    ]
    assert results(alone.tell(events)) == ["stored", "stored"]
    before, after = OfflineEvent.objects.order_by("seq")
    assert before.conflict is None
    assert after.conflict["reason"] == reason
    assert (
        berlin(alone.now - 30 * MINUTE) in after.sentence
        or berlin(alone.now - 30 * MINUTE - 1) in after.sentence
    )


def test_a_grant_that_no_data_can_have_named_accuses_the_kiosk(alone: Alone, cast: Cast) -> None:
    results(alone.tell([alone.event(HOUR, person=cast.bob.pk), alone.event(HOUR, person=10**9)]))
    assert [event.conflict["reason"] for event in OfflineEvent.objects.order_by("seq")] == [
        "no_permission",
        "credential_refused",
    ]
    assert all("look at this kiosk" in event.sentence for event in OfflineEvent.objects.all())


def test_a_clock_that_cannot_be_right_marks_the_punch_and_raises_an_alarm(alone: Alone, cast: Cast) -> None:
    reset = alone.event(
        HOUR, person=cast.alice.pk, boot=str(uuid.uuid4()), at=946_684_800_000, anchored=False
    )
    results(alone.tell([reset]))
    assert Punch.objects.get().suspect
    assert OfflineEvent.objects.get().clock == "clock_untrusted"
    assert Alarm.objects.filter(kind=Kind.CLOCK.value, kiosk=cast.kiosk).exists()


def test_a_wall_clock_a_year_off_costs_nobody_a_minute(client: Client, alone: Alone, cast: Cast) -> None:
    alone.wall_off = 365 * 24 * HOUR
    results(alone.tell([alone.event(HOUR, person=cast.alice.pk)]))
    punch = Punch.objects.get()
    assert abs(ms(punch.at) - (alone.now - HOUR)) <= 2_000
    assert not punch.suspect


def test_a_gap_is_an_alarm_once_the_kiosk_holds_nothing_more_and_ends_when_it_is_filled(
    alone: Alone, cast: Cast
) -> None:
    first, second, third = (alone.event(n * MINUTE, person=cast.alice.pk) for n in (3, 2, 1))
    results(alone.tell([third], left=2))
    assert not Alarm.objects.exists()
    results(alone.tell([first], left=0))
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.details["missing"], alarm.ended) == (Kind.MISSING_EVENTS.value, 1, None)
    results(alone.tell([first], left=0))
    assert Alarm.objects.get().times == 1
    results(alone.tell([second], left=0))
    assert Alarm.objects.get().ended is not None


def test_a_duress_pin_calls_for_help_as_soon_as_the_network_is_back(alone: Alone, cast: Cast) -> None:
    results(alone.tell([alone.event(MINUTE, person=cast.alice.pk, duress=True)]))
    assert Decision.objects.get().reason == "duress"
    alarm = Alarm.objects.get(kind=Kind.DURESS.value)
    assert (alarm.person, alarm.silent) == (cast.alice, True)


def test_zones_follow_the_latest_passage_whatever_the_order(alone: Alone, cast: Cast) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall")
    Door.objects.filter(pk=cast.front.pk).update(enters=hall)
    came = alone.event(3 * HOUR, person=cast.alice.pk, direction="in")
    left = alone.event(HOUR, person=cast.alice.pk, direction="out")
    back = alone.event(MINUTE, person=cast.alice.pk, direction="in")
    results(alone.tell([left], left=2))
    results(alone.tell([came], left=1))
    cast.front.refresh_from_db()
    assert not passback.is_inside(cast.alice, cast.front)
    results(alone.tell([back]))
    assert Presence.objects.get().person == cast.alice


def test_where_no_attendance_is_kept_there_is_no_punch(alone: Alone, cast: Cast) -> None:
    cast.site.keeps_attendance = False
    cast.site.save()
    results(alone.tell([alone.event(MINUTE, person=cast.alice.pk)]))
    assert (Decision.objects.count(), Punch.objects.count()) == (1, 0)


def test_a_repeat_and_the_whole_are_in_the_trail(alone: Alone, cast: Cast) -> None:
    told = alone.event(HOUR, person=cast.alice.pk)
    for _again in range(2):
        results(alone.tell([told]))
    assert AuditEntry.objects.filter(action="decision.granted_offline").count() == 1
    tallies = AuditEntry.objects.filter(action="kiosk.events_told").order_by("pk")
    assert [tally.details["stored"] for tally in tallies] == [1, 0]


# --- Any order, as often as it takes ---------------------------------------------------------------


def test_shuffled_split_and_replayed_five_times_the_state_is_the_one_told_once_in_order(
    alone: Alone, cast: Cast
) -> None:
    hall = Zone.objects.create(site=cast.site, name="Hall")
    Door.objects.filter(pk=cast.front.pk).update(enters=hall)
    cast.kiosk.refresh_from_db()
    cast.crew.people.remove(cast.bob)
    chance = random.Random(5)
    no = {"granted": False, "reason": "credential_refused", "direction": "", "credential": ""}

    def drawn(n: int) -> dict[str, Any]:
        if n % 7 == 0:
            return alone.event((40 - n) * MINUTE, **no)
        who = chance.choice([cast.alice.pk, cast.bob.pk])
        return alone.event((40 - n) * MINUTE, person=who, direction=chance.choice(["in", "out"]))

    events = [drawn(n) for n in range(40)]
    in_order = undone(lambda: results(alone.tell(events)))
    assert len(in_order["decisions"]) == 40
    for seed in range(2):
        shuffled = undone(lambda seed=seed: replay(alone, events, random.Random(seed)))
        for what, found in shuffled.items():
            assert found == in_order[what], what


# --- What staff see --------------------------------------------------------------------------------


def test_the_list_and_the_decisions_page_say_what_was_wrong(alone: Alone, cast: Cast) -> None:
    office = signed_in(Staff.objects.create_superuser("office", password=None))
    people.suspend(cast.alice)
    changed(minutes=12)
    fine = alone.event(20 * MINUTE, person=cast.alice.pk, bundle=alone.now - 25 * MINUTE)
    wrong = alone.event(10 * MINUTE, person=cast.alice.pk, bundle=alone.now - 19 * MINUTE)
    results(alone.tell([fine, wrong]))
    event = OfflineEvent.objects.get(seq=2)
    listed = office.get("/admin/access/offlineevent/").content.decode()
    assert html.escape(event.sentence) in listed
    assert listed.count("How it came about") == 2
    narrowed = office.get("/admin/access/offlineevent/?conflict=yes").content.decode()
    assert narrowed.count("How it came about") == 1
    page = office.get(f"/admin/access/decision/{event.pk}/change/").content.decode()
    for part in (html.escape(event.sentence), "without the network", "Alice Able"):
        assert part in page
    assert "from receipt to decision" not in page
    assert office.get("/admin/access/decision/").status_code == 200
    assert any(target == "offlineevent" for _name, _icon, target in ENTRIES)
