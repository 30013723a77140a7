"""The model files this project knows: where they come from, what they need, what they are worth.

Promise: a file is loaded only if its SHA-256 is the one in its card. The only module that knows
onnxruntime.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

# Its Linux wheels send usage data to their maker unless told otherwise, and they look when imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

SHIPPED = Path(__file__).parent / "shipped"
MANIFEST = Path(__file__).parent / "weights.toml"
Task = Literal["detector", "embedder", "liveness", "quality"]
T = TypeVar("T")
TASKS: tuple[Task, ...] = ("detector", "embedder", "liveness", "quality")


class ModelError(RuntimeError):
    """A model is missing, unknown or not what its card says; the message tells the operator what to do."""


@dataclass(frozen=True)
class WeightFile:
    """One file of a model: its name in a models folder, its SHA-256 (hex) and its size."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Input:
    """What the session is fed: (pixel 0-255 - mean) / std, in this channel order, layout and dtype.

    Width and height are 0 where the graph takes any.
    """

    width: int
    height: int
    channels: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    dtype: Literal["float32", "uint8"] = "float32"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Calibration:
    """Measured on `data` by `command`: thresholds by false-match rate, and the margin between two people.

    `points` are (fmr, threshold), highest rate first, as `matching.threshold_for` takes them.
    """

    points: tuple[tuple[float, float], ...]
    margin: float
    data: str
    people: int
    pairs: int
    detector: str
    command: str


@dataclass(frozen=True)
class Judgement:
    """How a liveness model judges: each file sees the face box enlarged by its scale, and their mean
    probability of class `live` must reach `threshold`. `basis` says where that number comes from."""

    scales: tuple[float, ...]
    live: int
    threshold: float
    basis: str


@dataclass(frozen=True)
class Card:
    """All that is known of one model."""

    id: str
    task: Task
    family: str
    files: tuple[WeightFile, ...]
    licence: str
    source: str
    input: Input
    download: str = ""
    template: str = ""
    dimension: int = 0
    rank: int = 0
    calibration: Calibration | None = None
    judgement: Judgement | None = None
    folder: Path | None = field(default=None, repr=False)  # where a shipped model lies

    def paths(self, models_dir: Path | None) -> tuple[Path, ...] | None:
        """Where all of its files lie, or None while one is missing."""
        folder = self.folder or models_dir
        if folder is None:
            return None
        paths = tuple(folder / file.name for file in self.files)
        return paths if all(path.is_file() for path in paths) else None


class Session:
    """One network on onnxruntime, one thread. Called with the input array, returns outputs by name."""

    def __init__(self, content: bytes) -> None:
        options = onnxruntime.SessionOptions()
        # One process per core is how the workers scale; a second thread would only fight the neighbour.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # old exporters list weights as inputs; the warning helps nobody
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        first = self._session.get_inputs()[0]
        self._input: str = first.name
        self._outputs: list[str] = [output.name for output in self._session.get_outputs()]
        self.shape: tuple[int | None, ...] = tuple(n if isinstance(n, int) else None for n in first.shape)

    def __call__(self, array: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        values = self._session.run(self._outputs, {self._input: array})
        return dict(zip(self._outputs, values, strict=True))


def models_folder(given: Path | str | None = None) -> Path | None:
    """The folder of fetched models: LINTEL_MODELS, else the one given, else none."""
    chosen = os.environ.get("LINTEL_MODELS") or given
    return Path(chosen) if chosen else None


def cards() -> tuple[Card, ...]:
    """Every model known: the manifest's and, for each TOML in `shipped`, the one it describes."""
    known = [_card(entry, None) for entry in tomllib.loads(MANIFEST.read_text("utf-8"))["model"]]
    for path in sorted(SHIPPED.glob("*.toml")):
        known.append(_card(tomllib.loads(path.read_text("utf-8")), SHIPPED))
    names = [card.id for card in known]
    if len(set(names)) != len(names):
        raise ModelError(f"a model id appears twice among {', '.join(sorted(names))}")
    return tuple(known)


def card(model_id: str) -> Card:
    """The card with this id. Raises `ModelError` with the ids there are."""
    known = {entry.id: entry for entry in cards()}
    if model_id not in known:
        raise ModelError(f"unknown model {model_id!r}; known: {', '.join(sorted(known))}")
    return known[model_id]


def default_detector(models_dir: Path | None, model_id: str | None = None) -> Card:
    """The detector asked for (argument, then LINTEL_DETECTOR), else the best one present."""
    return _choose("detector", models_dir, model_id or os.environ.get("LINTEL_DETECTOR"))


def default_embedder(models_dir: Path | None, model_id: str | None = None) -> Card:
    """The embedder asked for (argument, then LINTEL_EMBEDDER), else the best calibrated one present."""
    return _choose("embedder", models_dir, model_id or os.environ.get("LINTEL_EMBEDDER"))


def open_sessions(entry: Card, models_dir: Path | None) -> tuple[Session, ...]:
    """A session for each file of the model, in the card's order, each checked against its SHA-256."""
    paths = entry.paths(models_dir)
    if paths is None:
        raise ModelError(_missing(entry.task, entry.id))
    return tuple(Session(_checked(path, file)) for path, file in zip(paths, entry.files, strict=True))


def open_session(entry: Card, models_dir: Path | None) -> Session:
    """The session of a model of one file."""
    (session,) = open_sessions(entry, models_dir)
    return session


def _choose(task: Task, models_dir: Path | None, model_id: str | None) -> Card:
    if model_id:
        chosen = card(model_id)
        if chosen.task != task:
            raise ModelError(f"{model_id} is no {task} but a {chosen.task}")
        return chosen
    present = [entry for entry in cards() if entry.task == task and entry.paths(models_dir) is not None]
    if task == "embedder":
        # Without a calibration no threshold can be justified, so such a model is only used by name.
        present = [entry for entry in present if entry.calibration is not None]
    if not present:
        raise ModelError(_missing(task, None))
    return max(present, key=lambda entry: (entry.rank, entry.id))


def _missing(task: Task, model_id: str | None) -> str:
    kind = {"embedder": "embedding model", "detector": "face detector"}.get(task, f"{task} model")
    which = f" {model_id!r}" if model_id else ""
    return f"no {kind}{which}: run python -m recognition fetch --from FOLDER"


def _checked(path: Path, file: WeightFile) -> bytes:
    # Hashed and loaded from the same bytes: the file cannot change in between.
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise ModelError(f"{path.name}: SHA-256 is {found}, its card says {file.sha256}; the file is refused")
    return content


def _card(entry: Mapping[str, Any], folder: Path | None) -> Card:
    try:
        return Card(
            id=entry["id"],
            task=_one_of(TASKS, entry["task"]),
            family=entry.get("family", entry["task"]),
            files=_files(entry),
            licence=entry["licence"],
            source=entry["source"],
            input=_input(entry["input"]),
            download=entry.get("download", ""),
            template=entry.get("template", ""),
            dimension=entry.get("dimension", 0),
            rank=entry.get("rank", 0),
            calibration=_calibration(entry["calibration"]) if "calibration" in entry else None,
            judgement=_judgement(entry["judgement"]) if "judgement" in entry else None,
            folder=folder,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"the card of {entry.get('id', 'a model without id')} is incomplete: {error!r}"
        ) from error


def _files(entry: Mapping[str, Any]) -> tuple[WeightFile, ...]:
    """`file`, `sha256`, `bytes` for a model of one file; a list `files` for more."""
    listed = entry.get("files") or [
        {"name": entry["file"], "sha256": entry["sha256"], "bytes": entry["bytes"]}
    ]
    return tuple(WeightFile(item["name"], item["sha256"], item["bytes"]) for item in listed)


def _input(entry: Mapping[str, Any]) -> Input:
    return Input(
        width=entry["width"],
        height=entry["height"],
        channels=_one_of(("RGB", "BGR"), entry.get("channels", "RGB")),
        layout=_one_of(("NCHW", "NHWC"), entry.get("layout", "NCHW")),
        dtype=_one_of(("float32", "uint8"), entry.get("dtype", "float32")),
        mean=_triple(entry.get("mean", (0, 0, 0))),
        std=_triple(entry.get("std", (1, 1, 1))),
    )


def _calibration(entry: Mapping[str, Any]) -> Calibration:
    points = sorted(((float(p["fmr"]), float(p["threshold"])) for p in entry["points"]), reverse=True)
    return Calibration(
        points=tuple(points),
        margin=float(entry["margin"]),
        data=entry["data"],
        people=entry["people"],
        pairs=entry["pairs"],
        detector=entry["detector"],
        command=entry["command"],
    )


def _judgement(entry: Mapping[str, Any]) -> Judgement:
    scales = tuple(float(scale) for scale in entry["scales"])
    return Judgement(scales, int(entry["live"]), float(entry["threshold"]), entry["basis"])


def _one_of(allowed: Sequence[T], value: T) -> T:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    return value


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
