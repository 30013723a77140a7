"""Teaching a network by another one: first every block alone, then all of them together.

Blockwise: each stage of the student is fed what the teacher's same stage is fed and learns its linear-bottleneck
output, so every pixel is a target. Together: the student runs on its own features, with the same hints and the
embedding. Weights start at random. A run can be interrupted and goes on from its last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from recognition.training import augment
from recognition.training.networks import ConvUnit, StagedNetwork


@dataclass(frozen=True)
class Plan:
    """What a phase of training does; `hint_weight` None means blockwise."""

    steps: int
    batch: int
    learning_rate: float
    hint_weight: float | None
    mixed: float
    seed: int


def batches(crops: np.ndarray, plan: Plan, *, size: int, start: int) -> Iterator[Tensor]:
    """`(batch, 3, size, size)` float32 RGB from 0 to 255, one batch a step, from step `start` on.

    A share `plan.mixed` of the batches is blended of two faces each: faces nobody has, for more variety.
    """
    for step in range(start, plan.steps):
        rng = np.random.default_rng((plan.seed, step))
        chosen = rng.integers(0, len(crops), plan.batch)
        views = np.stack([augment.view(crops[index], size=size, rng=rng) for index in chosen])
        pixels = torch.from_numpy(views).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        if rng.random() < plan.mixed:
            share = torch.from_numpy(rng.beta(1, 1, (plan.batch, 1, 1, 1))).float()
            pixels = share * pixels + (1 - share) * pixels.roll(1, 0)
        yield pixels


def relative_error(answer: Tensor, wanted: Tensor) -> Tensor:
    """Mean over channels of squared error by variance: 0 is perfect, 1 is as good as the constant mean."""
    answer, wanted = answer.float().transpose(0, 1).flatten(1), wanted.float().transpose(0, 1).flatten(1)
    return ((answer - wanted).square().mean(1) / (wanted.var(1) + 1e-6)).mean()


def embedding_loss(answer: Tensor, wanted: Tensor) -> Tensor:
    """Relative error plus the cosine distance, which is what faces are compared by."""
    cosine = torch.cosine_similarity(answer.float(), wanted.float()).mean()
    return relative_error(answer, wanted) + 2 * (1 - cosine)


@torch.no_grad()
def standardise(stage: nn.Module, x: Tensor, wanted: Tensor) -> None:
    """Scale the random weights of `stage` so that every layer starts at zero mean and unit variance per channel
    on input `x`, and the last one at the mean and variance of `wanted`."""
    units = [m for m in stage.modules() if isinstance(m, nn.Conv2d)]

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
    losses = [relative_error(a, w) for a, w in zip(answers[:-1], hints[:-1], strict=True)]
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
    score_every: int = 2000,
) -> None:
    """Train `student` in place through `plan`, resuming from `checkpoint` where it belongs to the same plan."""
    optimiser = torch.optim.AdamW(student.parameters(), lr=plan.learning_rate, weight_decay=1e-4, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, total_steps=plan.steps + 1, pct_start=0.05, div_factor=10, final_div_factor=100
    )
    start = _resume(checkpoint, plan, student, optimiser, schedule)
    student.train()
    began, sums = time.monotonic(), None
    for step, pixels in enumerate(batches(crops, plan, size=student.size, start=start), start):
        losses = _step(student, teacher, pixels, plan, optimiser)
        schedule.step()
        sums = losses if sums is None else sums + losses
        done = step + 1
        if done % report_every == 0:
            speed = (done - start) * plan.batch / (time.monotonic() - began)
            print(f"step {done}/{plan.steps} {speed:.0f} views/s "
                  + " ".join(f"{v:.3f}" for v in (sums / report_every).tolist()), flush=True)
            sums = None
        if done % score_every == 0 or done == plan.steps:
            _save(checkpoint, plan, done, student, optimiser, schedule)
            print(f"step {done} {score(student)}", flush=True)
            student.train()


def _step(student, teacher, pixels: Tensor, plan: Plan, optimiser: torch.optim.Optimizer) -> Tensor:
    # bfloat16 doubles the speed where the processor has it; its rounding (relative error 0.0005 in the
    # teacher's features) is far below what the student gets wrong.
    with torch.autocast("cpu", torch.bfloat16):
        hints = [hint.float() for hint in teacher(pixels)]
        losses = (blockwise_losses if plan.hint_weight is None else joint_losses)(student, pixels, hints)
    if plan.hint_weight is None:
        total = torch.stack(losses).sum()
    else:
        total = losses[-1] + plan.hint_weight * torch.stack(losses[:-1]).mean()
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    nn.utils.clip_grad_norm_(student.parameters(), 5.0)
    optimiser.step()
    return torch.stack(losses).detach()


def _save(path: Path, plan: Plan, done: int, student, optimiser, schedule) -> None:
    state = {"plan": asdict(plan), "done": done, "student": student.state_dict(),
             "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)  # an interrupted write never leaves half a checkpoint


def _resume(path: Path, plan: Plan, student, optimiser, schedule) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["plan"] != asdict(plan):
        raise ValueError(f"{path} belongs to another plan: {state['plan']}")
    student.load_state_dict(state["student"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    return int(state["done"])
