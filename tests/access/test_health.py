"""Probes and figures: true ones, for whoever may see them."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.conf import LazySettings
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from access import audit, decisions, health, queue, snapshots
from access.doors import alarms
from access.doors.alarms import Kind
from access.models import Worker
from access.policy import Evidence, Reason
from tests import factories
from tests.factories import Cast
from workers import housekeeping


def test_alive_is_answered_without_asking_anybody(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_means_a_warm_worker(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()["workers"]) == (503, 0)
    health.sign_in("host:1", embedder="e", detector="d")
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ok", "database": "ok", "broker": "ok", "workers": 1, "liveness": "ok", "audit": "ok"},
    )
    Worker.objects.update(seen=timezone.now() - timedelta(seconds=16))
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_without_a_broker_it_is_ready_all_the_same_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Celery("dead", broker="redis+socket:///nowhere/valkey.sock", set_as_current=False)
    monkeypatch.setattr(queue, "app", dead)
    health.sign_in("host:1", embedder="e", detector="d")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["broker"]) == (200, "down")


@pytest.mark.django_db
def test_a_trail_that_is_not_sealed_is_told_by_probe_and_figures_but_stops_no_door(
    client: Client, settings: LazySettings
) -> None:
    health.sign_in("host:1", embedder="e", detector="d")
    audit.record("site.renamed", "site:1")
    alarms.raise_alarm(Kind.HELD, "door:1")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE access_auditpending DISABLE TRIGGER USER")
        cursor.execute("UPDATE access_auditpending SET since = now() - interval '5 minutes'")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["audit"]) == (200, "behind")
    settings.METRICS_TOKEN = "metrics-token"
    text = client.get("/metrics", headers={"Authorization": "Bearer metrics-token"}).content.decode()
    assert "lintel_audit_unsealed 2.0" in text
    assert re.search(r"lintel_audit_unsealed_seconds 30\d\.", text)
    assert "lintel_audit_seals 0.0" in text
    assert 'lintel_alarms{kind="held"} 1.0' in text


@pytest.mark.django_db
def test_a_door_that_demands_liveness_of_workers_without_a_model_is_told(
    client: Client, cast: Cast, settings: LazySettings
) -> None:
    settings.METRICS_TOKEN = "metrics-token"
    door = cast.kiosk.door
    type(door).objects.filter(pk=door.pk).update(liveness=door.Liveness.PASSIVE)

    def told() -> tuple[str, bool]:
        text = client.get("/metrics", headers={"Authorization": "Bearer metrics-token"}).content.decode()
        return client.get("/readyz").json()["liveness"], "lintel_doors_without_liveness 1.0" in text

    assert told() == ("ok", False)  # no worker: every door refuses, which is told otherwise
    health.sign_in("host:1", embedder="e", detector="d", liveness="minifasnet")
    assert told() == ("ok", False)
    health.sign_in("host:2", embedder="e", detector="d")
    assert told() == ("missing", True)
    health.sign_in("host:2", embedder="e", detector="d", liveness="minifasnet")
    assert told() == ("ok", False)


@pytest.mark.django_db
def test_without_a_database_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    with connection.execute_wrapper(fail):
        response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable", "database": "down"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        ("", "", 403),
        ("", "Bearer ", 403),
        ("t0ken", "", 403),
        ("t0ken", "Bearer t0ke", 403),
        ("t0ken", "Bearer tökén", 403),
        ("t0ken", "Bearer t0ken", 200),
    ],
)
def test_metrics_are_closed_without_the_token(
    client: Client, settings: Any, token: str, sent: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    response = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert response.status_code == status


@pytest.mark.django_db
def test_the_figures_are_those_of_the_tables(client: Client, cast: Cast, settings: Any) -> None:
    settings.METRICS_TOKEN = "t0ken"
    health.sign_in("host:1", embedder="test-model", detector="test-detector")
    for evidence in (Evidence(person=cast.alice.pk), Evidence(problem=Reason.BLURRED), Evidence()):
        snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
        decisions.settle(snapshot.pk, evidence)
    snapshots.receive(cast.kiosk, factories.sent())
    text = client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).content.decode()
    figures = dict(re.findall(r"^(lintel_\S+) (\S+)$", text, re.MULTILINE))
    expected = {
        'lintel_decisions{reason="ok"}': 1,
        'lintel_decisions{reason="blurred"}': 1,
        'lintel_decisions{reason="unknown_face"}': 1,
        'lintel_queue_length{queue="decide"}': 1,
        'lintel_queue_length{queue="enrol"}': 0,
        'lintel_workers{detector="test-detector",embedder="test-model"}': 1,
        'lintel_faceprints{model="test-model"}': 3,
    }
    assert {name: float(figures.get(name, "nan")) for name in expected} == expected
    assert 0 < float(figures['lintel_decision_seconds{quantile="0.99"}']) < 60
    assert float(figures['lintel_queue_age_seconds{queue="decide"}']) > 0


@pytest.mark.django_db
def test_the_figures_name_nobody(client: Client, cast: Cast, settings: Any) -> None:
    settings.METRICS_TOKEN = "t0ken"
    text = client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).content.decode()
    assert not any(word in text for word in ("Alice", "00017", cast.kiosk.name))


@pytest.mark.django_db
def test_the_night_removes_ended_sessions_and_silent_workers(
    client: Client, django_user_model: Any, camera_sees: Callable[..., Any]
) -> None:
    from django.contrib.sessions.models import Session

    client.force_login(django_user_model.objects.create(username="ada"))
    for name in ("host:1", "host:2"):
        health.sign_in(name, embedder="e", detector="d")
    housekeeping.tidy()
    assert (Session.objects.count(), Worker.objects.count()) == (1, 2)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    Worker.objects.filter(name="host:2").update(seen=timezone.now() - timedelta(days=2))
    housekeeping.tidy()
    assert (Session.objects.count(), [worker.name for worker in Worker.objects.all()]) == (0, ["host:1"])
