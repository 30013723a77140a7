import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import psycopg
import pytest
import redis

from access.folder import DataFolder
from access.up.postgres import EmbeddedPostgres
from access.up.program import ProgramError, alive, launch, running, tail
from access.up.valkey import EmbeddedValkey

# Starts both servers, leaves a trace in each and prints what it found; as another user if one is named
# (who may not be able to read our Python: what it loads late is loaded before).
LIFE = """
import encodings.ascii, encodings.idna, os, sys, time
from pathlib import Path
import psycopg, redis
from access.folder import DataFolder
from access.up.postgres import EmbeddedPostgres
from access.up.program import running
from access.up.valkey import EmbeddedValkey
if len(sys.argv) > 3:
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
folder = DataFolder(Path(sys.argv[1]))
folder.ensure_keys()
postgres, valkey = EmbeddedPostgres(folder, fast=True), EmbeddedValkey(folder)
with running(postgres) as first, running(valkey) as second:
    postgres.provision()
    with psycopg.connect(folder.database_url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (v halfvec(2))")
        connection.execute("INSERT INTO kept VALUES ('[1,2]')")
        rows = connection.execute("SELECT count(*) FROM kept").fetchone()[0]
    with redis.Redis.from_url(folder.redis_url(1)) as client:
        number = client.incr("starts")
    print(first.pid, second.pid, rows, number, flush=True)
    if sys.argv[2] == "stay":
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def postgres(shared: DataFolder) -> EmbeddedPostgres:
    server = EmbeddedPostgres(shared, fast=True)
    with running(server):
        server.provision()
        with query(shared) as connection:
            connection.execute("CREATE TABLE kept (n int)")
    return server


def query(folder: DataFolder) -> psycopg.Connection:
    return psycopg.connect(folder.database_url(), autocommit=True)


def entrance(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.folder.redis_url())


def rows(server: EmbeddedPostgres) -> int:
    with query(server.folder) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def gone(*pids: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


def leave_pid_file(server: EmbeddedPostgres, pid: int) -> None:
    """What a crash leaves: the number of a process, and the sockets."""
    lines = [
        pid,
        server.data,
        int(time.time()),
        5432,
        server.folder.postgres_socket_folder,
        "",
        "  0 0",
        "ready   ",
    ]
    (server.data / "postmaster.pid").write_text("\n".join(map(str, lines)))
    socket = server.folder.postgres_socket_folder / ".s.PGSQL.5432"
    socket.touch()
    socket.with_name(f"{socket.name}.lock").write_text(f"{pid}\n")


# --- Postgres ------------------------------------------------------------------------------------


def test_postgres_has_pgvector_and_an_owner_who_is_no_superuser(postgres):
    with running(postgres), query(postgres.folder) as connection:
        version, user, superuser, halfvec = connection.execute(
            "SELECT current_setting('server_version_num')::int, current_user, rolsuper,"
            " '[1,2]'::halfvec::text FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        connection.execute("CREATE DATABASE another")
        with psycopg.connect(postgres.folder.database_url(name="another")) as other:
            assert other.execute("SELECT '[3]'::vector::text").fetchone() == ("[3]",)
        connection.execute("DROP DATABASE another")
    assert (version // 10000, user, superuser, halfvec) == (18, "lintel", False, "[1,2]")


def test_postgres_of_up_is_durable_and_that_of_the_tests_is_not(shared):
    for server, state in ((EmbeddedPostgres(shared), "on"), (EmbeddedPostgres(shared, fast=True), "off")):
        with (
            running(server),
            psycopg.connect(shared.database_url(user="postgres", name="postgres")) as connection,
        ):
            assert connection.execute("SHOW fsync").fetchone() == (state,)
            assert connection.execute("SHOW full_page_writes").fetchone() == (state,)
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_postgres_listens_on_nothing_but_its_socket(postgres):
    with running(postgres), query(postgres.folder) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        socket = postgres.folder.postgres_socket_folder / ".s.PGSQL.5432"
        assert socket.stat().st_mode & 0o777 == 0o700


def test_failing_statement_leaves_neither_names_nor_vectors_in_the_log(postgres):
    with running(postgres), query(postgres.folder) as connection:
        connection.execute("CREATE TEMP TABLE t (name text UNIQUE, v halfvec(2) NOT NULL)")
        connection.execute("INSERT INTO t VALUES ('Alice Secret', '[0.123456,1]')")
        for values in (
            "('Alice Secret', '[0.123456,1]')",
            "('Bob Secret', NULL)",
            "('Carol Secret', '[0.123456]')",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(f"INSERT INTO t VALUES {values}")
    written = postgres.log.read_text()
    assert "duplicate key" in written
    assert "Secret" not in written
    assert "0.123456" not in written


def test_killed_postgres_keeps_every_committed_row(postgres):
    with running(postgres) as process:
        before = rows(postgres)
        connection, open_transaction = query(postgres.folder), query(postgres.folder)
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        open_transaction.execute("BEGIN")
        open_transaction.execute("INSERT INTO kept VALUES (0)")
        process.kill()
        process.wait()
        connection.close()
        open_transaction.close()
    with running(postgres):
        assert rows(postgres) == before + 1000


def test_pid_file_that_names_a_foreign_process_does_not_cost_that_process_its_life(postgres):
    foreign = subprocess.Popen(["sleep", "600"])
    try:
        leave_pid_file(postgres, foreign.pid)
        with running(postgres):
            assert rows(postgres) >= 0
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_pid_file_that_names_a_foreign_postgres_does_not_cost_that_postgres_its_life(postgres, place):
    other = EmbeddedPostgres(DataFolder(place / "other"), fast=True)
    other.folder.make()
    with running(other) as foreign:
        leave_pid_file(postgres, foreign.pid)
        with running(postgres):
            assert rows(postgres) >= 0
        assert foreign.poll() is None
        assert other.answers()


def test_pid_file_that_names_a_zombie_does_not_keep_postgres_down(postgres):
    zombie = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # dead, not yet collected
        assert not alive(zombie.pid)
        leave_pid_file(postgres, zombie.pid)
        with running(postgres):
            assert rows(postgres) >= 0
    finally:
        zombie.wait()


@pytest.mark.parametrize("content", ["", "nonsense\n", "-1\n", "0\n", "1\n", "99999999\n"])
def test_damaged_pid_file_does_not_keep_postgres_down(postgres, content):
    leave_pid_file(postgres, 1)
    (postgres.data / "postmaster.pid").write_text(content)
    with running(postgres):
        assert rows(postgres) >= 0


def test_living_postgres_of_ours_is_stopped_cleanly_and_started_anew(postgres):
    left = launch(postgres.program())
    while not postgres.answers():
        time.sleep(0.02)
    with running(postgres) as process:
        assert left.poll() == 0
        assert process.pid != left.pid
    assert "database system is shut down" in postgres.log.read_text()


def test_initdb_that_was_cut_short_is_begun_again(place):
    server = EmbeddedPostgres(DataFolder(place / "data"), fast=True)
    server.folder.make()
    half = server.folder.postgres / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with running(server):
        server.provision()
    assert not half.exists()


def test_database_of_another_major_version_is_refused_and_left_alone(shared, postgres):
    file = postgres.data / "PG_VERSION"
    file.write_text("16\n")
    try:
        with (
            pytest.raises(ProgramError, match=r"made by Postgres 16, this Lintel brings 18.*pg_dump"),
            running(postgres),
        ):
            pass
        assert file.read_text() == "16\n"
    finally:
        file.write_text("18\n")


def test_postgres_that_cannot_start_says_why(postgres):
    broken = replace(postgres.program(), command=(*postgres.program().command, "-c", "max_connections=none"))

    class Broken(EmbeddedPostgres):
        def program(self):
            return broken

    with pytest.raises(ProgramError, match="max_connections"), running(Broken(postgres.folder)):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a copy")
def test_binaries_that_the_account_cannot_reach_are_copied_and_work(place, monkeypatch):
    from access.up import postgres as module

    closed = place / "closed"
    closed.mkdir(mode=0o700)
    source = module.installation()
    shutil.copytree(source, closed / source.parent.name / source.name, symlinks=True)
    libraries = source.parent.with_name(f"{source.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name, symlinks=True)
    monkeypatch.setattr(module, "installation", lambda: closed / source.parent.name / source.name)
    server = EmbeddedPostgres(DataFolder(place / "data"), fast=True)
    server.folder.make()
    with running(server):
        server.provision()
        assert server.folder.postgres in server._binaries().parents


# --- Valkey --------------------------------------------------------------------------------------


@pytest.fixture
def valkey(place) -> EmbeddedValkey:
    server = EmbeddedValkey(DataFolder(place / "data with a space"))
    server.folder.make()
    return server


def test_valkey_answers_on_its_socket_and_on_no_port(valkey):
    with running(valkey), redis.Redis.from_url(valkey.folder.redis_url(3)) as client:
        assert client.ping()
        assert client.config_get("port", "appendonly", "appendfsync", "save", "maxmemory-policy") == {
            "port": "0",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        client.set("where", "here")
        assert list(client.info("keyspace")) == ["db3"]
        assert valkey.folder.valkey_socket.stat().st_mode & 0o777 == 0o700


def test_killed_valkey_keeps_what_was_queued(valkey):
    with running(valkey) as process, entrance(valkey) as client:
        client.rpush("queue", *range(50))
        process.kill()
        process.wait()
    with running(valkey), entrance(valkey) as client:
        assert client.llen("queue") == 50


def test_queue_file_cut_off_in_the_middle_of_a_command_is_read_up_to_there(valkey):
    with running(valkey) as process, entrance(valkey) as client:
        client.rpush("queue", "first")
        client.rpush("queue", "second")
        client.execute_command("WAITAOF", 1, 0, 30_000)  # on a busy disk a write waits for the one before
        process.kill()
        process.wait()
    [file] = (valkey.folder.valkey / "appendonlydir").glob("*.incr.aof")
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - 4)
    with running(valkey), entrance(valkey) as client:
        assert client.lrange("queue", 0, -1) == [b"first"]


def test_unreadable_queue_file_is_put_aside_so_that_the_second_start_succeeds(valkey):
    with running(valkey), entrance(valkey) as client:
        client.rpush("queue", "first")
        client.rpush("queue", "second")
    [file] = (valkey.folder.valkey / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(file.read_bytes().replace(b"*3", b"garbage", 1))
    with pytest.raises(ProgramError, match="Bad file format"), running(valkey):
        pass
    with running(valkey), entrance(valkey) as client:
        assert client.llen("queue") == 0
        client.rpush("queue", "third")
    with running(valkey), entrance(valkey) as client:
        assert client.llen("queue") == 1
    [aside] = valkey.folder.valkey.glob("appendonlydir.broken-*")
    assert b"garbage" in next(aside.glob("*.incr.aof")).read_bytes()


def test_living_valkey_of_ours_is_stopped_before_another_opens_its_files(valkey):
    left = launch(valkey.program())
    while not valkey.answers():
        time.sleep(0.02)
    with entrance(valkey) as client:
        client.set("kept", "yes")
    with running(valkey) as process, entrance(valkey) as client:
        assert left.poll() == 0
        assert client.get("kept") == b"yes"
        assert client.info("server")["process_id"] == process.pid


# --- Both, in a process of their own --------------------------------------------------------------


def test_servers_shut_down_cleanly_when_the_process_that_started_them_is_killed(place, python):
    parent = python(LIFE, place / "data", "stay")
    postgres, valkey, *counts = map(int, parent.stdout.readline().split())
    assert counts == [1, 1]
    parent.send_signal(signal.SIGKILL)
    assert gone(postgres, valkey)
    assert "database system is shut down" in tail(place / "data" / "logs" / "postgres.log")
    again = python(LIFE, place / "data", "leave")
    assert again.stdout.readline().split()[2:] == ["2", "2"]
    assert again.wait(20) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="this whole session runs as an ordinary user already")
def test_servers_run_for_an_ordinary_user(place, python):
    user = pwd.getpwnam("nobody").pw_uid
    place.chmod(0o777)
    for start in ("1", "2"):
        process = python(LIFE, place / "data", "leave", user)
        output, _ = process.communicate(timeout=60)
        assert output.split()[2:] == [start, start], output
        assert process.returncode == 0
    assert {path.stat().st_uid for path in (place / "data").rglob("*")} == {user}
