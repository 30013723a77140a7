"""What a driver is told, and where it may go: the addresses of locks lie in networks that are allowed.

Promise: no command goes to an address outside LINTEL_DOOR_NETWORKS, whatever a name resolves to.
"""

import ipaddress
import socket
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

# A lock in the next room answers in milliseconds; one that does not take a connection within this is away.
CONNECT_SECONDS = 1.0


class Failed(Exception):
    """The lock did not take the order; the text says why, without any secret."""


@dataclass(frozen=True)
class Errand:
    """One order to one lock. `left`: seconds until it must be over."""

    command: int
    door: int
    order: str
    seconds: int
    address: str
    secret: str = field(repr=False)
    expires: datetime
    left: float


def allowed(host: str, port: int) -> str:
    """The IP address to connect to, resolved once and looked at. Raises Failed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Failed(f"{host} does not resolve") from error
    for _family, _kind, _protocol, _name, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if any(address.version == net.version and address in net for net in settings.DOOR_NETWORKS):
            return str(place[0])
    raise Failed(f"{host} is not in the networks of LINTEL_DOOR_NETWORKS")
