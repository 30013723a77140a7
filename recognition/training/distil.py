"""Teaching a network by another one: first every block alone, then all of them together.

Blockwise: each stage of the student is fed what the teacher's same stage is fed and learns its output, so
every pixel is a target. Together: the student runs on its own features, with those hints and the embedding.
Promise: weights start at random, and an interrupted run goes on from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from recognition.training import augment, loop
from recognition.training.networks import StagedNetwork


@dataclass(frozen=True)
class Plan:
    """What a phase of training does; `hint_weight` None means blockwise."""

    steps: int
    batch: int
    learning_rate: float
    hint_weight: float | None
    mixed: float
    seed: int


def batches(crops: np.ndarray, plan: Plan, *, size: int, start: int = 0) -> Iterator[Tensor]:
    """`(batch, 3, size, size)` float32 RGB from 0 to 255, one batch a step, from step `start` on.

    A share `plan.mixed` of the batches is blended of two faces each: faces nobody has, for more variety.
    """
    if start >= plan.steps:
        return
    with ThreadPoolExecutor(1) as ahead:  # the next batch is drawn while the network learns from this one
        waiting = ahead.submit(_batch, crops, plan, size, start)
        for step in range(start + 1, plan.steps):
            ready, waiting = waiting, ahead.submit(_batch, crops, plan, size, step)
            yield ready.result()
        yield waiting.result()


def _batch(crops: np.ndarray, plan: Plan, size: int, step: int) -> Tensor:
    rng = np.random.default_rng((plan.seed, step))  # by step, so that a resumed run sees the same faces
    chosen = rng.integers(0, len(crops), plan.batch)
    views = np.stack([augment.view(crops[index], size=size, rng=rng) for index in chosen])
    pixels = torch.from_numpy(views).permute(0, 3, 1, 2).float()
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    if rng.random() < plan.mixed:
        share = torch.from_numpy(rng.beta(1, 1, (plan.batch, 1, 1, 1))).float()
        pixels = share * pixels + (1 - share) * pixels.roll(1, 0)
    return pixels


def relative_error(answer: Tensor, wanted: Tensor) -> Tensor:
    """Mean over channels of squared error by variance: 0 is perfect, 1 is as good as the constant mean."""
    answer, wanted = answer.float(), wanted.float()
    places = [
        side for side in range(answer.dim()) if side != 1
    ]  # not turned: that would slow what comes after
    return ((answer - wanted).square().mean(places) / (wanted.var(places) + 1e-6)).mean()


def embedding_loss(answer: Tensor, wanted: Tensor) -> Tensor:
    """Relative error plus the cosine distance, which is what faces are compared by."""
    cosine = torch.cosine_similarity(answer.float(), wanted.float()).mean()
    return relative_error(answer, wanted) + 2 * (1 - cosine)


@torch.no_grad()
def initialise(student: StagedNetwork, teacher: Callable[[Tensor], list[Tensor]], pixels: Tensor) -> None:
    """Scale the random weights of every stage to what the teacher's features look like on `pixels`."""
    hints = teacher(pixels)
    inputs = [student.normalise(pixels), *hints[:-1]]
    for stage, x, wanted in zip(student.stages, inputs, hints, strict=True):
        standardise(stage, x, wanted)


@torch.no_grad()
def standardise(stage: nn.Module, x: Tensor, wanted: Tensor) -> None:
    """Scale the random weights of `stage`: on input `x`, every layer then has zero mean and unit variance per
    channel, and the last one the mean and a tenth of the standard deviation of `wanted`."""
    units = [module for module in stage.modules() if isinstance(module, nn.Conv2d)]

    def rescale(conv: nn.Conv2d, _: object, out: Tensor) -> Tensor:
        mean, std = out.mean((0, 2, 3)), out.std((0, 2, 3)) + 1e-6
        conv.weight /= std.view(-1, 1, 1, 1)
        conv.bias.sub_(mean).div_(std)
        return (out - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)

    handles = [unit.register_forward_hook(rescale) for unit in units]
    stage.eval()(x)
    for handle in handles:
        handle.remove()
    last, target = units[-1], wanted.transpose(0, 1).flatten(1)
    last.weight *= target.std(1).view(-1, 1, 1, 1) * 0.1
    last.bias.copy_(last.bias * target.std(1) * 0.1 + target.mean(1))
    stage.train()


def share_of(stage_output: Tensor, batch: int) -> int:
    """How many faces of a batch a stage is taught with: large maps hold enough pixels in a few faces."""
    side = stage_output.shape[-1] if stage_output.dim() == 4 else 1
    return batch // 4 if side >= 28 else batch // 2 if side >= 14 else batch


def blockwise_losses(student: StagedNetwork, pixels: Tensor, hints: list[Tensor]) -> list[Tensor]:
    """The loss of every stage alone, each on what the teacher saw there."""
    inputs = [student.normalise(pixels), *hints[:-1]]
    losses = []
    for stage, x, wanted in zip(student.stages, inputs, hints, strict=True):
        faces = share_of(wanted, len(pixels))
        answer = stage(x[:faces])
        loss = embedding_loss if wanted.dim() == 2 else relative_error
        losses.append(loss(answer, wanted[:faces]))
    return losses


def joint_losses(student: StagedNetwork, pixels: Tensor, hints: list[Tensor]) -> list[Tensor]:
    """The loss of every stage on the student's own features, the embedding's last."""
    answers = student.outputs(pixels)
    losses = []
    for answer, wanted in zip(answers[:-1], hints[:-1], strict=True):
        faces = share_of(wanted, len(pixels))
        losses.append(relative_error(answer[:faces], wanted[:faces]))
    return [*losses, embedding_loss(answers[-1], hints[-1])]


def train(
    student: StagedNetwork,
    teacher: Callable[[Tensor], list[Tensor]],
    crops: np.ndarray,
    plan: Plan,
    *,
    checkpoint: Path,
    score: Callable[[StagedNetwork], str],
    device: str = "cpu",
    bf16: bool = True,
    score_every: int = 1000,
) -> None:
    """Train `student` in place through `plan`; its weights end as their running average.

    Goes on from `checkpoint` if there is one; raises ValueError if that belongs to another plan.
    """

    def losses(pixels: Tensor) -> list[Tensor]:
        hints = teacher(pixels)
        if plan.hint_weight is None:
            return blockwise_losses(student, pixels, hints)
        *blocks, last = joint_losses(student, pixels, hints)
        return [*(plan.hint_weight / len(blocks) * each for each in blocks), last]

    def drawn(start: int) -> Iterator[tuple[Tensor]]:
        return ((pixels,) for pixels in batches(crops, plan, size=student.size, start=start))

    schedule = loop.Plan(
        plan.steps,
        plan.learning_rate,
        plan.seed,
        epoch=score_every,
        warm=0.03,
        memory=300,
        device=device,
        bf16=bf16,
        recipe=str(plan),
    )
    loop.run(student, drawn, losses, schedule, score=score, checkpoint=checkpoint)
