"""Nothing that names somebody is ever logged, whatever happens (requirements PRV-08)."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from access import enrolment, erasure, people
from access.models import Snapshot
from recognition import Problem
from tests import factories
from tests.factories import ALICE, STRANGER, Cast
from workers import identify, sight, watch


def post(client: Client, key: str, **fields: Any) -> Any:
    image = SimpleUploadedFile("canary-file.jpg", factories.picture(), "image/jpeg")
    values = {
        "image": image,
        "kind": "snapshot",
        "taken": timezone.now().isoformat(),
        "nonce": str(uuid.uuid4()),
    }
    return client.post("/api/v1/snapshots/", values | fields, headers={"Authorization": f"Kiosk {key}"})


@pytest.mark.django_db(transaction=True)
def test_no_log_line_of_a_whole_story_names_anybody(
    client: Client,
    cast: Cast,
    run_queue: list[Any],
    camera_sees: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    client.raise_request_exception = False
    quetzal = factories.person("Quetzal Xylander", badge="ZZ-0815-ZZ")
    cast.crew.people.add(quetzal)
    camera_sees((0, 0, 0, 1, 0, 0, 0, 0.01))
    enrolment.submit(quetzal, [("canary-file.jpg", factories.picture())])
    assert post(client, cast.key).json()["person"]["badge"] == "ZZ-0815-ZZ"
    for problem in (Problem.NO_FACE, Problem.UNREADABLE):
        camera_sees(problem=problem)
        assert post(client, cast.key).json()["granted"] is False
    camera_sees(STRANGER)
    post(client, cast.key)
    post(client, "kk_canary-key-that-is-wrong")
    post(client, cast.key, taken="canary-time")

    camera_sees(ALICE)
    with monkeypatch.context() as broken:

        def fail(*_: object, **__: object) -> None:
            raise ArithmeticError("broken")

        broken.setattr(sight._recognizer, "look", fail)
        assert post(client, cast.key).status_code == 500
        Snapshot.objects.update(claimed_until=None)
        broken.setattr(identify, "look_and_settle", fail)
        with pytest.raises(ArithmeticError):
            watch.look_round(at_once=True)
    people.withdraw_consent(quetzal)
    erasure.erase(quetzal)

    lines = [f"{record.getMessage()} {vars(record)} {record.exc_text}" for record in caplog.records]
    assert any("Internal Server Error" in line for line in lines), "the logs were captured"
    for canary in ("Quetzal", "Xylander", "ZZ-0815", "canary-", cast.key, cast.key[8:], "Alice", "00017"):
        assert [line for line in lines if canary in line and "django.db" not in line] == []
