"""python -m recognition.training.stagewise: teach the papers' networks, each from the nearest good start.

MobileFaceNet's kin begin with blocks of the one trained before (`surgery`), MobileNets with parts taught side
by side from the teacher's maps (`hints`); then all layers learn together, from the teacher's embeddings.
Promise: the same seed and views repeat a run, and the held-out pairs only ever measure.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition import architectures
from recognition.training import data, distil, halving, hints, papers, surgery
from recognition.training.networks import MobileFaceNet
from recognition.training.papers import FullyConnected, PaperNetwork
from recognition.training.teacher import Teacher
from recognition.training.views import Views, draw, resized

BATCH = 64


def build(name: str) -> PaperNetwork:
    """The paper's network `name`, folded, with ReLU6 for PReLU, in channels-last memory."""
    network = PaperNetwork(architectures.with_relu6(architectures.networks()[name]))
    return surgery.fold(network).to(memory_format=torch.channels_last)


def embedder(network: PaperNetwork) -> Callable[[Tensor], Tensor]:
    """Takes (N, 3, 112, 112) pixels of the held-out crops, at whatever size the network wants them."""

    def embed(pixels: Tensor) -> Tensor:
        size = (network.size, network.size)
        if pixels.shape[-2:] != size:
            pixels = functional.interpolate(
                pixels, size, mode="bilinear", antialias=network.size < pixels.shape[-1]
            )
        return network(pixels)

    return embed


class Learner:
    """A network that learns by one-cycle AdamW, and the running average of its weights."""

    def __init__(self, network: nn.Module, *, rate: float, steps: int) -> None:
        self.network = network.train()
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.99), weight_decay=1e-4)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False
        )

    def step(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.schedule.step()
        share = max(0.01, 10 / (self.schedule.last_epoch + 9))
        for kept, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
            kept.lerp_(new.detach(), share)


def learn(
    network: PaperNetwork,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], list[Tensor]],
    *,
    steps: int,
    rate: float,
    report_every: int = 50,
) -> None:
    """Train `network` in place on (pixels, wanted) by the sum of `loss`; it ends as its running average."""
    learner, sums, began = Learner(network, rate=rate, steps=steps), [], time.monotonic()
    for done, (pixels, wanted) in enumerate(batches, 1):
        with torch.autocast("cpu", torch.bfloat16):
            values = torch.stack(loss(pixels, wanted))
        learner.step(values.sum())
        sums.append(values.detach())
        if done % report_every == 0 or done == steps:
            speed = done * len(pixels) / (time.monotonic() - began)
            shown = " ".join(f"{value:.3f}" for value in torch.stack(sums).mean(0).tolist())
            print(f"step {done}/{steps}, {speed:.0f} views/s, loss {shown}", flush=True)
            sums = []
    network.load_state_dict(learner.average.state_dict())


@torch.no_grad()
def widen(network: PaperNetwork, views: Views, *, batch: int = 512) -> Tensor:
    """(dim, D) of orthonormal columns, by which the teacher's vectors become targets of a wider network: of
    all those, which keep every angle, the one nearest to what the network answers already (Procrustes).

    Each output of the last layer is then scaled and shifted to its target by least squares.
    """
    pixels, wanted = next(views.batches(1, size=network.size, batch=batch, seed=0))
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
        wanted = wanted if turn is None else wanted @ turn.T
        return functional.normalize(wanted) if unit else wanted

    return target


def together(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    *,
    steps: int,
    rate: float,
    seed: int,
) -> None:
    """All layers at once, from the teacher's embeddings."""

    def loss(pixels: Tensor, wanted: Tensor) -> list[Tensor]:
        return [distil.embedding_loss(network(pixels), target(wanted))]

    batches = views.batches(steps, size=network.size, batch=BATCH, seed=seed)
    learn(network, batches, loss, steps=steps, rate=rate)


def normalised(
    network: PaperNetwork,
    views: Views,
    target: Callable[[Tensor], Tensor],
    *,
    steps: int,
    rate: float,
    seed: int,
) -> PaperNetwork:
    """`together` with batch normalisation, which is folded away again at the end."""
    batches = [pixels for pixels, _ in views.batches(9, size=network.size, batch=BATCH, seed=seed)]
    network = surgery.unfold(network, batches[0])
    together(network, views, target, steps=steps, rate=rate, seed=seed)
    surgery.settle(network, batches)
    return surgery.fold(network).to(memory_format=torch.channels_last)


def apart(
    network: PaperNetwork,
    teacher: Teacher,
    views: Views,
    target: Callable[[Tensor], Tensor],
    *,
    steps: int,
    rate: float,
    seed: int,
    kin: bool,
) -> None:
    """The parts between the teacher's maps side by side, each on what the teacher saw."""
    if kin:
        cuts = hints.follow(network, surgery.rows(surgery.blocks_of(MobileFaceNet())))
    else:
        first = torch.from_numpy(views.pixels[:BATCH].copy())
        cuts = hints.cut(network, teacher, first)
        wanted = target(views.embeddings[:BATCH])
        hints.initialise(network, cuts, teacher, resized(first, network.size), wanted)
    print(f"cut after stages {cuts.ends}, teacher's maps {cuts.hints} of {cuts.side} pixels", flush=True)

    def loss(pixels: Tensor, wanted: Tensor) -> list[Tensor]:
        return hints.losses(network, cuts, cuts.lessons(teacher, pixels), pixels, target(wanted))

    batches = views.batches(steps, size=network.size, batch=BATCH, seed=seed)
    learn(network, batches, loss, steps=steps, rate=rate)


def flip(network: PaperNetwork, views: Views, *, steps: int, rate: float, seed: int, count: int) -> None:
    """Flipped-MobiFace's two layers alone, on what the layers before answer to `count` views and mirrors.

    Loss: the squared distance between the two answers, which the mirror should not change, and of each from
    the mean of the answers before, which carries the identity.
    """
    body, last = network.stages[:-1], network.stages[-1]
    straight, mirrored = [], []
    network.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for pixels, _ in views.batches(count // BATCH, size=network.size, batch=BATCH, seed=seed):
            for kept, look in ((straight, pixels), (mirrored, pixels.flip(3))):
                x = network.normalise(look)
                for stage in body:
                    x = stage(x)
                kept.append(x.flatten(1).float())
    one, other = torch.cat(straight), torch.cat(mirrored)
    with torch.no_grad():  # begins as the identity: x + y over 2 with y = x, as ReLU(x + c) - c while x > -c
        first, second = (layer for layer in last.layers if isinstance(layer, FullyConnected))
        shift = 3 * one.std()
        for layer, bias in ((first, shift), (second, -shift)):
            layer.weight.copy_(torch.eye(layer.in_features))
            layer.bias.fill_(float(bias))
    learner = Learner(last, rate=rate, steps=steps)
    middle = functional.normalize(one + other)
    chance = torch.Generator().manual_seed(seed)
    for done in range(1, steps + 1):
        chosen = torch.randint(len(one), (min(512, len(one)),), generator=chance)
        a, b = (functional.normalize(last(half[chosen])) for half in (one, other))
        apart_by = (a - b).square().sum(1).mean()
        identity = ((a - middle[chosen]).square() + (b - middle[chosen]).square()).sum(1).mean()
        learner.step(apart_by + identity)
        if done % 100 == 0:
            print(f"step {done}/{steps}, loss {apart_by.item():.4f} {identity.item():.4f}", flush=True)
    last.load_state_dict(learner.average.state_dict())


def teach(options: argparse.Namespace) -> None:
    """Train one network, save it, and print its score after each phase."""
    torch.manual_seed(options.seed)
    views, dev = Views.load(options.views), data.Dev.load(options.prepared)
    network, began = build(options.network), time.monotonic()
    phase = {"rate": options.rate, "seed": options.seed}
    if options.network == "flipped-mobiface":
        if options.begin is None:
            raise SystemExit("flipped-mobiface needs --begin, the checkpoint of mobiface")
        network.load_state_dict(torch.load(options.begin, weights_only=True), strict=False)
        flip(network, views, steps=options.steps, count=options.flipped_views, **phase)
    else:
        if options.continue_from is not None:
            network.load_state_dict(torch.load(options.continue_from, weights_only=True))
        elif options.like is not None:
            like = build(options.like)
            like.load_state_dict(torch.load(options.begin, weights_only=True))
            first = torch.from_numpy(views.pixels[:BATCH].copy())
            surgery.adopt(like, network, resized(first, network.size))
        elif options.begin is not None:
            ours = MobileFaceNet()
            ours.load_state_dict(torch.load(options.begin, weights_only=True)["average"])
            surgery.transplant(ours.eval(), network)
        target = targets(network, views)
        if options.teacher is not None:
            teacher = Teacher(options.teacher).to(memory_format=torch.channels_last)
            apart_phase = {"steps": options.apart_steps, "rate": options.apart_rate, "seed": options.seed}
            apart(network, teacher, views, target, kin=options.begin is not None, **apart_phase)
            print(f"put together: {dev.score(embedder(network.eval()))}", flush=True)
        if options.normalise:
            network = normalised(network, views, target, steps=options.steps, **phase)
        else:
            together(network, views, target, steps=options.steps, **phase)
    options.runs.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.runs / f"{options.network}.pt")
    minutes = (time.monotonic() - began) / 60
    print(f"{minutes:.1f} minutes: {dev.score(embedder(network.eval()))}", flush=True)


def export(options: argparse.Namespace) -> None:
    network = build(options.network)
    network.load_state_dict(torch.load(options.checkpoint, weights_only=True))
    if options.half:
        halving.round_to_half(network)
    difference = papers.export(network, options.to)
    if options.half:
        halving.halve(options.to)
    content = options.to.read_bytes()
    print(f"{options.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    print(f"largest difference to torch: {difference:.1g}")


def views(options: argparse.Namespace) -> None:
    crops = np.load(options.prepared / "train.npy", mmap_mode="r")
    teacher = Teacher(options.teacher).to(memory_format=torch.channels_last)
    draw(crops, teacher, options.views, count=options.count, seed=options.seed)


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.training.stagewise", description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="processor cores (default: %(default)s)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sub = commands.add_parser("views", help="draw augmented views once, with the teacher's embeddings")
    sub.set_defaults(run=views)
    sub.add_argument("--prepared", type=Path, required=True, help="folder of prepared crops")
    sub.add_argument("--teacher", type=Path, required=True, help="ONNX file of the teacher")
    sub.add_argument("--views", type=Path, required=True, help="folder to write")
    sub.add_argument("--count", type=int, default=40000, help="default: %(default)s")
    sub.add_argument("--seed", type=int, default=21)

    sub = commands.add_parser("teach", help="train one network of the papers")
    sub.set_defaults(run=teach)
    sub.add_argument("--network", choices=sorted(architectures.networks()), required=True)
    sub.add_argument("--prepared", type=Path, required=True, help="folder of prepared crops, to measure by")
    sub.add_argument("--views", type=Path, required=True, help="folder of drawn views")
    sub.add_argument("--runs", type=Path, required=True, help="folder for the checkpoint")
    sub.add_argument("--begin", type=Path, help="checkpoint of our MobileFaceNet, or of mobiface to flip it")
    sub.add_argument("--teacher", type=Path, help="ONNX file of the teacher, to teach the parts by its maps")
    sub.add_argument("--continue-from", type=Path, help="checkpoint of the same network")
    sub.add_argument(
        "--like", help="--begin is a checkpoint of this network, which differs in activation only"
    )
    sub.add_argument("--apart-steps", type=int, default=300, help="of 64 views (default: %(default)s)")
    sub.add_argument("--apart-rate", type=float, default=3e-3, help="learning rate (default: %(default)s)")
    sub.add_argument("--steps", type=int, default=600, help="of 64 views (default: %(default)s)")
    sub.add_argument("--rate", type=float, default=1e-3, help="learning rate (default: %(default)s)")
    sub.add_argument("--normalise", action="store_true", help="batch normalisation while all layers learn")
    sub.add_argument("--flipped-views", type=int, default=6400, help="default: %(default)s")
    sub.add_argument("--seed", type=int, default=1)

    sub = commands.add_parser("export", help="write a checkpoint as ONNX, checked against torch")
    sub.set_defaults(run=export)
    sub.add_argument("--network", choices=sorted(architectures.networks()), required=True)
    sub.add_argument("--checkpoint", type=Path, required=True)
    sub.add_argument("--to", type=Path, required=True, help="the ONNX file to write")
    sub.add_argument("--half", action="store_true", help="keep the large weights as float16")
    return parser


if __name__ == "__main__":
    main()
