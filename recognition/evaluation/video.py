"""People followed through a clip: each known one framed in their own colour, and counted against labels.

Promise: a track is named once, by its best frames, with the threshold that the card gives for this gallery;
a clip without labels yields a film and no figures.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import image, quality
from recognition.alignment import align
from recognition.evaluation.photographs import PICTURES, Progress, central
from recognition.faces import Face, Floats, Pixels
from recognition.framing import plate
from recognition.matching import Match, Neighbour, decide, threshold_for
from recognition.recognizer import Recognizer
from recognition.tracking import Likeness, Seen, Tracker, shared

# RGB. Red and yellow come first, as in Figure 11 of the first paper.
COLOURS = ((230, 40, 40), (245, 205, 30), (60, 160, 245), (70, 200, 90), (225, 110, 220), (245, 140, 40))
NOBODY = (150, 150, 150)
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
OVERLAP = 0.5  # with a labelled box, for a claim to be about that face (as in PASCAL VOC)
PATIENCE_SECONDS = 1.0
SAME_AT, APART_AT = 1e-3, 1e-2  # false-match rates at which two faces are taken for one, or ruled out

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Claim:
    """A face in a frame: its track, and the person it is said to be, by its track and by this frame alone."""

    frame: int
    box: Box
    track: int
    person: str | None
    alone: str | None


@dataclass(frozen=True)
class Label:
    """Somebody to be seen in a frame, with a box where one was drawn; "" says that nobody known is."""

    frame: int
    person: str
    box: Box | None


@dataclass(frozen=True)
class Score:
    """Counts of (frame, person) over the labelled frames."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float | None:
        whole = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / whole if whole else None


def enrolled(eyes: Recognizer, folder: Path) -> tuple[tuple[str, ...], Floats]:
    """Whose each faceprint is, and the unit vectors (N, D): from NAME.png, or from NAME/ANY.png.

    Raises ValueError for a picture in which no face is found: the operator chose it.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    names, rows = [], []
    for path in paths:
        rgb = image.decode(path.read_bytes())
        face = central(eyes.detector.detect(rgb), rgb)
        if face is None:
            raise ValueError(f"{path.name}: no face is found in this photograph")
        names.append(path.stem if path.parent == folder else path.relative_to(folder).parts[0])
        rows.append(eyes.embedder.embed(align(rgb, face.landmarks, eyes.card.template)[None])[0])
    if not rows:
        raise ValueError(f"{folder} holds no photograph to enrol")
    return tuple(names), np.stack(rows)


def watch(
    eyes: Recognizer, clip: Path, names: Sequence[str], faceprints: Floats, progress: Progress, *, fpir: float
) -> list[Claim]:
    """Every face of every frame, followed and named. Raises `matching.Uncalibrated` without a calibration."""
    calibration = eyes.card.calibration
    points = calibration.points if calibration else ()
    threshold = threshold_for(points, gallery_size=len(names), fpir=fpir)
    margin = calibration.margin if calibration else 0.0
    likeness = Likeness(*(threshold_for(points, gallery_size=1, fpir=rate) for rate in (SAME_AT, APART_AT)))

    def name(vector: Floats | None) -> str | None:
        if vector is None:
            return None
        scores = faceprints @ vector
        near = [Neighbour(person, float(score)) for person, score in zip(names, scores, strict=True)]
        verdict = decide(near, threshold=threshold, margin=margin)
        return verdict.person if isinstance(verdict, Match) else None

    rate, count = _timing(clip)
    tracker = Tracker(likeness, patience=max(1, round(rate * PATIENCE_SECONDS)))
    seen_in = []
    for frame, rgb in frames(clip):
        faces = [_seen(eyes, rgb, face) for face in eyes.detector.detect(rgb)]
        tracks = tracker.follow(frame, faces)
        seen_in += [(frame, seen, track) for seen, track in zip(faces, tracks, strict=True)]
        progress(frame + 1, max(count, frame + 1))
    named = {track.number: name(track.vector()) for _, _, track in seen_in}
    return [
        Claim(
            frame,
            seen.face.box,
            track.number,
            named[track.number],
            name(seen.vector) if seen.worth > 0 else None,
        )
        for frame, seen, track in seen_in
    ]


def frames(clip: Path) -> Iterator[tuple[int, Pixels]]:
    """(number from 0, (H, W, 3) uint8 RGB) for every frame. Raises OSError where the clip cannot be read."""
    film = cv2.VideoCapture(str(clip))
    try:
        number = 0
        while True:
            there, bgr = film.read()
            if not there:
                break
            yield number, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
            number += 1
    finally:
        film.release()
    if number == 0:
        raise OSError(f"{clip} is no film that can be read")


def write(clip: Path, claims: Sequence[Claim], target: Path) -> None:
    """The clip with every face framed: known people in their colours with names, all others grey."""
    codec = CODECS.get(target.suffix.lower())
    if codec is None:
        raise ValueError(f"{target.name}: films are written as {' or '.join(CODECS)}")
    people = sorted({claim.person for claim in claims if claim.person})
    by_frame: dict[int, list[Claim]] = {}
    for claim in claims:
        by_frame.setdefault(claim.frame, []).append(claim)
    rate, _ = _timing(clip)
    film = None
    try:
        for frame, rgb in frames(clip):
            if film is None:
                size = (rgb.shape[1], rgb.shape[0])
                film = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*codec), rate, size)
                if not film.isOpened():
                    raise OSError(f"{target} cannot be written")
            drawn = framed(rgb, by_frame.get(frame, []), people)
            film.write(cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    finally:
        if film is not None:
            film.release()


def framed(rgb: Pixels, claims: Sequence[Claim], people: Sequence[str]) -> Pixels:
    """One frame with its faces framed; a person's place in `people` gives the colour."""
    drawn = rgb.copy()
    line = max(2, round(max(rgb.shape[:2]) / 320))
    for claim in claims:
        x1, y1, x2, y2 = (round(value) for value in claim.box)
        colour = COLOURS[people.index(claim.person) % len(COLOURS)] if claim.person else NOBODY
        cv2.rectangle(drawn, (x1, y1), (x2, y2), colour, line if claim.person else 1, cv2.LINE_AA)
        if claim.person:
            plate(drawn, claim.person, (x1, y1, y2), colour)
    return drawn


def read_labels(path: Path) -> list[Label]:
    """CSV with the columns frame,person and perhaps x1,y1,x2,y2; an empty person says: nobody known."""
    labels = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("frame") is None or row.get("person") is None:
                raise ValueError(f"{path.name}: the columns are frame,person or frame,person,x1,y1,x2,y2")
            ends = [row.get(side) for side in ("x1", "y1", "x2", "y2")]
            box = tuple(float(end) for end in ends if end)
            if len(box) not in (0, 4):
                raise ValueError(f"{path.name}: frame {row['frame']} has half a box")
            labels.append(Label(int(row["frame"]), row["person"].strip(), _box(box) if box else None))
    if not labels:
        raise ValueError(f"{path.name} holds no labels")
    return labels


def score(
    claims: Sequence[Claim], labels: Sequence[Label], names: Sequence[str], *, alone: bool = False
) -> Score:
    """Claims against labels, in labelled frames only; labels of people who are not enrolled ask for nothing.

    A claim is right where the person is labelled in that frame, with a box that overlaps by half if one was
    drawn. With `alone` each frame counts by itself, without the track's name.
    """
    labelled = {label.frame for label in labels}
    wanted = [label for label in labels if label.person in set(names)]
    met: set[int] = set()
    wrong = 0
    for claim in claims:
        person = claim.alone if alone else claim.person
        if person is None or claim.frame not in labelled:
            continue
        place = next(
            (
                place
                for place, label in enumerate(wanted)
                if place not in met
                and (label.frame, label.person) == (claim.frame, person)
                and (label.box is None or shared(label.box, claim.box) >= OVERLAP)
            ),
            None,
        )
        if place is None:
            wrong += 1
        else:
            met.add(place)
    return Score(len(met), wrong, len(wanted) - len(met))


def _seen(eyes: Recognizer, rgb: Pixels, face: Face) -> Seen:
    """The face with its vector and its worth for naming: sharp, large, looking ahead; 0 where refused."""
    crop = judged = align(rgb, face.landmarks, eyes.card.template)
    if eyes.card.template != quality.TEMPLATE:
        judged = align(rgb, face.landmarks, quality.TEMPLATE)
    measured = quality.measure(face, judged, width=rgb.shape[1], height=rgb.shape[0])
    ahead = max(0.0, float(np.cos(np.radians(measured.pose.yaw)) * np.cos(np.radians(measured.pose.pitch))))
    worth = measured.sharpness * min(measured.eye_distance, float(eyes.embedder.side)) * ahead
    refused = quality.problem(measured, "door") is not None
    return Seen(face, eyes.embedder.embed(crop[None])[0], 0.0 if refused else worth)


def _timing(clip: Path) -> tuple[float, int]:
    """Frames a second, and how many there are said to be."""
    film = cv2.VideoCapture(str(clip))
    try:
        rate, count = film.get(cv2.CAP_PROP_FPS), film.get(cv2.CAP_PROP_FRAME_COUNT)
    finally:
        film.release()
    return (rate if 0 < rate < 1000 else 25.0), int(max(count, 0))


def _box(values: Sequence[float]) -> Box:
    x1, y1, x2, y2 = values
    return x1, y1, x2, y2
