"""`python -m recognition.edge`: a camera on a small computer as a kiosk."""

import argparse
import logging
import os
import sys
from pathlib import Path

from recognition import ModelError, detection
from recognition.edge.agent import Agent, serve_metrics
from recognition.edge.sending import Sender, Server, Unreachable
from recognition.edge.sources import NoSource, frames
from recognition.edge.spool import Spool
from recognition.edge.watching import Pace, Watcher

DEFAULT_SPOOL = Path(os.environ.get("STATE_DIRECTORY", "var")) / "edge-spool.sqlite"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m recognition.edge",
        description="Watch a camera, choose the best frame of each face, send it to the server as a kiosk.",
        epilog="The key comes from LINTEL_KIOSK_KEY or --key-file; `manage.py new_kiosk` makes one.",
    )
    made.add_argument("source", help="a camera's number, rtsp://…, a clip, or a folder of pictures")
    made.add_argument("--server", required=True, help="https://door.example.org")
    made.add_argument("--key-file", type=Path, help="a file that holds the kiosk's key and nothing else")
    made.add_argument("--ca", help="a file of certificates to trust besides the system's")
    made.add_argument(
        "--send", choices=["crop", "snapshot"], default="crop", help="default: crop, with margin"
    )
    made.add_argument("--direction", choices=["in", "out"], default="", help="default: the kiosk's setting")
    made.add_argument("--spool", type=Path, default=DEFAULT_SPOOL, help=f"default: {DEFAULT_SPOOL}")
    made.add_argument("--spool-megabytes", type=int, default=256, help="room on the disk (default: 256)")
    made.add_argument("--per-second", type=float, default=8.0, help="frames looked at (default: 8)")
    made.add_argument("--metrics-port", type=int, help="serve Prometheus metrics to this machine")
    made.add_argument(
        "--models", type=Path, help="folder of further models, e.g. YuNet (default: shipped ones)"
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    key = (
        options.key_file.read_text("ascii").strip()
        if options.key_file
        else os.environ.get("LINTEL_KIOSK_KEY", "")
    )
    if not key:
        print("No key: set LINTEL_KIOSK_KEY or --key-file.", file=sys.stderr)
        return 2
    try:
        server = Server(options.server, key, ca=options.ca)
        detector = detection.load(options.models)
    except (ValueError, OSError, ModelError) as error:
        print(error, file=sys.stderr)
        return 2
    spool = Spool(options.spool, key, most_bytes=options.spool_megabytes * 1024 * 1024)
    sender = Sender(spool, server)
    agent = Agent(Watcher(detector, Pace()), spool, sender, options.send, options.direction)
    if options.metrics_port:
        serve_metrics(agent, options.metrics_port)
    _greet(server)
    sender.start()
    ends = Path(options.source).exists()
    try:
        agent.run(frames(options.source, most_per_second=options.per_second), live=not ends)
        left = agent.finish(60)
    except NoSource as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        left = spool.waiting()
    sender.stop()
    sender.join(15)
    counts = ", ".join(f"{count} {name}" for name, count in spool.counts().items()) or "nothing seen"
    print(f"{counts}; {left} waiting")
    return 1 if left else 0


def _greet(server: Server) -> None:
    """Say which kiosk this is; the agent starts without the server too."""
    try:
        found = server.hello()
        logging.info("kiosk %s at %s, %s", found.get("kiosk"), found.get("door"), found.get("site"))
    except Unreachable as error:
        logging.warning("the server cannot be reached yet: %s", error)


if __name__ == "__main__":
    sys.exit(main())
