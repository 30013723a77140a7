"""A lock behind an MQTT broker: one message on the lock's command topic, as Home Assistant names them.

MQTT 5, because only there a message has an expiry: a lock that comes back an hour later must not be
handed an old order to open. Not retained, QoS 1, and done when the broker has handed it to a listener.
"""

import math
import ssl
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from access.doors.errand import CONNECT_SECONDS, Errand, Failed, allowed

PORTS = {"mqtt": 1883, "mqtts": 8883}
# Home Assistant's words on a lock's command topic.
PAYLOADS = {"open": "OPEN", "unlock": "UNLOCK", "lock": "LOCK"}
# "No matching subscribers": the broker took it, and nobody listens.
NOBODY_LISTENS = 0x10


class _Talk:
    """What the broker answered, and the moment it did; paho calls back in a thread of its own."""

    def __init__(self) -> None:
        self.connected, self.published = threading.Event(), threading.Event()
        self.refusal = ""

    def on_connect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            self.refusal = f"the broker refused: {code}"
        self.connected.set()

    def on_publish(self, _client: Any, _data: Any, _mid: int, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            self.refusal = f"the broker refused the message: {code}"
        elif code.value == NOBODY_LISTENS:
            self.refusal = "no lock listens on this topic"
        self.published.set()

    def on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if not self.published.is_set():
            self.refusal = self.refusal or f"the broker hung up: {code}"
        self.connected.set()
        self.published.set()


def send(errand: Errand) -> None:
    """Publish the order on `<path>/set`. Raises Failed unless a broker confirms it in time."""
    until = time.monotonic() + errand.left
    parts = urlsplit(errand.address)
    port = parts.port or PORTS[parts.scheme]
    place = allowed(parts.hostname or "", port)
    talk = _Talk()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5, reconnect_on_failure=False)
    client.on_connect, client.on_publish, client.on_disconnect = (
        talk.on_connect,
        talk.on_publish,
        talk.on_disconnect,
    )
    if parts.username:
        client.username_pw_set(unquote(parts.username), errand.secret or None)
    if parts.scheme == "mqtts":
        client.tls_set_context(ssl.create_default_context())
        place = parts.hostname or ""  # the certificate is checked against the name
    client.connect_timeout = max(min(CONNECT_SECONDS, until - time.monotonic()), 0.01)
    try:
        client.connect(place, port, keepalive=5)
        client.loop_start()
        _wait(talk, talk.connected, until, "the broker did not answer")
        topic = f"{parts.path.strip('/')}/set"
        client.publish(topic, PAYLOADS[errand.order], qos=1, retain=False, properties=_expiry(until))
        _wait(talk, talk.published, until, "the broker did not confirm in time")
    except (OSError, ValueError) as error:
        raise Failed(f"the broker cannot be reached: {type(error).__name__}") from error
    finally:
        client.disconnect()
        client.loop_stop()


def _wait(talk: _Talk, event: threading.Event, until: float, silence: str) -> None:
    """Raises Failed if the broker refused, or said nothing in time."""
    answered = event.wait(max(until - time.monotonic(), 0.0))
    if talk.refusal:
        raise Failed(talk.refusal)
    if not answered or time.monotonic() > until:
        raise Failed(silence)


def _expiry(until: float) -> Properties:
    """Whole seconds is what MQTT counts in; a broker drops what it could not deliver by then."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = max(math.ceil(until - time.monotonic()), 1)
    return properties
