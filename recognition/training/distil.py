"""Teaching a network by another one: first every block alone, then all of them together.

Blockwise: each stage of the student is fed what the teacher's same stage is fed and learns its output, so
every pixel is a target. Together: the student runs on its own features, with those hints and the embedding.
Promise: weights start at random, and an interrupted run goes on from its last checkpoint.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recognition.training import augment
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
    answer, wanted = answer.float().transpose(0, 1).flatten(1), wanted.float().transpose(0, 1).flatten(1)
    return ((answer - wanted).square().mean(1) / (wanted.var(1) + 1e-6)).mean()


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
    report_every: int = 50,
    score_every: int = 1000,
) -> None:
    """Train `student` in place through `plan`; its weights end as their running average.

    Goes on from `checkpoint` if there is one; raises ValueError if that belongs to another plan.
    """
    run = _Run(student, plan, checkpoint)
    start = run.resume()
    began, sums = time.monotonic(), []
    for done, pixels in enumerate(batches(crops, plan, size=student.size, start=start), start + 1):
        sums.append(run.step(teacher, pixels))
        if done % report_every == 0:
            speed = (done - start) * plan.batch / (time.monotonic() - began)
            losses = " ".join(f"{value:.3f}" for value in torch.stack(sums).mean(0).tolist())
            print(f"step {done}/{plan.steps}, {speed:.0f} views/s, loss by stage {losses}", flush=True)
            sums = []
            run.save(done)
        if done % score_every == 0 or done == plan.steps:
            run.save(done)
            print(f"step {done}/{plan.steps}, {done * plan.batch} views: {score(run.average)}", flush=True)
    student.load_state_dict(run.average.state_dict())


class _Run:
    """Everything that changes while training, so that it can be written down and read back."""

    def __init__(self, student: StagedNetwork, plan: Plan, checkpoint: Path) -> None:
        self.student, self.plan, self.checkpoint = student.train(), plan, checkpoint
        self.average = copy.deepcopy(student).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            student.parameters(), plan.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            plan.learning_rate,
            total_steps=plan.steps + 1,
            pct_start=0.03,
            div_factor=10,
            final_div_factor=100,
            cycle_momentum=False,
        )

    def step(self, teacher: Callable[[Tensor], list[Tensor]], pixels: Tensor) -> Tensor:
        """One step of the optimiser; the loss of every stage comes back."""
        hint_weight = self.plan.hint_weight
        # bfloat16 doubles the speed where the processor has it; its rounding (relative error 0.0005 in the
        # teacher's features) is far below what the student gets wrong.
        with torch.autocast("cpu", torch.bfloat16):
            hints = teacher(pixels)
            losses = (blockwise_losses if hint_weight is None else joint_losses)(self.student, pixels, hints)
        stages = torch.stack(losses)
        total = stages.sum() if hint_weight is None else stages[-1] + hint_weight * stages[:-1].mean()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.schedule.step()
        share = max(0.003, 10 / (self.schedule.last_epoch + 9))  # short while young, later some 300 steps
        for kept, new in zip(self.average.parameters(), self.student.parameters(), strict=True):
            kept.lerp_(new.detach(), share)
        return stages.detach()

    def save(self, done: int) -> None:
        state = {"plan": asdict(self.plan), "done": done} | {
            n: part.state_dict() for n, part in self._parts()
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)  # an interrupted write never leaves half a checkpoint

    def resume(self) -> int:
        """The number of steps already done."""
        if not self.checkpoint.exists():
            return 0
        state = torch.load(self.checkpoint, weights_only=True)
        if state["plan"] != asdict(self.plan):
            raise ValueError(f"{self.checkpoint} belongs to another plan: {state['plan']}")
        for name, part in self._parts():
            part.load_state_dict(state[name])
        return int(state["done"])

    def _parts(self) -> list[tuple[str, Any]]:
        names = ("student", "average", "optimiser", "schedule")
        return [(name, getattr(self, name)) for name in names]
