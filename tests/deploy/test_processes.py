"""The containers' commands, run without containers: the same words, from the environment alone.

Web, two workers and beat against an ordinary Postgres and an ordinary Valkey, one snapshot from a
kiosk's post to its decision, and an orderly end.
"""

import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recognition import ModelError
from recognition.weights import default_embedder
from tests.deploy.conftest import Ground, free_port
from tests.deploy.layout import ROOT, command, compose

PORTRAIT = ROOT / "access" / "up" / "demo" / "portrait.jpg"
RESEARCH = Path(os.environ.get("LINTEL_RESEARCH", ROOT.parent / "shared")) / "models"
NAME, SITE = "Zora Zeisig", "Werk am Weiher"
SEED = f"""
import django
django.setup()
from access import people, places
from access.gallery import Gallery
site = places.Site.objects.create(name={SITE!r})
door = places.Door.objects.create(site=site, name="Front")
kiosk = places.Kiosk.objects.create(door=door, name="Kiosk")
person = people.Person.objects.create(name={NAME!r}, badge="0001")
gallery = Gallery.objects.create(name="Crew")
gallery.sites.add(site)
gallery.people.add(person)
door.admits.add(gallery)
door.deadline_ms = 10_000  # two cores may be busy with other tests
door.save()
print(places.issue_key(kiosk))
"""


# Celery writes this past every logger when it is asked to leave.
CELERYS_LAST_WORDS = {"", "worker: Warm shutdown (MainProcess)"}


def has_embedder(models: Path | None) -> bool:
    try:
        return default_embedder(models).paths(models) is not None
    except ModelError:
        return False


@dataclass
class System:
    """The processes, their environment and their logs."""

    ground: Ground
    port: int
    models: Path | None
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What compose gives to each of them, with this machine's places put for the containers'."""
        given = compose()["services"]["web"]["environment"] | {
            "REDIS_URL": self.ground.redis_url,
            "LINTEL_BIND": f"127.0.0.1:{self.port}",
            "LINTEL_DATA": str(self.ground.place / "data"),
            "LINTEL_STATIC": str(self.ground.place / "static"),
            "LINTEL_MODELS": str(self.models or ""),
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "DJANGO_SETTINGS_MODULE": "access.settings",
            "OMP_NUM_THREADS": "1",
            # Celery tells root in plain words that it should not be root; containers are not.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }
        return {name: value.replace("/keys/", f"{self.ground.keys}/") for name, value in given.items()}

    @property
    def home(self) -> Path:
        return self.ground.place / "home"

    def log(self, name: str) -> Path:
        return self.ground.place / f"{name}.log"

    def run(self, *words: str) -> str:
        """A one-shot command to its end; what it printed."""
        done = subprocess.run(
            words, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, service: str) -> None:
        words = [word.replace("/tmp/", f"{self.ground.place}/") for word in command(service)]
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                words, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        """As the proxy would pass it on."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"X-Forwarded-Proto": "https"} | headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_until_ready(self, *, workers: int, seconds: float = 60) -> dict[str, object]:
        deadline = time.monotonic() + seconds
        while True:
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name).read_text()}"
            try:
                status, text = self.ask("/readyz")
                if status == 200 and json.loads(text)["workers"] >= workers:
                    return json.loads(text)
            except OSError:
                text = "no answer"
            assert time.monotonic() < deadline, text
            time.sleep(0.2)

    def stop(self) -> dict[str, int]:
        """SIGTERM to all, as a container's end or systemd sends it; the exit codes."""
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(30) for name, process in self.processes.items()}


@dataclass(frozen=True)
class Story:
    """All that happened, told once; each test looks at a part."""

    ready: dict[str, object]
    key: str
    first: tuple[int, str]
    again: tuple[int, str]
    unknown_kiosk: tuple[int, str]
    plain_http: tuple[int, str]
    metrics: tuple[int, str]
    metrics_without_token: tuple[int, str]
    health: int
    exits: dict[str, int]
    logs: dict[str, str]
    left_at_home: list[str]


def snapshot(system: System, key: str, nonce: uuid.UUID, taken: str) -> tuple[int, str]:
    fields = {"kind": "snapshot", "taken": taken, "nonce": str(nonce)}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    image = '--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
    body = ("".join(parts) + image).encode() + PORTRAIT.read_bytes() + b"\r\n--b--\r\n"
    headers = {"Authorization": f"Kiosk {key}", "Content-Type": "multipart/form-data; boundary=b"}
    return system.ask("/api/v1/snapshots/", method="POST", body=body, **headers)


@pytest.fixture(scope="module")
def story(ground: Ground) -> Iterator[Story]:
    models = next((folder for folder in (None, RESEARCH) if has_embedder(folder)), False)
    if models is False:
        pytest.skip("no embedding model is shipped or in the research folder")
    system = System(ground, free_port(), models)
    system.home.mkdir()
    try:
        system.run(*command("migrate"))
        system.run("python", "manage.py", "collectstatic", "--noinput")
        for name, service in (("web", "web"), ("one", "worker"), ("two", "worker"), ("beat", "beat")):
            system.start(name, service)
        key = system.run("python", "-c", SEED).strip()
        ready = system.wait_until_ready(workers=2)
        nonce, taken = uuid.uuid4(), datetime.now(UTC).isoformat()
        token = (ground.keys / "metrics_token").read_text().strip()
        told = {
            "first": snapshot(system, key, nonce, taken),
            "again": snapshot(system, key, nonce, taken),
            "unknown_kiosk": snapshot(system, "kk_unknown", uuid.uuid4(), taken),
            "plain_http": system.ask("/admin/login/", **{"X-Forwarded-Proto": "http"}),
            "metrics": system.ask("/metrics", Authorization=f"Bearer {token}"),
            "metrics_without_token": system.ask("/metrics"),
            "health": subprocess.run(
                command_of_health(), cwd=ROOT, env=system.environment, check=False
            ).returncode,
        }
        exits = system.stop()
        logs = {name: system.log(name).read_text() for name in system.processes}
        left = [str(path) for path in system.home.rglob("*")]
        yield Story(ready=ready, key=key, exits=exits, logs=logs, left_at_home=left, **told)
    finally:
        for process in system.processes.values():
            process.kill()
            process.wait()


def command_of_health() -> list[str]:
    return compose()["services"]["worker"]["healthcheck"]["test"][1:]


def test_two_workers_and_both_servers_are_found(story: Story) -> None:
    assert story.ready == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "workers": 2,
        "audit": "ok",
        "liveness": "ok",
    }
    assert story.health == 0


def test_a_snapshot_is_decided_by_a_worker_in_another_process(story: Story) -> None:
    status, text = story.first
    body = json.loads(text)
    assert (status, body["granted"], body["reason"]) == (200, False, "unknown_face")
    assert story.again == story.first


def test_an_unknown_kiosk_is_turned_away(story: Story) -> None:
    assert story.unknown_kiosk[0] == 401


def test_what_did_not_come_through_tls_is_sent_there(story: Story) -> None:
    assert story.plain_http[0] == 301


def test_metrics_are_for_the_holder_of_the_token(story: Story) -> None:
    status, text = story.metrics
    assert status == 200
    assert 'lintel_decisions{reason="unknown_face"} 1.0' in text
    assert (
        sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("lintel_workers{")) == 2
    )
    assert story.metrics_without_token[0] == 403


def test_every_line_of_every_log_is_json_with_time_and_level(story: Story) -> None:
    for name, log in story.logs.items():
        assert log, name
        for line in log.splitlines():
            if line in CELERYS_LAST_WORDS:
                continue
            entry = json.loads(line)
            assert {"at", "level", "logger", "message"} <= entry.keys(), line


def test_logs_hold_neither_keys_nor_names(story: Story, ground: Ground) -> None:
    secrets = [(ground.keys / name).read_text().strip() for name in ("secret_key", "master_keys")]
    secrets += [(ground.keys / "database_password").read_text().strip(), story.key, NAME, SITE]
    everything = "".join(story.logs.values())
    assert [secret for secret in secrets if secret in everything] == []


def test_onnxruntime_reports_to_nobody(story: Story) -> None:
    # Its reporting begins by writing an identifier and a queue of events there.
    assert story.left_at_home == []


def test_a_polite_request_ends_everything_cleanly(story: Story) -> None:
    assert story.exits == {"web": 0, "one": 0, "two": 0, "beat": 0}
