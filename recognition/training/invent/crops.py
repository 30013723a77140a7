"""The photographs that the face model learns from: upright, adult, sharp, looking at the camera.

Promise: what it gives out never leaves training; nothing of it is drawn, only the model's statistics are.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import detection, evaluation, image, quality
from recognition.alignment import align, similarity

# The model's frame: a face from forehead to chin, the eyes 52 pixels apart, about as fine as the photographs.
WIDTH, HEIGHT, EYES = 160, 148, 52.0
CENTRE, EYE_LINE = 79.5, 40.0
# Eyes, nose tip and mouth corners of an average face, in eye distances from the point between the eyes.
_FACE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.575], [-0.41, 1.155], [0.41, 1.155]])
TEMPLATE = _FACE * EYES + np.array([CENTRE, EYE_LINE])

ARCHIVE = "train-utkface.tar"
ADULT = range(18, 66)
GLASSES = 0.25  # this share, those with the strongest edges between the eyes, is left out

_detector: detection.Detector | None = None  # one for each process of the pool


@dataclass(frozen=True, eq=False)
class Crops:
    """`pixels` (N, 148, 160, 3) uint8 RGB, `groups` (N,) int, `poses` (N, 3): yaw, pitch, width of the mouth.

    A group is the sex and descent that the data set's file names guess (0 to 9): used only so that faces are
    drawn from people of like build, and the cast is not all of one kind.
    """

    pixels: NDArray[np.uint8]
    groups: NDArray[np.int64]
    poses: NDArray[np.float64]


def gather(faces: Path, models: Path | None, *, processes: int = 2) -> Crops:
    """Every usable photograph of the archive."""
    kept: list[tuple[NDArray[np.uint8], int, NDArray[np.float64]]] = []
    with ProcessPoolExecutor(processes, initializer=_open_detector, initargs=(models,)) as pool:
        for number, found in enumerate(pool.map(_crop, _files(faces / ARCHIVE), chunksize=32), 1):
            if found is not None:
                kept.append(found)
            if number % 1000 == 0:
                print(f"{number} photographs read, {len(kept)} kept", flush=True)
    pixels = np.stack([crop for crop, _, _ in kept])
    bridge = np.array([bridge_edges(crop) for crop in pixels])
    plain = bridge < np.quantile(bridge, 1 - GLASSES)
    groups = np.array([group for _, group, _ in kept])
    poses = np.stack([pose for _, _, pose in kept])
    return Crops(pixels[plain], groups[plain], poses[plain])


def bridge_edges(crop: NDArray[np.uint8]) -> float:
    """How strong the edges between the eyes are: glasses have a bridge there, faces have none."""
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(np.abs(np.diff(luma[34:56, 72:88], axis=0)).max(axis=0).mean() / luma[30:100, 40:120].mean())


def _files(archive: Path) -> Iterator[tuple[int, bytes]]:
    """Group and bytes of each adult's photograph; a file is called AGE_SEX_DESCENT_DATE."""
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = Path(member.name).name.split("_")
            if (
                len(parts) != 4
                or not all(part.isdecimal() for part in parts[:3])
                or int(parts[0]) not in ADULT
            ):
                continue
            file = tar.extractfile(member)
            if file is not None:
                yield int(parts[1]) * 5 + int(parts[2]), file.read()


def _open_detector(models: Path | None) -> None:
    global _detector
    cv2.setNumThreads(1)
    _detector = detection.load(models)


def _crop(file: tuple[int, bytes]) -> tuple[NDArray[np.uint8], int, NDArray[np.float64]] | None:
    group, data = file
    assert _detector is not None  # noqa: S101  (set by the pool's initialiser)
    rgb = image.decode(data)
    face = evaluation.central(_detector.detect(rgb), rgb)
    if face is None or face.eye_distance < 0.8 * EYES or np.ptp(rgb, axis=2).mean() < 12:
        return None  # too coarse, or grey
    judged = align(rgb, face.landmarks, quality.TEMPLATE)
    seen = quality.measure(face, judged, width=rgb.shape[1], height=rgb.shape[0])
    if abs(seen.pose.yaw) > 18 or abs(seen.pose.pitch) > 18 or seen.sharpness < 0.27 or seen.contrast < 25:
        return None
    matrix = similarity(face.landmarks, TEMPLATE)
    border = {"borderMode": cv2.BORDER_REPLICATE}
    crop = cv2.warpAffine(rgb, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, **border).astype(np.uint8)
    points = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    pose = [seen.pose.yaw, seen.pose.pitch, (points[4, 0] - points[3, 0]) / EYES]
    return crop, group, np.array(pose)
