"""Backups are made and restored for real, with the scripts an operator runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from access import audit, enrolment, vault
from access.enrolment import Photograph
from access.folder import DataFolder
from tests import factories
from tests.deploy.layout import DEPLOY
from tests.factories import Cast

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FACTS = ("UPDATE access_auditentry SET action = 'x'", "DELETE FROM access_auditentry")
# Row by row, whatever the order: the content of the whole table.
DIGEST = "SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {} t"


@pytest.fixture
def copy(servers: DataFolder) -> Iterator[str]:
    """The address of another, empty database of the same owner."""
    with psycopg.connect(servers.database_url(name="postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE restored")
        yield servers.database_url(name="restored")
        server.execute("DROP DATABASE restored WITH (FORCE)")


@pytest.fixture
def run() -> Run:
    def run(script: str, url: str, *words: object) -> "subprocess.CompletedProcess[str]":
        # The tests' own connection would be one that a restore waits to see closed.
        connection.close()
        return subprocess.run(
            [DEPLOY / script, *map(str, words)],
            env={"PATH": os.defpath, "PYTHON": sys.executable, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def photograph(cast: Cast) -> Photograph:
    """Alice's, sealed with her key; and something in the audit trail."""
    audit.record("test.backup", cast.alice)
    return enrolment.submit(cast.alice, [("face.jpg", factories.picture(seed=5))]).photographs.get()


@pytest.fixture
def backup(servers: DataFolder, run: Run, photograph: Photograph, tmp_path: Path) -> Path:
    done = run("backup.sh", here(servers), tmp_path / "backups")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def here(servers: DataFolder) -> str:
    return servers.database_url(name=connection.settings_dict["NAME"])


def tables(url: str) -> dict[str, tuple[int, str]]:
    """Every table with the number of its rows and a digest of their content."""
    with psycopg.connect(url) as database:
        names = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            name: (
                database.execute(f"SELECT count(*) FROM {name}").fetchone()[0],
                database.execute(DIGEST.format(name)).fetchone()[0],
            )
            for (name,) in names
        }


def test_every_row_comes_back_as_it_was(servers: DataFolder, run: Run, backup: Path, copy: str) -> None:
    before = tables(here(servers))
    done = run("restore.sh", copy, backup)
    assert done.returncode == 0, done.stderr
    assert tables(copy) == before
    assert before["access_person"][0] == 3
    assert dict(line.split("|") for line in (backup / "rows.txt").read_text().splitlines()) == {
        name: str(count) for name, (count, _digest) in before.items()
    }


def test_a_restored_photograph_opens_with_the_master_key_and_not_without(
    run: Run, backup: Path, copy: str, photograph: Photograph, settings: object
) -> None:
    assert run("restore.sh", copy, backup).returncode == 0
    with psycopg.connect(copy) as database:
        sealed, wrapped = database.execute(
            "SELECT p.sealed, k.wrapped FROM access_photograph p JOIN access_personkey k USING (person_id)"
        ).fetchone()
    about = f"photograph of person:{photograph.person_id}"
    assert vault.unseal(sealed, wrapped_key=wrapped, about=about) == factories.picture(seed=5)
    settings.MASTER_KEYS = ["bm90IHRoZSBrZXkgdGhhdCBzZWFsZWQgYW55dGhpbmc="]
    with pytest.raises(vault.Sealed):
        vault.unseal(sealed, wrapped_key=wrapped, about=about)


def test_a_backup_holds_no_master_key_and_no_name_of_a_file_but_its_own(backup: Path) -> None:
    assert {path.name for path in backup.iterdir()} == {"database.dump", "rows.txt", "SHA256SUMS"}
    for path in backup.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert not any(key.encode() in path.read_bytes() for key in settings.MASTER_KEYS)


def test_facts_cannot_be_changed_after_a_restore_either(run: Run, backup: Path, copy: str) -> None:
    assert run("restore.sh", copy, backup).returncode == 0
    for statement in FACTS:
        with psycopg.connect(copy) as database, pytest.raises(psycopg.errors.RestrictViolation):
            database.execute(statement)


def test_new_rows_get_numbers_of_their_own_after_a_restore(run: Run, backup: Path, copy: str) -> None:
    assert run("restore.sh", copy, backup).returncode == 0
    with psycopg.connect(copy) as database:
        last = database.execute("SELECT max(id) FROM access_department").fetchone()[0] or 0
        database.execute("INSERT INTO access_department (name) VALUES ('New')")
        assert database.execute("SELECT max(id) FROM access_department").fetchone()[0] > last


def test_a_database_in_use_or_filled_is_left_alone(run: Run, backup: Path, copy: str) -> None:
    with psycopg.connect(copy):
        busy = run("restore.sh", copy, backup)
    assert (busy.returncode, "connections are open" in busy.stderr) == (1, True)
    with psycopg.connect(copy) as database:
        database.execute("CREATE TABLE mine (n int)")
    filled = run("restore.sh", copy, backup)
    assert (filled.returncode, "is not empty" in filled.stderr) == (1, True)
    assert tables(copy).keys() == {"mine"}


def test_force_replaces_what_is_there(servers: DataFolder, run: Run, backup: Path, copy: str) -> None:
    assert run("restore.sh", copy, backup).returncode == 0
    with psycopg.connect(copy) as database:
        database.execute("UPDATE access_person SET name = 'Changed'")
        database.execute("CREATE TABLE of_a_newer_version (n int REFERENCES access_person (id))")
    done = run("restore.sh", copy, "--force", backup)
    assert done.returncode == 0, done.stderr
    assert tables(copy) == tables(here(servers))


@pytest.mark.parametrize("damage", ["dump", "rows", "sums"])
def test_a_damaged_backup_changes_nothing(
    run: Run, backup: Path, copy: str, damage: str, tmp_path: Path
) -> None:
    assert run("restore.sh", copy, backup).returncode == 0
    before = tables(copy)
    broken = tmp_path / "broken"
    shutil.copytree(backup, broken)
    dump, rows = broken / "database.dump", broken / "rows.txt"
    if damage == "rows":
        rows.write_text(rows.read_text().replace("access_person|3", "access_person|4"))
    else:
        dump.write_bytes(dump.read_bytes()[:-2000])
    if damage != "sums":
        subprocess.run("sha256sum database.dump rows.txt > SHA256SUMS", shell=True, cwd=broken, check=True)
    done = run("restore.sh", copy, "--force", broken)
    assert done.returncode == 1
    assert tables(copy) == before


def test_what_cannot_be_backed_up_leaves_nothing_that_looks_like_a_backup(
    run: Run, copy: str, tmp_path: Path
) -> None:
    done = run("backup.sh", copy, tmp_path)
    assert (done.returncode, "no tables" in done.stderr) == (1, True)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


def test_the_embedded_server_is_found_without_any_address(
    servers: DataFolder, run: Run, backup: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [DEPLOY / "backup.sh", tmp_path / "more"],
        env={"PATH": os.defpath, "PYTHON": sys.executable, "LINTEL_DATA": str(servers.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # The tests' tables are in another database of that server, and this one is still empty.
    assert (done.returncode, "no tables" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://me:p%40ss%25w@db.example:6543/lin%20tel", "db.example|6543|me|p@ss%w|lin tel|"),
        ("postgres://me@[::1]/lintel?sslmode=require", "::1|5432|me||lintel|require"),
        ("postgresql://me@/lintel?host=/run/a%20b&port=7", "/run/a b|7|me||lintel|"),
        (r"postgresql://me:back\slash@h/lintel", r"h|5432|me|back\slash|lintel|"),
    ],
)
def test_an_address_is_understood_as_the_settings_understand_it(url: str, parts: str) -> None:
    source = (DEPLOY / "connection.sh").read_text().split("\naddress() {")[0]
    script = (
        source + '\npoint_at "$1"\necho "$PGHOST|$PGPORT|$PGUSER|${PGPASSWORD:-}|$PGDATABASE|${PGSSLMODE:-}"'
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script, "x", url],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.defpath},
    )
    assert done.stdout.strip() == parts
