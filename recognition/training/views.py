"""Views of faces with the teacher's answers, drawn once and kept: what several networks are taught from.

Promise: views come from the crops for training alone, and the same seed draws the same views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.nn import functional

from recognition.faces import Pixels
from recognition.training import distil, loop

SIDE = 112  # of the teacher's input
BATCH = 64


def draw(
    crops: Pixels, teacher: Callable[[Tensor], list[Tensor]], folder: Path, *, count: int, seed: int
) -> None:
    """Write `views.npy`, (count, 112, 112, 3) uint8, and `embeddings.npy`, (count, D) float32, into `folder`.

    Three batches in ten are blended of two faces each, and the teacher is asked about the blend.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = distil.Plan(-(-count // BATCH), BATCH, 0.0, None, 0.3, seed)
    views = open_memmap(folder / "views.npy", "w+", np.uint8, (plan.steps * BATCH, SIDE, SIDE, 3))
    answers: list[Tensor] = []
    for step, pixels in enumerate(distil.batches(crops, plan, size=SIDE)):
        rounded = pixels.round().clamp(0, 255)
        views[step * BATCH : (step + 1) * BATCH] = rounded.permute(0, 2, 3, 1).byte().numpy()
        with torch.no_grad(), loop.autocast("cpu"):
            answers.append(teacher(rounded)[-1].float())
        if (step + 1) % 50 == 0:
            print(f"{(step + 1) * BATCH} of {len(views)} views", flush=True)
    views.flush()
    np.save(folder / "embeddings.npy", torch.cat(answers).numpy())


@dataclass(frozen=True, eq=False)
class Views:
    """Drawn views and what the teacher answered."""

    pixels: Pixels
    embeddings: Tensor

    @classmethod
    def load(cls, folder: Path) -> Views:
        return cls(
            np.load(folder / "views.npy", mmap_mode="r"),
            torch.from_numpy(np.load(folder / "embeddings.npy")),
        )

    def batches(
        self, steps: int, *, size: int, batch: int, seed: int, start: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """`(batch, 3, size, size)` float32 pixels and their embeddings, every view once before any again."""
        each = len(self.pixels) // batch
        for step in range(start, steps):
            order = np.random.default_rng((seed, step // each)).permutation(len(self.pixels))
            chosen = np.sort(order[step % each * batch : (step % each + 1) * batch])
            yield resized(torch.from_numpy(self.pixels[chosen]), size), self.embeddings[chosen]


def resized(pixels: Tensor, size: int) -> Tensor:
    """(N, S, S, 3) uint8 crops as `(N, 3, size, size)` float32, averaged where they get smaller."""
    maps = pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    if maps.shape[-1] == size:
        return maps
    return functional.interpolate(maps, (size, size), mode="bilinear", antialias=size < maps.shape[-1])
