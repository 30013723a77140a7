"""Every setting from the environment, and a wrong one stops the start with its fix."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from access import settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://ada:pw@db.example:5433/lintel",
            {"NAME": "lintel", "USER": "ada", "PASSWORD": "pw", "HOST": "db.example", "PORT": "5433"},
        ),
        (
            "postgres://ada@db.example/lintel",
            {"NAME": "lintel", "USER": "ada", "PASSWORD": "", "HOST": "db.example", "PORT": ""},
        ),
        (
            "postgresql://ada@/lintel?host=/Run/My%20Folder",
            {"NAME": "lintel", "USER": "ada", "PASSWORD": "", "HOST": "/Run/My Folder", "PORT": ""},
        ),
        (
            "postgresql:///lintel?host=/run/pg&port=5444&user=ada",
            {"NAME": "lintel", "USER": "ada", "PASSWORD": "", "HOST": "/run/pg", "PORT": "5444"},
        ),
        (
            "postgresql://%2FRun%2Fpg/lintel",
            {"NAME": "lintel", "USER": "", "PASSWORD": "", "HOST": "/Run/pg", "PORT": ""},
        ),
        (
            "postgresql://a%40b:p%2Fw%3A%25@[2001:db8::1]:5432/na%20me",
            {"NAME": "na me", "USER": "a@b", "PASSWORD": "p/w:%", "HOST": "2001:db8::1", "PORT": "5432"},
        ),
    ],
)
def test_a_database_address_in_any_usual_form(url: str, expected: dict[str, str]) -> None:
    made = settings.database(url)
    assert {key: made[key] for key in expected} == expected
    assert (made["ENGINE"], made["OPTIONS"]) == ("django.db.backends.postgresql", {})


def test_other_options_of_the_address_reach_the_driver() -> None:
    made = settings.database("postgresql://db/lintel?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    assert made["OPTIONS"] == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}


@pytest.mark.parametrize(
    "url", ["mysql://db/lintel", "postgresql://db", "postgresql://db/", "lintel", "postgresql://db:port/x"]
)
def test_another_address_is_refused_and_the_usual_form_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="postgresql://user:password@host:5432/name"):
        settings.database(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://broker:6379/1", "redis://broker:6379/1"),
        ("rediss://broker:6379/1", "rediss://broker:6379/1"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
    ],
)
def test_celery_gets_the_same_redis_in_its_own_words(url: str, expected: str) -> None:
    assert settings.celery_address(url) == expected


def test_a_value_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("LINTEL_X", "from the environment")
    assert settings.text("LINTEL_X") == "from the environment"
    monkeypatch.setenv("LINTEL_X_FILE", str(tmp_path / "secret"))
    assert settings.text("LINTEL_X") == "from a file"
    monkeypatch.setenv("LINTEL_X_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="LINTEL_X_FILE"):
        settings.text("LINTEL_X")


@given(st.floats(0, 10))
def test_numbers_within_their_limits_are_taken(value: float) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LINTEL_X", repr(value))
        assert settings.number("LINTEL_X", 1, least=0, most=10) == value


@pytest.mark.parametrize("raw", ["", "-0.1", "10.1", "nan", "inf", "many", "1,5"])
def test_a_wrong_number_is_refused_with_its_limits(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("LINTEL_X", raw)
    with pytest.raises(ImproperlyConfigured, match=r"LINTEL_X=.*from 0 to 10"):
        settings.number("LINTEL_X", 1, least=0, most=10)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("yes", True), ("True", True), ("1", True), ("no", False), ("FALSE", False), ("0", False)],
)
def test_switches(monkeypatch: pytest.MonkeyPatch, raw: str, value: bool) -> None:
    monkeypatch.setenv("LINTEL_X", raw)
    assert settings.flag("LINTEL_X", default=not value) is value


def test_a_switch_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINTEL_X", "maybe")
    with pytest.raises(ImproperlyConfigured, match="yes or no"):
        settings.flag("LINTEL_X", default=False)


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `manage.py check` says in an environment of our own, on an empty data folder."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LINTEL_", "DATABASE", "REDIS"))
    }
    ours |= {"LINTEL_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "access.settings"} | environment
    code = "import django; django.setup(); from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    return subprocess.run([sys.executable, "-c", code], env=ours, capture_output=True, text=True, check=False)


KEYS = {"LINTEL_SECRET_KEY": "s" * 50, "LINTEL_MASTER_KEYS": "k" * 43 + "="}


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "LINTEL_SECRET_KEY is not set"),
        ({"LINTEL_SECRET_KEY": "s" * 50}, "LINTEL_MASTER_KEYS is not set"),
        (KEYS | {"LINTEL_FALSE_IDENTIFICATION_RATE": "0.5"}, "from 1e-06 to 0.1"),
        (KEYS | {"LINTEL_SEARCH": "fast"}, "exact or hnsw"),
        (KEYS | {"LINTEL_DATABASE_POOL": "-1"}, "from 0 to 200"),
        (KEYS | {"DATABASE_URL": "sqlite:///x"}, "postgresql://user:password@host"),
    ],
    ids=["nothing", "no master key", "rate", "search", "pool", "database"],
)
def test_a_start_with_a_wrong_setting_ends_with_the_fix(
    tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    ended = start(tmp_path, **environment)
    assert ended.returncode != 0
    assert says in ended.stderr
    assert "ImproperlyConfigured" in ended.stderr


def test_host_names_may_be_separated_by_commas_and_blanks(tmp_path: Path) -> None:
    started = start(tmp_path, **KEYS, LINTEL_HOSTS="door.example, ,www.door.example")
    assert started.stdout.strip() == "['door.example', 'www.door.example']", started.stderr
