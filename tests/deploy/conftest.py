"""Ordinary servers: Postgres and Valkey as somebody else would run them, on TCP and behind a password."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
import redis

from access.folder import DataFolder
from access.up.postgres import EmbeddedPostgres, installation
from access.up.program import Program, running
from access.up.valkey import binary
from tests.deploy.layout import DEPLOY, command

HBA = """
local all postgres trust
host all all 127.0.0.1/32 scram-sha-256
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class OrdinaryPostgres:
    """With the settings of the compose file; the password decides over TCP, as anywhere."""

    cluster: EmbeddedPostgres
    port: int

    def program(self) -> Program:
        program = self.cluster.program()
        own = ("-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1")
        return replace(
            program,
            name="ordinary-postgres",
            command=(*program.command, *command("postgres")[1:], *own),
            before=self.prepare,
        )

    def prepare(self) -> None:
        self.cluster.prepare()
        (self.cluster.data / "pg_hba.conf").write_text(HBA)

    def answers(self) -> bool:
        try:
            psycopg.connect(
                host=str(self.cluster.folder.postgres_socket_folder), port=self.port, user="postgres"
            ).close()
        except psycopg.OperationalError:
            return False
        return True


@dataclass(frozen=True)
class OrdinaryValkey:
    """With the very command of the compose file, but for its folder."""

    folder: DataFolder
    port: int

    def program(self) -> Program:
        words = [str(self.folder.valkey) if word == "/data" else word for word in command("redis")[1:]]
        return Program(
            name="ordinary-valkey",
            command=(str(binary()), *words, "--port", str(self.port), "--bind", "127.0.0.1"),
            log=self.folder.logs / "valkey.log",
            environment={"PATH": os.defpath},
            folder=self.folder.path,
            work_folder=self.folder.valkey,
        )

    def answers(self) -> bool:
        with redis.Redis(port=self.port, socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@dataclass(frozen=True)
class Ground:
    """What a deployment finds: a folder, its keys, and two servers with an empty database."""

    place: Path
    keys: Path
    redis_url: str


@pytest.fixture(scope="package")
def ground() -> Iterator[Ground]:
    # Not tmp_path: pytest closes its folders to other accounts, and root's Postgres runs as one.
    place = Path(tempfile.mkdtemp(prefix="lintel-deploy-"))
    place.chmod(0o755)
    folder = DataFolder(place / "servers")
    folder.make()
    postgres = OrdinaryPostgres(EmbeddedPostgres(folder, fast=True), free_port())
    valkey = OrdinaryValkey(folder, free_port())
    keys = place / "keys"
    try:
        subprocess.run(
            ["python3", DEPLOY / "first_keys.py", keys, "--database", f"127.0.0.1:{postgres.port}"],
            check=True,
        )
        with running(postgres), running(valkey):
            subprocess.run(
                [DEPLOY / "postgres" / "init.sh"],
                check=True,
                env={
                    "PATH": f"{installation() / 'bin'}:{os.defpath}",
                    "PGHOST": str(folder.postgres_socket_folder),
                    "PGPORT": str(postgres.port),
                    "DATABASE_PASSWORD_FILE": str(keys / "database_password"),
                },
            )
            yield Ground(place, keys, f"redis://127.0.0.1:{valkey.port}/0")
    finally:
        for left in {folder.postgres, folder.sockets, place}:
            shutil.rmtree(left, ignore_errors=True)
