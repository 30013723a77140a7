"""Locks to talk to: a relay that is a real HTTP server, and a listener that speaks MQTT 5 on the wire."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Relay:
    """What a relay was asked, and how it answers."""

    address: str = ""
    status: int = 200
    delay: float = 0.0
    location: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def relay() -> Iterator[Relay]:
    told = Relay()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, dict(self.headers), body))
            time.sleep(told.delay)
            self.send_response(told.status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    told.address = f"http://127.0.0.1:{server.server_port}/doors/3/open"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Broker:
    """What a broker was told, and what it answers."""

    port: int = 0
    connect_code: int = 0
    publish_code: int | None = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[str, bytes, int, int, int]] = field(default_factory=list)


@contextmanager
def broker() -> Iterator[Broker]:
    """Speaks as much of MQTT 5 (OASIS, 2019) as one CONNECT and one PUBLISH of QoS 1 need."""
    told, ends = Broker(), threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    told.port = server.getsockname()[1]

    def serve() -> None:
        while not ends.is_set():
            try:
                talk, _peer = server.accept()
            except TimeoutError:
                continue
            with talk:
                talk.settimeout(5)
                _converse(talk, told)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        ends.set()
        thread.join(10)
        server.close()


def _converse(talk: socket.socket, told: Broker) -> None:
    while packet := _packet(talk):
        kind, flags, body = packet
        if kind == 1:  # CONNECT: name, level, flags, keep-alive, properties, then the payload
            name, at = _text(body, 0)
            level, connect_flags = body[at], body[at + 1]
            assert (name, level) == ("MQTT", 5)
            at += 4
            at += 1 + body[at]
            _client, at = _text(body, at)
            user = password = ""
            if connect_flags & 0x80:
                user, at = _text(body, at)
            if connect_flags & 0x40:
                password, at = _text(body, at)
            told.logins.append((user, password))
            talk.sendall(bytes([0x20, 3, 0, told.connect_code, 0]))
            if told.connect_code:
                return
        elif kind == 3:  # PUBLISH: topic, packet identifier, properties, payload
            topic, at = _text(body, 0)
            (number,) = struct.unpack_from(">H", body, at)
            length = body[at + 2]
            properties, payload = body[at + 3 : at + 3 + length], body[at + 3 + length :]
            expiry = struct.unpack(">I", properties[1:5])[0] if properties[:1] == b"\x02" else 0
            told.messages.append((topic, payload, (flags >> 1) & 3, flags & 1, expiry))
            if told.publish_code is not None:
                talk.sendall(bytes([0x40, 4]) + struct.pack(">H", number) + bytes([told.publish_code, 0]))
        elif kind == 14:  # DISCONNECT
            return


def _packet(talk: socket.socket) -> tuple[int, int, bytes] | None:
    try:
        head = talk.recv(1)
        if not head:
            return None
        length = shift = 0
        while True:
            one = talk.recv(1)[0]
            length |= (one & 0x7F) << shift
            if not one & 0x80:
                break
            shift += 7
        body = b""
        while len(body) < length:
            body += talk.recv(length - len(body))
    except (OSError, IndexError):
        return None
    return head[0] >> 4, head[0] & 0x0F, body


def _text(body: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + length].decode(), at + 2 + length
