"""Simulated attacks made from portraits: a first measurement where nobody has printed or filmed anything yet.

Promise: every file and folder that this writes has "simulated" in its name. What is painted here is what its
author knew of prints and screens; a model that stops it has shown nothing about real ones.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognition import detection, image
from recognition.evaluation.liveness import BURST, LENGTH, mirrored
from recognition.evaluation.photographs import Progress, central
from recognition.faces import Face, Pixels

WIDTH, HEIGHT = 640, 480  # what a kiosk's camera sees
FACE = (90.0, 108.0)  # height of the face in it: the crop of four times that must fit
Corners = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def simulate(
    detector: detection.Detector, photographs: Sequence[Path], to: Path, progress: Progress, *, seed: int = 1
) -> dict[str, int]:
    """Write one attack of each kind for each photograph in which a face is found; how many of each kind.

    simulated-print and simulated-screen hold pictures, simulated-large-print and -screen too, whose edges
    reach beyond the crops that a model sees; simulated-replay holds bursts of one picture sent again and
    again, simulated-tilting-print bursts of a print moved by hand.
    """
    written: dict[str, int] = {}
    for number, path in enumerate(photographs):
        chance = np.random.default_rng((seed, number))
        rgb = image.decode(path.read_bytes())
        face = central(detector.detect(rgb), rgb)
        if face is not None:
            other = image.decode(photographs[(number + 1) % len(photographs)].read_bytes())
            for kind, frames in _attacks(rgb, face, _room(other, chance), chance).items():
                _write(
                    to / f"simulated-{kind}",
                    f"simulated-{kind}-{path.parent.name}-{path.stem}",
                    frames,
                    chance,
                )
                written[f"simulated-{kind}"] = written.get(f"simulated-{kind}", 0) + 1
        progress(number + 1, len(photographs))
    return written


def _attacks(rgb: Pixels, face: Face, room: Pixels, chance: np.random.Generator) -> dict[str, list[Pixels]]:
    scale = chance.uniform(*FACE) / face.height
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=way).astype(np.uint8, copy=False)
    face = face.moved(scale=scale)
    sheet, screen = printed(rgb, chance), shown(rgb, chance)
    at = _corners(rgb, face, chance)
    # Large enough for its edge to lie beyond what any crop sees.
    large, inside = mirrored(rgb, face)
    around = _corners(large, inside, chance)
    tilting = [_camera(_held(sheet, room, _moved(at, chance)), chance) for _ in range(LENGTH)]
    still = _held(rgb, room, at)
    return {
        "print": [_camera(_held(sheet, room, at), chance)],
        "screen": [_camera(_held(screen, room, at, alias=True), chance)],
        "large-print": [_camera(_held(printed(large, chance), room, around), chance)],
        "large-screen": [_camera(_held(shown(large, chance), room, around, alias=True), chance)],
        "replay": [_resent(still, chance) for _ in range(LENGTH)],
        "tilting-print": tilting,
    }


def printed(rgb: Pixels, chance: np.random.Generator) -> Pixels:
    """Ink on paper: fewer colours, grey blacks, dull whites, fibres, a soft edge and a white border."""
    values = rgb.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + chance.uniform(0.65, 0.9) * (values - grey)
    values = chance.uniform(20, 45) + values * chance.uniform(0.7, 0.82)
    border = round(chance.uniform(0.03, 0.08) * max(rgb.shape[:2]))
    values = cv2.GaussianBlur(values, (0, 0), chance.uniform(0.5, 1.0)).astype(np.float32)
    paper = (240.0, 238.0, 232.0)
    values = cv2.copyMakeBorder(values, *(border,) * 4, cv2.BORDER_CONSTANT, value=paper).astype(np.float32)
    fibres = chance.normal(0, 1, values.shape[:2]).astype(np.float32)
    fibres = 2.5 * fibres + 6 * cv2.GaussianBlur(fibres, (0, 0), 1.5)
    return _bytes(values + fibres[..., None])


def shown(rgb: Pixels, chance: np.random.Generator) -> Pixels:
    """A display: red, green and blue stripes with dark gaps, another gamma, a blue tint, glare and a bezel.

    Three times as large as the picture, so that a camera's coarser grid makes moiré of the stripes.
    """
    values = 255 * (rgb.astype(np.float32) / 255) ** np.float32(chance.uniform(0.8, 1.2))
    fine = np.repeat(np.repeat(values, 3, axis=0), 3, axis=1)
    grid = np.full((3, 3, 3), chance.uniform(0.45, 0.7), np.float32)
    for stripe in range(3):
        grid[:2, stripe, stripe] = 1.35
    fine *= np.tile(grid, (rgb.shape[0], rgb.shape[1], 1))
    fine *= np.array([0.95, 1.0, 1.07], np.float32)
    down, across = np.mgrid[0 : fine.shape[0], 0 : fine.shape[1]].astype(np.float32)
    glare = np.clip(1 - np.hypot(across / fine.shape[1] - chance.uniform(0, 1), down / fine.shape[0]), 0, 1)
    fine += chance.uniform(10, 40) * glare[..., None]
    bezel = round(chance.uniform(0.04, 0.1) * max(fine.shape[:2]))
    framed = cv2.copyMakeBorder(fine, *(bezel,) * 4, cv2.BORDER_CONSTANT, value=(12.0, 12.0, 14.0))
    return _bytes(framed.astype(np.float32))


def _room(other: Pixels, chance: np.random.Generator) -> Pixels:
    """A room behind: another photograph, far out of focus."""
    side = cv2.resize(other, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return _bytes(cv2.GaussianBlur(side, (0, 0), 25).astype(np.float32) * chance.uniform(0.5, 1.0))


def _corners(rgb: Pixels, face: Face, chance: np.random.Generator) -> Corners:
    """Where the picture's corners come to lie: a plane turned and leant a little, the face in the middle."""
    height, width = rgb.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    x1, y1, x2, y2 = face.box
    turn = np.radians(chance.uniform(-6, 6))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    placed = (corners - [(x1 + x2) / 2, (y1 + y2) / 2]) @ rotation.T + [WIDTH / 2, HEIGHT / 2]
    leant: Corners = (placed + chance.normal(0, 0.015 * min(width, WIDTH), (4, 2))).astype(np.float32)
    return leant


def _moved(corners: Corners, chance: np.random.Generator) -> Corners:
    """The same plane a moment later: leant another way and shifted."""
    middle, size = corners.mean(axis=0), float(np.ptp(corners[:, 0]))
    lean = chance.normal(0, 0.25, 2) / size
    depth = 1 + (corners - middle) @ lean
    shifted = middle + (corners - middle) / depth[:, None] + chance.normal(0, 0.03 * size, 2)
    moved: Corners = shifted.astype(np.float32)
    return moved


def _held(sheet: Pixels, room: Pixels, corners: Corners, *, alias: bool = False) -> Pixels:
    """The sheet in the room. `alias` reads a finer sheet point by point, as a sensor reads a display."""
    height, width = sheet.shape[:2]
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(own, corners)
    size = (room.shape[1], room.shape[0])
    seen = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    if alias:
        # A lens blurs some of the grid away; what it leaves beats with the sensor's own.
        soft = cv2.warpPerspective(cv2.blur(sheet, (5, 5)), matrix, size, flags=cv2.INTER_LINEAR)
        seen = 0.35 * seen + 0.65 * soft.astype(np.float32)
    mask = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    return _bytes(mask * seen + (1 - mask) * room.astype(np.float32))


def _camera(rgb: Pixels, chance: np.random.Generator) -> Pixels:
    """Uneven light, a soft lens and noise."""
    ramp = np.linspace(1 - chance.uniform(0, 0.15), 1, rgb.shape[1], dtype=np.float32)[None, :, None]
    lit = cv2.GaussianBlur(rgb.astype(np.float32) * ramp, (0, 0), 0.6).astype(np.float32)
    return _bytes(lit + chance.normal(0, 2, rgb.shape).astype(np.float32))


def _resent(rgb: Pixels, chance: np.random.Generator) -> Pixels:
    """One and the same picture, moved by a pixel or two and dimmed a little, to pass for a stream."""
    matrix = np.array([[1, 0, chance.uniform(-2, 2)], [0, 1, chance.uniform(-2, 2)]])
    moved = cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    noise = chance.normal(0, 1, rgb.shape).astype(np.float32)
    return _bytes(moved.astype(np.float32) * chance.uniform(0.95, 1.05) + noise)


def _write(folder: Path, name: str, frames: Sequence[Pixels], chance: np.random.Generator) -> None:
    if len(frames) > 1:
        folder = folder / f"{BURST}{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        file = f"{name}.jpg" if len(frames) == 1 else f"{name}-{number}.jpg"
        quality = int(chance.integers(85, 96))
        (folder / file).write_bytes(image.encode_jpeg(frame, quality=quality))


def _bytes(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
