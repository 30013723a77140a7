"""What a set of invented people is worth: are the faces found, told apart, and nobody's?

Promise: every figure comes with its count, and nothing that fails is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import detection, embedding, evaluation, image, quality
from recognition.alignment import align
from recognition.evaluation.calibration import calibrate
from recognition.evaluation.photographs import PICTURES
from recognition.matching import Match, Neighbour, decide, threshold_for
from recognition.recognizer import Recognizer
from recognition.training import data
from recognition.training.invent import make

Vectors = NDArray[np.float32]
Crops = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
Named = tuple[Crops, NDArray[np.str_]]
Points = Sequence[tuple[float, float]]

FPIR, ENROLLED = 0.003, 3
GALLERY = 160  # the threshold against training photographs is that of the demo's door


@dataclass(frozen=True, eq=False)
class Seen:
    """One photograph: whose, how many faces, what refuses it at the door and in enrolment, and its crop."""

    person: str
    faces: int
    door: str | None
    enrolment: str | None
    crop: NDArray[np.uint8] | None


def look(folder: Path) -> list[Seen]:
    """Every photograph of a folder with one folder a person, by the shipped eyes."""
    eyes, rows = Recognizer.load(None), []
    for photograph in evaluation.photographs(folder):
        rgb = image.decode(photograph.path.read_bytes())
        door = eyes.look_at(rgb)
        crop, enrolment = None, door.problem
        if door.face is not None and door.quality is not None:
            crop = align(rgb, door.face.landmarks, data.TEMPLATE)
            enrolment = enrolment or quality.problem(door.quality, "enrolment")
        rows.append(Seen(photograph.person, len(door.faces), door.problem, enrolment, crop))
    return rows


def check(
    people: Path, *, models: Path | None, against: Sequence[Path], images: Path | None, work: Path
) -> dict[str, Any]:
    """All figures, as they go into the card. Raises ValueError where no face at all is found.

    What takes long and does not depend on `people` is kept in `work` for the next time.
    """
    seen = look(people)
    good = [one for one in seen if one.crop is not None]
    if not good:
        raise ValueError(f"{people}: no photograph with a face")
    report: dict[str, Any] = {
        "photographs": len(seen),
        "people": len({one.person for one in seen}),
        "bytes": sum(photograph.path.stat().st_size for photograph in evaluation.photographs(people)),
        "exactly_one_face": sum(one.faces == 1 for one in seen),
        "pass_the_door": sum(one.door is None for one in seen),
        "pass_enrolment": sum(one.enrolment is None for one in seen),
    }
    faces = None if images is None else _labelled(images, work)
    report["embedders"] = []
    for embedder in make.embedders(models):
        known = [_known(embedder, path, work) for path in against]
        report["embedders"].append(_with(embedder, good, known=known, images=faces))
    return report


def _with(
    embedder: embedding.Embedder, good: Sequence[Seen], *, known: Sequence[Vectors], images: Named | None
) -> dict[str, Any]:
    print(f"measuring with {embedder.card.id}", flush=True)
    rows = _embed(embedder, [one.crop for one in good if one.crop is not None])
    owners = np.array([one.person for one in good])
    report: dict[str, Any] = {"id": embedder.card.id, "invented": _scores(rows, owners)}
    calibration = embedder.card.calibration
    points: Points | None = calibration.points if calibration else None
    margin = calibration.margin if calibration else 0.0
    if images is not None:
        lfw = _embed(embedder, images[0])
        report["lfw"] = _scores(lfw, images[1])
        if points is None:
            measured = calibrate(lfw, list(images[1]), failed=0)
            points, margin = [(fmr, threshold) for fmr, threshold, _ in measured.points], measured.margin
    if points is None:
        return report  # no threshold can be justified
    threshold = threshold_for(points, gallery_size=GALLERY, fpir=FPIR)
    report["threshold"] = round(threshold, 4)
    report["door"] = _door(rows, owners, points, margin)
    report["strangers"] = _strangers(rows, owners, points, margin)
    if known:
        vectors = np.concatenate(known)
        nearest = (rows @ vectors.T).max(axis=1)
        report["against"] = {
            "training_faces": len(vectors),
            "comparisons": len(vectors) * len(rows),
            "highest_score": _round(nearest.max()),
            "median_of_highest": _round(np.median(nearest)),
            "photographs_above_threshold": int((nearest >= threshold).sum()),
        }
    return report


def _scores(rows: Vectors, owners: NDArray[np.str_]) -> dict[str, Any]:
    """Same-person and different-person scores, all pairs."""
    first, second = np.triu_indices(len(rows), k=1)
    scores, same = (rows @ rows.T)[first, second], owners[first] == owners[second]
    report: dict[str, Any] = {"photographs": len(rows), "people": len(np.unique(owners))}
    for name, chosen in (("same", scores[same]), ("different", scores[~same])):
        report[name] = {
            "pairs": len(chosen), "mean": _round(chosen.mean()),
            "p1": _round(np.percentile(chosen, 1)), "p99": _round(np.percentile(chosen, 99)),
            "lowest": _round(chosen.min()), "highest": _round(chosen.max()),
        }  # fmt: skip
    return report


def _door(rows: Vectors, owners: NDArray[np.str_], points: Points, margin: float) -> dict[str, Any]:
    """The first photographs of each are enrolled, the others posted."""
    place = np.array([(owners[:index] == owner).sum() for index, owner in enumerate(owners)])
    return _post(rows[place < ENROLLED], owners[place < ENROLLED],
                 rows[place >= ENROLLED], owners[place >= ENROLLED], points, margin)  # fmt: skip


def _strangers(rows: Vectors, owners: NDArray[np.str_], points: Points, margin: float) -> dict[str, Any]:
    """One half of the people is enrolled with all photographs and the other half posted, both ways."""
    half = np.isin(owners, np.unique(owners)[::2])
    both = [
        _post(rows[known], owners[known], rows[~known], owners[~known], points, margin)
        for known in (half, ~half)
    ]
    return {name: sum(one[name] for one in both) for name in ("posted", "granted_wrong")}


def _post(
    gallery: Vectors, names: NDArray[np.str_], probes: Vectors, owners: NDArray[np.str_],
    points: Points, margin: float,
) -> dict[str, Any]:  # fmt: skip
    threshold = threshold_for(points, gallery_size=len(gallery), fpir=FPIR)
    right = wrong = 0
    for probe, owner in zip(probes, owners, strict=True):
        neighbours = [Neighbour(str(n), float(s)) for n, s in zip(names, gallery @ probe, strict=True)]
        verdict = decide(neighbours, threshold=threshold, margin=margin)
        if isinstance(verdict, Match):
            right, wrong = right + (verdict.person == owner), wrong + (verdict.person != owner)
    return {
        "faceprints": len(gallery), "threshold": _round(threshold), "posted": len(probes),
        "granted_right": right, "granted_wrong": wrong, "refused": len(probes) - right - wrong,
    }  # fmt: skip


def _known(embedder: embedding.Embedder, path: Path, work: Path) -> Vectors:
    """Vectors of all faces in a folder of photographs, or in the `train.npy` of `training prepare`."""
    if path.suffix == ".npy":
        return make.known(embedder, np.load(path, mmap_mode="r"), work)
    return _embed(embedder, _labelled(path, work)[0])


def _labelled(folder: Path, work: Path) -> Named:
    """The crops of a folder's photographs, and whose they are."""
    file = work / f"crops-{folder.name}.npz"
    if not file.exists():
        found = list(_crops_of(folder))
        np.savez(file, crops=[crop for crop, _ in found], names=[name for _, name in found])
    with np.load(file) as stored:
        return stored["crops"], stored["names"]


def _crops_of(folder: Path) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """The middle face of each photograph, and its folder's name."""
    detector = detection.load(None)
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES):
        rgb = image.decode(path.read_bytes())
        if max(rgb.shape[:2]) < 150:
            rgb = cv2.resize(rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        face = evaluation.central(detector.detect(rgb), rgb)
        if face is not None:
            yield align(rgb, face.landmarks, data.TEMPLATE), path.parent.name


def _embed(embedder: embedding.Embedder, crops: Crops) -> Vectors:
    batches = (crops[start : start + 64] for start in range(0, len(crops), 64))
    vectors: Vectors = np.concatenate(
        [embedder.embed(np.ascontiguousarray(np.stack(list(b)))) for b in batches]
    )
    return vectors


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
