"""Error rates by group of people, where photographs are labelled with groups.

Promise: a group of fewer people than asked for gets its counts and the words "too few", never a rate; no
group is guessed from a face.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition import image, quality
from recognition.alignment import align
from recognition.evaluation.intervals import Wide, interval, resampled, share_interval, widened
from recognition.evaluation.photographs import PICTURES, Progress, central
from recognition.faces import Floats
from recognition.recognizer import Recognizer

LEAST = 200  # people in a group, requirement ACC-12
TOO_FEW = "too few"
RATES = ("undetected", "refused", "fnmr", "fmr")
AT_ONCE = 512
# The labels in a UTKFace file name, age_gender_race_date.jpg (Zhang et al., CVPR 2017): as given there.
_GENDERS = ("male", "female")
_RACES = ("White", "Black", "Asian", "Indian", "others")
_AGES = ((0, "0-11"), (12, "12-17"), (18, "18-39"), (40, "40-64"), (65, "65 and over"))


@dataclass(frozen=True)
class Labelled:
    """A photograph, whose it is, and the groups that person is labelled with: (dimension, group)."""

    path: Path
    person: str
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Faces:
    """What was seen in each of N photographs; `found` and `refused` (by the door's gates) are (N,)."""

    rows: Floats
    found: NDArray[np.bool_]
    refused: NDArray[np.bool_]


@dataclass(frozen=True)
class Rate:
    """Errors among tries, and the people behind them; no share and no interval where those are too few."""

    errors: int
    tries: int
    people: int
    share: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    dimension: str
    name: str
    people: int
    photographs: int
    rates: dict[str, Rate]


@dataclass(frozen=True)
class Ratio:
    """The highest share of a dimension's groups divided by the lowest; infinite where that had no error."""

    highest: str
    lowest: str
    ratio: float


def labelled(folder: Path, table: Path | None = None) -> list[Labelled]:
    """Photographs with their groups: from a CSV table (path, then a column a dimension), or UTKFace names.

    A photograph in a sub-folder is of the person that is named after; any other is taken for a person of
    its own. Raises ValueError for a table without those columns, or no photograph.
    """
    photographs = _from_table(folder, table) if table else _from_names(folder)
    if not photographs:
        raise ValueError(f"{folder.name} holds no photograph with a label")
    return photographs


def only(photographs: Sequence[Labelled], wanted: Sequence[str]) -> list[Labelled]:
    """Those in the groups wanted, as "dimension=group"; several of one dimension are alternatives.

    Groups are seldom alike in all else: without this, a rate by one kind of group may follow from another.
    """
    by_dimension: dict[str, set[tuple[str, str]]] = {}
    for each in wanted:
        dimension, _, name = each.partition("=")
        by_dimension.setdefault(dimension, set()).add((dimension, name))
    kept = [
        photo
        for photo in photographs
        if all(groups.intersection(photo.groups) for groups in by_dimension.values())
    ]
    if not kept:
        raise ValueError(f"no photograph is in {', '.join(wanted)}")
    return kept


def look(eyes: Recognizer, paths: Sequence[Path], progress: Progress) -> Faces:
    """One look at each photograph: its central face, judged by the door's gates and embedded all the same."""
    rows = np.zeros((len(paths), eyes.card.dimension), np.float32)
    found, refused = np.zeros((2, len(paths)), np.bool_)
    for index, path in enumerate(paths):
        rgb = image.decode(path.read_bytes())
        face = central(eyes.detector.detect(rgb), rgb)
        if face is not None:
            crop = align(rgb, face.landmarks, eyes.card.template)
            judged = align(rgb, face.landmarks, quality.TEMPLATE)
            numbers = quality.measure(face, judged, width=rgb.shape[1], height=rgb.shape[0])
            refused[index] = quality.problem(numbers, "door") is not None
            rows[index], found[index] = eyes.embedder.embed(crop[None])[0], True
        progress(index + 1, len(paths))
    return Faces(rows, found, refused)


def by_group(
    photographs: Sequence[Labelled],
    faces: Faces,
    *,
    threshold: float,
    least: int = LEAST,
    resamples: int = 1000,
    seed: int = 1,
) -> list[Group]:
    """Every group's rates at one threshold, by dimension and name.

    undetected: photographs without a face found; refused: by the door's gates, of those found; fnmr: pairs of
    one person below the threshold; fmr: pairs of two people of the group at or above it.
    """
    groups = []
    for dimension, name in sorted({group for photo in photographs for group in photo.groups}):
        mine = np.array([index for index, p in enumerate(photographs) if (dimension, name) in p.groups])
        people, owner = np.unique([photographs[index].person for index in mine], return_inverse=True)
        drawn = resampled(len(people), resamples=resamples, seed=seed)
        found, refused = faces.found[mine], faces.refused[mine]
        count = len(people)

        def by_person(flags: NDArray[np.bool_], owner: NDArray[np.intp] = owner, count: int = count) -> Wide:
            return np.bincount(owner[flags], minlength=count).astype(np.float64)

        same, different = _pairs(faces.rows[mine][found], owner[found], count, threshold)
        rates = {
            "undetected": _rate(by_person(~found), by_person(np.ones(len(mine), np.bool_)), drawn, least),
            "refused": _rate(by_person(refused & found), by_person(found), drawn, least),
            "fnmr": _rate(*same, drawn, least),
            "fmr": _false_matches(different, by_person(found), drawn, least),
        }
        groups.append(Group(dimension, name, count, len(mine), rates))
    return groups


def ratios(groups: Sequence[Group]) -> dict[str, dict[str, Ratio]]:
    """Highest to lowest by dimension and rate, over the groups with people enough; none where two are not."""
    found: dict[str, dict[str, Ratio]] = {}
    for dimension in sorted({group.dimension for group in groups}):
        for rate in RATES:
            shares = sorted(
                (share, group.name)
                for group in groups
                if group.dimension == dimension and (share := group.rates[rate].share) is not None
            )
            if len(shares) < 2 or shares[-1][0] == 0:
                continue
            (low, lowest), (high, highest) = shares[0], shares[-1]
            ratio = high / low if low > 0 else float("inf")
            found.setdefault(dimension, {})[rate] = Ratio(highest, lowest, ratio)
    return found


def sentences(groups: Sequence[Group], *, least: int) -> list[str]:
    """The result for people."""
    lines = [f"a rate is given from {least} people on; 95 % intervals by people drawn anew"]
    for group in groups:
        lines.append(
            f"\n{group.dimension} {group.name}: {group.people} people, {group.photographs} photographs"
        )
        for name, rate in group.rates.items():
            counts = f"{rate.errors} of {rate.tries}, {rate.people} people"
            words = TOO_FEW
            if rate.share is not None and rate.interval is not None:
                low, high = rate.interval
                words = f"{100 * rate.share:.3f} % ({100 * low:.3f} to {100 * high:.3f})"
            lines.append(f"  {name:<11}{words}; {counts}")
    for dimension, by_rate in ratios(groups).items():
        for name, ratio in by_rate.items():
            words = f"{ratio.ratio:.2f}" if np.isfinite(ratio.ratio) else f"none: no error in {ratio.lowest}"
            lines.append(f"{dimension}, {name}: {ratio.highest} / {ratio.lowest} = {words}")
    return lines


def numbers(groups: Sequence[Group]) -> dict[str, Any]:
    """The result for JSON; a ratio to a rate of zero is null."""
    told: dict[str, Any] = {"groups": [], "ratios": {}}
    for group in groups:
        rates = {
            name: {
                "rate": TOO_FEW if rate.share is None else round(rate.share, 7),
                "interval": None if rate.interval is None else [round(end, 7) for end in rate.interval],
                "errors": rate.errors,
                "tries": rate.tries,
                "people": rate.people,
            }
            for name, rate in group.rates.items()
        }
        counts = {"people": group.people, "photographs": group.photographs}
        told["groups"].append({"dimension": group.dimension, "group": group.name, **counts, **rates})
    for dimension, by_rate in ratios(groups).items():
        told["ratios"][dimension] = {
            name: {
                "highest": ratio.highest,
                "lowest": ratio.lowest,
                "ratio": round(ratio.ratio, 4) if np.isfinite(ratio.ratio) else None,
            }
            for name, ratio in by_rate.items()
        }
    return told


def _from_table(folder: Path, table: Path) -> list[Labelled]:
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        dimensions = [name for name in reader.fieldnames or () if name != "path"]
        if "path" not in (reader.fieldnames or ()) or not dimensions:
            raise ValueError(f"{table.name}: the columns are path and at least one group")
        return [
            _labelled(folder, folder / row["path"], [(name, row[name]) for name in dimensions if row[name]])
            for row in reader
        ]


def _from_names(folder: Path) -> list[Labelled]:
    photographs = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES):
        fields = path.name.split("_")
        if len(fields) != 4:
            continue  # some names of the set lack a field; those photographs cannot be placed
        age, gender, race, _ = fields
        if not (age.isdecimal() and gender in ("0", "1") and race in tuple("01234")):
            continue
        band = next(words for start, words in reversed(_AGES) if int(age) >= start)
        groups = [("age", band), ("gender", _GENDERS[int(gender)]), ("race", _RACES[int(race)])]
        photographs.append(_labelled(folder, path, groups))
    return photographs


def _labelled(folder: Path, path: Path, groups: Sequence[tuple[str, str]]) -> Labelled:
    inside = path.relative_to(folder).parts
    return Labelled(path, inside[0] if len(inside) > 1 else path.name, tuple(groups))


def _pairs(
    rows: Floats, owner: NDArray[np.intp], people: int, threshold: float
) -> tuple[tuple[Wide, Wide], NDArray[np.intp]]:
    """Pairs of one person below the threshold and all of them, by person; (K, 2) people who match falsely."""
    missed, pairs = np.zeros((2, people))
    matches = [np.empty((0, 2), np.intp)]
    for start in range(0, len(rows), AT_ONCE):
        near = rows[start : start + AT_ONCE] @ rows.T >= threshold
        first, second = np.nonzero(np.arange(len(rows)) > np.arange(start, start + len(near))[:, None])
        a, b, high = owner[start + first], owner[second], near[first, second]
        same = a == b
        pairs += np.bincount(a[same], minlength=people)
        missed += np.bincount(a[same & ~high], minlength=people)
        matches.append(np.stack([a, b], axis=1)[~same & high])
    return (missed, pairs), np.concatenate(matches)


def _rate(errors: Wide, tries: Wide, drawn: Wide, least: int) -> Rate:
    people = int((tries > 0).sum())
    counts = int(errors.sum()), int(tries.sum()), people
    if people < max(least, 1):
        return Rate(*counts, None, None)
    return Rate(*counts, counts[0] / counts[1], share_interval(errors, tries, drawn))


def _false_matches(matches: NDArray[np.intp], photographs: Wide, drawn: Wide, least: int) -> Rate:
    """In a resample a pair weighs as often as both of its people were drawn; a person is not met twice."""
    people = int((photographs > 0).sum())
    tries = _different(photographs)
    counts = len(matches), int(tries), people
    if people < max(least, 2):
        return Rate(*counts, None, None)
    first, second = matches.T
    errors = np.array([(row[first] * row[second]).sum() for row in drawn])
    # How many pairs of different people a resample holds: all pairs less those of one person.
    whole = np.array([_different(photographs * row) for row in drawn])
    share = counts[0] / counts[1]
    ends = widened(*interval(errors / np.maximum(whole, 1.0)), share=share, people=people)
    return Rate(*counts, share, ends)


def _different(photographs: Wide) -> float:
    """Pairs of photographs of two different people, from how many each has."""
    return float((photographs.sum() ** 2 - (photographs**2).sum()) / 2)
