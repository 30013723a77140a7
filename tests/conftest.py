"""What every test may count on: a real Postgres and a real Valkey, started when first needed."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from django.db import connection

from access import doorbell, queue
from access.folder import DataFolder
from access.up.postgres import EmbeddedPostgres
from access.up.program import running
from access.up.valkey import EmbeddedValkey
from recognition import Card, Liveness, Problem, Sighting
from recognition.faces import Face
from recognition.liveness import Method, Why, not_judged
from recognition.weights import Calibration, Input
from tests import factories
from tests.factories import Cast
from workers import sight

# No test asserts a time: a busy machine is no finding.
hypothesis.settings.register_profile("lintel", deadline=None)
hypothesis.settings.load_profile("lintel")


@pytest.fixture(scope="session")
def servers() -> Iterator[DataFolder]:
    """Both servers, running; the data folder says where. Tests that need neither never wait for them."""
    folder = DataFolder(Path(os.environ["LINTEL_TEST_DATA"]))  # see tests/settings.py
    folder.make()
    postgres, valkey = EmbeddedPostgres(folder, fast=True), EmbeddedValkey(folder)
    try:
        with running(postgres), running(valkey):
            postgres.provision()
            yield folder
    finally:
        for place in {folder.postgres, folder.sockets, folder.path}:
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: DataFolder) -> None:
    """pytest-django asks for this before it touches the database: the moment to have one."""


TRUNCATES = (
    ("auditentry", "audit"),
    ("auditseal", "auditseal"),
    ("decision", "decision"),
    ("doorevent", "doorevent"),
    ("offlineevent", "offlineevent"),
    ("payrollexport", "payrollexport"),
    ("punch", "punch"),
    ("rulechange", "rulechange"),
)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Tests of committed work empty all tables afterwards, which the real database refuses for facts.

    Only that emptying is let through; what the guards refuse to everybody else is tested with them on.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table, trigger in TRUNCATES:
            cursor.execute(f"ALTER TABLE access_{table} DISABLE TRIGGER {trigger}_no_truncate")
    yield
    doorbell.close()  # its connection would keep the test database from being dropped


# --- The two levers: everything else is real ------------------------------------------------------


@pytest.fixture
def run_queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the website sends to the queue runs at once, in this process; the list says what was sent."""
    from workers.app import app

    sent: list[tuple[str, str]] = []

    def run(name: str, key: object, *, expires_seconds: float | None = None) -> bool:
        sent.append((name, str(key)))
        app.tasks[name](str(key))
        return True

    monkeypatch.setattr(queue, "send", run)
    return sent


class Eyes:
    """Eyes that report what a test says they saw."""

    def __init__(self, sighting: Sighting, card: Card) -> None:
        self.sighting, self.card, self.detector = sighting, card, self
        self.passive = None

    def look(self, data: bytes, *, liveness: bool = False, **_: object) -> Sighting:
        answer = self.sighting.liveness or not_judged(Why.NO_MODEL, method=Method.PASSIVE)
        return replace(self.sighting, liveness=answer if liveness else None)

    def look_at(self, pixels: object, **_: object) -> Sighting:
        return self.sighting


CARD = Card(
    id="test-model",
    task="embedder",
    family="test",
    files=(),
    licence="",
    source="",
    input=Input(112, 112),
    template="arcface-112",
    dimension=8,
    calibration=Calibration(
        points=((1e-1, 0.2), (1e-2, 0.3), (1e-3, 0.4), (1e-4, 0.5)),
        margin=0.05,
        data="none",
        people=0,
        pairs=0,
        detector="none",
        command="none",
    ),
)


@pytest.fixture
def camera_sees(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sighting]:
    """`camera_sees(vector)` or `camera_sees(problem=…)`: what the eyes report from now on.

    `liveness` is reported only to a door that asks; without it no model is there to judge.
    """

    def see(
        vector: Sequence[float] | None = None,
        *,
        problem: Problem | None = None,
        card: Card = CARD,
        liveness: Liveness | None = None,
    ) -> Sighting:
        unit = None if vector is None else np.asarray(vector, np.float32) / np.linalg.norm(vector)
        face = (
            Face((10.0, 10.0, 90.0, 110.0), np.zeros((5, 2), np.float32), 0.9) if unit is not None else None
        )
        faces = (face,) if face else ()
        sighting = Sighting(100, 120, card.id, faces, face, problem=problem, vector=unit, liveness=liveness)
        monkeypatch.setattr(sight, "_recognizer", Eyes(sighting, card))
        return sighting

    return see


@pytest.fixture
def cast(db: None) -> Cast:
    """Alice may pass, Bob may pass another door, Charlie is suspended; a stranger is anybody else."""
    return factories.cast()
