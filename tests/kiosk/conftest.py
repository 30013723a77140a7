"""A real worker and a real Chromium whose camera sees what a test draws."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection, connections
from PIL import Image

from access import enrolment
from access.models import Enrolment, Gallery, Kiosk, Worker
from access.up.demo import scenes
from tests import axe, factories
from tests.admin.conftest import CHROMIUM
from tests.kiosk.waiting import until

# Views that stay until somebody does something, or for some seconds at the end of a test.
WAITING = {
    "granted-by-code",
    "idle",
    "office-pin",
    "offline",
    "offline-deny",
    "pair",
    "pairing-code",
    "refused",
    "settings",
}
KNOWN, STRANGER = "DEMO-01", "DEMO-12"
ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A Celery worker in a process of its own, warm, on the database of this test."""
    parts = urlsplit(settings.DATABASE_URL)
    name = connection.settings_dict["NAME"]
    environment = os.environ | {
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")),
        "DJANGO_SETTINGS_MODULE": "access.settings",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "LINTEL_MODELS": "",
        "LINTEL_EMBEDDER": "",
    }
    command = ["-m", "celery", "-A", "workers.app", "worker", "-P", "solo", "-Q", "decide,enrol"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(
        [sys.executable, *command, *quiet],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(Worker.objects.exists, seconds=180)
        yield
    finally:
        process.terminate()  # before the tables are emptied
        process.wait(120)


@pytest.fixture
def kiosk(worker: None) -> Kiosk:
    """A kiosk at a door that admits one enrolled, invented person."""
    site = factories.site("Works")
    crew = Gallery.objects.create(name="Crew")
    crew.sites.add(site)
    door = factories.door(site, "Front door", deadline_ms=8_000)
    door.admits.add(crew)
    who = next(one for one in scenes.invented() if one.badge == KNOWN)
    person = factories.person(who.name, badge=who.badge)
    crew.people.add(person)
    enrolment.submit(person, [(f"{n}.jpg", who.photograph(n)) for n in (1, 2, 3, 4)])
    until(lambda: Enrolment.objects.filter(state=Enrolment.State.DONE).exists())
    return factories.kiosk(door)[0]


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def album(path: Path, badge: str, *, numbers: Sequence[int] = (1, 2, 3, 4), each: int = 75) -> Path:
    """What the camera of an enrolment sees: one photograph after the other, each for a while, in a loop."""
    frames = []
    for number in numbers:
        shown = Image.open(scenes.PEOPLE / badge / f"{number}.jpg").convert("RGB")
        frames += swaying(shown, each)
    path.write_bytes(b"".join(frames))
    return path


def swaying(somebody: Image.Image, frames: int) -> list[bytes]:
    """Nobody stands quite still, and no two frames of a camera are the same."""
    moved = [
        _jpeg(somebody.transform(somebody.size, Image.Transform.AFFINE, (1, 0, shift, 0, 1, 0)))
        for shift in (0, 0.4, 0.8, 0.4)
    ]
    return [moved[n % 4] for n in range(frames)]


def film(path: Path, badge: str, *, number: int = 1, empty: int = 45, there: int = 150) -> Path:
    """What a kiosk's camera sees, 30 frames a second, in a loop: nobody, then somebody standing."""
    nobody = Image.open(io.BytesIO(scenes.empty_room())).convert("RGB").resize((640, 480))
    somebody = Image.open(scenes.PEOPLE / badge / f"{number}.jpg").convert("RGB")
    path.write_bytes(b"".join([_jpeg(nobody)] * empty + swaying(somebody, there)))
    return path


def still(path: Path, picture: Image.Image) -> Path:
    """The same picture for ever: a code held up to the camera."""
    path.write_bytes(_jpeg(picture.convert("RGB").resize((640, 480))) * 30)
    return path


@pytest.fixture
def open_kiosk(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """`open_kiosk("DEMO-01")`: the kiosk page in Chromium, with this person coming and going before it, or
    with one `picture` held up to it.

    Any error of a script, and any breach of the content policy, fails the test.
    """
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    faults: list[str] = []
    with sync_playwright() as playwright:
        started: list[Any] = []

        def start(
            badge: str = "",
            *,
            size: tuple[int, int] = (820, 1180),
            picture: Image.Image | None = None,
            **scene: Any,
        ) -> Any:
            place = tmp_path / f"camera-{len(started)}.mjpeg"
            camera = film(place, badge, **scene) if picture is None else still(place, picture)
            flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            started.append(browser)
            context = browser.new_context(
                base_url=live_server.url,
                viewport={"width": size[0], "height": size[1]},
                permissions=["camera"],
                locale="en-GB",
            )
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console", lambda said: faults.append(said.text) if "Content Security" in said.text else None
            )
            page.goto("/kiosk/")
            return page

        yield start
        for browser in started:
            browser.close()
        connections.close_all()
    assert not faults


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Any, str], None]:
    """`keep(page, "granted")`: a screenshot, in LINTEL_SCREENSHOTS where that is set.

    Axe looks at those views too that wait for somebody, and finds nothing serious.
    """
    folder = Path(os.environ.get("LINTEL_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page: Any, name: str) -> None:
        page.wait_for_timeout(250)  # until what arrives has arrived
        page.screenshot(path=folder / f"kiosk-{name}.png")
        if name in WAITING:
            assert axe.findings(page) == [], name

    return shoot
