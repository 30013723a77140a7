"""The whole system as a newcomer starts it: one command, real processes, all killed in the middle."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
READY_SECONDS = 120

pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes to kill in /proc"),
]


def environment(data: Path) -> dict[str, str]:
    """Ours without what the test settings put there: `up` must manage with nothing set."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LINTEL_", "DJANGO_"))}
    for name in ("DATABASE_URL", "REDIS_URL"):
        ours.pop(name, None)
    return ours | {"LINTEL_DATA": str(data), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def up(data: Path, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`manage.py up`, running; its output goes to up.log beside the data folder."""
    with (data.parent / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "2", *options],
            cwd=REPOSITORY,
            env=environment(data),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)


def printed(data: Path) -> str:
    return (data.parent / "up.log").read_text()


def wait_for(data: Path, text: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while text not in printed(data):
        assert time.monotonic() < until, printed(data)
        time.sleep(0.05)


def ours(data: Path, program: str = "") -> list[int]:
    """Process numbers that carry the mark of this data folder, the supervisor's children."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            marks = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if any(
            mark.startswith(f"LINTEL_PROGRAM={program}".encode()) and mark.endswith(f"@{data}".encode())
            for mark in marks
        ):
            found.append(int(entry.name))
    return found


def load(data: Path, port: int, *options: str) -> dict[str, object]:
    """What `python -m tests.load` measured; its exit code must be 0, which means that no promise broke."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.load", "--address", f"http://127.0.0.1:{port}", *options],
        cwd=REPOSITORY,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_everything_is_killed_in_the_middle_of_the_journey_and_the_next_one_is_right(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with up(data, port, "--check") as first:
        wait_for(data, "in and out are granted")
        for pid in [*ours(data), first.pid]:
            os.kill(pid, signal.SIGKILL)
        first.wait(10)
    with up(data, port, "--check") as second:
        assert second.wait(READY_SECONDS) == 0, printed(data)
    assert "All 13 steps came out right" in printed(data)
    assert ours(data) == []


def test_a_storm_of_kiosks_is_decided_once_each_while_the_broker_dies(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with up(data, port) as running:
        wait_for(data, "Lintel is up")
        [broker] = ours(data, "valkey")
        measured = load(
            data, port, "storm", "--kiosks", "8", "--snapshots", "120", "--kill-broker", str(broker)
        )
        assert measured["rows"] == {"Snapshot": 120, "Decision": 120, "Punch": measured["granted"]}
        assert measured["granted"]
        assert "valkey was killed" in printed(data)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
