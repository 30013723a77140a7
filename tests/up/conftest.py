"""Folders and helpers to start, break and start again. The session's own servers are left alone."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.folder import DataFolder

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("DATABASE_URL", "REDIS_URL", "LINTEL_DATA", "LINTEL_SECRET_KEY", "LINTEL_MASTER_KEYS")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a fresh machine: nothing given, everything embedded."""
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)


def _folder_to_be_removed() -> Iterator[Path]:
    # Not tmp_path: pytest closes its folders to other accounts, and root's Postgres runs as one.
    place = Path(tempfile.mkdtemp(prefix="lintel-up-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder with a short path that any account can reach."""
    yield from _folder_to_be_removed()


@pytest.fixture(scope="module")
def shared() -> Iterator[DataFolder]:
    """One data folder for a module: a cluster is made once, then started and broken by each test in turn."""
    for place in _folder_to_be_removed():
        folder = DataFolder(place / "data")
        folder.make()
        yield folder


@pytest.fixture
def python() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a script in a Python of its own; what still runs at the end of the test is asked to leave."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(30)
        process.stdout.close()
