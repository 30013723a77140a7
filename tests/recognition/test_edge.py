"""The edge agent: which frame it chooses, and that nothing it chose is lost or counted twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest

from recognition import detection, image
from recognition.edge.__main__ import main
from recognition.edge.agent import Agent, serve_metrics
from recognition.edge.sending import Sender, Server, Unreachable
from recognition.edge.sources import NoSource, frames
from recognition.edge.spool import Full, Spool
from recognition.edge.watching import Pace, Watcher, crop, worth
from recognition.faces import Pixels

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOMY = 10_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    opened = Spool(tmp_path / "spool.sqlite", "kk_secret", most_bytes=ROOMY)
    yield opened
    opened.close()


def put(spool: Spool, image: bytes = b"picture", **fields: str) -> uuid.UUID:
    return spool.put(image, **{"kind": "crop", "taken": NOW, "direction": ""} | fields)


# --- Choosing -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watcher_of() -> Any:
    detector = detection.load(None, "mtcnn")
    return lambda **pace: Watcher(detector, Pace(**pace))


def scene(portrait: Pixels, *, side: int = 300, left: int = 100, blur: float = 0) -> Pixels:
    room = np.full((480, 640, 3), 120, np.uint8)
    face = cv2.resize(portrait, (side, side))
    if blur:
        face = cv2.GaussianBlur(face, (0, 0), blur)
    room[60 : 60 + side, left : left + side] = face
    return room


def test_a_face_is_sent_once_it_has_held_still_and_its_best_frame_is_chosen(
    portrait: Pixels, watcher_of: Any
) -> None:
    watcher = watcher_of(hold=0.3)
    blurred, sharp = scene(portrait, blur=3.5), scene(portrait, left=110)
    assert watcher.look(blurred, 0.0) == []
    assert watcher.look(sharp, 0.2) == []
    chosen = watcher.look(blurred, 0.4)
    assert [(one.at, one.rgb is sharp) for one in chosen] == [(0.2, True)]


def test_a_face_that_stays_is_sent_a_few_times_and_no_more(portrait: Pixels, watcher_of: Any) -> None:
    watcher = watcher_of(hold=0.3, again=2.0, most=3)
    sent = [at for step in range(60) for at in [step * 0.25] if watcher.look(scene(portrait), at)]
    assert len(sent) == 3
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(sent))


def test_somebody_who_comes_back_is_sent_again(portrait: Pixels, watcher_of: Any) -> None:
    watcher = watcher_of(hold=0.3, most=1)
    empty = np.full((480, 640, 3), 120, np.uint8)
    seen = [scene(portrait)] * 3 + [empty] * 3 + [scene(portrait)] * 3
    assert sum(len(watcher.look(frame, n * 0.4)) for n, frame in enumerate(seen)) == 2


def test_an_empty_room_and_a_blurred_face_are_not_sent(portrait: Pixels, watcher_of: Any) -> None:
    watcher = watcher_of(hold=0.0)
    for n in range(4):
        assert watcher.look(np.full((480, 640, 3), 120, np.uint8), float(n)) == []
        assert watcher.look(scene(portrait, blur=9), n + 0.5) == []


def test_a_crop_keeps_the_surroundings_and_the_server_finds_the_face_in_it(
    portrait: Pixels, watcher_of: Any
) -> None:
    watcher = watcher_of(hold=0.0)
    chosen = watcher.look(scene(portrait, side=280, left=180), 0.0)[0]
    cut = crop(chosen, 0.5)
    assert chosen.face.width * 1.8 < cut.shape[1] < 640
    found = detection.load(None, "mtcnn").detect(cut)
    assert len(found) == 1
    assert worth(cut, found[0]) > 0


# --- Keeping --------------------------------------------------------------------------------------


def test_what_waits_is_sealed_and_comes_back_whole(tmp_path: Path, spool: Spool) -> None:
    nonce = put(spool, b"face" * 100, direction="in")
    waiting = spool.next()
    assert waiting is not None
    assert (waiting.nonce, waiting.image, waiting.direction, waiting.taken) == (
        nonce,
        b"face" * 100,
        "in",
        NOW,
    )
    spool.close()
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"facefaceface" not in everything
    assert (tmp_path / "spool.sqlite").stat().st_mode & 0o077 == 0


def test_a_picture_leaves_only_when_it_is_done(spool: Spool) -> None:
    nonce = put(spool)
    spool.tried(nonce)
    assert spool.waiting() == 1
    spool.done(nonce, "granted")
    assert (spool.waiting(), spool.next(), spool.counts()) == (0, None, {"granted": 1, "taken": 1})


def test_the_newest_comes_first_and_what_failed_stands_behind(spool: Spool) -> None:
    old, new = put(spool, b"old"), put(spool, b"new")
    assert spool.next().nonce == new
    spool.tried(new)
    assert spool.next().nonce == old


def test_a_full_spool_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", "kk", most_bytes=1000)
    put(spool, b"x" * 700)
    with pytest.raises(Full):
        put(spool, b"y" * 700)
    assert (spool.waiting(), spool.counts()["turned_away"]) == (1, 1)
    spool.close()


def test_another_key_cannot_open_it_and_is_not_held_up_by_it(tmp_path: Path) -> None:
    first = Spool(tmp_path / "s.sqlite", "kk_one", most_bytes=ROOMY)
    put(first)
    first.close()
    second = Spool(tmp_path / "s.sqlite", "kk_two", most_bytes=ROOMY)
    fresh = put(second, b"fresh")
    assert second.next().nonce == fresh
    second.done(fresh, "granted")
    assert second.next() is None
    assert second.counts()["unreadable"] == 1
    second.close()


def test_a_power_cut_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """A process that is killed while it writes: every nonce it reported is there afterwards."""
    program = textwrap.dedent(
        f"""
        from datetime import UTC, datetime
        from pathlib import Path
        from recognition.edge.spool import Spool
        spool = Spool(Path({str(tmp_path / "s.sqlite")!r}), "kk", most_bytes={ROOMY})
        while True:
            print(spool.put(b"x" * 2000, kind="crop", taken=datetime.now(UTC), direction=""), flush=True)
        """
    )
    reported: set[str] = set()
    for _round in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        ) as writer:
            assert writer.stdout is not None
            for _line in range(20):
                reported.add(writer.stdout.readline().strip())
            os.kill(writer.pid, signal.SIGKILL)
            # Beyond the last line read there may be more, and one of them torn by the kill.
            reported |= {line.strip() for line in writer.stdout.readlines() if len(line) == 37}
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        kept = {row[0] for row in db.execute("SELECT nonce FROM waiting")}
    assert reported <= kept
    assert len(reported) >= 60


# --- Sending --------------------------------------------------------------------------------------


class Website(ThreadingHTTPServer):
    """A server that answers as it is told, and remembers what it was sent."""

    def __init__(self, answers: list[int]) -> None:
        self.answers, self.nonces = answers, []
        website = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                website.nonces.append(body.split(b'name="nonce"\r\n\r\n')[1][:36].decode())
                status = website.answers.pop(0) if website.answers else 200
                answer = b'{"granted": true, "reason": "ok", "code": "nonce-reused"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Page)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def website() -> Any:
    made: list[Website] = []

    def start(*answers: int) -> Website:
        made.append(Website(list(answers)))
        return made[-1]

    yield start
    for one in made:
        one.shutdown()
        one.server_close()


def test_the_same_nonce_is_sent_until_it_is_answered(spool: Spool, website: Any) -> None:
    server = website(503, 500, 200)
    sender = Sender(spool, Server(server.address, "kk"))
    nonce = str(put(spool))
    for _try in range(2):
        with pytest.raises(Unreachable, match="answers 50"):
            sender.send_one()
    assert sender.send_one()
    assert server.nonces == [nonce] * 3
    assert spool.counts() == {"granted": 1, "taken": 1}


def test_a_server_that_is_away_costs_nothing_but_time(spool: Spool) -> None:
    put(spool)
    with pytest.raises(Unreachable):
        Sender(spool, Server("http://127.0.0.1:9", "kk")).send_one()
    assert spool.waiting() == 1


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_no_other_try_can_change_does_not_block_the_rest(
    spool: Spool, website: Any, status: int
) -> None:
    server = website(status)
    put(spool)
    put(spool)
    sender = Sender(spool, Server(server.address, "kk"))
    assert sender.send_one()
    assert sender.send_one()
    assert spool.counts() == {"granted": 1, "rejected": 1, "taken": 2}


def test_a_key_that_is_refused_keeps_the_pictures(spool: Spool, website: Any) -> None:
    put(spool)
    with pytest.raises(Unreachable, match="key is not accepted"):
        Sender(spool, Server(website(401).address, "kk")).send_one()
    assert spool.waiting() == 1


def test_the_background_sender_catches_up_after_an_outage(spool: Spool, website: Any) -> None:
    server = website(503)
    for number in range(5):
        put(spool, f"{number}".encode())
    sender = Sender(spool, Server(server.address, "kk"))
    sender.start()
    end = time.monotonic() + 30
    while spool.waiting() and time.monotonic() < end:
        time.sleep(0.05)
    sender.stop()
    sender.join(10)
    assert spool.counts() == {"granted": 5, "taken": 5}
    assert len(set(server.nonces)) == 5


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        Server("door.example.org", "kk")


# --- Sources and the whole ------------------------------------------------------------------------


def test_a_clip_gives_its_frames_at_the_pace_asked_for(tmp_path: Path, portrait: Pixels) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "c.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 20, (640, 480))
    for _frame in range(40):
        writer.write(cv2.cvtColor(scene(portrait), cv2.COLOR_RGB2BGR))
    writer.release()
    found = list(frames(str(tmp_path / "c.avi"), most_per_second=5))
    assert len(found) == 10
    assert found[1][0] == pytest.approx(0.2)
    assert found[0][1].shape == (480, 640, 3)


@pytest.mark.parametrize("source", ["nothing-there.mp4", "/dev/null"])
def test_a_source_that_is_none_says_so(source: str) -> None:
    with pytest.raises(NoSource):
        list(frames(source))


def test_a_folder_is_sent_and_the_metrics_say_so(
    tmp_path: Path, portrait: Pixels, website: Any, capsys: Any
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.jpg").write_bytes(image.encode_jpeg(scene(portrait)))
    (folder / "broken.jpg").write_bytes(b"no picture")
    key = tmp_path / "key"
    key.write_text("kk_test\n")
    server = website()
    ended = main(
        [
            str(folder),
            "--server",
            server.address,
            "--key-file",
            str(key),
            "--spool",
            str(tmp_path / "s" / "s.sqlite"),
        ]
    )
    assert (ended, len(server.nonces)) == (0, 2)
    assert "2 granted, 2 taken; 0 waiting" in capsys.readouterr().out
    assert Path(tmp_path / "s" / "s.sqlite").exists()


def test_metrics_tell_what_waits(spool: Spool, watcher_of: Any) -> None:
    put(spool)
    agent = Agent(watcher_of(), spool, Sender(spool, Server("http://127.0.0.1:9", "kk")))
    page = serve_metrics(agent, 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{page.server_port}/metrics") as answer:
        text = answer.read().decode()
    page.shutdown()
    page.server_close()
    assert "lintel_edge_waiting 1\n" in text
    assert 'lintel_edge_pictures_total{end="taken"} 1' in text
    assert "lintel_edge_online 0" in text


def test_without_a_key_it_says_where_one_comes_from(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("LINTEL_KIOSK_KEY", raising=False)
    assert main(["0", "--server", "http://127.0.0.1:9"]) == 2
    assert "LINTEL_KIOSK_KEY" in capsys.readouterr().err
