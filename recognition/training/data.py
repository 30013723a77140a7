"""Photographs to aligned face crops, once, and the held-out score that training is judged by.

Promise: crops for training and crops for measuring are kept in different files, and `Dev` never gives out
pictures to learn from.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from recognition import detection, evaluation, image
from recognition.alignment import similarity, template_points
from recognition.faces import Pixels
from recognition.training import loop

TEMPLATE = "arcface-112"
MARGIN = 16  # pixels kept around a training crop, so that random views do not run over its edge

# Archive and enlargement: detectors do not know faces as small as those of the second one.
TRAINING_SETS = (("train-utkface.tar", 1), ("train-celeba-small.tar", 2), ("train-lfw-unpaired.tar", 1))
DEV_SET, DEV_PAIRS = "lfw-dev.tar", "lfw-dev-pairs.txt"

_detector: detection.Detector | None = None  # one for each process of the pool


def prepare(faces: Path, models: Path | None, out: Path, *, processes: int = 2) -> None:
    """Write `train.npy` (N, 144, 144, 3), the names known of those faces, `names.json` ("" for none), and
    `dev.npz` (112-pixel crops, pairs) into `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, initializer=_open_detector, initargs=(models,)) as pool:
        crops: list[Pixels] = []
        names: list[str] = []
        for archive, enlarge in TRAINING_SETS:
            found = list(_crops(pool, faces / archive, enlarge=enlarge, margin=MARGIN))
            kept = [(name, crop) for name, crop in found if crop is not None]
            print(f"{archive}: {len(kept)} faces in {len(found)} pictures", flush=True)
            crops += [crop for _, crop in kept]
            names += [str(Path(name).parent) if "/" in name else "" for name, _ in kept]
        np.save(out / "train.npy", np.stack(crops))
        (out / "names.json").write_text(json.dumps(names))
        held_out = dict(_crops(pool, faces / DEV_SET, enlarge=1, margin=0))
    pairs, folds = evaluation.read_pairs(faces / DEV_PAIRS)
    pictures = sorted(held_out)
    missing = [name for name in pictures if held_out[name] is None]
    if missing:
        raise ValueError(f"no face found in {len(missing)} pictures of {DEV_SET}, such as {missing[0]}")
    place = {name: number for number, name in enumerate(pictures)}
    np.savez(
        out / "dev.npz",
        crops=np.stack([held_out[name] for name in pictures]),
        pairs=np.array([(place[a], place[b]) for a, b, _ in pairs]),
        same=np.array([same for *_, same in pairs]),
        folds=folds,
    )
    print(f"{DEV_SET}: {len(pictures)} faces, {len(pairs)} pairs", flush=True)


def _open_detector(models: Path | None) -> None:
    global _detector
    cv2.setNumThreads(1)
    _detector = detection.load(models)


def _crops(
    pool: ProcessPoolExecutor, archive: Path, *, enlarge: int, margin: int
) -> Iterator[tuple[str, Pixels | None]]:
    """Name and crop of each picture in an archive; None where no face is found."""
    with tarfile.open(archive) as tar:
        members = [
            member for member in tar if member.isfile() and member.name.lower().endswith((".jpg", ".png"))
        ]
        files = [(member.name, tar.extractfile(member).read()) for member in members]  # type: ignore[union-attr]
    crop = partial(_crop, enlarge=enlarge, margin=margin)
    yield from zip(
        (name for name, _ in files), pool.map(crop, (data for _, data in files), chunksize=32), strict=True
    )


def _crop(data: bytes, *, enlarge: int, margin: int) -> Pixels | None:
    assert _detector is not None  # noqa: S101  (set by the pool's initialiser)
    rgb = image.decode(data)
    if enlarge != 1:
        rgb = cv2.resize(rgb, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC)
    face = evaluation.central(_detector.detect(rgb), rgb)
    if face is None:
        return None
    points, side = template_points(TEMPLATE)
    matrix = similarity(face.landmarks, points + margin)
    return cv2.warpAffine(rgb, matrix, (side + 2 * margin,) * 2, flags=cv2.INTER_LINEAR).astype(
        np.uint8, copy=False
    )


@dataclass(frozen=True, eq=False)
class Dev:
    """Held-out pairs of faces. Measures; is never learnt from."""

    crops: NDArray[np.uint8]
    pairs: NDArray[np.int64]
    same: NDArray[np.bool_]
    folds: int

    @classmethod
    def load(cls, prepared: Path) -> Dev:
        with np.load(prepared / "dev.npz") as stored:
            return cls(stored["crops"], stored["pairs"], stored["same"], int(stored["folds"]))

    def score(self, embed: Callable[[torch.Tensor], torch.Tensor]) -> str:
        """Cross-validated accuracy and true-accept rates; `embed` takes (N, 3, S, S) pixels to (N, D)."""
        found = self.embed(embed)
        scores = (found[self.pairs[:, 0]] * found[self.pairs[:, 1]]).sum(axis=1)
        fold = np.repeat(np.arange(self.folds), len(scores) // self.folds)
        right = 0
        for held_out in range(self.folds):
            rest = fold != held_out
            threshold = evaluation.best_threshold(scores[rest], self.same[rest])
            right += int(((scores[~rest] >= threshold) == self.same[~rest]).sum())
        accepted = [evaluation.accepted_at(scores, self.same, rate) for rate in (1e-2, 1e-3)]
        return (
            f"dev accuracy {100 * right / len(scores):.2f} % of {len(scores)} pairs, true accepts "
            f"{100 * accepted[0]:.2f} % at FAR 1e-2, {100 * accepted[1]:.2f} % at 1e-3"
        )

    def embed(self, embed: Callable[[torch.Tensor], torch.Tensor]) -> NDArray[np.float32]:
        """(N, D) unit vectors of the held-out crops."""
        return vectors(embed, self.crops)

    def mirror_likeness(self, embed: Callable[[torch.Tensor], torch.Tensor]) -> float:
        """The mean cosine between the answers to a held-out crop and to its mirror image."""
        straight, mirrored = self.embed(embed), vectors(embed, self.crops[:, :, ::-1])
        return float((straight * mirrored).sum(axis=1).mean())


@torch.no_grad()
def vectors(embed: Callable[[torch.Tensor], torch.Tensor], crops: Pixels) -> NDArray[np.float32]:
    """(N, D) unit vectors of `crops`, computed on the device where `embed`'s weights lie."""
    weight = next(embed.parameters(), None) if isinstance(embed, torch.nn.Module) else None
    device = "cpu" if weight is None else weight.device.type
    parts = []
    for start in range(0, len(crops), 64):
        pixels = torch.from_numpy(np.array(crops[start : start + 64])).permute(0, 3, 1, 2).float().to(device)
        with loop.autocast(device):
            parts.append(embed(pixels.contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.nn.functional.normalize(torch.cat(parts)).numpy()
