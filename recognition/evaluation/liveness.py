"""How often a picture of a face passes for a face, by kind of attack, and a face for a picture.

Promise: APCER and BPCER come with their counts and an interval, from 150 judged tries of a kind on; what was
not judged stands beside them. No mean over kinds is formed (ACER is not part of ISO/IEC 30107-3).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognition import burst, image
from recognition.evaluation.intervals import wilson
from recognition.evaluation.photographs import PICTURES, Progress, central
from recognition.faces import Face, Pixels
from recognition.liveness import Liveness, Method, Passive, Why, not_judged
from recognition.matching import threshold_for
from recognition.recognizer import Recognizer
from recognition.weights import ModelError

ENOUGH = 150  # presentations of a kind, as certification asks for (requirements PAD-03)
FILMS = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
BURST = "burst-"  # a folder of this name holds the frames of one burst
LENGTH, GAP = 5, 0.3  # frames of a burst and seconds between them: 1.2 seconds at the kiosk
SAME = 0.01  # false-match rate at which frames count as one person: blurred ones among them are ordinary
LIMIT = 50_000_000  # pixels and bytes: files of our own need no guard


@dataclass(frozen=True)
class Tally:
    """What became of all presentations of one kind to one check. `errors`: a face taken for a picture, or a
    picture for a face; `judged` of `tries` were judged, `why` counts the reasons of all that are not live."""

    kind: str
    method: Method
    bona_fide: bool
    tries: int
    judged: int
    errors: int
    why: dict[str, int]

    @property
    def rate(self) -> float | None:
        """APCER or BPCER over what was judged; None below `ENOUGH`."""
        return self.errors / self.judged if self.judged >= ENOUGH else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.errors, self.judged) if self.judged >= ENOUGH else None


@dataclass(frozen=True)
class Stability:
    """How far the passive score moves when the face box is 10 % larger or smaller, or 5 pixels aside: the
    share of judged pictures where no move reaches 0.2 (requirements PAD-04)."""

    pictures: int
    steady: int


def measure(
    eyes: Recognizer, bona_fide: Path, attacks: Path, progress: Progress, *, mirror: bool = False
) -> tuple[list[Tally], Stability]:
    """A tally for each kind and check: pictures go to the passive model, bursts and films to `burst.check`.

    The kinds of attack are the folders in `attacks`. With `mirror` a picture without margin gets one, its own
    mirror image. Raises `ModelError` without a passive model, `matching.Uncalibrated` where bursts come
    without an embedder that has a calibration.
    """
    if eyes.passive is None:
        raise ModelError("no liveness model: run python -m recognition fetch --from FOLDER")
    kinds = [("bona fide", bona_fide)]
    kinds += [(each.name, each) for each in sorted(attacks.iterdir()) if each.is_dir()]
    found = {kind: _presentations(folder) for kind, folder in kinds}
    whole, done = sum(len(each) for each in found.values()), 0
    tallies: list[Tally] = []
    steady: list[bool] = []
    for kind, paths in found.items():
        outcomes: list[Liveness] = []
        for path in paths:
            if _is_burst(path):
                outcomes += _bursts(eyes, path)
            else:
                seen, moves = _picture(eyes, eyes.passive, path, mirror=mirror, move=kind == "bona fide")
                outcomes.append(seen)
                steady += [max(moves) < 0.2] if moves else []
            done += 1
            progress(done, whole)
        tallies += tally(kind, outcomes, bona_fide=kind == "bona fide")
    return tallies, Stability(len(steady), sum(steady))


def tally(kind: str, outcomes: Sequence[Liveness], *, bona_fide: bool) -> list[Tally]:
    """One for each check that took part."""
    tallies = []
    for method in Method:
        mine = [each for each in outcomes if each.method is method]
        if mine:
            judged = [each for each in mine if each.judged]
            why = Counter(str(each.why) for each in mine if each.why is not None)
            errors = sum(each.live != bona_fide for each in judged)
            tallies.append(Tally(kind, method, bona_fide, len(mine), len(judged), errors, dict(why)))
    return tallies


def sentences(tallies: Sequence[Tally], stability: Stability) -> list[str]:
    lines = []
    for each in tallies:
        name = "BPCER" if each.bona_fide else "APCER"
        lines.append(f"{each.kind}, {each.method}: {each.tries} tries, {each.judged} judged")
        if each.rate is None or each.interval is None:
            lines.append(f"  {name} not shown, too few: {each.judged} of {ENOUGH}; {each.errors} errors")
        else:
            low, high = (100 * end for end in each.interval)
            lines.append(
                f"  {name} {100 * each.rate:.1f} % (95 % interval {low:.1f} to {high:.1f}), "
                f"{each.errors} of {each.judged}"
            )
        if each.why:
            lines.append("  " + ", ".join(f"{count} {why}" for why, count in sorted(each.why.items())))
    if stability.pictures:
        lines.append(
            f"passive score moves by less than 0.2 under ±10 % box and ±5 pixels: {stability.steady} of "
            f"{stability.pictures} bona fide pictures"
        )
    if any("simulated" in each.kind for each in tallies):
        lines.append(
            "Simulated attacks say little about real ones: these figures rank checks, they prove none."
        )
    return lines


def numbers(tallies: Sequence[Tally], stability: Stability) -> dict[str, Any]:
    kinds = []
    for each in tallies:
        rate, interval = each.rate, each.interval
        kinds.append({
            "kind": each.kind, "method": each.method, "bona_fide": each.bona_fide,
            "tries": each.tries, "judged": each.judged, "errors": each.errors, "why": each.why,
            "bpcer" if each.bona_fide else "apcer": None if rate is None else round(rate, 5),
            "interval": None if interval is None else [round(end, 5) for end in interval],
        })  # fmt: skip
    return {"kinds": kinds, "steady": stability.steady, "steady_of": stability.pictures}


def mirrored(rgb: Pixels, face: Face) -> tuple[Pixels, Face]:
    """The picture with its own mirror image around it, as much as any crop needs, and the face in it."""
    margin = int(1.75 * max(face.width, face.height)) + 1
    wide = cv2.copyMakeBorder(rgb, margin, margin, margin, margin, cv2.BORDER_REFLECT)
    return wide.astype(np.uint8, copy=False), face.moved(scale=1, dx=margin, dy=margin)


def _presentations(folder: Path) -> list[Path]:
    """Pictures, films and burst folders below `folder`, sorted; the pictures of a burst are its own."""
    found = []
    for path in sorted(folder.rglob("*")):
        inside = any(part.startswith(BURST) for part in path.relative_to(folder).parts[:-1])
        if not inside and (_is_burst(path) or path.suffix.lower() in PICTURES):
            found.append(path)
    return found


def _is_burst(path: Path) -> bool:
    return path.suffix.lower() in FILMS or (path.is_dir() and path.name.startswith(BURST))


def _picture(
    eyes: Recognizer, passive: Passive, path: Path, *, mirror: bool, move: bool
) -> tuple[Liveness, list[float]]:
    """The outcome and, with `move`, by how much the score changes where the box is a little off."""
    rgb = _read(path)
    face = central(eyes.detector.detect(rgb), rgb)
    if face is None:
        return not_judged(Why.NO_FACE, method=Method.PASSIVE), []
    seen = passive.judge(rgb, face)
    if seen.why is Why.NO_MARGIN and mirror:
        rgb, face = mirrored(rgb, face)
        seen = passive.judge(rgb, face)
    if seen.score is None or not move:
        return seen, []
    moved = [passive.judge(rgb, each).score for each in _off(face)]
    return seen, [1.0 if score is None else abs(score - seen.score) for score in moved]


def _off(face: Face) -> Iterator[Face]:
    x1, y1, x2, y2 = face.box
    for grown in (-0.05, 0.05):
        dx, dy = grown * face.width, grown * face.height
        yield replace(face, box=(x1 - dx, y1 - dy, x2 + dx, y2 + dy))
    for shift in (-5, 5):
        yield replace(face, box=(x1 + shift, y1, x2 + shift, y2))
        yield replace(face, box=(x1, y1 + shift, x2, y2 + shift))


def _bursts(eyes: Recognizer, path: Path) -> list[Liveness]:
    """One outcome for a folder of frames; for a film, one for each burst that it can be cut into."""
    points = eyes.card.calibration.points if eyes.card.calibration else ()
    same = threshold_for(points, gallery_size=1, fpir=SAME)
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in PICTURES)
        taken = [[(_read(file), GAP * number) for number, file in enumerate(files)]]
    else:
        taken = list(_cut(path))
    return [_burst(eyes, pictures, same=same) for pictures in taken]


def _burst(eyes: Recognizer, pictures: Sequence[tuple[Pixels, float]], *, same: float) -> Liveness:
    frames = []
    for rgb, seconds in pictures:
        frame = eyes.frame(rgb, seconds, faces="largest")
        if frame is None:
            return not_judged(Why.NO_FACE, method=Method.BURST)
        frames.append(frame)
    return burst.check(frames, same=same)


def _cut(film: Path) -> Iterator[list[tuple[Pixels, float]]]:
    """A film in bursts, one after the other: none shares a frame with the next."""
    source = cv2.VideoCapture(str(film))
    rate = source.get(cv2.CAP_PROP_FPS) or 25.0
    step, taken, number = max(1, round(GAP * rate)), [], 0
    while True:
        went, bgr = source.read()
        if not went:
            return
        if number % step == 0:
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
            taken.append((rgb, number / rate))
        number += 1
        if len(taken) == LENGTH:
            yield taken
            taken = []


def _read(path: Path) -> Pixels:
    return image.decode(path.read_bytes(), max_bytes=LIMIT, max_pixels=LIMIT)
