"""A wrong setting stops the start with its fix, instead of failing at night."""

from typing import Any

import pytest
from django.core import checks as django_checks

from access import checks


def test_as_shipped_nothing_is_wrong() -> None:
    assert django_checks.run_checks() == []


def test_atomic_requests_would_hide_every_snapshot_from_its_worker(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ATOMIC_REQUESTS", True)
    [error] = checks.requests_are_not_atomic()
    assert (error.id, "time out" in error.hint) == ("access.E001", True)


@pytest.mark.parametrize("keys", [["short"], ["ö" * 44], ["!" * 44], [""]])
def test_a_master_key_that_is_none_is_named_before_the_first_enrolment(
    settings: Any, keys: list[str]
) -> None:
    settings.MASTER_KEYS = keys
    [error] = checks.master_keys_are_keys()
    assert (error.id, "new_master_key" in error.hint) == ("access.E002", True)


def test_the_servers_zone_is_utc(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert [error.id for error in checks.time_is_utc()] == ["access.E003"]
