"""A virtual tablet: the kiosk page without the page. Makes its keys, signs, and decides alone when it must.

Promise: it knows what the server gave it, and decides by the rule that the page has in the browser.
"""

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from access.kiosk import bundles, pairing, signing
from access.policy import offline
from access.up.devices import SECONDS, Answer


def fresh() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_halves(key: ec.EllipticCurvePrivateKey, agreement: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """What a tablet shows of its keys to be paired."""
    return {
        name: base64.b64encode(spki(half)).decode()
        for name, half in (("signing", key), ("agreement", agreement))
    }


def signed(
    key: ec.EllipticCurvePrivateKey, method: str, path: str, body: bytes, *, moment: int, nonce: uuid.UUID
) -> dict[str, object]:
    """The parts of a signed request's Authorization."""
    data = signing.canonical(method, path, moment, nonce, body)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return {
        "key": hashlib.sha256(spki(key)).hexdigest(),
        "time": moment,
        "nonce": nonce,
        "signature": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
    }


def header(parts: dict[str, object]) -> str:
    return "Kiosk-Signed " + ", ".join(f'{name}="{value}"' for name, value in parts.items())


def opened(
    key: ec.EllipticCurvePrivateKey,
    agreement: ec.EllipticCurvePrivateKey,
    server: bytes,
    answer: dict[str, Any],
) -> dict[str, Any]:
    """The bundle, as a tablet opens it. Raises InvalidSignature or InvalidTag."""
    part = {name: base64.b64decode(answer[name]) for name in ("ephemeral", "iv", "sealed", "signature")}
    digest = hashlib.sha256(spki(key)).digest()
    said = bundles.PURPOSE + digest
    said += hashlib.sha256(part["ephemeral"] + part["iv"] + part["sealed"]).digest()
    r, s = (int.from_bytes(half, "big") for half in (part["signature"][:32], part["signature"][32:]))
    pairing.point(server).verify(encode_dss_signature(r, s), said, ec.ECDSA(hashes.SHA256()))
    shared = agreement.exchange(ec.ECDH(), pairing.point(part["ephemeral"]))
    secret = HKDF(hashes.SHA256(), 32, salt=digest, info=bundles.PURPOSE).derive(shared)
    return dict(json.loads(AESGCM(secret).decrypt(part["iv"], part["sealed"], bundles.PURPOSE)))


@dataclass
class VirtualTablet:
    """Once paired it can be `alone` for a while: then it answers by itself, and tells of it afterwards."""

    address: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    agreement: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    alone: bool = False
    _server: bytes = b""
    _bundle: dict[str, Any] = field(default_factory=dict)
    _events: list[dict[str, Any]] = field(default_factory=list)
    _boot: str = field(default_factory=lambda: str(uuid.uuid4()))
    _line: str = field(default_factory=lambda: str(uuid.uuid4()))
    _told: int = 0

    def pair(self, code: str) -> None:
        keys = json.dumps(public_halves(self.key, self.agreement)).encode()
        answer = self._ask("POST", "/api/v1/kiosk/pair/", keys, f"Pairing {code}").expect(status=200)
        self._server = base64.b64decode(answer.body["server"])

    def lose_network(self) -> None:
        """The last thing it hears is a fresh bundle."""
        answer = self._signed("GET", "/api/v1/kiosk/bundle/").expect(status=200)
        self._bundle = opened(self.key, self.agreement, self._server, answer.body)
        self.alone = True

    def show(self, **credentials: str) -> offline.Answer:
        """Its own answer to a card, or a badge number and PIN, kept to be told."""
        now = _now()
        found = offline.decide(self._bundle, credentials, now)
        self._events.append(
            {
                "id": str(uuid.uuid4()),
                "line": self._line,
                "seq": self._told + len(self._events) + 1,
                "anchored": True,
                "bundle": self._bundle["issued"],
                "at": now,
                "granted": found.granted,
                "reason": found.reason.value,
                "person": found.person,
                "direction": found.direction,
                "credential": found.credential,
                "duress": found.duress,
                "shown": sorted(credentials),
            }
            | self._clocks(now)
        )
        return found

    def find_network(self) -> list[str]:
        """What the server says to each of the events."""
        body = self._clocks(_now()) | {"left": 0, "events": self._events}
        answer = self._signed("POST", "/api/v1/kiosk/events/", body).expect(status=200)
        self._told, self._events, self.alone = self._told + len(self._events), [], False
        return [one["result"] for one in answer.body["results"]]

    def _clocks(self, now: int) -> dict[str, Any]:
        return {"boot": self._boot, "wall": now, "ticks": time.monotonic_ns() // 1_000_000}

    def _signed(self, method: str, path: str, values: dict[str, Any] | None = None) -> Answer:
        body = b"" if values is None else json.dumps(values).encode()
        parts = signed(self.key, method, path, body, moment=_now(), nonce=uuid.uuid4())
        return self._ask(method, path, body, header(parts))

    def _ask(self, method: str, path: str, body: bytes, authorization: str) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}{path}",
            data=body or None,
            method=method,
            headers={"Authorization": authorization, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error))


def _now() -> int:
    return time.time_ns() // 1_000_000
