"""Whether the web address is free, and if not, who has it."""

import errno
import os
import socket
from pathlib import Path


class PortTakenError(Exception):
    """The text names the holder and the way out."""


def web_address(host: str, port: int) -> str:
    """The address to type into a browser on this machine."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - recognised here, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def ensure_free(host: str, port: int) -> None:
    """Raises PortTakenError. Free now is no promise for later: the web server may still lose the race."""
    try:
        addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise PortTakenError(
            f"{host!r} is no address of this machine ({error.strerror}): see --bind."
        ) from None
    family, kind, protocol, _, address = addresses[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            choice = "choose another with --port or LINTEL_BIND"
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(f"port {port} is taken by {holder(port)}: {choice}.") from None
            raise PortTakenError(
                f"port {port} on {host!r} cannot be used ({error.strerror}): {choice}."
            ) from None


def holder(port: int) -> str:
    """The program that listens there, as far as this user may see."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue
    return "another program"


def _listening(port: int) -> set[str]:
    """Inodes of listening sockets, from the kernel's table (Linux): local address, state 0A, inode."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if os.access(path, os.R_OK) else ():
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
