"""A lock behind an HTTP relay: one signed POST, no redirects, no second try.

Signed as webhooks are (Standard Webhooks: HMAC-SHA256 over id, timestamp and body), so a relay can check
it with an existing library. The body says until when the order holds; a relay must ignore a later one.
"""

import base64
import hashlib
import hmac
import json
import ssl
import time
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from access.doors.errand import CONNECT_SECONDS, Errand, Failed, allowed


def send(errand: Errand) -> None:
    """Tell the relay. Raises Failed unless it answers 2xx in time."""
    parts = urlsplit(errand.address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    until = time.monotonic() + errand.left
    place = allowed(host, port)
    left = until - time.monotonic()
    if left <= 0:
        raise Failed("the deadline came first; not sent")
    body = json.dumps(
        {
            "order": errand.order,
            "door": errand.door,
            "seconds": errand.seconds,
            "expires": errand.expires.isoformat(),
        }
    ).encode()
    headers = {"Host": parts.netloc.rpartition("@")[2], "Content-Type": "application/json"}
    headers |= signature(errand.command, body, errand.secret)
    timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), total=left)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        # One connection for one order: the name was resolved and looked at, and is not asked for again.
        with _pool(parts.scheme, host, place, port) as pool:
            answer = pool.request(
                "POST",
                path,
                body=body,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            status = answer.status
            answer.close()
    except HTTPError as error:
        raise Failed(f"the relay did not answer: {type(error).__name__}") from error
    if not 200 <= status < 300:
        raise Failed(f"the relay answered {status}")
    if time.monotonic() > until:
        raise Failed("the relay answered too late")


def _pool(scheme: str, host: str, place: str, port: int) -> urllib3.HTTPConnectionPool:
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(
            place,
            port,
            server_hostname=host,
            assert_hostname=host,
            ssl_context=ssl.create_default_context(),
        )
    return urllib3.HTTPConnectionPool(place, port)


def signature(command: int, body: bytes, secret: str) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    name, stamp = f"door-command-{command}", str(int(time.time()))
    signed = hmac.new(_key(secret), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": name,
        "Webhook-Timestamp": stamp,
        "Webhook-Signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def _key(secret: str) -> bytes:
    """The bytes that sign: of a secret as the standard writes them, else the text as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as error:
        raise Failed("the secret begins with whsec_, but no base64 follows") from error
