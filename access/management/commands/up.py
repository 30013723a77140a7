"""`manage.py up`: run the whole system on this machine until Ctrl-C."""

import os
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from access.up.startup import Options, up


class Command(BaseCommand):
    help = "Run the whole system on this machine: servers, website, workers. Ctrl-C stops it."
    requires_system_checks: list[str] = []  # they are made once there is a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--bind", default=os.environ.get("LINTEL_BIND", "127.0.0.1:8000"), metavar="HOST[:PORT]"
        )
        parser.add_argument("--port", type=int, help="instead of the one in --bind (8000)")
        parser.add_argument("--workers", type=int, help="recognition processes (one per core)")
        parser.add_argument(
            "--check", action="store_true", help="play the demo journey, then stop; 0 if all was right"
        )
        parser.add_argument("--no-demo", action="store_true", help="leave out the demo site")
        parser.add_argument("--once-ready", action="store_true", help="stop as soon as everything is ready")

    def handle(self, **options: object) -> None:
        host, port = address(str(options["bind"]))
        workers = (
            os.environ.get("LINTEL_WORKERS") or cores() if options["workers"] is None else options["workers"]
        )
        try:
            chosen = Options(
                host=host,
                port=int(port if options["port"] is None else str(options["port"])),
                workers=int(str(workers)),
                check=bool(options["check"]),
                demo=not options["no_demo"],
                leave_when_ready=bool(options["once_ready"]),
            )
        except ValueError:
            raise CommandError("Ports and LINTEL_WORKERS are whole numbers.") from None
        if chosen.workers < 1 or not 0 < chosen.port < 65536:
            raise CommandError("At least one worker, and a port from 1 to 65535.")
        if code := up(chosen):
            sys.exit(code)


def address(bind: str) -> tuple[str, str]:
    """`host`, `host:port`, `[ipv6]:port` taken apart; the port is 8000 where none is named."""
    host, colon, port = bind.rpartition(":")
    if not colon or bind.endswith("]"):
        host, port = bind, "8000"
    return host.strip("[]"), port


def cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
