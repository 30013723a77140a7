import base64
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from access import folder as folders
from access.folder import AlreadyRunningError, DataFolder, FolderError, reachable, server_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_default_folder_is_var_unless_the_environment_says_otherwise(monkeypatch):
    assert DataFolder.default().path == Path(folders.__file__).resolve().parents[1] / "var"
    monkeypatch.setenv("LINTEL_DATA", "/somewhere/else")
    assert DataFolder.default().path == Path("/somewhere/else")


def test_nobody_else_can_look_into_any_part_of_the_folder(place):
    folder = DataFolder(place / "data")
    folder.ensure_keys()
    parts = [folder.path, *(part for part in folder.path.rglob("*") if part.is_dir())]
    assert len(parts) >= 7
    assert {str(part): mode(part) & 0o067 for part in parts} == {str(part): 0 for part in parts}
    assert mode(folder.secret_key_file) == mode(folder.master_keys_file) == 0o600


def test_folder_left_open_is_closed_again(place):
    folder = DataFolder(place / "data")
    folder.make()
    (folder.path / "keys").chmod(0o777)
    folder.make()
    assert mode(folder.path / "keys") == 0o700


def test_folder_with_other_things_in_it_is_refused_and_left_as_it_was(place):
    (place / "holiday.jpg").touch()
    with pytest.raises(FolderError, match=r"holiday\.jpg"):
        DataFolder(place).ensure_keys()
    assert (mode(place), [entry.name for entry in place.iterdir()]) == (0o755, ["holiday.jpg"])


@as_root
def test_folder_of_somebody_else_is_refused_by_name(place):
    (place / "data").mkdir()
    os.chown(place / "data", 65534, 65534)
    with pytest.raises(FolderError, match="belongs to nobody"):
        DataFolder(place / "data").make()


def test_keys_are_made_once_and_never_replaced(place):
    folder = DataFolder(place / "data")
    folder.ensure_keys()
    first = folder.secret_key_file.read_text(), folder.master_keys_file.read_text()
    folder.ensure_keys()
    assert (folder.secret_key_file.read_text(), folder.master_keys_file.read_text()) == first
    assert len(base64.urlsafe_b64decode(first[1].strip())) == 32
    assert len(first[0].strip()) >= 50
    assert sorted(path.name for path in (folder.path / "keys").iterdir()) == ["master_keys", "secret_key"]


def test_twenty_first_starts_at_once_agree_on_one_key(place):
    folder = DataFolder(place / "data")
    folder.make()
    file, barrier = folder.master_keys_file, threading.Barrier(20)

    def race(content: str) -> None:
        barrier.wait()
        folders._write_once(file, content)
        seen.append(file.read_text())

    seen: list[str] = []
    threads = [threading.Thread(target=race, args=(f"key-{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20
    assert len(set(seen)) == 1


def test_keys_of_the_environment_leave_no_file(place, monkeypatch):
    monkeypatch.setenv("LINTEL_SECRET_KEY", "given")
    monkeypatch.setenv("LINTEL_MASTER_KEYS", "given")
    DataFolder(place / "data").ensure_keys()
    assert list((place / "data" / "keys").iterdir()) == []


def test_lost_master_key_of_an_existing_database_is_not_replaced(place):
    folder = DataFolder(place / "data")
    folder.ensure_keys()
    (folder.postgres / "data").mkdir()
    folder.master_keys_file.unlink()
    with pytest.raises(FolderError, match="backup"):
        folder.ensure_keys()
    assert not folder.master_keys_file.exists()


def test_short_path_keeps_its_sockets_inside(place):
    folder = DataFolder(place / "data")
    folder.make()
    assert folder.sockets == folder.run
    assert folder.database_url() == f"postgresql://lintel@/lintel?host={folder.run}/postgres"
    assert folder.redis_url(2) == f"unix://{folder.run}/valkey.sock?db=2"


def test_long_path_gets_a_private_folder_for_its_sockets(place):
    folder = DataFolder(place / ("long" * 30) / "data")
    folder.make()
    try:
        assert folder.sockets != folder.run
        assert len(os.fsencode(folder.postgres_socket_folder / ".s.PGSQL.5432.lock")) <= 103
        assert folder.sockets.stat().st_uid == os.geteuid()
        assert mode(folder.sockets) & 0o067 == 0
        assert DataFolder(folder.path).sockets == folder.sockets
    finally:
        shutil.rmtree(folder.sockets)


@as_root
def test_socket_folder_planted_by_somebody_else_is_refused(place):
    folder = DataFolder(place / ("long" * 30) / "data")
    folder.sockets.mkdir()
    try:
        os.chown(folder.sockets, 65534, 65534)
        with pytest.raises(FolderError, match="belongs to nobody"):
            folder.make()
    finally:
        shutil.rmtree(folder.sockets)


@as_root
def test_cluster_of_a_folder_closed_to_the_postgres_account_goes_where_it_can_be_reached(place):
    (place / "closed").mkdir(mode=0o700)
    folder = DataFolder(place / "closed" / "data")
    folder.make()
    try:
        assert not folder.postgres.is_relative_to(folder.path)
        for part in (folder.postgres, folder.postgres_socket_folder):
            subprocess.run(["test", "-w", part], check=True, user=65534, group=65534, extra_groups=[])
        first = folder.postgres
        folder.make()
        assert folder.postgres == first
        # The way was opened since: the database stays where it is.
        (place / "closed").chmod(0o755)
        folder.make()
        assert folder.postgres == first
    finally:
        shutil.rmtree(folder.postgres)
        shutil.rmtree(DataFolder(folder.path).sockets, ignore_errors=True)
        (place / "closed").chmod(0o700)
        shutil.rmtree(folder.sockets, ignore_errors=True)


@as_root
def test_cluster_that_was_closed_off_later_is_reported_not_forgotten(place):
    (place / "parent").mkdir(mode=0o755)
    folder = DataFolder(place / "parent" / "data")
    folder.make()
    (folder.postgres / "data").mkdir()
    (place / "parent").chmod(0o700)
    with pytest.raises(FolderError, match=r"chmod o\+x"):
        folder.make()


@as_root
def test_what_the_bits_say_is_what_the_account_can_do(place):
    account = server_account()
    (place / "a").mkdir(mode=0o711)
    for bits in (0o644, 0o640, 0o755, 0o750, 0o711):
        file = place / "a" / f"{bits:o}"
        file.touch()
        file.chmod(bits)
        can = subprocess.run(
            ["test", "-r", file], check=False, user=account.uid, group=account.gid, extra_groups=[]
        )
        assert reachable(file, account) == (can.returncode == 0), oct(bits)
    (place / "a").chmod(0o700)
    assert not reachable(place / "a" / "644", account)


def test_second_holder_is_told_who_holds_the_folder(place):
    folder = DataFolder(place / "data")
    folder.make()
    with (
        folder.lock("http://127.0.0.1:8123"),
        pytest.raises(
            AlreadyRunningError, match=f"process {os.getpid()}, since 20.*, at http://127.0.0.1:8123"
        ),
        folder.lock("http://127.0.0.1:9999"),
    ):
        pass
    with folder.lock("http://127.0.0.1:9999"):
        pass


def test_lock_of_a_killed_holder_is_free(place, python):
    script = """
import sys, time
from pathlib import Path
from access.folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.make()
with folder.lock("http://old"):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = python(script, place / "data")
    assert holder.stdout.readline() == "held\n"
    folder = DataFolder(place / "data")
    with pytest.raises(AlreadyRunningError, match="http://old"), folder.lock("http://new"):
        pass
    holder.kill()
    holder.wait()
    with folder.lock("http://new"):
        pass


def test_settings_can_ask_for_the_addresses_without_the_folder_being_made(place):
    folder = DataFolder(place / "not-there")
    assert folder.database_url().startswith("postgresql://lintel@/lintel?host=")
    assert not folder.path.exists()
