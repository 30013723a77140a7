"""Keeps a list of programs running until told to stop, then stops them in order.

Promise: a program that dies is started again, however often it dies; nothing of ours is left when
we leave; and Ctrl-C at any moment, even during the start, is an orderly end.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from access.up.program import (
    Program,
    ProgramError,
    adopt_orphans,
    end,
    launch,
    rotate,
    stop_marked,
    tail,
)

FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS, HEALTHY_SECONDS = 0.2, 10.0, 30.0
TICK_SECONDS = 0.1
TRIES = 5  # deaths during the start after which waiting on is no use
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, or the system asks us to leave. Like KeyboardInterrupt, no `except Exception` swallows it."""


# At once, also into a pipe: whoever reads along must hear of a death when it happens.
SAY = partial(print, flush=True)


@dataclass
class Watched:
    """One program and its present process; `due` is when it is started again, if it is down."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    delay: float = 0.0
    deaths: int = 0


class Supervisor:
    """Single-threaded on purpose: the kernel ends our children with the thread that started them."""

    def __init__(self, *, report: Callable[[str], None] = SAY) -> None:
        self._report = report
        self._watched: dict[str, Watched] = {}
        self._guest: Watched | None = None
        self._launching = self._leaving = False
        self._earlier: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Supervisor":
        adopt_orphans()
        for number in STOP_SIGNALS:
            # nohup: whoever had the closing of the terminal ignored wants us to stay.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._earlier[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *reason: object) -> None:
        """Whatever the reason for leaving, everything is stopped first."""
        self._leaving = True
        try:
            self.stop()
        finally:
            for number, handler in self._earlier.items():
                signal.signal(number, handler)

    def start(self, program: Program) -> None:
        rotate(program.log)
        self._watched[program.name] = Watched(program)
        self._launch(self._watched[program.name])

    def names(self) -> list[str]:
        """In the order of their start."""
        return list(self._watched)

    def pid(self, name: str) -> int | None:
        """None while it is down and waits to be started again."""
        process = self._watched[name].process
        return process.pid if process else None

    def tick(self) -> None:
        """Notice who died, start again what is due."""
        self._reap()
        for watched in self._watched.values():
            if watched.process is None and time.monotonic() >= watched.due:
                try:
                    self._launch(watched)
                except ProgramError as error:
                    self._schedule(watched, str(error))

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep everything running until the question is answered with yes: by default for ever."""
        while not until():
            self.tick()
            time.sleep(TICK_SECONDS)

    def wait(self, name: str, ready: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> None:
        """Return when it is ready. Raises ProgramError, with the end of a log, if any program keeps dying."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.tick()
            for watched in self._watched.values():
                if watched.deaths >= TRIES:
                    raise ProgramError(_failure(watched.program, f"died {watched.deaths} times"))
            if time.monotonic() > deadline:
                raise ProgramError(_failure(self._watched[name].program, f"was not ready in {seconds:.0f} s"))
            time.sleep(pause)

    def once(self, program: Program) -> int:
        """Run it to its end while the others are kept running; its exit code."""
        guest = self._guest = Watched(program)
        self._launch(guest)
        self.watch(until=lambda: guest.process is None or guest.process.poll() is not None)
        self._guest = None
        return guest.process.returncode if guest.process else 1

    def stop(self) -> None:
        """Stage after stage, each program by its own signals, and by force in the end."""
        everything = [*self._watched.values(), *([self._guest] if self._guest else [])]
        for stage in sorted({watched.program.stage for watched in everything}):
            members = [watched for watched in everything if watched.program.stage == stage]
            end(*((watched.process, watched.program.stop) for watched in members if watched.process))
        for folder in {watched.program.folder for watched in everything}:
            stop_marked(folder)  # children whose parent died before it could take them along
        self._watched.clear()
        self._guest = None

    def _launch(self, watched: Watched) -> None:
        # A signal between the fork and the note of its number would leave a child that nobody knows.
        self._launching = True
        watched.started = time.monotonic()
        try:
            watched.process = launch(watched.program)
        except (OSError, subprocess.SubprocessError) as error:
            raise ProgramError(f"{watched.program.name} could not be started: {error}") from error
        finally:
            self._launching = False
        if self._leaving:
            raise StopRequested

    def _reap(self) -> None:
        """Collect every dead child: ours are started again, adopted orphans are only let go."""
        while True:
            with contextlib.suppress(ChildProcessError):
                if (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                    self._bury(dead.si_pid)
                    continue
            return

    def _bury(self, pid: int) -> None:
        if self._guest and self._guest.process and self._guest.process.pid == pid:
            self._guest.process.wait()
            return
        for watched in self._watched.values():
            if watched.process and watched.process.pid == pid:
                code = watched.process.wait()
                watched.process = None
                how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
                self._schedule(watched, how)
                return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

    def _schedule(self, watched: Watched, how: str) -> None:
        watched.deaths += 1
        healthy = time.monotonic() - watched.started >= HEALTHY_SECONDS
        longer = min(watched.delay * 2, LAST_DELAY_SECONDS)
        watched.delay = FIRST_DELAY_SECONDS if healthy or not watched.delay else longer
        watched.due = time.monotonic() + watched.delay
        self._report(f"{watched.program.name} {how}; starting it again in {watched.delay:.1f} s")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._leaving:
            return  # already on the way out; every step of it has a time limit
        self._leaving = True
        if not self._launching:
            raise StopRequested


def _failure(program: Program, what: str) -> str:
    return f"{program.name} {what}. The end of {program.log}:\n{tail(program.log)}"
