"""Views of faces with the teacher's answers, drawn once and kept: what several networks are taught from.

Beside the answers the teacher's maps may be kept, averaged down to the maps of a network that looks at fewer
pixels: there every place on the face is a lesson, not only the answer. Promise: views come from the crops for
training alone, and the same seed draws the same views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recognition.faces import Pixels
from recognition.training import distil, loop

SIDE = 112  # of the teacher's input
BATCH = 64


def draw(
    crops: Pixels,
    teacher: Callable[[Tensor], list[Tensor]],
    folder: Path,
    *,
    count: int,
    seed: int,
    maps: Sequence[tuple[int, int]] = (),
) -> None:
    """Write `views.npy`, (count, 112, 112, 3) uint8, and `embeddings.npy`, (count, D) float32, into `folder`.

    `maps` says which of the teacher's maps are kept as well, each as its number and the side it is brought
    to: `map-0.npy` and on, (count, side, side, C) float16. Three batches in ten are blended of two faces
    each, and the teacher is asked about the blend.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = distil.Plan(-(-count // BATCH), BATCH, 0.0, None, 0.3, seed)
    views = open_memmap(folder / "views.npy", "w+", np.uint8, (plan.steps * BATCH, SIDE, SIDE, 3))
    kept: list[NDArray[np.float16]] = []
    answers: list[Tensor] = []
    for step, pixels in enumerate(distil.batches(crops, plan, size=SIDE)):
        rounded, place = pixels.round().clamp(0, 255), slice(step * BATCH, (step + 1) * BATCH)
        views[place] = rounded.permute(0, 2, 3, 1).byte().numpy()
        with torch.no_grad(), loop.autocast("cpu"):
            *seen, answer = teacher(rounded)
        answers.append(answer.float())
        for index, (number, side) in enumerate(maps):
            small = functional.interpolate(
                seen[number].float(), (side, side), mode="bilinear", antialias=True
            )
            if step == 0:
                shape = (len(views), side, side, small.shape[1])
                kept.append(open_memmap(folder / f"map-{index}.npy", "w+", np.float16, shape))
            kept[index][place] = small.permute(0, 2, 3, 1).half().numpy()
        if (step + 1) % 50 == 0:
            print(f"{(step + 1) * BATCH} of {len(views)} views", flush=True)
    views.flush()
    np.save(folder / "embeddings.npy", torch.cat(answers).numpy())


@dataclass(frozen=True, eq=False)
class Views:
    """Drawn views and what the teacher answered."""

    pixels: Pixels
    embeddings: Tensor
    maps: tuple[NDArray[np.float16], ...] = ()

    @classmethod
    def load(cls, folder: Path, *, maps: bool = False) -> Views:
        return cls(
            np.load(folder / "views.npy", mmap_mode="r"),
            torch.from_numpy(np.load(folder / "embeddings.npy")),
            tuple(np.load(each, mmap_mode="r") for each in sorted(folder.glob("map-*.npy")) if maps),
        )

    def batches(
        self, steps: int, *, size: int, batch: int, seed: int, start: int = 0
    ) -> Iterator[tuple[Tensor, ...]]:
        """`(batch, 3, size, size)` float32 pixels, their embeddings, and the maps loaded with them, `(batch,
        C, side, side)`; every view once before any again."""
        each = len(self.pixels) // batch
        for step in range(start, steps):
            order = np.random.default_rng((seed, step // each)).permutation(len(self.pixels))
            chosen = order[step % each * batch : (step % each + 1) * batch]
            maps = [torch.from_numpy(each[chosen]).permute(0, 3, 1, 2) for each in self.maps]
            yield resized(torch.from_numpy(self.pixels[chosen]), size), self.embeddings[chosen], *maps


def resized(pixels: Tensor, size: int) -> Tensor:
    """(N, S, S, 3) uint8 crops as `(N, 3, size, size)` float32, averaged where they get smaller."""
    maps = pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    if maps.shape[-1] == size:
        return maps
    return functional.interpolate(maps, (size, size), mode="bilinear", antialias=size < maps.shape[-1])
