"""Faces framed in a picture for people to look at: boxes, landmarks, and plates with words.

Promise: whatever is drawn stays inside the picture, and words can be read on any colour.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.faces import Face, Pixels
from recognition.recognizer import Sighting

Colour = tuple[int, int, int]  # red, green, blue

FIT, REFUSED, NOT_JUDGED = (80, 200, 80), (240, 160, 60), (160, 160, 160)


def frame(picture: Pixels, seen: Sighting) -> Pixels:
    """A copy of the RGB `picture`: each face, and on a plate whether it was fit, why not, or not judged."""
    drawn: Pixels = picture.copy()
    if not seen.faces:
        plate(drawn, _words(seen), (0, 0, 0), REFUSED)
    for face in seen.faces:
        if face is not seen.face:
            _mark(drawn, face, NOT_JUDGED)
    if seen.face is not None:  # last, so that nothing covers it
        colour = FIT if seen.problem is None else REFUSED
        _mark(drawn, seen.face, colour)
        x1, y1, _, y2 = (round(value) for value in seen.face.box)
        plate(drawn, _words(seen), (x1, y1, y2), colour)
    return drawn


def plate(drawn: NDArray[np.uint8], words: str, place: tuple[int, int, int], colour: Colour) -> None:
    """Words on a plate of the frame's colour, above the face, or below it where there is no room.

    `place`: the left, upper and lower edge of the face's box.
    """
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(0.45, drawn.shape[0] / 900)
    (width, height), below = cv2.getTextSize(words, font, scale, 1)
    left, top, bottom = place
    tall = height + below + 6
    upper = top - tall if top >= tall else min(bottom, drawn.shape[0] - tall)
    left = min(max(left - 1, 0), max(drawn.shape[1] - width - 10, 0))
    cv2.rectangle(drawn, (left, upper), (left + width + 10, upper + tall), colour, -1)
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140  # ITU-R BT.601
    ink = (0, 0, 0) if bright else (255, 255, 255)
    cv2.putText(drawn, words, (left + 5, upper + height + 3), font, scale, ink, 1, cv2.LINE_AA)


def _words(seen: Sighting) -> str:
    return "fit to be judged" if seen.problem is None else seen.problem.replace("_", " ")


def _mark(drawn: Pixels, face: Face, colour: Colour) -> None:
    line = max(2, round(max(drawn.shape[:2]) / 320))
    x1, y1, x2, y2 = (round(value) for value in face.box)
    cv2.rectangle(drawn, (x1, y1), (x2, y2), colour, line, cv2.LINE_AA)
    for x, y in face.landmarks:
        cv2.circle(drawn, (round(float(x)), round(float(y))), line + 1, colour, -1, cv2.LINE_AA)
