"""What a door asks of a face: unforeseeable, for one snapshot, once, within seconds; and how frames come."""

import uuid
from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from access import bursts, challenges, decisions, snapshots, vault
from access.bursts import Shot
from access.challenges import COLOURS, LASTS, LIGHTS
from access.models import Challenge, Pepper, Snapshot, SnapshotPicture
from access.policy import Evidence
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast

SHOTS = tuple(Shot(factories.picture(seed=n), 500 * n) for n in range(6))


@pytest.fixture
def colours(cast: Cast) -> Cast:
    return demanding(cast, "colour")


def demanding(cast: Cast, word: str) -> Cast:
    cast.front.liveness = word
    cast.front.save()
    cast.kiosk.door.refresh_from_db()
    return cast


def asked(cast: Cast, nonce: uuid.UUID | None = None) -> challenges.Asked:
    issued = challenges.issue(cast.kiosk, nonce or uuid.uuid4())
    assert issued is not None
    return issued.asked


# --- What is asked --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_colour_comes_twice_running_and_every_one_comes_first(colours: Cast) -> None:
    found = [asked(colours).colours for _ in range(120)]
    assert all(len(each) == COLOURS and set(each) <= set(LIGHTS) for each in found)
    assert all(one != other for each in found for one, other in pairwise(each))
    assert {each[0] for each in found} == set(LIGHTS)
    assert len(set(found)) > 90


@pytest.mark.django_db
def test_both_sides_are_asked_for_about_equally_often(cast: Cast) -> None:
    found = Counter(asked(demanding(cast, "turn")).side for _ in range(200))
    assert set(found) == {"left", "right"}
    assert min(found.values()) > 65


@pytest.mark.django_db
def test_what_is_asked_follows_from_nonce_and_kiosk_and_a_secret_outside_the_table(colours: Cast) -> None:
    nonce = uuid.uuid4()
    first = asked(colours, nonce)
    assert asked(colours, uuid.uuid4()) != first or asked(colours, uuid.uuid4()) != first
    assert asked(colours, nonce) == first
    other, _key = factories.kiosk(colours.front)
    others = {challenges.issue(other, nonce).asked, first}  # type: ignore[union-attr]
    Pepper.objects.update(wrapped=vault.new_wrapped_key())
    assert len(others | {asked(colours, nonce)}) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["nothing", "passive", "two_factor"])
def test_a_door_that_demands_no_answer_asks_nothing(client: Client, cast: Cast, word: str) -> None:
    response = ask(client, demanding(cast, word), uuid.uuid4())
    assert (response.status_code, response.json()["code"]) == (409, "no-challenge")
    assert not Challenge.objects.exists()


# --- Once, for one snapshot, within seconds --------------------------------------------------------


def answered(cast: Cast, nonce: uuid.UUID, **fields: Any) -> challenges.Asked | None:
    """What the stored frames of this nonce are known to answer."""
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent(nonce=nonce, frames=SHOTS, **fields))
    burst = snapshots.burst_of(snapshot.pk)
    assert burst is not None
    assert burst.shots == SHOTS
    return burst.asked


@pytest.mark.django_db
def test_frames_answer_the_challenge_of_their_own_nonce_and_kiosk(colours: Cast) -> None:
    nonce = uuid.uuid4()
    wanted = asked(colours, nonce)
    other, _key = factories.kiosk(colours.front)
    elsewhere, _new = snapshots.receive(other, factories.sent(nonce=nonce, frames=SHOTS))
    assert snapshots.burst_of(elsewhere.pk) == snapshots.Burst(SHOTS, None)
    assert answered(colours, uuid.uuid4()) is None
    assert answered(colours, nonce) == wanted
    assert not Challenge.objects.exists()


@pytest.mark.django_db
def test_a_new_challenge_ends_the_one_before(colours: Cast) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    asked(colours, first)
    wanted = asked(colours, second)
    assert answered(colours, first) is None
    assert answered(colours, second) == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("late", [timedelta(0), timedelta(milliseconds=50)])
def test_what_comes_after_the_end_answers_nothing(colours: Cast, late: timedelta) -> None:
    nonce = uuid.uuid4()
    wanted, at = asked(colours, nonce), Challenge.objects.get().issued
    found = challenges.take(colours.kiosk, nonce, at=at + LASTS + late)
    assert found == (None if late else wanted)
    assert not Challenge.objects.exists()


@pytest.mark.django_db
def test_asking_again_does_not_prolong(colours: Cast) -> None:
    nonce = uuid.uuid4()
    asked(colours, nonce)
    Challenge.objects.update(issued=timezone.now() - LASTS)
    asked(colours, nonce)
    assert answered(colours, nonce) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_equal_posts_at_once_one_takes_the_challenge(colours: Cast) -> None:
    nonce = uuid.uuid4()
    wanted = asked(colours, nonce)
    same = factories.sent(nonce=nonce, frames=SHOTS)
    at_once(*[partial(snapshots.receive, colours.kiosk, same)] * 8)
    assert snapshots.burst_of(Snapshot.objects.get().pk) == snapshots.Burst(SHOTS, wanted)


# --- Frames ---------------------------------------------------------------------------------------


def test_frames_come_out_as_they_went_in() -> None:
    assert bursts.unpack(bursts.pack(SHOTS)) == SHOTS
    assert bursts.unpack(b"") == ()


def test_frames_and_their_times_count_towards_the_digest() -> None:
    same = {"image": b"one", "taken": timezone.now(), "nonce": uuid.uuid4()}
    later = (*SHOTS[:-1], Shot(SHOTS[-1].image, 2_501))
    digests = {factories.sent(**same, frames=frames).digest() for frames in ((), SHOTS, SHOTS[:-1], later)}
    assert len(digests) == 4


@pytest.mark.django_db
def test_frames_are_sealed_like_the_picture_and_go_with_the_decision(colours: Cast) -> None:
    snapshot, _new = snapshots.receive(colours.kiosk, factories.sent(frames=SHOTS))
    with connection.cursor() as cursor:
        cursor.execute("SELECT frames FROM access_snapshotpicture")
        stored = bytes(cursor.fetchone()[0])
    assert b"JFIF" not in stored
    assert not any(SHOTS[0].image[at : at + 16] in stored for at in range(0, 1600, 16))
    other, _new = snapshots.receive(colours.kiosk, factories.sent(frames=SHOTS))
    row = SnapshotPicture.objects.get(pk=snapshot.pk)
    SnapshotPicture.objects.filter(pk=other.pk).update(frames=row.frames, wrapped_key=row.wrapped_key)
    with pytest.raises(vault.Sealed):
        snapshots.burst_of(other.pk)
    decisions.settle(snapshot.pk, Evidence())
    assert snapshots.burst_of(snapshot.pk) is None


@pytest.mark.django_db
def test_a_worker_has_longer_for_a_picture_with_frames(cast: Cast) -> None:
    spans = []
    for frames in ((), SHOTS):
        snapshot, _new = snapshots.receive(cast.kiosk, factories.sent(frames=frames))
        began = timezone.now()
        assert snapshots.claim(snapshot.pk) == 1
        assert snapshots.claim(snapshot.pk) is None
        snapshot.refresh_from_db()
        assert snapshot.claimed_until is not None
        spans.append(snapshot.claimed_until - began)
    for span, lease in zip(spans, (snapshots.LEASE, snapshots.FRAMES_LEASE), strict=True):
        assert lease <= span < lease + timedelta(seconds=5)


# --- Through the API ------------------------------------------------------------------------------


def ask(client: Client, cast: Cast, nonce: object) -> Any:
    return client.post(
        "/api/v1/challenges/",
        {"nonce": str(nonce)},
        content_type="application/json",
        headers={"Authorization": f"Kiosk {cast.key}"},
    )


def post(client: Client, cast: Cast, frames: list[bytes], times: list[Any], **fields: Any) -> Any:
    values = {
        "image": SimpleUploadedFile("face.jpg", factories.picture(), "image/jpeg"),
        "kind": "snapshot",
        "taken": timezone.now().isoformat(),
        "nonce": str(uuid.uuid4()),
        "frames": [SimpleUploadedFile("frame.jpg", data, "image/jpeg") for data in frames],
        "frame_times": times,
    }
    return client.post("/api/v1/snapshots/", values | fields, headers={"Authorization": f"Kiosk {cast.key}"})


@pytest.mark.django_db
def test_a_kiosk_gets_what_to_ask_and_the_same_again(client: Client, colours: Cast) -> None:
    nonce = uuid.uuid4()
    first, again = (ask(client, colours, nonce) for _ in range(2))
    assert first.status_code == 200
    assert first.json() == again.json()
    body, issued = first.json(), Challenge.objects.get()
    assert (body["nonce"], body["kind"], body["side"]) == (str(nonce), "colour", None)
    assert tuple(body["colours"]) == issued.asked.colours
    demanding(colours, "turn")
    body = ask(client, colours, nonce).json()
    assert (body["kind"], body["colours"], body["side"] in {"left", "right"}) == ("turn", [], True)


def test_nobody_else_gets_a_challenge(client: Client, colours: Cast) -> None:
    response = client.post("/api/v1/challenges/", {"nonce": str(uuid.uuid4())}, "application/json")
    assert response.status_code == 401


@pytest.mark.django_db
def test_frames_posted_with_a_picture_reach_the_table_in_order(
    client: Client, cast: Cast, run_queue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[snapshots.Sent] = []

    def look(kiosk: object, sent: snapshots.Sent) -> Any:
        taken.append(sent)
        raise snapshots.UnknownStep

    monkeypatch.setattr(decisions, "reach", look)
    post(client, cast, [shot.image for shot in SHOTS], [shot.milliseconds for shot in SHOTS])
    assert taken[0].frames == SHOTS


SMALL = factories.picture()
LARGE = factories.picture(1000, 800, form="PNG")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("frames", "times", "status", "code"),
    [
        ([SMALL] * 2, [0, 500], 400, "invalid"),
        ([SMALL] * 13, [*range(0, 1300, 100)], 400, "invalid"),
        ([SMALL] * 3, [0, 500], 400, "invalid"),
        ([SMALL] * 3, [], 400, "invalid"),
        ([], [0, 1, 2], 400, "invalid"),
        ([SMALL] * 3, [0, 500, 500], 400, "invalid"),
        ([SMALL] * 3, [500, 0, 1000], 400, "invalid"),
        ([SMALL] * 3, [-1, 0, 1], 400, "invalid"),
        ([SMALL] * 3, [0, 1, 12_001], 400, "invalid"),
        ([SMALL] * 3, [0, "soon", 9], 400, "invalid"),
        ([SMALL, SMALL, b"text"], [0, 1, 2], 415, "not-a-picture"),
        ([SMALL, SMALL, b""], [0, 1, 2], 415, "not-a-picture"),
        ([SMALL, SMALL, LARGE], [0, 1, 2], 413, "too-large"),
        ([SMALL, SMALL, factories.picture(2000, 100)], [0, 1, 2], 422, "too-many-pixels"),
        ([SMALL, SMALL, SMALL + bytes(3 * 1024 * 1024)], [0, 1, 2], 413, "too-large"),
    ],
)
def test_frames_outside_the_limits_are_refused_before_anything_is_decoded_or_stored(
    client: Client, cast: Cast, frames: list[bytes], times: list[Any], status: int, code: str
) -> None:
    response = post(client, cast, frames, times)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not Snapshot.objects.exists()
