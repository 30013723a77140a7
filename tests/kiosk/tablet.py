"""A tablet in Python: makes its own keys, pairs, signs what it asks. What the browser does, for tests."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.test import Client

from access.kiosk import bundles, pairing, signing
from access.places import Kiosk


def fresh() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@dataclass
class Tablet:
    client: Client
    key: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    agreement: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    server: bytes = b""

    def pair(self, code: str) -> Any:
        keys = {"signing": self.key, "agreement": self.agreement}
        body = {name: base64.b64encode(spki(key)).decode() for name, key in keys.items()}
        response = self.client.post(
            "/api/v1/kiosk/pair/",
            body,
            content_type="application/json",
            headers={"Authorization": f"Pairing {code}"},
        )
        if response.status_code == 200:
            self.server = base64.b64decode(response.json()["server"])
        return response

    def header(self, method: str, path: str, body: bytes, **changed: Any) -> str:
        """A signed request's Authorization; `changed` parts are put in after signing."""
        parts = {"time": int(time.time() * 1000), "nonce": uuid.uuid4()} | {
            name: changed.pop(name) for name in ("signed_time", "signed_nonce") if name in changed
        }
        moment, nonce = parts.get("signed_time", parts["time"]), parts.get("signed_nonce", parts["nonce"])
        data = signing.canonical(method, path, moment, nonce, body)
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        shown = {
            "key": hashlib.sha256(spki(self.key)).hexdigest(),
            "time": moment,
            "nonce": nonce,
            "signature": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
        } | changed
        return "Kiosk-Signed " + ", ".join(f'{name}="{value}"' for name, value in shown.items())

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Authorization": self.header("GET", path, b"")})

    def post(self, path: str, values: dict[str, Any], **changed: Any) -> Any:
        body = json.dumps(values).encode()
        return self.client.generic(
            "POST",
            path,
            body,
            content_type="application/json",
            headers={"Authorization": self.header("POST", path, body, **changed)},
        )


@dataclass
class Alone:
    """A tablet's time without the network, told by whatever clocks it has. Times in ms."""

    tablet: Tablet
    now: int = field(default_factory=lambda: int(time.time() * 1000))
    wall_off: int = 0
    boot: str = field(default_factory=lambda: str(uuid.uuid4()))
    line: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = 0
    seq: int = 0

    def event(self, ago: int = 0, **told: Any) -> dict[str, Any]:
        """A grant of `ago` ms before now, unless `told` says otherwise."""
        self.seq += 1
        at = self.now - ago
        return {
            "id": str(uuid.uuid4()),
            "line": self.line,
            "seq": self.seq,
            "boot": self.boot,
            "wall": at + self.wall_off,
            "ticks": at - self.started,
            "at": at,
            "anchored": True,
            "bundle": self.now - ago - 60_000,
            "granted": True,
            "reason": "ok",
            "person": None,
            "direction": "in",
            "credential": "pin",
            "duress": False,
            "shown": ["badge", "pin"],
        } | told

    def tell(self, events: list[Any], *, left: int = 0) -> Any:
        now = int(time.time() * 1000)
        return self.tablet.post(
            "/api/v1/kiosk/events/",
            {
                "boot": self.boot,
                "wall": now + self.wall_off,
                "ticks": now - self.started,
                "left": left,
                "events": events,
            },
        )


def results(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [one["result"] for one in response.json()["results"]]


def opened(tablet: Tablet, answer: dict[str, Any]) -> dict[str, Any]:
    """The bundle, as the tablet opens it. Raises InvalidSignature or InvalidTag."""
    part = {name: base64.b64decode(answer[name]) for name in ("ephemeral", "iv", "sealed", "signature")}
    digest = hashlib.sha256(spki(tablet.key)).digest()
    said = bundles.PURPOSE + digest
    said += hashlib.sha256(part["ephemeral"] + part["iv"] + part["sealed"]).digest()
    r, s = (int.from_bytes(half, "big") for half in (part["signature"][:32], part["signature"][32:]))
    pairing.point(tablet.server).verify(encode_dss_signature(r, s), said, ec.ECDSA(hashes.SHA256()))
    shared = tablet.agreement.exchange(ec.ECDH(), pairing.point(part["ephemeral"]))
    secret = HKDF(hashes.SHA256(), 32, salt=digest, info=bundles.PURPOSE).derive(shared)
    return dict(json.loads(AESGCM(secret).decrypt(part["iv"], part["sealed"], bundles.PURPOSE)))


def paired(client: Client, kiosk: Kiosk) -> Tablet:
    tablet = Tablet(client)
    code, _expires = pairing.offer(kiosk)
    assert tablet.pair(code).status_code == 200
    return tablet
