"""One snapshot, from the kiosk to the audit trail, through the real HTTP API."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry, Decision, Punch, Snapshot, SnapshotPicture
from recognition import Problem
from recognition.liveness import Method, Why, alive, not_judged, refused
from tests import factories
from tests.factories import ALICE, BOB, CHARLIE, STRANGER, Cast

pytestmark = pytest.mark.django_db(transaction=True)


def post(client: Client, key: str, **fields: Any) -> Any:
    values = {
        "image": SimpleUploadedFile("face.jpg", fields.pop("picture", factories.picture()), "image/jpeg"),
        "kind": "snapshot",
        "taken": timezone.now().isoformat(),
        "nonce": str(uuid.uuid4()),
    } | fields
    values = {name: value for name, value in values.items() if value is not None}
    return client.post("/api/v1/snapshots/", values, headers={"Authorization": f"Kiosk {key}"})


def test_alice_enters_and_is_punched_in(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    response = post(client, cast.key)
    body = response.json()
    punch = Punch.objects.get()
    assert response.status_code == 200
    assert body == {
        "id": body["id"],
        "granted": True,
        "reason": "ok",
        "message": "Welcome.",
        "person": {"badge": "00017", "name": "Alice Able"},
        "direction": "in",
        "punch": {"id": str(punch.pk), "at": body["punch"]["at"], "direction": "in"},
        "at": body["at"],
        "needs": [],
        "step": None,
        "minutes_today": 0,
        "question": None,
    }
    assert (punch.person, punch.direction, punch.kiosk) == (cast.alice, "in", cast.kiosk)
    assert not SnapshotPicture.objects.exists()
    entry = AuditEntry.objects.get(action="decision.granted")
    assert (entry.subject, entry.actor) == (f"snapshot:{body['id']}", f"kiosk:{cast.kiosk.pk}")


@pytest.mark.parametrize(
    ("vector", "reason"),
    [(STRANGER, "unknown_face"), (BOB, "no_permission"), (CHARLIE, "unknown_face")],
    ids=["a stranger", "somebody of another door", "somebody suspended"],
)
def test_nobody_else_enters_and_the_kiosk_learns_no_name(
    client: Client,
    cast: Cast,
    run_queue: list[Any],
    camera_sees: Callable[..., Any],
    vector: Any,
    reason: str,
) -> None:
    camera_sees(vector)
    body = post(client, cast.key).json()
    assert (body["granted"], body["reason"], body["person"], body["punch"]) == (False, reason, None, None)
    assert not Punch.objects.exists()
    assert Decision.objects.get().reason == reason


@pytest.mark.parametrize("vector", [ALICE, CHARLIE, STRANGER], ids=["alice", "charlie", "a stranger"])
@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        (refused(Why.SPOOF, method=Method.PASSIVE, score=0.02), "spoof_suspected"),
        (not_judged(Why.NO_MARGIN, method=Method.PASSIVE), "liveness_unjudged"),
        (None, "liveness_unjudged"),
    ],
    ids=["a photograph held up", "an edge crop without margin", "no model"],
)
def test_where_a_live_face_is_demanded_a_picture_of_anybody_gets_one_and_the_same_answer(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any],
    vector: Any, judged: Any, reason: str,
) -> None:  # fmt: skip
    cast.front.liveness = "passive"
    cast.front.save()
    camera_sees(vector, liveness=judged)
    body = post(client, cast.key).json()
    assert {key: body[key] for key in body if key not in {"id", "at"}} == {
        "granted": False,
        "reason": reason,
        "message": "You were not recognised.",
        "person": None,
        "direction": None,
        "punch": None,
        "needs": [],
        "step": None,
        "minutes_today": None,
        "question": None,
    }
    assert not Punch.objects.exists()


def test_a_living_alice_enters_where_a_live_face_is_demanded(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    cast.front.liveness = "passive"
    cast.front.save()
    camera_sees(ALICE, liveness=alive(0.97, method=Method.PASSIVE))
    assert post(client, cast.key).json()["granted"] is True
    assert Decision.objects.get().facts["liveness"]["score"] == 0.97


@pytest.mark.parametrize("problem", list(Problem))
def test_each_problem_of_a_picture_is_told_to_the_kiosk(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any], problem: Problem
) -> None:
    camera_sees(problem=problem)
    body = post(client, cast.key).json()
    assert (body["granted"], body["reason"]) == (False, problem.value)


def test_a_repeated_nonce_gives_the_first_answer_and_no_second_punch(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    same = {
        "nonce": str(uuid.uuid4()),
        "taken": timezone.now().isoformat(),
        "picture": factories.picture(seed=4),
    }
    first = post(client, cast.key, **same).json()
    camera_sees(STRANGER)
    assert post(client, cast.key, **same).json() == first
    assert (Punch.objects.count(), Snapshot.objects.count(), len(run_queue)) == (1, 1, 1)


def test_a_nonce_used_for_another_body_is_refused(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    same = {"nonce": str(uuid.uuid4()), "taken": timezone.now().isoformat()}
    post(client, cast.key, **same, picture=factories.picture(seed=1))
    response = post(client, cast.key, **same, picture=factories.picture(seed=2))
    assert (response.status_code, response.json()["code"]) == (422, "nonce-reused")
    assert Decision.objects.count() == 1


def test_a_picture_taken_too_long_ago_opens_nothing_and_is_not_looked_at(
    client: Client, cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    old = (timezone.now() - timedelta(minutes=5)).isoformat()
    body = post(client, cast.key, taken=old).json()
    assert (body["granted"], body["reason"], run_queue) == (False, "stale", [])


def test_without_a_worker_the_deadline_refuses(client: Client, cast: Cast) -> None:
    cast.front.deadline_ms = 300
    cast.front.save()
    body = post(client, cast.key).json()
    assert (body["granted"], body["reason"]) == (False, "deadline")


@pytest.mark.parametrize("key", ["", "kk_wrong", "kk_ö"])
def test_an_unknown_kiosk_is_turned_away_before_anything_is_stored(
    client: Client, cast: Cast, key: str
) -> None:
    response = post(client, key)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Kiosk"
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"picture": b"not a picture"}, 415, "not-a-picture"),
        ({"picture": b""}, 415, "not-a-picture"),
        ({"picture": factories.picture(form="GIF")}, 415, "not-a-picture"),
        ({"picture": factories.picture(40, 40)}, 422, "too-few-pixels"),
        ({"picture": factories.picture() + b"\0" * 2_097_153}, 413, "too-large"),
        ({"taken": "2026-03-01T08:00:00"}, 400, "invalid"),
        ({"taken": "yesterday"}, 400, "invalid"),
        ({"nonce": "1"}, 400, "invalid"),
        ({"kind": "film"}, 400, "invalid"),
        ({"direction": "sideways"}, 400, "invalid"),
        ({"image": None}, 400, "invalid"),
    ],
)
def test_bad_input_gets_a_clear_problem_and_leaves_nothing(
    client: Client, cast: Cast, fields: dict[str, Any], status: int, code: str
) -> None:
    response = post(client, cast.key, **fields)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert response["Content-Type"] == "application/problem+json"
    assert not Snapshot.objects.exists()
