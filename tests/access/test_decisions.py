"""One snapshot, one decision, whoever comes first and however many come at once."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access import decisions, erasure, people, snapshots
from access.models import AuditEntry, Decision, Punch, Snapshot, SnapshotPicture
from access.policy import Evidence, Reason
from access.snapshots import NonceReused
from tests import factories
from tests.access.racing import at_once
from tests.factories import ALICE, Cast

ROUNDS = 20


def received(cast: Cast, **fields: Any) -> Snapshot:
    return snapshots.receive(cast.kiosk, factories.sent(**fields))[0]


# --- Races ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_website_and_worker_settling_at_once_make_one_decision(cast: Cast) -> None:
    for _round in range(ROUNDS):
        snapshot = received(cast)
        website, worker = at_once(
            partial(decisions.settle, snapshot.pk, None),
            partial(decisions.settle, snapshot.pk, Evidence(person=cast.alice.pk)),
        )
        kept = Decision.objects.get(pk=snapshot.pk)
        assert (website.reason, website.at) == (worker.reason, worker.at) == (kept.reason, kept.at)
        assert kept.reason in {"ok", "deadline"}
        assert Punch.objects.filter(snapshot=snapshot).count() == kept.granted
    assert Decision.objects.count() == ROUNDS
    assert AuditEntry.objects.filter(action__startswith="decision.").count() == ROUNDS
    assert not SnapshotPicture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_kiosks_that_see_one_person_at_once_agree_on_the_direction(cast: Cast) -> None:
    devices = [cast.kiosk, *(factories.kiosk(cast.front)[0] for _ in range(7))]
    past = timezone.now() - timedelta(hours=8)
    for number, expected in enumerate(["in", "out", "in", "out"]):
        seen = [snapshots.receive(device, factories.sent())[0] for device in devices]
        Snapshot.objects.filter(pk__in=[one.pk for one in seen]).update(
            received=past + timedelta(hours=number), taken=past + timedelta(hours=number)
        )
        made = at_once(*(partial(decisions.settle, one.pk, Evidence(person=cast.alice.pk)) for one in seen))
        assert [(one.granted, one.direction) for one in made] == [(True, expected)] * 8
    assert Punch.objects.filter(person=cast.alice).count() == 32


@pytest.mark.django_db(transaction=True)
def test_erasing_somebody_who_stands_at_the_door_ends_well_either_way(cast: Cast) -> None:
    for _round in range(ROUNDS):
        person = factories.person()
        cast.crew.people.add(person)
        snapshot = received(cast)
        made, _receipt = at_once(
            partial(decisions.settle, snapshot.pk, Evidence(person=person.pk)),
            partial(erasure.erase, person),
        )
        assert made.reason in {"ok", "unknown_face"}  # type: ignore[attr-defined]
        assert Punch.objects.filter(person=person).count() == (made.reason == "ok")  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waited_for_the_row_until_after_the_deadline_opens_nothing(cast: Cast) -> None:
    snapshot = received(cast)
    deadline = timezone.now() + timedelta(milliseconds=400)
    Snapshot.objects.filter(pk=snapshot.pk).update(deadline=deadline)
    worker = threading.Thread(target=_settle_and_leave, args=(snapshot.pk, cast.alice.pk))
    with transaction.atomic():
        Snapshot.objects.select_for_update().get(pk=snapshot.pk)
        worker.start()
        while timezone.now() <= deadline:
            time.sleep(0.02)
    worker.join(20)
    assert Decision.objects.get(pk=snapshot.pk).reason == "deadline"
    assert not Punch.objects.exists()


def _settle_and_leave(snapshot_id: object, person: int) -> None:
    try:
        decisions.settle(snapshot_id, Evidence(person=person))
    finally:
        connection.close()


# --- Late, and changed meanwhile ------------------------------------------------------------------


@pytest.mark.django_db
def test_a_late_worker_is_handed_the_refusal_unchanged(cast: Cast) -> None:
    snapshot = received(cast)
    refused = decisions.settle(snapshot.pk, None)
    late = decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    assert (late, late.granted, late.reason, late.person) == (refused, False, "deadline", None)
    assert not Punch.objects.exists()


@pytest.mark.django_db
def test_a_late_deadline_does_not_take_back_a_grant(cast: Cast) -> None:
    snapshot = received(cast)
    decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    assert decisions.settle(snapshot.pk, None).reason == "ok"
    assert Punch.objects.count() == 1


@pytest.mark.django_db
def test_nothing_is_granted_after_the_deadline(cast: Cast) -> None:
    snapshot = received(cast)
    Snapshot.objects.filter(pk=snapshot.pk).update(deadline=timezone.now() - timedelta(milliseconds=1))
    late = decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    # The name stands in the record for an administrator, the answer to the kiosk holds none.
    assert (late.granted, late.reason) == (False, "deadline")
    assert not Punch.objects.exists()


CHANGES: dict[Reason, Callable[[Cast], object]] = {
    Reason.SUSPENDED: lambda cast: people.suspend(cast.alice),
    Reason.NOT_CONSENTED: lambda cast: people.withdraw_consent(cast.alice),
    Reason.UNKNOWN_FACE: lambda cast: erasure.erase(cast.alice),
    Reason.NO_PERMISSION: lambda cast: cast.crew.people.remove(cast.alice),
}


@pytest.mark.django_db
@pytest.mark.parametrize("reason", list(CHANGES))
def test_what_changes_between_search_and_decision_counts(cast: Cast, reason: Reason) -> None:
    snapshot = received(cast)
    CHANGES[reason](cast)
    made = decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    assert (made.granted, made.reason, made.direction) == (False, reason.value, "")
    assert not Punch.objects.exists()


@pytest.mark.django_db
def test_a_door_that_admits_no_gallery_admits_nobody(cast: Cast) -> None:
    cast.front.admits.clear()
    made = decisions.settle(received(cast).pk, Evidence(person=cast.alice.pk))
    assert made.reason == "no_permission"


@pytest.mark.django_db
def test_a_person_who_never_was_is_nobody(cast: Cast) -> None:
    assert decisions.settle(received(cast).pk, Evidence(person=10**9)).reason == "unknown_face"


# --- What is written down -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_grant_is_written_down_once_as_decision_punch_and_audit_entry(cast: Cast) -> None:
    snapshot = received(cast, direction="out")
    made = decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk, facts={"score": 0.71}))
    punch = Punch.objects.get()
    entry = AuditEntry.objects.get(action="decision.granted")
    assert (made.person, made.direction) == (cast.alice, "out")
    assert made.facts.items() >= {"score": 0.71, "tries": 0, "proven": True}.items()
    assert made.explanation == "Crew opens Front door for the person; shown: a face."
    assert (punch.person, punch.at, punch.direction) == (cast.alice, snapshot.received, "out")
    assert (punch.kiosk, punch.snapshot, punch.source) == (cast.kiosk, snapshot, "kiosk")
    assert entry.subject == f"snapshot:{snapshot.pk}"
    assert entry.details == {"reason": "ok", "person": cast.alice.pk}
    assert not SnapshotPicture.objects.exists()


@pytest.mark.django_db
def test_the_kiosks_own_direction_holds_where_the_post_names_none(cast: Cast) -> None:
    cast.kiosk.direction = "out"
    cast.kiosk.save()
    assert decisions.settle(received(cast).pk, Evidence(person=cast.alice.pk)).direction == "out"


@pytest.mark.django_db
def test_reasons_and_messages_of_stored_decisions_are_read_from_the_rule(cast: Cast) -> None:
    made = decisions.settle(received(cast).pk, Evidence(problem=Reason.NO_FACE))
    assert (made.message, str(made)) == ("Please look into the camera.", "refused: no_face")


# --- Waiting --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_waiting_request_hears_the_decision_long_before_the_deadline(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "LOOK_SECONDS", 60.0)  # only the bell can end the wait
    cast.front.deadline_ms = 10_000
    cast.front.save()
    decisions.wait_for(_decided(cast))  # the bell's own thread is up from here on
    snapshot = received(cast)
    began = time.monotonic()
    waited, _made = at_once(
        partial(decisions.wait_for, snapshot), partial(_settle_soon, snapshot.pk, cast.alice.pk)
    )
    assert (waited.granted, waited.reason) == (True, "ok")
    assert time.monotonic() - began < 5.0


def _decided(cast: Cast) -> Snapshot:
    snapshot = received(cast)
    decisions.settle(snapshot.pk, None)
    return snapshot


def _settle_soon(snapshot_id: object, person: int) -> Decision:
    time.sleep(0.3)
    return decisions.settle(snapshot_id, Evidence(person=person))


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_is_not_heard_costs_a_fraction_of_a_second(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "ring", lambda *_: None)
    cast.front.deadline_ms = 10_000
    cast.front.save()
    snapshot = received(cast)
    began = time.monotonic()
    waited, _made = at_once(
        partial(decisions.wait_for, snapshot), partial(_settle_soon, snapshot.pk, cast.alice.pk)
    )
    assert waited.reason == "ok"
    assert time.monotonic() - began < 5.0


@pytest.mark.django_db
def test_nobody_looking_means_no_at_the_deadline_and_not_before(cast: Cast) -> None:
    cast.front.deadline_ms = 300
    cast.front.save()
    snapshot = received(cast)
    made = decisions.wait_for(snapshot)
    assert (made.granted, made.reason) == (False, "deadline")
    assert made.at >= snapshot.deadline


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ahead", "reason"), [(timedelta(minutes=-5), "stale"), (timedelta(minutes=5), "clock_untrusted")]
)
def test_what_the_clocks_refuse_is_answered_at_once_and_shown_to_no_worker(
    cast: Cast, run_queue: list[Any], ahead: timedelta, reason: str
) -> None:
    made = decisions.reach(cast.kiosk, factories.sent(taken=timezone.now() + ahead))
    assert (made.reason, run_queue) == (reason, [])


@pytest.mark.django_db
def test_a_repeat_gets_the_first_answer_and_asks_no_worker_again(
    cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    same = factories.sent()
    first = decisions.reach(cast.kiosk, same)
    assert decisions.reach(cast.kiosk, same) == first
    assert (len(run_queue), Punch.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_another_body_under_the_same_nonce_is_refused_and_changes_nothing(
    cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    first = factories.sent()
    decisions.reach(cast.kiosk, first)
    with pytest.raises(NonceReused):
        decisions.reach(cast.kiosk, factories.sent(nonce=first.nonce, image=factories.picture(seed=9)))
    assert (Decision.objects.count(), Punch.objects.count()) == (1, 1)
