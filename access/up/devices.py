"""A virtual kiosk, door contact and terminal: what devices say to the HTTP API, with their keys.

Promise: nothing here knows more of the system than a device does.
"""

import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SECONDS = 30
Frames = Sequence[tuple[bytes, int]]  # each with its time in milliseconds after the first


class Wrong(Exception):
    """Something did not come out right; the text says what was expected and what came."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]

    def expect(self, **wanted: object) -> "Answer":
        found = {"status": self.status} | self.body
        wrong = {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}
        if wrong:
            raise Wrong(f"expected {wanted}, got {wrong}")
        return self


@dataclass
class VirtualKiosk:
    """Posts pictures, frames, cards and PINs, and what the door's contact says, with its key."""

    address: str
    key: str

    def post(
        self, picture: bytes, *, taken: datetime | None = None, frames: Frames = (), **fields: str
    ) -> Answer:
        moment = taken or datetime.now(UTC)
        values = {"kind": "snapshot", "taken": moment.isoformat(), "nonce": str(uuid.uuid4())} | fields
        boundary = secrets.token_hex(16)
        body = multipart(picture, values, boundary, frames)
        return self._ask("snapshots", body, f"multipart/form-data; boundary={boundary}")

    def challenge(self, nonce: str) -> Answer:
        """What to ask of the face whose snapshot will carry this nonce."""
        return self._tell("challenges", {"nonce": nonce})

    def show(self, **credentials: str) -> Answer:
        """A card, or a badge number and PIN; with `after`, for a face that was just seen."""
        return self._tell("passes", {"nonce": str(uuid.uuid4())} | credentials)

    def report(self, state: str) -> Answer:
        """What the contact of the kiosk's door says."""
        return self._tell("door-events", {"id": str(uuid.uuid4()), "state": state})

    def _tell(self, page: str, values: dict[str, str]) -> Answer:
        body = json.dumps({"taken": datetime.now(UTC).isoformat()} | values).encode()
        return self._ask(page, body, "application/json")

    def _ask(self, page: str, body: bytes, form: str) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}/api/v1/{page}/",
            data=body,
            headers={"Authorization": f"Kiosk {self.key}", "Content-Type": form},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error))


@dataclass
class VirtualTerminal:
    """A time clock that pushes its log by ADMS, as those on people's walls do."""

    address: str
    serial: str

    def push(self, log: Iterable[tuple[str, datetime, str]]) -> str:
        """Badge, time on its own clock, and "in" or "out" of each; the answer is what was acknowledged."""
        self._ask("cdata", {"options": "all", "pushver": "2.4.1"})
        lines = "".join(
            f"{badge}\t{at:%Y-%m-%d %H:%M:%S}\t{('in', 'out').index(way)}\t15\t0\t0\t0\n"
            for badge, at, way in log
        )
        return self._ask("cdata", {"table": "ATTLOG", "Stamp": "9999"}, lines)

    def _ask(self, page: str, query: dict[str, str], body: str | None = None) -> str:
        asked = urllib.parse.urlencode({"SN": self.serial} | query)
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}/iclock/{page}?{asked}", data=None if body is None else body.encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            raise Wrong(f"the terminal was answered {error.code}") from error


def multipart(picture: bytes, fields: dict[str, str], boundary: str, frames: Frames = ()) -> bytes:
    values = [*fields.items(), *(("frame_times", str(after)) for _data, after in frames)]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values
    ]
    for name, data in (("image", picture), *(("frames", data) for data, _after in frames)):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.jpg"\r\n'
        parts += [f"{head}Content-Type: image/jpeg\r\n\r\n".encode(), data, b"\r\n"]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()
