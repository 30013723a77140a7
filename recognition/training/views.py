"""Views of faces with the teacher's answers, drawn once and kept: what several networks are taught from.

Beside the answers the teacher's maps may be kept, as far as a network sees the face that looks through a
smaller window: there every place on the face is a lesson, not only the answer. Promise: views come from the
crops for training alone, and the same seed draws the same views.
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

from recognition.alignment import inner_corner
from recognition.faces import Pixels
from recognition.training import distil, loop

SIDE = 112  # of the teacher's input
INNER = 96  # networks of this size look through the window "inner-96" of that; others see it all, scaled
BATCH = 64


def draw(
    crops: Pixels,
    teacher: Callable[[Tensor], list[Tensor]],
    folder: Path,
    *,
    count: int,
    seed: int,
    maps: Sequence[tuple[int, int]] = (),
    mirrored: bool = False,
) -> None:
    """Write `views.npy`, (count, 112, 112, 3) uint8, and `embeddings.npy`, (count, D) float32, into `folder`.

    With `mirrored` an embedding is the mean of the answers to the face and to its mirror image, so that what
    the teacher makes of one side of a face alone evens out. The views are the same either way.
    `maps` says which of the teacher's maps are kept as well, each by its number and how many of its rows and
    columns: `map-0.npy` and on, (count, side, side, C) float16. For them the teacher looks again, from the
    corner of the window: so a place in its maps is the same place in those of a network that sees only the
    window. Three batches in ten are blended of two faces each, and the teacher is asked about the blend.
    """
    folder.mkdir(parents=True, exist_ok=True)
    top, left = inner_corner(INNER)
    room = max(top, left) if maps else 0
    plan = distil.Plan(-(-count // BATCH), BATCH, 0.0, None, 0.3, seed)
    views = open_memmap(folder / "views.npy", "w+", np.uint8, (plan.steps * BATCH, SIDE, SIDE, 3))
    kept: list[NDArray[np.float16]] = []
    answers: list[Tensor] = []
    for step, pixels in enumerate(distil.batches(crops, plan, size=SIDE + 2 * room)):
        rounded, place = pixels.round().clamp(0, 255), slice(step * BATCH, (step + 1) * BATCH)
        face = _part(rounded, room, room, SIDE)
        views[place] = face.permute(0, 2, 3, 1).byte().numpy()
        with torch.no_grad(), loop.autocast("cpu"):
            looks = [face, face.flip(3)] if mirrored else [face]
            answers.append(torch.stack([teacher(look)[-1].float() for look in looks]).mean(0))
            seen = teacher(_part(rounded, room + top, room + left, SIDE)) if maps else []
        for index, (number, side) in enumerate(maps):
            part = _part(seen[number].float(), 0, 0, side)
            if step == 0:
                shape = (len(views), side, side, part.shape[1])
                kept.append(open_memmap(folder / f"map-{index}.npy", "w+", np.float16, shape))
            kept[index][place] = part.permute(0, 2, 3, 1).half().numpy()
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
        self, steps: int, *, sizes: Sequence[int], batch: int, seed: int, start: int = 0
    ) -> Iterator[tuple[Tensor, ...]]:
        """`(batch, 3, size, size)` float32 pixels, their embeddings, and the maps loaded with them, `(batch,
        C, side, side)`; every view once before any again, and the `sizes` in turn."""
        each = len(self.pixels) // batch
        for step in range(start, steps):
            order = np.random.default_rng((seed, step // each)).permutation(len(self.pixels))
            chosen = order[step % each * batch : (step % each + 1) * batch]
            maps = [torch.from_numpy(each[chosen]).permute(0, 3, 1, 2) for each in self.maps]
            seen = fitted(torch.from_numpy(self.pixels[chosen]), sizes[step % len(sizes)])
            yield seen, self.embeddings[chosen], *maps


def fitted(pixels: Tensor, size: int) -> Tensor:
    """(N, 112, 112, 3) uint8 faces as `(N, 3, size, size)` float32, as a network of that size sees them."""
    return framed(pixels.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last), size)


def framed(faces: Tensor, size: int) -> Tensor:
    """`(N, 3, 112, 112)` faces as `(N, 3, size, size)`: the inner part, or all, scaled (down: averaged)."""
    if faces.shape[-1] == size:
        return faces
    if size == INNER:
        return _part(faces, *inner_corner(size), size)
    return functional.interpolate(faces, (size, size), mode="bilinear", antialias=size < faces.shape[-1])


def _part(maps: Tensor, top: int, left: int, side: int) -> Tensor:
    part = maps[:, :, top : top + side, left : left + side]
    return part.contiguous(memory_format=torch.channels_last)
