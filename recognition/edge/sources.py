"""Where frames come from: a camera, an RTSP stream, a clip, or a folder of pictures."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from recognition.faces import Pixels
from recognition.image import Unreadable, decode

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
# A camera that stops is opened again after this; the agent must outlive its cable.
REOPEN_SECONDS = 3.0
# Pictures of a folder stand for frames this far apart, so that each is its own passage.
FOLDER_SECONDS = 10.0


class NoSource(Exception):
    """The source cannot be opened; the text says which and what to try."""


def frames(source: str, *, most_per_second: float = 8.0) -> Iterator[tuple[float, Pixels | None]]:
    """Seconds on the source's clock and a frame (H, W, 3) uint8 RGB; None while a camera is away.

    `source`: a camera's number ("0"), rtsp://…, a clip's file, or a folder. Live sources never end and give
    the newest frame; clips and folders end. Raises NoSource.
    """
    place = Path(source)
    if place.is_dir():
        yield from _folder(place)
    elif place.is_file():
        yield from _clip(place, most_per_second)
    elif source.isdigit() or "://" in source:
        yield from _live(source, most_per_second)
    else:
        raise NoSource(f"{source!r} is no camera number, address, clip or folder.")


def _folder(place: Path) -> Iterator[tuple[float, Pixels]]:
    files = sorted(file for file in place.rglob("*") if file.suffix.lower() in PICTURES)
    if not files:
        raise NoSource(f"{place} holds no picture ({', '.join(sorted(PICTURES))}).")
    for number, file in enumerate(files):
        try:
            rgb = decode(file.read_bytes())
        except Unreadable:
            continue
        # Twice, a moment apart: a face must hold still for a moment to be chosen.
        yield number * FOLDER_SECONDS, rgb
        yield number * FOLDER_SECONDS + 0.5, rgb


def _clip(place: Path, most_per_second: float) -> Iterator[tuple[float, Pixels]]:
    clip = cv2.VideoCapture(str(place))
    if not clip.isOpened():
        raise NoSource(f"{place} is no clip that can be read here.")
    rate = clip.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(round(rate / most_per_second), 1)
    number = 0
    try:
        while clip.grab():
            if number % step == 0:
                found, bgr = clip.retrieve()
                if found:
                    yield number / rate, _rgb(bgr)
            number += 1
    finally:
        clip.release()


def _live(source: str, most_per_second: float) -> Iterator[tuple[float, Pixels | None]]:
    camera: cv2.VideoCapture | None = None
    shown, opened_before = 0.0, False
    while True:
        if camera is None or not camera.isOpened():
            camera = cv2.VideoCapture(int(source) if source.isdigit() else source)
            if not camera.isOpened():
                if not opened_before:
                    raise NoSource(f"The camera {_without_password(source)} cannot be opened.")
                yield time.monotonic(), None
                time.sleep(REOPEN_SECONDS)
                continue
            opened_before = True
            camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not the oldest
        if not camera.grab():
            camera.release()
            camera = None
            yield time.monotonic(), None
            continue
        now = time.monotonic()
        if now - shown >= 1 / most_per_second:
            found, bgr = camera.retrieve()
            if found:
                shown = now
                yield now, _rgb(bgr)


def _rgb(bgr: object) -> Pixels:
    return np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])


def _without_password(source: str) -> str:
    """A stream's address as logs may have it."""
    scheme, mark, rest = source.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
