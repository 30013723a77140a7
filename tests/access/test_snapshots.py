"""What kiosks sent: taken in once, sealed, claimed by one worker at a time, and never for ever."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from access import decisions, snapshots, vault
from access.models import Snapshot, SnapshotPicture
from access.policy import Evidence
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast


def received(cast: Cast) -> Snapshot:
    return snapshots.receive(cast.kiosk, factories.sent())[0]


def age(snapshot: Snapshot, **moved: timedelta) -> None:
    """Move the snapshot's times into the past."""
    now = timezone.now()
    Snapshot.objects.filter(pk=snapshot.pk).update(**{name: now - ago for name, ago in moved.items()})


# --- Taken in once --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_posts_at_once_make_one_row_and_one_picture(cast: Cast) -> None:
    same = factories.sent()
    made = at_once(*[partial(snapshots.receive, cast.kiosk, same)] * 20)
    assert len({snapshot.pk for snapshot, _new in made}) == 1
    assert [new for _snapshot, new in made].count(True) == 1
    assert (Snapshot.objects.count(), SnapshotPicture.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_different_bodies_under_one_nonce_at_once_one_is_taken_in(cast: Cast) -> None:
    nonce = uuid.uuid4()

    def post(seed: int) -> str:
        try:
            snapshots.receive(cast.kiosk, factories.sent(nonce=nonce, image=factories.picture(seed=seed)))
        except snapshots.NonceReused:
            return "reused"
        return "taken in"

    assert sorted(at_once(*(partial(post, seed) for seed in range(6)))) == ["reused"] * 5 + ["taken in"]
    assert (Snapshot.objects.count(), SnapshotPicture.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_two_kiosks_may_use_the_same_nonce(cast: Cast) -> None:
    other, _key = factories.kiosk(cast.back)
    same = factories.sent()
    assert [snapshots.receive(device, same)[1] for device in (cast.kiosk, other)] == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        {"image": b"another"},
        {"kind": "crop"},
        {"direction": "in"},
        {"taken": timezone.now() + timedelta(seconds=1)},
    ],
    ids=["picture", "kind", "direction", "time"],
)
def test_every_part_of_the_body_counts_towards_its_digest(change: dict[str, object]) -> None:
    same = {"image": b"one", "taken": timezone.now(), "nonce": uuid.uuid4()}
    assert factories.sent(**same).digest() == factories.sent(**same | {"nonce": uuid.uuid4()}).digest()
    assert factories.sent(**same).digest() != factories.sent(**same | change).digest()


@pytest.mark.django_db
def test_the_deadline_is_the_doors_and_runs_from_receipt(cast: Cast) -> None:
    cast.front.deadline_ms = 1234
    cast.front.save()
    snapshot = received(cast)
    assert snapshot.deadline - snapshot.received == timedelta(milliseconds=1234)


# --- Sealed ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_table_holds_no_byte_string_of_the_picture(cast: Cast) -> None:
    sent = factories.sent()
    snapshot, _new = snapshots.receive(cast.kiosk, sent)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed, wrapped_key FROM access_snapshotpicture")
        [[sealed, wrapped]] = cursor.fetchall()
    stored = bytes(sealed) + bytes(wrapped)
    assert not any(sent.image[at : at + 16] in stored for at in range(0, len(sent.image) - 16, 16))
    assert b"JFIF" not in stored
    assert snapshots.picture_of(snapshot.pk) == sent.image


@pytest.mark.django_db
def test_a_sealed_picture_moved_to_another_row_does_not_open(cast: Cast) -> None:
    one, other = received(cast), received(cast)
    moved = SnapshotPicture.objects.get(pk=one.pk)
    SnapshotPicture.objects.filter(pk=other.pk).update(sealed=moved.sealed, wrapped_key=moved.wrapped_key)
    with pytest.raises(vault.Sealed):
        snapshots.picture_of(other.pk)


@pytest.mark.django_db
def test_the_picture_goes_with_the_decision(cast: Cast) -> None:
    snapshot = received(cast)
    decisions.settle(snapshot.pk, Evidence())
    assert snapshots.picture_of(snapshot.pk) is None
    assert not SnapshotPicture.objects.exists()


# --- Claimed --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_each_row_is_held_by_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LEASE", timedelta(minutes=1))
    keys = {received(cast).pk for _ in range(20)}

    def claim_all() -> list[uuid.UUID]:
        mine = []
        while claimed := snapshots.claim_forgotten(at_once=True):
            mine.append(claimed[0])
        return mine

    held = [key for mine in at_once(*[claim_all] * 8) for key in mine]
    assert len(held) == 20
    assert set(held) == keys
    assert set(Snapshot.objects.values_list("tries", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_of_eight_messages_about_one_snapshot_one_is_followed(cast: Cast) -> None:
    snapshot = received(cast)
    tries = at_once(*[partial(snapshots.claim, snapshot.pk)] * 8)
    assert sorted(tries, key=str) == [1, *[None] * 7]


@pytest.mark.django_db
def test_a_claim_ends_with_its_lease_and_the_try_is_counted_before_the_look(cast: Cast) -> None:
    snapshot = received(cast)
    assert [snapshots.claim(snapshot.pk), snapshots.claim(snapshot.pk)] == [1, None]
    age(snapshot, claimed_until=timedelta(milliseconds=1))
    assert [snapshots.claim(snapshot.pk), snapshots.claim(snapshot.pk)] == [2, None]
    snapshot.refresh_from_db()
    assert snapshot.tries == 2
    assert snapshot.claimed_until - timezone.now() <= snapshots.LEASE  # type: ignore[operator]


@pytest.mark.django_db
@pytest.mark.parametrize("key", [uuid.uuid4(), None], ids=["never was", "decided"])
def test_what_is_not_open_cannot_be_claimed(cast: Cast, key: uuid.UUID | None) -> None:
    if key is None:
        key = received(cast).pk
        decisions.settle(key, None)
    assert snapshots.claim(key) is None
    assert snapshots.claim_forgotten(at_once=True) is None


@pytest.mark.django_db
def test_the_queue_is_given_a_moment_before_a_row_counts_as_forgotten(cast: Cast) -> None:
    snapshot = received(cast)
    assert snapshots.claim_forgotten() is None
    age(snapshot, received=snapshots.FORGOTTEN + timedelta(milliseconds=1))
    assert snapshots.claim_forgotten() == (snapshot.pk, 1)


@pytest.mark.django_db
def test_after_a_ring_the_oldest_is_taken_first_and_without_waiting(cast: Cast) -> None:
    later, earlier = received(cast), received(cast)
    age(earlier, received=timedelta(milliseconds=100))
    assert snapshots.claim_forgotten(at_once=True) == (earlier.pk, 1)
    assert snapshots.claim_forgotten(at_once=True) == (later.pk, 1)


@pytest.mark.django_db
def test_what_is_past_its_deadline_is_not_looked_at_but_listed_as_overdue(cast: Cast) -> None:
    """After an outage old pictures must not stand in front of the person at the door."""
    snapshot, fresh = received(cast), received(cast)
    age(snapshot, received=timedelta(seconds=10), deadline=timedelta(seconds=8))
    assert snapshots.claim_forgotten(at_once=True) == (fresh.pk, 1)
    assert snapshots.claim_forgotten(at_once=True) is None
    assert list(snapshots.overdue(timezone.now())) == [snapshot.pk]


@pytest.mark.parametrize(("tries", "reason"), [(2, "deadline"), (3, "worker_failed")])
def test_at_the_deadline_a_picture_that_stopped_every_worker_is_told_from_a_late_one(
    cast: Cast, tries: int, reason: str
) -> None:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    Snapshot.objects.filter(pk=snapshot.pk).update(tries=tries)
    decision = decisions.settle(snapshot.pk, None)
    assert (decision.granted, decision.reason) == (False, reason)
