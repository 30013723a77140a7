"""The loop that every way of training shares: AdamW under one cycle, a running average, checkpoints, lines.

Promise: an interrupted run goes on from its checkpoint, on the batches that it would have seen, and a
checkpoint of another plan is refused. What is learnt ends as its running average.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, ...]
Losses = Callable[..., list[Tensor]]

WITHOUT_BF16 = ("DEFAULT", "NO AVX", "AVX2")  # what torch calls processors without products of bfloat16


@dataclass(frozen=True)
class Plan:
    """How long and how fast; the same plan on the same batches repeats a run.

    `warm` is the share of steps in which the rate rises, `memory` the steps over which weights are averaged,
    `epoch` the steps after which a line with the score is printed. `device` is "cpu" or "cuda"; with `bf16`
    the network computes in bfloat16 where `autocast` finds that quick: twice as fast, with a rounding far
    below what a student gets wrong. `recipe` says in words what else makes the run.
    """

    steps: int
    rate: float
    seed: int
    epoch: int = 1000
    warm: float = 0.1
    memory: int = 100
    device: str = "cpu"
    bf16: bool = True
    recipe: str = ""


def autocast(device: str, *, wanted: bool = True) -> torch.autocast:
    """bfloat16 where the processor computes in it; elsewhere it would be many times slower than float32."""
    quick = device != "cpu" or torch.backends.cpu.get_cpu_capability() not in WITHOUT_BF16
    return torch.autocast(device, torch.bfloat16, enabled=wanted and quick)


def run(
    learner: nn.Module,
    batches: Callable[[int], Iterable[Batch]],
    losses: Losses,
    plan: Plan,
    *,
    score: Callable[[Any], str] | None = None,
    checkpoint: Path | None = None,
    report_every: int = 50,
) -> None:
    """Train `learner` in place by the sum of `losses(*batch)`; it ends, in training mode, as its average.

    `batches(start)` gives the batches from step `start` on. Goes on from `checkpoint` if there is one; raises
    ValueError if that belongs to another plan.
    """
    state = _State(learner, plan)
    start = state.resume(checkpoint) if checkpoint else 0
    began, sums, seen = time.monotonic(), [], 0
    for done, batch in enumerate(batches(start), start + 1):
        on_device = [part.to(plan.device, non_blocking=True) for part in batch]
        with autocast(plan.device, wanted=plan.bf16):
            values = torch.stack(losses(*on_device))
        state.step(values.sum())
        sums.append(values.detach())
        seen += len(batch[0])
        whole = done % plan.epoch == 0 or done == plan.steps
        if done % report_every == 0 or whole:
            shown = " ".join(f"{value:.3f}" for value in torch.stack(sums).float().mean(0).tolist())
            speed = seen / (time.monotonic() - began)
            print(f"step {done}/{plan.steps}, {speed:.0f} faces/s, loss {shown}", flush=True)
            sums = []
        if checkpoint and (whole or done % (4 * report_every) == 0):
            state.save(checkpoint, done)
        if whole and score:
            epochs = f"{-(-done // plan.epoch)}/{-(-plan.steps // plan.epoch)}"
            print(f"epoch {epochs}: {score(state.average)}", flush=True)
    learner.load_state_dict(state.average.state_dict())


class _State:
    """Everything that changes while training, so that it can be written down and read back."""

    def __init__(self, learner: nn.Module, plan: Plan) -> None:
        self.plan, self.learner = plan, learner.to(plan.device).train()
        self.average = copy.deepcopy(learner).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            learner.parameters(), plan.rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            plan.rate,
            total_steps=plan.steps + 1,
            pct_start=plan.warm,
            div_factor=10,
            final_div_factor=100,
            cycle_momentum=False,
        )

    def step(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 5.0)
        self.optimiser.step()
        self.schedule.step()
        share = max(1 / self.plan.memory, 10 / (self.schedule.last_epoch + 9))  # short while young
        with torch.no_grad():
            kept, new = list(self.average.parameters()), [each.detach() for each in self.learner.parameters()]
            torch._foreach_lerp_(kept, new, share)
            for buffer, current in zip(self.average.buffers(), self.learner.buffers(), strict=True):
                buffer.copy_(current)

    def save(self, checkpoint: Path, done: int) -> None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        parts = {name: part.state_dict() for name, part in self._parts()}
        temporary = checkpoint.with_suffix(".tmp")
        torch.save({"plan": asdict(self.plan), "done": done} | parts, temporary)
        temporary.replace(checkpoint)  # an interrupted write never leaves half a checkpoint

    def resume(self, checkpoint: Path) -> int:
        """The number of steps already done."""
        if not checkpoint.exists():
            return 0
        state = torch.load(checkpoint, weights_only=True, map_location=self.plan.device)
        if state["plan"] != asdict(self.plan):
            raise ValueError(f"{checkpoint} belongs to another plan: {state['plan']}")
        for name, part in self._parts():
            part.load_state_dict(state[name])
        return int(state["done"])

    def _parts(self) -> list[tuple[str, Any]]:
        names = ("learner", "average", "optimiser", "schedule")
        return [(name, getattr(self, name)) for name in names]
