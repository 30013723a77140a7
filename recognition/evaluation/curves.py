"""Draws DET curves (Martin et al., Eurospeech 1997) on logarithmic axes as a picture.

Promise: what is drawn are the points that were measured; a rate of zero, which no such axis has, is left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.faces import Pixels

WIDTH, HEIGHT = 960, 720
LEFT, RIGHT, TOP, BOTTOM = 110, 40, 70, 90
FINER = 2  # drawn at twice the size and brought down, so that lines and letters come out smooth
# Told apart by people of any colour sight (Okabe and Ito, Color Universal Design, 2008), RGB.
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0))
INK, GRID, PAPER = (40, 40, 40), (222, 222, 222), (255, 255, 255)


class NoCurve(ValueError):
    """Nothing went wrong, or everything did: logarithmic axes have no place for it."""


@dataclass(frozen=True)
class Curve:
    """A line of (x, y, low, high): two error rates and the 95 % interval of y. `marks` are drawn as rings."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]
    marks: tuple[tuple[float, float], ...] = ()


def det(curves: Sequence[Curve], *, title: str, across: str, up: str, ring: str = "") -> Pixels:
    """The diagram as (720, 960, 3) uint8 RGB. Raises `NoCurve` where no point has both rates above 0."""
    shown = [[point for point in curve.points if min(point[:2]) > 0] for curve in curves]
    if not any(shown):
        raise NoCurve("no threshold at which both error rates are above zero: there is no curve to draw")
    lowest = (min(p[0] for line in shown for p in line), min(p[1] for line in shown for p in line))
    sheet = _Sheet(*(10.0 ** math.floor(math.log10(low) + 1e-9) for low in lowest))
    sheet.axes(title, across, up)
    for number, (curve, line) in enumerate(zip(curves, shown, strict=True)):
        sheet.line(line, COLOURS[number % len(COLOURS)])
        for x, y in curve.marks:
            if min(x, y) > 0:
                sheet.ring(x, y, COLOURS[number % len(COLOURS)])
    sheet.legend([curve.label for curve in curves], ring if any(curve.marks for curve in curves) else "")
    return sheet.picture()


def write(picture: Pixels, path: Path) -> None:
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} cannot be written")


class _Sheet:
    """Logarithmic axes from (`left`, `bottom`) to 1, and what is drawn on them."""

    def __init__(self, left: float, bottom: float) -> None:
        self._decades = (round(-math.log10(left)) or 1, round(-math.log10(bottom)) or 1)
        self._pixels = np.full((HEIGHT * FINER, WIDTH * FINER, 3), PAPER, np.uint8)

    def axes(self, title: str, across: str, up: str) -> None:
        for axis, decades in enumerate(self._decades):
            for decade in range(-decades, 1):
                for digit in range(1, 10):
                    value = digit * 10.0**decade
                    if value > 1 or (digit > 1 and decades > 3):
                        break
                    self._grid(axis, value, strong=digit == 1)
        corners = self._at(10.0 ** -self._decades[0], 10.0 ** -self._decades[1]), self._at(1, 1)
        cv2.rectangle(self._pixels, corners[0], corners[1], INK, FINER, cv2.LINE_AA)
        self._text(title, (LEFT, 42), 0.8)
        self._text(across, ((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 28), 0.62, middle=True)
        self._upright(up)

    def line(self, points: Sequence[tuple[float, float, float, float]], colour: tuple[int, int, int]) -> None:
        if len(points) > 1:
            edge = [self._at(x, low) for x, _, low, _ in points]
            edge += [self._at(x, high) for x, *_, high in reversed(points)]
            band = self._pixels.copy()
            cv2.fillPoly(band, [np.array(edge, np.int32)], colour)
            self._pixels = cv2.addWeighted(band, 0.14, self._pixels, 0.86, 0).astype(np.uint8, copy=False)
        path = np.array([self._at(x, y) for x, y, *_ in points], np.int32).reshape(-1, 1, 2)
        cv2.polylines(self._pixels, [path], False, colour, 2 * FINER + 1, cv2.LINE_AA)

    def ring(self, x: float, y: float, colour: tuple[int, int, int]) -> None:
        cv2.circle(self._pixels, self._at(x, y), 6 * FINER, PAPER, -1, cv2.LINE_AA)
        cv2.circle(self._pixels, self._at(x, y), 6 * FINER, colour, 2 * FINER, cv2.LINE_AA)

    def legend(self, labels: Sequence[str], ring: str) -> None:
        rows = [*labels, ring] if ring else list(labels)
        wide = max(_width(row, 0.55) for row in rows) + 70
        x, y = WIDTH - RIGHT - wide - 14, TOP + 14
        box = [(FINER * a, FINER * b) for a, b in ((x, y), (x + wide, y + 14 + 26 * len(rows)))]
        cv2.rectangle(self._pixels, box[0], box[1], PAPER, -1)
        cv2.rectangle(self._pixels, box[0], box[1], GRID, FINER, cv2.LINE_AA)
        for number, row in enumerate(rows):
            middle = y + 20 + 26 * number
            if number < len(labels):
                ends = [(FINER * (x + a), FINER * middle) for a in (12, 42)]
                colour = COLOURS[number % len(COLOURS)]
                cv2.line(self._pixels, ends[0], ends[1], colour, 2 * FINER + 1, cv2.LINE_AA)
            else:
                cv2.circle(
                    self._pixels, (FINER * (x + 27), FINER * middle), 6 * FINER, INK, FINER, cv2.LINE_AA
                )
            self._text(row, (x + 54, middle + 5), 0.55)

    def picture(self) -> Pixels:
        small = cv2.resize(self._pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        return small.astype(np.uint8, copy=False)

    def _grid(self, axis: int, value: float, *, strong: bool) -> None:
        far = 10.0 ** -self._decades[1 - axis]
        start, end = ((value, far), (value, 1.0)) if axis == 0 else ((far, value), (1.0, value))
        cv2.line(self._pixels, self._at(*start), self._at(*end), GRID, FINER if strong else 1, cv2.LINE_AA)
        if strong:
            x, y = (coordinate // FINER for coordinate in self._at(*start))
            word = f"{100 * value:g} %"
            if axis == 0:
                self._text(word, (x, y + 24), 0.55, middle=True)
            else:
                self._text(word, (x - _width(word, 0.55) - 10, y + 6), 0.55)

    def _at(self, x: float, y: float) -> tuple[int, int]:
        """Pixels of the larger sheet; values beyond the axes are drawn on their edge."""
        share = [
            min(max(math.log10(max(value, 1e-12)) / decades + 1, 0.0), 1.0)
            for value, decades in zip((x, y), self._decades, strict=True)
        ]
        across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return round(FINER * (LEFT + share[0] * across)), round(FINER * (HEIGHT - BOTTOM - share[1] * down))

    def _text(self, words: str, place: tuple[int, int], scale: float, *, middle: bool = False) -> None:
        x = place[0] - (_width(words, scale) // 2 if middle else 0)
        _write(self._pixels, words, (x, place[1]), scale)

    def _upright(self, words: str) -> None:
        """The name of the upward axis, turned by a quarter."""
        height = HEIGHT - TOP - BOTTOM
        strip: NDArray[np.uint8] = np.full((40 * FINER, height * FINER, 3), PAPER, np.uint8)
        _write(strip, words, ((height - _width(words, 0.62)) // 2, 27), 0.62)
        turned = np.rot90(strip)
        self._pixels[TOP * FINER : (HEIGHT - BOTTOM) * FINER, : turned.shape[1]] = turned


def _width(words: str, scale: float) -> int:
    """In pixels of the picture."""
    return cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, FINER * scale, FINER)[0][0] // FINER


def _write(pixels: Pixels, words: str, place: tuple[int, int], scale: float) -> None:
    at = (FINER * place[0], FINER * place[1])
    cv2.putText(pixels, words, at, cv2.FONT_HERSHEY_SIMPLEX, FINER * scale, INK, FINER, cv2.LINE_AA)
