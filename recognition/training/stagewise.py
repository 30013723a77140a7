"""Teaching the papers' networks from a teacher's embeddings, each from the nearest good start.

MobileFaceNet's kin begin with blocks of the one trained before (`surgery`), MobileNets with parts taught side
by side from the teacher's maps (`hints`); then all layers learn together. Promise: the same seed and views
repeat a run, a stopped run goes on, and the held-out pairs only ever measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition import architectures
from recognition.training import distil, hints, loop, papers, reading, surgery
from recognition.training.networks import MobileFaceNet
from recognition.training.papers import FullyConnected, PaperNetwork
from recognition.training.teacher import Teacher
from recognition.training.views import SIDE, Views, fitted, framed

BATCH = 64
WITH_PRELU = "-prelu"  # ends the name of a network that keeps the paper's activation


def names() -> list[str]:
    """What `build` knows."""
    drawn = architectures.networks()
    return sorted([*drawn, *(f"{name}{WITH_PRELU}" for name in drawn if name.startswith("mobilefacenet"))])


def build(name: str) -> PaperNetwork:
    """The paper's network `name`, folded, in channels-last memory; with ReLU6 for PReLU, unless `name` ends
    in "-prelu". Raises KeyError for a name that no paper's network has.
    """
    drawn = architectures.networks()[name.removesuffix(WITH_PRELU)]
    network = PaperNetwork(drawn if name.endswith(WITH_PRELU) else architectures.with_relu6(drawn))
    return surgery.fold(network).to(memory_format=torch.channels_last)


def load(network: nn.Module, path: Path) -> None:
    """Give `network` the weights in a checkpoint, or in a shipped file that ends in .onnx."""
    if path.suffix == ".onnx":
        reading.read(network, path)
        return
    network.load_state_dict(_state(path))


def holds(path: Path, network: nn.Module) -> bool:
    """Whether the checkpoint is of `network`, layer by layer; a shipped file names no layers: False."""
    return path.suffix != ".onnx" and _state(path).keys() == network.state_dict().keys()


def _state(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state.get("average", state)  # type: ignore[return-value]


class Embedder(nn.Module):
    """Takes (N, 3, 112, 112) pixels of the held-out crops, at whatever size the network wants them."""

    def __init__(self, network: PaperNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        answer: Tensor = self.network(framed(pixels, self.network.size))
        return answer


@torch.no_grad()
def widen(network: PaperNetwork, views: Views, *, batch: int = 512) -> Tensor:
    """(dim, D) of orthonormal columns, by which the teacher's vectors become targets of a wider network: of
    all those, which keep every angle, the one nearest to what the network answers already (Procrustes).

    Each output of the last layer is then scaled and shifted to its target by least squares.
    """
    pixels, wanted = next(views.batches(1, sizes=[network.size], batch=batch, seed=0))
    answers = network.eval()(pixels)
    moved = answers - answers.mean(0)
    u, _, vt = torch.linalg.svd(moved.T @ (wanted - wanted.mean(0)), full_matrices=False)
    turn = u @ vt
    target = wanted @ turn.T
    slope = (moved * (target - target.mean(0))).mean(0) / (moved.square().mean(0) + 1e-9)
    last = surgery.convs_of(network)[-1][-1]
    last.weight *= slope[:, None, None, None]
    last.bias.copy_(last.bias * slope + target.mean(0) - answers.mean(0) * slope)
    network.train()
    return turn


def targets(network: PaperNetwork, views: Views) -> Callable[[Tensor], Tensor]:
    """What the network shall answer where the teacher answered this: the same vector, of unit length if the
    network's are, and turned into a wider network's space."""
    turn = None if network.dim == views.embeddings.shape[1] else widen(network, views)
    unit = isinstance(network.stages[-1].layers[-1], papers.UnitLength)

    def target(wanted: Tensor) -> Tensor:
        wanted = wanted if turn is None else wanted @ turn.to(wanted.device).T
        return functional.normalize(wanted) if unit else wanted

    return target


def together(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    plan: loop.Plan,
    *,
    sizes: Sequence[int] = (),
    score: Callable[[PaperNetwork], str] | None = None,
    checkpoint: Path | None = None,
) -> None:
    """All layers at once, from the teacher's embeddings; on faces of all `sizes` in turn, where given."""

    def losses(pixels: Tensor, wanted: Tensor) -> list[Tensor]:
        return [distil.embedding_loss(network(pixels), target(wanted))]

    loop.run(network, _batches(views, network, plan, sizes), losses, plan, score=score, checkpoint=checkpoint)


def guides(network: PaperNetwork) -> hints.Cuts:
    """Where a network of the teacher's kin is held against the teacher: at both ends of every row of blocks,
    by the teacher's map at that end of its own row.
    """
    theirs = surgery.rows(surgery.blocks_of(MobileFaceNet()))
    ours, ends, found = surgery.rows(surgery.convs_of(network)), [], []
    stage, first = 1, 0
    for row, (their_length, our_length) in enumerate(zip(theirs, ours, strict=True)):
        borders = [(stage + our_length - 1, first + their_length - 1)]
        if row:
            borders.insert(0, (stage, first))
        ends += [end for end, _ in borders]
        found += [hint for _, hint in borders]
        stage, first = stage + our_length, first + their_length
    return hints.Cuts(tuple(ends), tuple(found), tuple(nn.Identity() for _ in ends), SIDE)


def guiding_maps(network: PaperNetwork) -> list[tuple[int, int]]:
    """What `views.draw` shall keep to guide `network`: the numbers of the teacher's maps, and their sides."""
    cuts = guides(network)
    sides = [block.layers[-1].side[1] for block in network.description.blocks]
    return [(hint, sides[end]) for hint, end in zip(cuts.hints, cuts.ends, strict=True)]


def guided_apart(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    plan: loop.Plan,
    *,
    checkpoint: Path | None = None,
) -> None:
    """The parts between the guiding maps side by side, each on what the teacher saw where it begins."""
    cuts = guides(network)

    def losses(pixels: Tensor, wanted: Tensor, *maps: Tensor) -> list[Tensor]:
        lessons = [each.float() for each in maps]
        return hints.losses(network, cuts, lessons, pixels, target(wanted))

    loop.run(network, _batches(views, network, plan), losses, plan, checkpoint=checkpoint)


def guided(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    plan: loop.Plan,
    *,
    weight: float,
    score: Callable[[PaperNetwork], str] | None = None,
    checkpoint: Path | None = None,
) -> None:
    """All layers at once, from the teacher's embeddings, and from its maps with `weight` in all."""
    ends = guides(network).ends

    def losses(pixels: Tensor, wanted: Tensor, *maps: Tensor) -> list[Tensor]:
        answers = network.outputs(pixels)
        errors = []
        for end, seen in zip(ends, maps, strict=True):
            faces = max(distil.share_of(seen, len(seen)), 1)
            error = distil.relative_error(answers[end][:faces], seen[:faces])
            errors.append(error * (weight / len(ends)))
        return [*errors, distil.embedding_loss(answers[-1], target(wanted))]

    loop.run(network, _batches(views, network, plan), losses, plan, score=score, checkpoint=checkpoint)


def normalised(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    plan: loop.Plan,
    *,
    sizes: Sequence[int] = (),
    score: Callable[[PaperNetwork], str] | None = None,
    checkpoint: Path | None = None,
) -> PaperNetwork:
    """`together` with batch normalisation, which is folded away again at the end."""
    drawn = _batches(views, network, replace(plan, steps=12), sizes)(0)  # up to four sizes count alike in 12
    batches = [pixels for pixels, *_ in drawn]
    network = surgery.unfold(network.cpu(), batches[0])
    together(network, views, target, plan, sizes=sizes, score=score, checkpoint=checkpoint)
    surgery.settle(network.cpu(), batches)
    return surgery.fold(network).to(memory_format=torch.channels_last)


def apart(
    network: PaperNetwork,
    teacher: Teacher,
    views: Views,
    target: Callable[[Tensor], Tensor],
    plan: loop.Plan,
    *,
    kin: bool,
    checkpoint: Path | None = None,
) -> None:
    """The parts between the teacher's maps side by side, each on what the teacher saw."""
    if kin:
        cuts = hints.follow(network, surgery.rows(surgery.blocks_of(MobileFaceNet())))
    else:
        first = torch.from_numpy(views.pixels[:BATCH].copy())
        cuts = hints.cut(network, teacher, first)
        wanted = target(views.embeddings[:BATCH])
        hints.initialise(network, cuts, teacher, fitted(first, network.size), wanted)
    print(f"cut after stages {cuts.ends}, teacher's maps {cuts.hints} of {cuts.side} pixels", flush=True)
    for part in (teacher, *cuts.lifts):
        part.to(plan.device)

    def losses(pixels: Tensor, wanted: Tensor) -> list[Tensor]:
        return hints.losses(network, cuts, cuts.lessons(teacher, pixels), pixels, target(wanted))

    loop.run(network, _batches(views, network, plan), losses, plan, checkpoint=checkpoint)


def flip(network: PaperNetwork, views: Views, plan: loop.Plan, *, count: int) -> None:
    """Flipped-MobiFace's two layers alone, on what the layers before answer to `count` views and mirrors.

    Loss: the squared distance between the two answers, which the mirror should not change, and of each from
    the mean of the answers before, which carries the identity.
    """
    last = network.stages[-1]
    one, other = _mirrored(network, views, plan, count)
    with torch.no_grad():  # begins as the identity: x + y over 2 with y = x, as ReLU(x + c) - c while x > -c
        first, second = (layer for layer in last.layers if isinstance(layer, FullyConnected))
        shift = 3 * one.std()
        for layer, bias in ((first, shift), (second, -shift)):
            layer.weight.copy_(torch.eye(layer.in_features))
            layer.bias.fill_(float(bias))
    middle = functional.normalize(one + other)

    def batches(start: int) -> Iterator[loop.Batch]:
        for step in range(start, plan.steps):
            chance = torch.Generator().manual_seed(plan.seed * plan.steps + step)
            chosen = torch.randint(len(one), (min(512, len(one)),), generator=chance)
            yield one[chosen], other[chosen], middle[chosen]

    def losses(straight: Tensor, mirrored: Tensor, between: Tensor) -> list[Tensor]:
        a, b = (functional.normalize(last(half)) for half in (straight, mirrored))
        identity = ((a - between).square() + (b - between).square()).sum(1).mean()
        return [(a - b).square().sum(1).mean(), identity]

    loop.run(last, batches, losses, replace(plan, bf16=False))
    network.cpu()


@torch.no_grad()
def _mirrored(network: PaperNetwork, views: Views, plan: loop.Plan, count: int) -> tuple[Tensor, Tensor]:
    """(N, 512) answers of all stages but the last to views, and to their mirror images."""
    network.eval().to(plan.device)
    answers: tuple[list[Tensor], list[Tensor]] = ([], [])
    for pixels, *_ in views.batches(count // BATCH, sizes=[network.size], batch=BATCH, seed=plan.seed):
        for kept, look in zip(answers, (pixels, pixels.flip(3)), strict=True):
            with loop.autocast(plan.device, wanted=plan.bf16):
                x = network.normalise(look.to(plan.device))
                for stage in network.stages[:-1]:
                    x = stage(x)
            kept.append(x.flatten(1).float().cpu())
    return torch.cat(answers[0]), torch.cat(answers[1])


def _batches(
    views: Views, network: PaperNetwork, plan: loop.Plan, sizes: Sequence[int] = ()
) -> Callable[[int], Iterator[tuple[Tensor, ...]]]:
    return lambda start: views.batches(
        plan.steps, sizes=sizes or [network.size], batch=BATCH, seed=plan.seed, start=start
    )
