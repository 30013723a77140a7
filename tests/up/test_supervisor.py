import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from access.up import supervisor as module
from access.up.postgres import EmbeddedPostgres
from access.up.program import Program, ProgramError, alive, stop_marked
from access.up.supervisor import StopRequested, Supervisor
from access.up.valkey import EmbeddedValkey

# Writes its name when it is asked to leave, so that the order of the stop can be read.
POLITE = """
import signal, sys, time
def leave(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    time.sleep(0.2)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, time
print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""
SLEEPER = "import time; time.sleep(600)"
SERVE = """
import sys
from pathlib import Path
from access.folder import DataFolder
from access.up.program import Program
from access.up.startup import start_servers
from access.up.supervisor import StopRequested, Supervisor
folder = DataFolder(Path(sys.argv[1]))
folder.ensure_keys()
try:
    with folder.lock("http://here"), Supervisor() as supervisor:
        start_servers(supervisor, folder)
        for name in ("web", "worker-1", "worker-2"):
            supervisor.start(
                Program(
                    name=name,
                    command=(sys.executable, "-c", sys.argv[2]),
                    log=folder.logs / f"{name}.log",
                    environment={},
                    folder=folder.path,
                )
            )
        print("up", *(supervisor.pid(name) for name in supervisor.names()), flush=True)
        supervisor.watch()
except StopRequested:
    print("left", flush=True)
"""


@pytest.fixture
def make(place: Path) -> Callable[..., Program]:
    def program(name: str, script: str, *arguments: str, **more: object) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-c", script, *arguments),
            log=place / f"{name}.log",
            environment={"PATH": os.defpath},
            folder=place,
            **more,
        )

    return program


@pytest.fixture
def lines() -> list[str]:
    return []


def until(true: Callable[[], object], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def watch_until(supervisor: Supervisor, true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    supervisor.watch(until=lambda: true() or time.monotonic() > deadline)
    assert true()


def wrote(place: Path, name: str, text: str = "ready") -> Callable[[], bool]:
    log = place / f"{name}.log"
    return lambda: log.exists() and text in log.read_text()


def test_killed_program_is_started_again_and_reported(make, lines):
    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("worker-1", SLEEPER))
        first = supervisor.pid("worker-1")
        os.kill(first, signal.SIGKILL)
        watch_until(supervisor, lambda: supervisor.pid("worker-1") not in {None, first})
    assert lines == ["worker-1 was killed (SIGKILL); starting it again in 0.2 s"]


def test_program_that_keeps_dying_is_tried_ever_more_slowly_while_the_others_run(make, lines, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LAST_DELAY_SECONDS", 0.05)
    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("beat", SLEEPER))
        other = supervisor.pid("beat")
        supervisor.start(make("worker-1", "raise SystemExit(7)"))
        watch_until(supervisor, lambda: len(lines) >= 4)
        assert supervisor.pid("beat") == other
    assert [line.rpartition(" in ")[2] for line in lines[:4]] == ["0.0 s", "0.0 s", "0.0 s", "0.1 s"]
    assert lines[0].startswith("worker-1 ended with code 7")


def test_back_off_doubles_to_its_limit_and_starts_over_after_a_healthy_time(make, lines, monkeypatch):
    now = [1000.0]
    supervisor = Supervisor(report=lines.append)
    watched = module.Watched(make("web", ""))
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    delays = []
    for lived in (0, 1, 1, 1, 1, 1, 1, 1, 29, 31, 0):
        watched.started = now[0]
        now[0] += lived
        supervisor._schedule(watched, "died")
        delays.append((round(watched.delay, 1), round(watched.due - now[0], 1)))
        now[0] = watched.due
    assert delays == [(d, d) for d in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0, 0.2, 0.4)]


def test_program_whose_preparation_fails_is_tried_again(make, lines, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    answers = [None, ProgramError("no room"), OSError("no room"), None]

    def before() -> None:
        if answer := answers.pop(0):
            raise answer

    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("postgres", SLEEPER, before=before))
        first = supervisor.pid("postgres")
        os.kill(first, signal.SIGKILL)
        watch_until(supervisor, lambda: supervisor.pid("postgres") not in {None, first})
    assert [("no room" in line) for line in lines] == [False, True, True]


def test_programs_are_stopped_stage_by_stage_and_those_of_one_stage_together(make, place):
    order = place / "order"
    names = {"valkey": 3, "beat": 2, "worker-1": 1, "worker-2": 1, "worker-3": 1, "worker-4": 1, "web": 0}
    with Supervisor() as supervisor:
        for name, stage in names.items():
            supervisor.start(make(name, POLITE, str(order), name, stage=stage))
        for name in names:
            supervisor.wait(name, wrote(place, name), seconds=20)
        start = time.monotonic()
    assert time.monotonic() - start < 4 * 0.2 + 2
    left = order.read_text().split()
    assert (left[0], sorted(left[1:5]), left[5:]) == (
        "web",
        [f"worker-{n}" for n in range(1, 5)],
        ["beat", "valkey"],
    )


def test_program_that_does_not_stop_is_killed(make, place):
    with Supervisor() as supervisor:
        supervisor.start(make("worker-1", STUBBORN, stop=((signal.SIGTERM, 0.2),)))
        supervisor.wait("worker-1", wrote(place, "worker-1"), seconds=20)
        pid = supervisor.pid("worker-1")
    assert not alive(pid)


def test_stopped_program_is_killed_too(make, place):
    with Supervisor() as supervisor:
        supervisor.start(make("worker-1", SLEEPER, stop=((signal.SIGTERM, 0.2),)))
        pid = supervisor.pid("worker-1")
        os.kill(pid, signal.SIGSTOP)
    assert not alive(pid)


def test_orphans_of_a_killed_program_are_ended_and_collected(make, place, lines):
    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("web", PARENT))
        supervisor.wait("web", wrote(place, "web", "\n"), seconds=20)
        orphan = int((place / "web.log").read_text().split()[0])
        os.kill(supervisor.pid("web"), signal.SIGKILL)
        watch_until(supervisor, lambda: lines and supervisor.pid("web"))
        watch_until(supervisor, lambda: not Path(f"/proc/{orphan}").exists())
    assert len(lines) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_request_to_stop_ends_the_watch_and_everything_watched(make, number):
    before = signal.default_int_handler
    earlier = signal.signal(number, before)  # whatever started the tests may have it ignored, as nohup does
    pids = []

    def run() -> None:
        with Supervisor() as supervisor:
            supervisor.start(make("web", SLEEPER))
            pids.append(supervisor.pid("web"))
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
            supervisor.watch()

    try:
        with pytest.raises(StopRequested):
            run()
        assert not alive(pids[0])
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, earlier)


def test_closing_the_terminal_is_ignored_where_the_starter_had_it_ignored():
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Supervisor():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, earlier)


def test_request_to_stop_in_the_middle_of_a_launch_leaves_no_child_behind(make, place):
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StopRequested), Supervisor() as supervisor:
        supervisor.start(make("web", SLEEPER, before=interrupt))
    assert stop_marked(place) == 0


def test_guest_runs_to_its_end_while_the_others_are_kept_running(make, place, lines):
    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("worker-1", SLEEPER))
        first = supervisor.pid("worker-1")
        script = f"import os, sys, time; os.kill({first}, 9); time.sleep(1); sys.exit(5)"
        assert supervisor.once(make("journey", script)) == 5
        assert supervisor.pid("worker-1") not in {None, first}
    assert len(lines) == 1


def test_program_that_never_becomes_ready_is_named_with_the_end_of_its_log(make, place, lines, monkeypatch):
    monkeypatch.setattr(module, "LAST_DELAY_SECONDS", 0.01)
    with Supervisor(report=lines.append) as supervisor:
        supervisor.start(make("web", SLEEPER))
        supervisor.start(make("worker-1", "raise SystemExit('no model: fetch one')"))
        with pytest.raises(ProgramError, match=r"(?s)worker-1 died 5 times.*no model: fetch one"):
            supervisor.wait("web", lambda: False, seconds=20)
        with pytest.raises(ProgramError, match="was not ready in 0 s"):
            Supervisor.wait(_only(supervisor, "web"), "web", lambda: False, seconds=0)


def _only(supervisor: Supervisor, name: str) -> Supervisor:
    del supervisor._watched["worker-1"]
    return supervisor


def test_logs_of_earlier_starts_are_kept_and_the_oldest_goes(make, place):
    for start in range(6):
        with Supervisor() as supervisor:
            supervisor.start(
                make("web", f"print('start', {start}, flush=True); import time; time.sleep(600)")
            )
            supervisor.wait("web", wrote(place, "web", f"start {start}"), seconds=20)
    assert {path.name: path.read_text() for path in place.glob("web.log*")} == {
        "web.log": "start 5\n",
        "web.log.1": "start 4\n",
        "web.log.2": "start 3\n",
        "web.log.3": "start 2\n",
    }


def test_repr_of_a_program_does_not_show_its_environment(make):
    assert "PATH" not in repr(make("web", ""))


def test_process_that_only_mentions_our_folder_is_not_ours(place):
    foreign = subprocess.Popen(["sleep", "600"], env=os.environ | {"LINTEL_DATA": str(place)})
    similar = subprocess.Popen(["sleep", "600"], env=os.environ | {"LINTEL_PROGRAM": f"web@{place}-2"})
    try:
        assert stop_marked(place) == 0
        assert foreign.poll() is similar.poll() is None
    finally:
        for process in (foreign, similar):
            process.kill()
            process.wait()


# --- The supervisor itself, in a process of its own, with the real servers ------------------------


def pids(process: "subprocess.Popen[str]") -> list[int]:
    for line in process.stdout:
        if line.startswith("up "):
            return [int(word) for word in line.split()[1:]]
    raise AssertionError("the supervisor never came up")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_nothing_is_left_of_a_killed_supervisor_and_the_next_one_comes_up(shared, python):
    first = python(SERVE, shared.path, SLEEPER)
    children = pids(first)
    assert len(children) == 5
    first.kill()
    first.wait()
    assert until(lambda: not any(map(alive, children)))
    second = python(SERVE, shared.path, SLEEPER)
    assert len(pids(second)) == 5
    second.send_signal(signal.SIGINT)
    assert second.stdout.read().endswith("left\n")
    assert second.wait(20) == 0


def test_everything_killed_at_once_comes_back_with_the_next_start(shared, python):
    first = python(SERVE, shared.path, SLEEPER)
    everybody = [*pids(first), first.pid]
    backends = subprocess.run(["pgrep", "-P", str(everybody[0])], capture_output=True, text=True, check=True)
    for pid in (*everybody, *map(int, backends.stdout.split())):
        os.kill(pid, signal.SIGKILL)
    first.wait()
    second = python(SERVE, shared.path, SLEEPER)
    assert len(pids(second)) == 5


@pytest.mark.parametrize("victim", [0, 1], ids=["postgres", "valkey"])
def test_killed_server_is_back_on_its_own(shared, python, victim):
    process = python(SERVE, shared.path, SLEEPER)
    os.kill(pids(process)[victim], signal.SIGKILL)
    assert "was killed (SIGKILL)" in process.stdout.readline()
    assert until((EmbeddedPostgres, EmbeddedValkey)[victim](shared).answers)
