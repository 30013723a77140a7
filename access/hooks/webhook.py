"""A webhook: the event as JSON, signed as Standard Webhooks says (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from access.hooks import posting
from access.hooks.endpoints import PREFIX, Endpoint
from access.hooks.outcome import Fate, Outcome, of_status


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over id, timestamp and body, with the scheme's version before it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")


def deliver(
    endpoint: Endpoint, secret: str, message_id: str, event: dict[str, Any], now: datetime
) -> Outcome:
    """One attempt. The id is the same with every attempt, the timestamp is the attempt's."""
    if not secret:
        return Outcome(Fate.AGAIN, error="no secret yet: issue one")
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Lintel",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        answer = posting.post(endpoint.url, body, headers)
    except posting.Unreachable as error:
        return Outcome(Fate.AGAIN, error=str(error))
    return of_status(answer.status)
