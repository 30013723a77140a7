"""One program under our care: how it is started, recognised after a crash, and stopped.

Promise: no program outlives us (the kernel ends it when we die, even by kill -9), none is ended
that is not ours, and no program sees a variable it was not given.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from access.folder import Account

# Carries "name@folder" in the environment of what we start: unlike a written-down process number
# it cannot come to mean somebody else's process.
MARK = "LINTEL_PROGRAM"
OLD_LOGS = 3
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Signals = tuple[tuple[signal.Signals, float], ...]


class ProgramError(Exception):
    """A program could not be started; the text ends with the last lines of its log."""


@dataclass(frozen=True)
class Program:
    """What to run and how to end it: `stop` lists signals, each with the seconds it is given."""

    name: str
    command: tuple[str, ...]
    log: Path | None  # None: our own terminal
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    work_folder: Path = Path("/")
    account: Account | None = None
    stop: Signals = ((signal.SIGTERM, 10.0),)
    orphaned: signal.Signals = signal.SIGKILL
    before: Callable[[], None] | None = None
    # Programs of a lower stage are stopped first, those of one stage together.
    stage: int = 0


class Server(Protocol):
    def program(self) -> Program: ...

    def answers(self) -> bool: ...


def launch(program: Program) -> subprocess.Popen[bytes]:
    """Start it in a session of its own (Ctrl-C is ours to pass on), once what a dead run left has ended."""
    stop_marked(program.folder, program.name)
    if program.before:
        program.before()
    environment = dict(program.environment)
    if not program.account:
        environment[MARK] = f"{program.name}@{program.folder}"
    output = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if program.log else None
    try:
        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if program.log else None,
            cwd=program.work_folder,
            env=environment,
            start_new_session=True,
            umask=0o077,
            preexec_fn=die_with_parent(program.orphaned),
            **as_account(program.account),
        )
    finally:
        if output is not None:
            os.close(output)


def as_account(account: Account | None) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Linux only. The kernel watches the *thread* that starts the child: start children from the main one."""
    parent = os.getpid()

    def between_fork_and_exec() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it died before the kernel was told
                os._exit(1)

    return between_fork_and_exec


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind, because process 1 may not reap (containers)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def rotate(log: Path | None) -> None:
    """`web.log` becomes `web.log.1`, and so on; the oldest goes."""
    if log is None:
        return
    for age in range(OLD_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{age}")
        newer = log.with_name(f"{log.name}.{age - 1}") if age > 1 else log
        if newer.exists():
            newer.replace(older)


def tail(log: Path | None, lines: int = 8) -> str:
    if log is None:
        return ""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""


@contextlib.contextmanager
def running(server: Server, *, seconds: float = 120) -> Iterator[subprocess.Popen[bytes]]:
    """The server, answering, for as long as the block lasts. Raises ProgramError if it does not come up."""
    program = server.program()
    process = launch(program)
    try:
        deadline = time.monotonic() + seconds
        while not server.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProgramError(f"{program.name} did not start:\n{tail(program.log)}")
            time.sleep(0.02)
        yield process
    finally:
        end((process, program.stop))


def end(*processes: tuple[subprocess.Popen[bytes], Signals]) -> None:
    """All at once, each by its own signals in turn, and by force in the end."""
    for step in range(max((len(stop) for _, stop in processes), default=0)):
        asked = [(process, stop[step]) for process, stop in processes if step < len(stop)]
        for process, (number, _) in asked:
            process.send_signal(number)  # does nothing once the process is known to be dead
        start = time.monotonic()
        for process, (_, seconds) in asked:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, start + seconds - time.monotonic()))
    for process, _ in processes:
        process.kill()
        process.wait()


# --- Whose process is this? --------------------------------------------------------------------


def alive(pid: int) -> bool:
    """Whether it runs. A zombie does not, though its number still exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not _state(pid).startswith("Z")


def command_of(pid: int) -> tuple[str, ...]:
    """Its command line; empty when it is gone, a zombie or cannot be seen."""
    if Path("/proc/self").exists():
        try:
            return tuple(Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").split("\0")[:-1])
        except OSError:
            return ()
    return tuple(_ps("-p", str(pid), "-o", "command=").split())


def stop_marked(folder: Path, name: str | None = None) -> int:
    """End what an earlier run of ours left: all of it, or one program with its children. Returns how many."""
    left = list(_marked(folder, name))
    for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        signal_and_wait(left, number, seconds)
    return len(left)


def signal_and_wait(pids: Iterable[int], number: signal.Signals, seconds: float) -> bool:
    """True when all are gone in time."""
    waiting = [pid for pid in pids if alive(pid)]
    for pid in waiting:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while (waiting := [pid for pid in waiting if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not waiting


def _marked(folder: Path, name: str | None) -> Iterator[int]:
    if not Path("/proc/self").exists():
        wanted = f"{MARK}={name}@{folder}" if name else f"@{folder}"
        for line in _ps("-Aww", "-E", "-o", "pid=,command=").splitlines():
            if f"{MARK}=" in line and f"{wanted} " in f"{line} ":
                yield int(line.split(None, 1)[0])
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for variable in (entry / "environ").read_bytes().split(b"\0"):
                key, _, value = variable.partition(b"=")
                owner_name, _, owner_folder = os.fsdecode(value).partition("@")
                if key == MARK.encode() and owner_folder == str(folder) and name in {None, owner_name}:
                    yield int(entry.name)


def _state(pid: int) -> str:
    if not Path("/proc/self").exists():
        return _ps("-p", str(pid), "-o", "stat=").strip()
    try:
        # The name in brackets may hold anything, brackets included.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].strip()
    except OSError:
        return "Z"


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
