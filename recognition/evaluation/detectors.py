"""What the gates and landmarks say about a folder of photographs, and how two detectors agree.

Promise: faces not found are counted beside the numbers of those that were.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import image, quality
from recognition.alignment import align
from recognition.detection import Detector
from recognition.evaluation.photographs import Progress, central
from recognition.recognizer import Recognizer, choose


def measure_quality(
    eyes: Recognizer, paths: Sequence[Path], progress: Progress, *, blur: float = 0.0
) -> tuple[list[quality.Quality], int, int]:
    """The numbers of each photograph's central face; how many had none, and how many comparable ones.

    `blur` is the sigma of a Gaussian, in pixels of a 112-pixel crop, that is laid over the face first.
    """
    numbers, failed, crowded = [], 0, 0
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        faces = eyes.detector.detect(rgb)
        face = central(faces, rgb)
        crowded += choose(faces, "one")[1] is quality.Problem.SEVERAL_FACES
        if face is None:
            failed += 1
        else:
            crop = align(rgb, face.landmarks, quality.TEMPLATE)
            if blur:
                crop = cv2.GaussianBlur(crop, (0, 0), blur).astype(np.uint8, copy=False)
            numbers.append(quality.measure(face, crop, width=rgb.shape[1], height=rgb.shape[0]))
        progress(index + 1, len(paths))
    return numbers, failed, crowded


def agreement(
    one: Detector, other: Detector, paths: Sequence[Path], progress: Progress
) -> NDArray[np.float64]:
    """(N,) mean distance of the five landmarks between two detectors, in eye distances of the first.

    Over the photographs in which both find a face; of the other's faces the nearest counts.
    """
    distances = []
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        face, others = central(one.detect(rgb), rgb), other.detect(rgb)
        if face is not None and others:
            gaps = [np.linalg.norm(rival.landmarks - face.landmarks, axis=1).mean() for rival in others]
            distances.append(float(min(gaps)) / face.eye_distance)
        progress(index + 1, len(paths))
    return np.array(distances)
