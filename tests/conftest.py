"""What every test may count on: a real Postgres and a real Valkey, started when first needed."""

import shutil
from collections.abc import Iterator

import pytest

from access.up.folder import DataFolder
from access.up.postgres import EmbeddedPostgres
from access.up.program import running
from access.up.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def servers() -> Iterator[DataFolder]:
    """Both servers, running; the data folder says where. Tests that need neither never wait for them."""
    folder = DataFolder.default()  # tests/settings.py has pointed it at a folder of this run
    folder.make()
    postgres, valkey = EmbeddedPostgres(folder, fast=True), EmbeddedValkey(folder)
    try:
        with running(postgres), running(valkey):
            postgres.provision()
            yield folder
    finally:
        for place in {folder.postgres, folder.sockets, folder.path}:
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: DataFolder) -> None:
    """pytest-django asks for this before it touches the database: the moment to have one."""
