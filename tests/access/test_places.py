"""Kiosk keys: shown once, stored as a digest, ended at once; and one answer for every wrong one."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from access import places
from access.models import AuditEntry, Door, Kiosk, KioskKey, Site
from tests import factories
from tests.factories import Cast


def hello(client: Client, key: str, scheme: str = "Kiosk") -> Any:
    return client.get("/api/v1/kiosk/", headers={"Authorization": f"{scheme} {key}"})


@pytest.mark.django_db
def test_a_key_is_stored_as_a_digest_and_shown_by_its_beginning(cast: Cast) -> None:
    row = KioskKey.objects.get()
    assert bytes(row.digest) == hashlib.sha256(cast.key.encode()).digest()
    assert (row.hint, str(row)) == (cast.key[:8], f"{cast.key[:8]}…")
    assert len(cast.key) > 40
    entry = AuditEntry.objects.get(action="kiosk.key_issued")
    assert (entry.subject, entry.details) == (f"kiosk:{cast.kiosk.pk}", {"key": row.pk})


@pytest.mark.django_db
def test_a_kiosk_learns_who_it_is_and_what_time_it_is(client: Client, cast: Cast) -> None:
    body = hello(client, cast.key).json()
    assert body.pop("now")
    assert body == {
        "kiosk": cast.kiosk.name,
        "door": "Front door",
        "site": "Works",
        "zone": "Europe/Berlin",
        "direction": "auto",
        "liveness": "nothing",
        "offline": "deny",
    }
    cast.kiosk.refresh_from_db()
    assert cast.kiosk.last_seen is not None


WRONG: dict[str, Callable[[Cast], object]] = {
    "unknown": lambda cast: KioskKey.objects.all().delete(),
    "revoked": lambda cast: places.revoke_keys(cast.kiosk),
    "expired": lambda cast: KioskKey.objects.update(expires=timezone.now() - timedelta(seconds=1)),
    "rolled": lambda cast: places.roll_key(cast.kiosk),
    "switched off": lambda cast: Kiosk.objects.update(active=False),
    "kiosk gone": lambda cast: cast.kiosk.delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("how", list(WRONG))
def test_every_key_that_is_not_in_force_gets_the_same_answer(client: Client, cast: Cast, how: str) -> None:
    WRONG[how](cast)
    response = hello(client, cast.key)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Kiosk"
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "unknown-kiosk",
        "detail": "This kiosk key is not in force.",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scheme", "code"),
    [("", "not-authenticated"), ("Bearer", "not-authenticated"), ("Token", "not-authenticated")],
)
def test_another_scheme_is_asked_for_a_kiosk_key(client: Client, cast: Cast, scheme: str, code: str) -> None:
    response = hello(client, cast.key, scheme=scheme)
    assert (response.status_code, response.json()["code"]) == (401, code)


@pytest.mark.django_db
def test_the_scheme_may_be_written_in_any_case(client: Client, cast: Cast) -> None:
    assert hello(client, cast.key, scheme="kiosk").status_code == 200


@pytest.mark.django_db
def test_rolling_ends_the_old_key_at_once_or_after_the_overlap(cast: Cast) -> None:
    second = places.roll_key(cast.kiosk, overlap=timedelta(hours=1))
    assert [places.kiosk_for(key) for key in (cast.key, second)] == [cast.kiosk, cast.kiosk]
    third = places.roll_key(cast.kiosk)
    assert [places.kiosk_for(key) for key in (cast.key, second, third)] == [None, None, cast.kiosk]


@pytest.mark.django_db
def test_a_later_roll_never_lengthens_an_overlap(cast: Cast) -> None:
    places.roll_key(cast.kiosk, overlap=timedelta(minutes=5))
    end = KioskKey.objects.earliest("issued").expires
    places.roll_key(cast.kiosk, overlap=timedelta(hours=10))
    assert KioskKey.objects.earliest("issued").expires == end


@pytest.mark.django_db
@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(hours=24, seconds=1)])
def test_an_overlap_has_limits(cast: Cast, overlap: timedelta) -> None:
    with pytest.raises(ValueError, match="0 to 24 hours"):
        places.roll_key(cast.kiosk, overlap=overlap)
    assert places.kiosk_for(cast.key) == cast.kiosk


@pytest.mark.django_db
def test_revoking_ends_every_key_and_is_noted(cast: Cast) -> None:
    other = places.issue_key(cast.kiosk)
    assert places.revoke_keys(cast.kiosk, by="command") == 2
    assert [places.kiosk_for(key) for key in (cast.key, other)] == [None, None]
    assert AuditEntry.objects.get(action="kiosk.keys_revoked").details == {"count": 2}
    assert places.revoke_keys(cast.kiosk) == 0


@pytest.mark.django_db
def test_being_seen_is_written_at_most_every_ten_seconds(cast: Cast) -> None:
    places.note_seen(cast.kiosk)
    first = Kiosk.objects.get().last_seen
    places.note_seen(cast.kiosk)
    assert Kiosk.objects.get().last_seen == first
    Kiosk.objects.update(last_seen=timezone.now() - timedelta(seconds=11))
    places.note_seen(cast.kiosk)
    assert Kiosk.objects.get().last_seen > first  # type: ignore[operator]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"])
def test_zones_are_those_of_the_tz_database(zone: str) -> None:
    places.check_zone(zone)


@pytest.mark.parametrize("zone", ["", "Berlin", "../../etc/passwd", "CEST"])
def test_another_word_is_no_zone(zone: str) -> None:
    with pytest.raises(ValidationError, match="such as Europe/Berlin"):
        places.check_zone(zone)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("deadline_ms", 299), ("deadline_ms", 10_001), ("freshness_seconds", 1), ("freshness_seconds", 601)],
)
def test_a_doors_times_have_limits(cast: Cast, field: str, value: int) -> None:
    setattr(cast.front, field, value)
    with pytest.raises(ValidationError, match=str(value - 1) + "|" + str(value + 1) + "|than or equal"):
        cast.front.full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "twice",
    [
        lambda cast: Site.objects.create(name="Works"),
        lambda cast: Door.objects.create(site=cast.site, name="Front door"),
        lambda cast: Kiosk.objects.create(door=cast.front, name=cast.kiosk.name),
    ],
    ids=["site", "door of a site", "kiosk of a door"],
)
def test_names_are_given_once(cast: Cast, twice: Callable[[Cast], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        twice(cast)
    elsewhere = factories.door(factories.site(), "Front door")
    assert str(elsewhere).endswith("Front door")
