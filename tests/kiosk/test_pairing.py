"""A tablet becomes a kiosk once, by a code; from then on each of its requests proves itself."""

import base64
import hashlib
import json
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access import places
from access.kiosk import pairing, signing
from access.models import AuditEntry, KioskKey, PairingCode, SignatureNonce, Staff
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast
from tests.kiosk.tablet import Tablet, fresh, paired, spki

HELLO, REPORT = "/api/v1/kiosk/", "/api/v1/kiosk/report/"
FINE = {"version": "abc", "queued": 3, "clock_offset_ms": -1500}


def test_a_code_pairs_one_tablet_and_is_spent(client: Client, cast: Cast) -> None:
    code, expires = pairing.offer(cast.kiosk)
    tablet = Tablet(client)
    response = tablet.pair(code.lower().replace("-", " "))
    body = response.json()
    assert response.status_code == 200
    assert (body["kiosk"], body["door"], body["site"]) == (cast.kiosk.name, "Front door", "Works")
    assert body["key"] == hashlib.sha256(spki(tablet.key)).hexdigest()
    assert timedelta(minutes=9) < expires - timezone.now() <= pairing.LIFE
    key = KioskKey.objects.get(public__isnull=False)
    assert bytes(key.public) == spki(tablet.key)
    assert tablet.server == pairing.own_public(key)
    assert not PairingCode.objects.exists()
    again = Tablet(client).pair(code)
    assert (again.status_code, again.json()["code"]) == (401, "unknown-code")
    assert AuditEntry.objects.filter(action="kiosk.paired").count() == 1


def test_an_old_code_a_replaced_code_and_one_of_a_kiosk_switched_off_pair_nothing(
    client: Client, cast: Cast
) -> None:
    replaced, _ = pairing.offer(cast.kiosk)
    code, _ = pairing.offer(cast.kiosk)
    assert Tablet(client).pair(replaced).status_code == 401
    PairingCode.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert Tablet(client).pair(code).status_code == 401
    code, _ = pairing.offer(cast.kiosk)
    cast.kiosk.active = False
    cast.kiosk.save()
    assert Tablet(client).pair(code).status_code == 401
    assert not KioskKey.objects.filter(public__isnull=False).exists()


@pytest.mark.parametrize("bad", ["", "AAAA", "ö", base64.b64encode(b"x" * 91).decode()])
def test_what_is_no_key_is_refused_and_leaves_the_code_unspent(client: Client, cast: Cast, bad: str) -> None:
    code, _ = pairing.offer(cast.kiosk)
    body = {"signing": bad, "agreement": base64.b64encode(spki(fresh())).decode()}
    response = client.post(
        "/api/v1/kiosk/pair/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Pairing {code}"},
    )
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert PairingCode.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_tablets_with_one_code_one_is_paired() -> None:
    cast = factories.cast()
    code, _ = pairing.offer(cast.kiosk)
    made = at_once(
        *[lambda: pairing.pair(code, pairing.Keys(spki(fresh()), spki(fresh()))) for _ in range(4)]
    )
    assert sum(key is not None for key in made) == 1


def test_a_new_tablet_ends_the_one_before_but_not_a_programs_key(client: Client, cast: Cast) -> None:
    old = paired(client, cast.kiosk)
    new = paired(client, cast.kiosk)
    assert (old.get(HELLO).status_code, new.get(HELLO).status_code) == (401, 200)
    assert client.get(HELLO, headers={"Authorization": f"Kiosk {cast.key}"}).status_code == 200


def test_pairing_ends_the_login_of_whoever_held_the_tablet(client: Client, cast: Cast) -> None:
    client.force_login(Staff.objects.create_superuser("ada"))
    paired(client, cast.kiosk)
    assert client.get("/admin/").status_code == 302


def test_a_signed_report_is_written_down(client: Client, cast: Cast) -> None:
    response = paired(client, cast.kiosk).post(REPORT, FINE)
    assert response.status_code == 200
    cast.kiosk.refresh_from_db()
    assert (cast.kiosk.version, cast.kiosk.queued, cast.kiosk.clock_offset_ms) == ("abc", 3, -1500)


def test_revoked_keys_end_a_pairing_too(client: Client, cast: Cast) -> None:
    tablet = paired(client, cast.kiosk)
    places.revoke_keys(cast.kiosk)
    response = tablet.get(HELLO)
    assert (response.status_code, response.json()["code"]) == (401, "unknown-kiosk")


def test_a_signature_is_good_for_one_request(client: Client, cast: Cast) -> None:
    tablet = paired(client, cast.kiosk)
    body = json.dumps(FINE).encode()
    header = tablet.header("POST", REPORT, body)

    def post() -> Any:
        return client.generic(
            "POST", REPORT, body, content_type="application/json", headers={"Authorization": header}
        )

    assert post().status_code == 200
    again = post()
    assert (again.status_code, again.json()["code"]) == (401, "replayed")


@pytest.mark.parametrize("seconds", [-121, 121, -(10**12), 10**12])
def test_a_request_from_another_time_is_refused(client: Client, cast: Cast, seconds: int) -> None:
    tablet = paired(client, cast.kiosk)
    moment = int((time.time() + seconds) * 1000)
    response = tablet.post(REPORT, FINE, signed_time=moment)
    assert response.status_code == 401
    assert response.json()["code"] in {"clock", "malformed-signature"}


@pytest.mark.parametrize("seconds", [-115, 115])
def test_a_clock_two_minutes_off_will_do(client: Client, cast: Cast, seconds: int) -> None:
    moment = int((time.time() + seconds) * 1000)
    assert paired(client, cast.kiosk).post(REPORT, FINE, signed_time=moment).status_code == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"time": "a moment later"}, "wrong-signature"),
        ({"nonce": "00000000-0000-4000-8000-000000000000"}, "wrong-signature"),
        ({"signature": "A" * 86}, "wrong-signature"),
        ({"signature": "AAAA"}, "wrong-signature"),
        ({"key": "00" * 32}, "unknown-kiosk"),
        ({"key": "zz"}, "malformed-signature"),
        ({"time": "soon"}, "malformed-signature"),
        ({"nonce": "1"}, "malformed-signature"),
        ({"signature": "?"}, "malformed-signature"),
    ],
)
def test_a_changed_part_is_refused_by_name(
    client: Client, cast: Cast, changed: dict[str, str], code: str
) -> None:
    if changed.get("time") == "a moment later":  # made now: tests are collected long before they run
        changed = {"time": str(int(time.time() * 1000) + 1)}
    response = paired(client, cast.kiosk).post(REPORT, FINE, **changed)
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert not SignatureNonce.objects.exists()


def test_no_flipped_bit_of_body_or_path_is_accepted(client: Client, cast: Cast) -> None:
    tablet = paired(client, cast.kiosk)
    body = json.dumps(FINE).encode()
    moment, nonce = int(time.time() * 1000), uuid.uuid4()
    header = tablet.header("POST", REPORT, body, signed_time=moment, signed_nonce=nonce)
    given = header.partition(" ")[2]
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        assert signing.verify(given, method="POST", path=REPORT, body=bytes(flipped)) == signing.WRONG
    for method, path in (("PUT", REPORT), ("POST", f"{REPORT}?a=1"), ("POST", HELLO)):
        assert signing.verify(given, method=method, path=path, body=body) == signing.WRONG
    assert isinstance(signing.verify(given, method="POST", path=REPORT, body=body), KioskKey)


def test_the_public_half_alone_is_no_key(client: Client, cast: Cast) -> None:
    tablet = paired(client, cast.kiosk)
    public = spki(tablet.key).decode("latin-1")
    assert places.kiosk_for(public) is None
    assert places.kiosk_for(hashlib.sha256(spki(tablet.key)).hexdigest()) is None


def test_nonces_are_forgotten_once_their_time_alone_refuses_them(client: Client, cast: Cast) -> None:
    paired(client, cast.kiosk).post(REPORT, FINE)
    assert signing.forget() == 0
    SignatureNonce.objects.update(at=timezone.now() - signing.REMEMBERED - timedelta(seconds=1))
    assert signing.forget() == 1
