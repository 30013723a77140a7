"""One POST to an address that somebody typed in: bounded in time and length, never redirected, never inside.

The name is looked up once and the checked address is the one that is connected to, so that a name cannot
point elsewhere a moment later (DNS rebinding).
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
MOST_ANSWER_BYTES = 64 * 1024


class Unreachable(Exception):
    """No answer came: says why in a few words, without the address."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """The answer, whatever its status. Raises Unreachable."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme == "http" and not settings.HOOKS_PRIVATE:
        raise Unreachable("plain http is not allowed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        address = checked_address(host, port)
        with connected(address, port, host if parts.scheme == "https" else None) as plug:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = plug
            connection.request("POST", path, body, {"Host": parts.netloc, "Connection": "close", **headers})
            response = connection.getresponse()
            return Answer(response.status, response.read(MOST_ANSWER_BYTES))
    except TimeoutError as error:
        raise Unreachable("no answer in time") from error
    except socket.gaierror as error:
        raise Unreachable("no such name") from error
    except ssl.SSLError as error:
        raise Unreachable("the certificate is not accepted, or no TLS is spoken") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"connection failed ({type(error).__name__})") from error


def checked_address(host: str, port: int) -> str:
    """The address to connect to. Raises Unreachable if one of the name's addresses is not public."""
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not settings.HOOKS_PRIVATE and not all(is_public(address) for address in found):
        raise Unreachable("the address is inside; see LINTEL_HOOKS_PRIVATE")
    return min(found, key=lambda address: (":" in address, address))  # IPv4 first: it is routed everywhere


def is_public(address: str) -> bool:
    """True for an address of the open internet: no loop, private, link-local, shared or multicast one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    for inner in ("ipv4_mapped", "sixtofour"):
        found = getattr(found, inner, None) or found
    return found.is_global and not found.is_multicast


@contextlib.contextmanager
def connected(address: str, port: int, name: str | None) -> Iterator[socket.socket]:
    """A connection to the address, with TLS for the name; cut after TOTAL_SECONDS, whatever dribbles."""
    plug = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
    plug.settimeout(TOTAL_SECONDS)
    if name is not None:
        plug = ssl.create_default_context().wrap_socket(
            plug, server_hostname=name, do_handshake_on_connect=False
        )
    late = threading.Event()
    watch = threading.Timer(TOTAL_SECONDS, _cut, (plug, late))
    watch.daemon = True
    watch.start()
    try:
        if isinstance(plug, ssl.SSLSocket):
            plug.do_handshake()
        yield plug
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()
        plug.close()


def _cut(plug: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        plug.shutdown(socket.SHUT_RDWR)
