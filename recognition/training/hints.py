"""A teacher's maps as lessons for networks that are not built like it, such as MobileNets.

The student is cut where its maps are as large as the teacher's. What stands at a cut must be what the student
can hold there, rectified and of its own width: the teacher's map is lifted to that. Promise: each part learns
from exactly what the part after it will be fed, so nothing has to be fitted when they are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn

from recognition.training import distil, surgery
from recognition.training.papers import FullyConnected, PaperNetwork
from recognition.training.views import SIDE, fitted

Teach = Callable[[Tensor], list[Tensor]]


class Lift(nn.Module):
    """`(N, C, H, W)` maps to `width` rectified channels: the positive and the negative parts of the principal
    components of the maps it was made from, mixed by a random rotation so that all channels weigh alike.

    With width >= 2 C nothing is lost (`back` undoes it); below, it is the best linear view of that width.
    """

    def __init__(self, maps: Tensor, width: int, *, seed: int = 0) -> None:
        super().__init__()
        rows = maps.float().transpose(0, 1).flatten(1)
        self.register_buffer("mean", rows.mean(1))
        centred = rows - self.mean[:, None]
        kept = min(width // 2, len(rows))
        _, vectors = torch.linalg.eigh(centred @ centred.T / centred.shape[1])
        chance = torch.Generator().manual_seed(seed)
        turns = [
            _rotation(kept, chance) @ vectors.flip(1)[:, :kept].T for _ in range(-(-width // (2 * kept)))
        ]
        basis = torch.cat(turns)[: width // 2]
        spread = (basis @ centred).std()
        self.register_buffer("basis", basis / spread)

    def forward(self, maps: Tensor) -> Tensor:
        turned = torch.einsum("rc,nchw->nrhw", self.basis, maps.float() - self.mean[None, :, None, None])
        lifted = torch.cat([turned, -turned], 1).relu()
        return lifted.contiguous(memory_format=torch.channels_last)

    def back(self, lifted: Tensor) -> Tensor:
        """The maps that `forward` was given, as far as it kept them."""
        positive, negative = lifted.chunk(2, 1)
        inverse = torch.linalg.pinv(self.basis)
        maps = torch.einsum("cr,nrhw->nchw", inverse, positive - negative)
        return maps + self.mean[None, :, None, None]


def _rotation(size: int, chance: torch.Generator) -> Tensor:
    return torch.linalg.qr(torch.randn(size, size, generator=chance))[0]


def picture_side(size: int) -> int:
    """The side at which the teacher looks: the student's, halved until it is nearest to the teacher's own."""
    return size >> max(round(log2(size / SIDE)), 0)


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where the student is cut: after each stage in `ends`, by the teacher's map number `hints`, lifted."""

    ends: tuple[int, ...]
    hints: tuple[int, ...]
    lifts: tuple[nn.Module, ...]
    side: int

    def lessons(self, teach: Teach, pixels: Tensor) -> list[Tensor]:
        """What stands at each cut, from the teacher's look at the student's `pixels`."""
        if pixels.shape[-1] != self.side:
            pixels = nn.functional.interpolate(pixels, (self.side,) * 2, mode="bilinear", antialias=True)
        maps = teach(pixels)
        return [lift(maps[hint]) for lift, hint in zip(self.lifts, self.hints, strict=True)]


@torch.no_grad()
def cut(student: PaperNetwork, teach: Teach, views: Tensor) -> Cuts:
    """The cuts for `student`, with bases from (N, 112, 112, 3) uint8 `views`. The last part keeps two blocks
    or more: an average over the map can only be made a face's numbers by layers before it."""
    side = picture_side(student.size)
    maps = teach(fitted(views, side))[:-1]
    found = {values.shape[-1]: index for index, values in enumerate(maps)}
    shapes = [values.shape for values in student.outputs(fitted(views[:2], student.size))]
    mapped = [index for index, shape in enumerate(shapes) if len(shape) == 4 and shape[-1] > 1]
    ends: list[int] = []
    for wanted in sorted(found, reverse=True):
        same = [index for index in mapped if shapes[index][-1] == wanted]
        if same and same[-1] <= mapped[-1] - 2:
            ends.append(same[-1])
    hints = [found[shapes[end][-1]] for end in ends]
    lifts = [Lift(maps[hint], shapes[end][1], seed=end) for hint, end in zip(hints, ends, strict=True)]
    return Cuts(tuple(ends), tuple(hints), tuple(lifts), side)


def follow(student: PaperNetwork, teacher_rows: Sequence[int]) -> Cuts:
    """The cuts for a network of the teacher's kin: after every bottleneck, by the map of the teacher's block
    that it stands for. The smallest maps are left to the embedding: there widths and places differ.
    """
    lengths = surgery.rows(surgery.convs_of(student))
    ends, found, stage, first = [], [], 1, 0
    for theirs, ours in zip(teacher_rows[:-1], lengths[:-1], strict=True):
        ends += range(stage, stage + ours)
        found += [first + index for index in surgery.spread(theirs, ours)]
        stage, first = stage + ours, first + theirs
    same = tuple(nn.Identity() for _ in ends)
    return Cuts(tuple(ends), tuple(found), same, picture_side(student.size))


def parts(student: PaperNetwork, cuts: Cuts) -> list[nn.Sequential]:
    """The student's own stages, grouped between the cuts."""
    borders = [0, *(end + 1 for end in cuts.ends), len(student.stages)]
    return [nn.Sequential(*student.stages[start:end]) for start, end in pairwise(borders)]


@torch.no_grad()
def initialise(student: PaperNetwork, cuts: Cuts, teach: Teach, pixels: Tensor, wanted: Tensor) -> None:
    """Random weights scaled to what each part is fed and shall give; the last layer by least squares."""
    lessons = cuts.lessons(teach, pixels)
    groups = parts(student, cuts)
    inputs = [student.normalise(pixels), *lessons]
    for part, x, lesson in zip(groups[:-1], inputs, lessons, strict=False):
        distil.standardise(part, x, lesson)
    body, last = groups[-1], next(m for m in groups[-1].modules() if isinstance(m, FullyConnected))
    seen: list[Tensor] = []
    handle = last.register_forward_hook(lambda _module, given, _out: seen.append(given[0].flatten(1)))
    convs = [module for module in body.modules() if isinstance(module, nn.Conv2d)]
    distil.standardise(nn.Sequential(*body[: _last_with_conv(body) + 1]), inputs[-1], _unit_map(convs[-1]))
    body.eval()(inputs[-1])
    handle.remove()
    body.train()
    x = torch.cat([seen[-1], torch.ones(len(pixels), 1)], 1)
    ridge = 0.1 * len(x) * torch.eye(x.shape[1])
    solution = torch.linalg.solve(x.T @ x + ridge, x.T @ wanted)
    last.weight.copy_(solution[:-1].T)
    last.bias.copy_(solution[-1])


def _last_with_conv(body: nn.Sequential) -> int:
    return max(
        index for index, stage in enumerate(body) if any(isinstance(m, nn.Conv2d) for m in stage.modules())
    )


def _unit_map(conv: nn.Conv2d) -> Tensor:
    """A map of mean 0 whose tenth, which `standardise` starts the last layer at, has unit variance."""
    return torch.tensor([-10.0, 10.0]).repeat(conv.out_channels, 1).T[:, :, None, None]


def losses(
    student: PaperNetwork, cuts: Cuts, lessons: list[Tensor], pixels: Tensor, wanted: Tensor
) -> list[Tensor]:
    """The loss of every part, each fed what the teacher saw where it begins."""
    inputs = [student.normalise(pixels), *lessons]
    groups, found = parts(student, cuts), []
    for part, x, lesson in zip(groups[:-1], inputs, lessons, strict=False):
        faces = max(distil.share_of(lesson, len(pixels)), 1)
        found.append(distil.relative_error(part(x[:faces]), lesson[:faces]))
    return [*found, distil.embedding_loss(groups[-1](inputs[-1]).flatten(1), wanted)]
