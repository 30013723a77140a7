"""How fast: milliseconds from a JPEG of 640 x 480 to a vector on one thread, beside the machine's own limits.

Promise: what is counted is the processor's time for that one thread, so that waiting for a busy processor is
not; everything is timed in turn, round after round, so that what else the machine is doing weighs on all
alike. Ratios are of one run only.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognition import detection, embedding, image, liveness, weights
from recognition.alignment import align
from recognition.faces import Face, Pixels
from recognition.recognizer import Recognizer

WIDTH, HEIGHT = 640, 480
SIDE = 1024  # of the two square float32 matrices whose product shows what one core can do
DLIB_SIDE = 150  # of the faces that its network takes
REFERENCE = "mobilefacenet-reference-128d"
# One thread for NumPy's product as for everything else; the libraries read these when they are loaded.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
CLOCK = time.thread_time  # models and OpenCV run in the thread that calls them
Act = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one thread over all rounds; `best` is the fastest: while nothing else interferes.

    On a busy machine even processor time is longer, because caches and cores are shared.
    """

    name: str
    best: float
    p50: float
    p95: float
    rounds: int


@dataclass(frozen=True)
class Bench:
    """`stages` by detector, with the first embedder, then all else; `all` is the whole look, JPEG to vector.

    `gflops` are the machine's 2 * 1024^3 operations by the fastest and the median product, in a process of
    its own with one thread. `against` are the fastest rounds divided by the reference embedder's, where that
    is present.
    """

    stages: dict[str, tuple[Timing, ...]]
    embedders: tuple[Timing, ...]
    others: tuple[Timing, ...]
    gflops: tuple[float, float]
    against: dict[str, float]
    processors: int
    load: float | None


def run(
    picture: Path,
    models_dir: Path | None,
    *,
    rounds: int,
    progress: Callable[[int, int], None],
    embedder: str | None = None,
    also: Sequence[Path] = (),
) -> Bench:
    """Every detector and embedder that is present, on the face in `picture`; whole looks use `embedder`.

    `also` are exported networks without a card, by their files. Raises ValueError where a detector finds no
    face in the picture, or one that the gates refuse, and for a file that takes no aligned face.
    """
    cv2.setNumThreads(1)
    folder = weights.models_folder(models_dir)
    present = [card for card in weights.cards() if card.paths(folder)]
    scene = scene_of(image.decode(picture.read_bytes()))
    jpeg = image.encode_jpeg(scene)
    chosen = embedding.load(folder, embedder)
    others = [card.id for card in present if card.task == "embedder" and card.id != chosen.card.id]
    embedders = [chosen, *(embedding.load(folder, name) for name in others)]
    detectors = [detection.load(folder, card.id) for card in present if card.task == "detector"]
    if not detectors:
        raise weights.ModelError("no detector is present: there is nothing to time")
    eyes = [Recognizer(detector, chosen, clock=CLOCK) for detector in detectors]
    stages: dict[str, list[dict[str, float]]] = {each.detector.card.id: [] for each in eyes}
    found = detectors[0].detect(scene)
    if not found:
        raise ValueError(f"{detectors[0].card.id} finds no face in the picture")
    acts = _embed_acts(scene, found[0], embedders) | _liveness_act(scene, found[0], folder)
    acts |= _other_acts(scene, found[0], present, folder)
    acts |= {path.name: _file_act(scene, found[0], path) for path in also}
    spent: dict[str, list[float]] = {name: [] for name in acts}
    gflops = product_speed()
    for number in range(-3, rounds):  # the first three warm everything up and are not counted
        for each in eyes:
            looked = _looked(each, jpeg)
            if number >= 0:
                stages[each.detector.card.id].append(looked)
        # The embedder of the looks comes last: its weights would still be in the cache, and the others' not.
        for name, act in reversed(acts.items()):
            took = _milliseconds(act)
            if number >= 0:
                spent[name].append(took)
        progress(max(number + 1, 0), rounds)
    timings = {name: _timing(name, values) for name, values in spent.items()}
    ours = tuple(timings[each.card.id] for each in embedders)
    base = timings.get(REFERENCE)
    return Bench(
        stages={name: _stage_timings(looks) for name, looks in stages.items()},
        embedders=ours,
        others=tuple(timing for name, timing in timings.items() if timing not in ours),
        gflops=gflops,
        against={each.name: each.best / base.best for each in ours} if base else {},
        processors=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def scene_of(rgb: Pixels) -> Pixels:
    """The picture in the middle of a grey (480, 640, 3), as large as fits."""
    scale = min(WIDTH / rgb.shape[1], HEIGHT / rgb.shape[0])
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scene = np.full((HEIGHT, WIDTH, 3), 127, np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    scene[top : top + size[1], left : left + size[0]] = cv2.resize(rgb, size, interpolation=way)
    return scene


def product_speed() -> tuple[float, float]:
    """GFLOP/s of a float32 matrix product on one thread: of the fastest, and of the median."""
    # A process of its own: NumPy's library fixes its threads when it is loaded.
    done = subprocess.run(
        [sys.executable, "-c", "from recognition import bench; print(*bench.products())"],
        env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    spent = [float(word) for word in done.stdout.split()]
    work = 2 * SIDE**3 / 1e6  # operations by milliseconds makes GFLOP/s
    return work / min(spent), work / float(np.median(spent))


def products(rounds: int = 15) -> list[float]:
    """Milliseconds of each of so many products, after one that is not counted."""
    chance = np.random.default_rng(1)
    one, other = (chance.normal(size=(SIDE, SIDE)).astype(np.float32) for _ in range(2))
    one @ other
    return [_milliseconds(lambda: one @ other) for _ in range(rounds)]


def sentences(found: Bench) -> list[str]:
    """The result for people."""
    load = "unknown" if found.load is None else f"{found.load:.1f}"
    lines = [
        f"one thread of {found.processors} processors, load {load}; "
        "milliseconds of that thread, median (fastest to 95th percentile)",
        f"float32 product of {SIDE} x {SIDE}: {found.gflops[0]:.1f} GFLOP/s at best, "
        f"{found.gflops[1]:.1f} at the median",
    ]
    for name, timings in found.stages.items():
        words = ", ".join(f"{each.name} {_words(each)}" for each in timings)
        lines.append(f"{name} and {found.embedders[0].name}: {words}")
    for each in found.embedders:
        ratio = f", {found.against[each.name]:.2f} of {REFERENCE}" if each.name in found.against else ""
        lines.append(f"embed {each.name}: {_words(each)}{ratio}")
    lines += [f"{each.name}: {_words(each)}" for each in found.others]
    return lines


def numbers(found: Bench) -> dict[str, Any]:
    """The result for JSON."""

    def of(timing: Timing) -> dict[str, float]:
        return {"best": round(timing.best, 3), "p50": round(timing.p50, 3), "p95": round(timing.p95, 3)}

    return {
        "embedder": found.embedders[0].name,
        "detectors": {
            name: {each.name: of(each) for each in timings} for name, timings in found.stages.items()
        },
        "embedders": {each.name: of(each) for each in found.embedders},
        "others": {each.name: of(each) for each in found.others},
        "ratio_to_reference": {name: round(ratio, 3) for name, ratio in found.against.items()},
        "gflops": {"best": round(found.gflops[0], 1), "median": round(found.gflops[1], 1)},
        "rounds": found.embedders[0].rounds,
        "processors": found.processors,
        "load": found.load,
    }


def _words(timing: Timing) -> str:
    return f"{timing.p50:.2f} ({timing.best:.2f} to {timing.p95:.2f})"


def _looked(eyes: Recognizer, jpeg: bytes) -> dict[str, float]:
    began = CLOCK()
    seen = eyes.look(jpeg, faces="largest")
    whole = (CLOCK() - began) * 1000
    if seen.problem is not None:
        raise ValueError(
            f"{eyes.detector.card.id} sees no face fit for timing in the picture: {seen.problem}"
        )
    return {**seen.milliseconds, "all": whole}


def _embed_acts(scene: Pixels, face: Face, embedders: list[embedding.Embedder]) -> dict[str, Act]:
    acts: dict[str, Act] = {}
    for each in embedders:
        crop = align(scene, face.landmarks, each.card.template)[None]
        acts[each.card.id] = _bound(each.embed, crop)
    return acts


def _file_act(scene: Pixels, face: Face, path: Path) -> Act:
    """An exported network on the aligned face, as `training export` writes them: uint8 pixels, rows first.
    One that takes any side gets 128 pixels."""
    session = weights.Session(path.read_bytes())
    match session.shape:
        case (_, (int() | None) as side, _, 3):
            return _bound(session, align(scene, face.landmarks, f"arcface-{side or 128}")[None])
    raise ValueError(f"{path.name} takes {session.shape}, not faces as `training export` writes them")


def _liveness_act(scene: Pixels, face: Face, folder: Path | None) -> dict[str, Act]:
    """The passive model's judgement, where it is present and the picture leaves room around the face."""
    passive = liveness.load(folder)
    if passive is None or not passive.judge(scene, face).judged:
        return {}
    return {f"liveness, {passive.card.id}": lambda: passive.judge(scene, face)}


def _other_acts(
    scene: Pixels, face: Face, present: list[weights.Card], folder: Path | None
) -> dict[str, Act]:
    """What others' programs need for the same picture: OpenCV's own YuNet, and dlib where it is installed."""
    acts: dict[str, Act] = {}
    bgr = cv2.cvtColor(scene, cv2.COLOR_RGB2BGR)
    for card in present:
        paths = card.paths(folder)
        if card.family == "yunet" and paths:
            theirs = cv2.FaceDetectorYN.create(str(paths[0]), "", (WIDTH, HEIGHT))
            acts[f"OpenCV FaceDetectorYN, {card.id}"] = _bound(theirs.detect, bgr)
    if importlib.util.find_spec("dlib"):
        dlib = importlib.import_module("dlib")
        acts["dlib frontal face detector"] = _bound(dlib.get_frontal_face_detector(), scene)
        chip = align(scene, face.landmarks, "arcface-112")
        acts |= _dlib_embedder(dlib, cv2.resize(chip, (DLIB_SIDE, DLIB_SIDE)).astype(np.uint8, copy=False))
    return acts


def _dlib_embedder(dlib: Any, chip: Pixels) -> dict[str, Act]:
    """dlib's ResNet of 2017 on an aligned face, where its weights are installed as a package."""
    package = importlib.util.find_spec("face_recognition_models")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "models" / "dlib_face_recognition_resnet_model_v1.dat"
        if path.is_file():
            return {
                "dlib ResNet": _bound(dlib.face_recognition_model_v1(str(path)).compute_face_descriptor, chip)
            }
    return {}


def _bound(act: Callable[[Any], object], argument: object) -> Act:
    return lambda: act(argument)


def _milliseconds(act: Act) -> float:
    began = CLOCK()
    act()
    return (CLOCK() - began) * 1000


def _stage_timings(looks: list[dict[str, float]]) -> tuple[Timing, ...]:
    return tuple(_timing(stage, [look[stage] for look in looks]) for stage in looks[0])


def _timing(name: str, values: list[float]) -> Timing:
    return Timing(name, min(values), float(np.median(values)), float(np.quantile(values, 0.95)), len(values))
