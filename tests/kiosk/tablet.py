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
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.test import Client

from access.kiosk import pairing, signing
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


def paired(client: Client, kiosk: Kiosk) -> Tablet:
    tablet = Tablet(client)
    code, _expires = pairing.offer(kiosk)
    assert tablet.pair(code).status_code == 200
    return tablet
