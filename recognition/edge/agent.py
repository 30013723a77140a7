"""The agent itself: watch, choose, keep, send; and say how it is doing."""

import http.server
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recognition import image
from recognition.edge.sending import Sender
from recognition.edge.spool import Full, Spool
from recognition.edge.watching import Chosen, Watcher, crop
from recognition.faces import Pixels

logger = logging.getLogger(__name__)

# Of the JPEG that is sent; the networks look at 112 pixels of it.
LONGEST_SIDE = 1280


@dataclass
class Agent:
    """`send`: "crop" (the face with its surroundings) or "snapshot" (the whole frame)."""

    watcher: Watcher
    spool: Spool
    sender: Sender
    send: str = "crop"
    direction: str = ""
    frames: int = 0
    camera: bool = True

    def run(self, frames: Iterator[tuple[float, Pixels | None]], *, live: bool) -> None:
        """Until the source ends; a live one never does."""
        began = datetime.now(UTC)
        for at, rgb in frames:
            self.camera = rgb is not None
            if rgb is None:
                continue
            self.frames += 1
            for chosen in self.watcher.look(rgb, at):
                taken = datetime.now(UTC) - timedelta(seconds=at - chosen.at) if live else datetime.now(UTC)
                self.keep(chosen, taken)
        logger.info("the source has ended", extra={"frames": self.frames, "since": began.isoformat()})

    def keep(self, chosen: Chosen, taken: datetime) -> None:
        rgb = crop(chosen) if self.send == "crop" else chosen.rgb
        data = image.encode_jpeg(rgb, longest=LONGEST_SIDE)
        try:
            self.spool.put(data, kind=self.send, taken=taken, direction=self.direction)
        except Full:
            logger.warning("the spool is full; this picture is not kept")
            return
        self.sender.wake()

    def finish(self, seconds: float) -> int:
        """Wait for the spool to empty; how many pictures still wait then."""
        end = time.monotonic() + seconds
        while self.spool.waiting() and time.monotonic() < end:
            time.sleep(0.05)
        return self.spool.waiting()

    def metrics(self) -> str:
        """Prometheus text: what waits, what was counted, whether camera and server are there."""
        lines = [
            f"lintel_edge_waiting {self.spool.waiting()}",
            f"lintel_edge_waiting_bytes {self.spool.size()}",
            f"lintel_edge_frames_total {self.frames}",
            f"lintel_edge_online {int(self.sender.online)}",
            f"lintel_edge_camera {int(self.camera)}",
        ]
        lines += [
            f'lintel_edge_pictures_total{{end="{name}"}} {count}'
            for name, count in self.spool.counts().items()
        ]
        return "\n".join(lines) + "\n"


def serve_metrics(agent: Agent, port: int) -> http.server.ThreadingHTTPServer:
    """Metrics at http://127.0.0.1:PORT/metrics, for this machine only."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/metrics"
            body = agent.metrics().encode() if found else b"not found\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not every scrape belongs in the log."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
