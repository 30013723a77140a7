"""A tablet in Python: makes its own keys, pairs, signs what it asks. What the browser does, for tests."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from access.kiosk import pairing
from access.places import Kiosk
from access.up import tablet as up
from access.up.tablet import fresh, spki

__all__ = ["Alone", "Tablet", "fresh", "opened", "paired", "results", "spki"]


@dataclass
class Tablet:
    client: Client
    key: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    agreement: ec.EllipticCurvePrivateKey = field(default_factory=fresh)
    server: bytes = b""

    def pair(self, code: str) -> Any:
        response = self.client.post(
            "/api/v1/kiosk/pair/",
            up.public_halves(self.key, self.agreement),
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
        return up.header(up.signed(self.key, method, path, body, moment=moment, nonce=nonce) | changed)

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
    return up.opened(tablet.key, tablet.agreement, tablet.server, answer)


def paired(client: Client, kiosk: Kiosk) -> Tablet:
    tablet = Tablet(client)
    code, _expires = pairing.offer(kiosk)
    assert tablet.pair(code).status_code == 200
    return tablet
