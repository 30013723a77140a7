"""Send what waits to the server with the kiosk's key, until it is answered.

The standard library's HTTP client: the agent should install on a small computer with little besides it.
"""

import json
import logging
import random
import ssl
import threading
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass

from recognition.edge.spool import Spool, Waiting

logger = logging.getLogger(__name__)

# The server answers by its door's deadline, two seconds by default; a line that takes longer is broken.
TIMEOUT_SECONDS = 10.0
LONGEST_PAUSE = 60.0
# Answers that another try cannot change: the picture goes, and the reason is counted.
HOPELESS = frozenset({400, 411, 413, 415, 422})
# The key is unknown or revoked. The pictures stay: a new key may be on its way.
UNAUTHORISED = frozenset({401, 403})


class Unreachable(Exception):
    """The server did not answer, or is not ready; the text says how."""


@dataclass(frozen=True)
class Answer:
    """The server's word: `granted` and a reason of its closed list, or a status that ends the matter."""

    status: int
    granted: bool = False
    reason: str = ""


class Server:
    """`address`: https://door.example.org. `ca`: a file of certificates to trust besides the system's."""

    def __init__(self, address: str, key: str, *, ca: str | None = None) -> None:
        if not address.startswith(("https://", "http://")):
            raise ValueError("The server's address begins with https:// (or http:// in a closed network).")
        self._address = address.rstrip("/")
        self._key = key
        self._trust = ssl.create_default_context(cafile=ca) if address.startswith("https://") else None

    def hello(self) -> dict[str, object]:
        """Which kiosk this key is, and the server's time. Raises Unreachable."""
        answer, body = self._ask(self._request("/api/v1/kiosk/"))
        if answer != 200:
            raise Unreachable(f"the server answers {answer}")
        return dict(body)

    def post(self, picture: Waiting) -> Answer:
        """Raises Unreachable where another try may do better."""
        boundary = uuid.uuid4().hex
        request = self._request("/api/v1/snapshots/", _multipart(picture, boundary))
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        status, body = self._ask(request)
        if status == 200:
            return Answer(200, body.get("granted") is True, str(body.get("reason", "")))
        if status in HOPELESS:
            return Answer(status, reason=str(body.get("code", status)))
        if status in UNAUTHORISED:
            raise Unreachable("the kiosk's key is not accepted; issue a new one and restart the agent")
        raise Unreachable(f"the server answers {status}")

    def _request(self, path: str, data: bytes | None = None) -> urllib.request.Request:
        headers = {"Authorization": f"Kiosk {self._key}", "Accept": "application/json"}
        return urllib.request.Request(self._address + path, data=data, headers=headers)  # noqa: S310  checked above

    def _ask(self, request: urllib.request.Request) -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self._trust) as response:  # noqa: S310
                return response.status, _json(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())
        except (OSError, ValueError) as error:
            raise Unreachable(str(getattr(error, "reason", error))) from error


def _json(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _multipart(picture: Waiting, boundary: str) -> bytes:
    fields = {"kind": picture.kind, "taken": picture.taken.isoformat(), "nonce": str(picture.nonce)}
    if picture.direction in ("in", "out"):
        fields["direction"] = picture.direction
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="face.jpg"\r\n'
    parts += [head.encode(), b"Content-Type: image/jpeg\r\n\r\n", picture.image, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


class Sender(threading.Thread):
    """Empties the spool in the background; `wake` when something was put in."""

    def __init__(self, spool: Spool, server: Server) -> None:
        super().__init__(name="sender", daemon=True)
        self._spool, self._server = spool, server
        self._woken, self._stopped = threading.Event(), threading.Event()
        self.online = False
        self.last = Answer(0)

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopped.set()
        self._woken.set()

    def run(self) -> None:
        pause = 0.0
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                sent = self.send_one()
                pause = 0.0
            except Unreachable as error:
                if self.online or not pause:
                    logger.warning("cannot send: %s; %d waiting", error, self._spool.waiting())
                self.online, sent = False, False
                # Twice as long each time, and never all agents of a building at once.
                pause = min(max(pause * 2, 1.0), LONGEST_PAUSE)
                self._stopped.wait(pause * random.uniform(0.7, 1.3))  # noqa: S311  no secret
                continue
            if not sent:
                self._woken.wait(1.0)

    def send_one(self) -> bool:
        """True if there was something to send. Raises Unreachable, with the picture still in the spool."""
        picture = self._spool.next()
        if picture is None:
            return False
        self._spool.tried(picture.nonce)
        answer = self._server.post(picture)
        self.online, self.last = True, answer
        verdict = "granted" if answer.granted else "refused" if answer.status == 200 else "rejected"
        self._spool.done(picture.nonce, verdict)
        logger.info("%s: %s", verdict, answer.reason, extra={"nonce": str(picture.nonce)})
        return True
