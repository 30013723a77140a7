"""What each command of `python -m recognition.training` does with its options.

Promise: every command that learns can be interrupted and run again, and goes on where it was; it prints a
line with the held-out score after every epoch, and the score before the first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.faces import Pixels
from recognition.training import (
    data,
    distil,
    export,
    halving,
    identities,
    loop,
    quantising,
    stagewise,
    surgery,
)
from recognition.training import views as drawing
from recognition.training.networks import NETWORKS, StagedNetwork
from recognition.training.papers import PaperNetwork
from recognition.training.stagewise import BATCH, Embedder
from recognition.training.teacher import Teacher
from recognition.training.telling import AngularMargin, triplet_loss


def prepare(options: argparse.Namespace) -> None:
    data.prepare(options.faces, options.models, options.prepared, processes=options.threads)


def views(options: argparse.Namespace) -> None:
    crops = np.load(options.prepared / "train.npy", mmap_mode="r")
    maps = stagewise.guiding_maps(stagewise.build(options.guide)) if options.guide else []
    teacher = _teacher(options)
    drawing.draw(
        crops,
        teacher,
        options.views,
        count=options.count,
        seed=options.seed,
        maps=maps,
        mirrored=options.mirrored,
    )


def distil_network(options: argparse.Namespace) -> None:
    """Our MobileFaceNet: blockwise, then all blocks together."""
    torch.manual_seed(options.seed)
    crops = np.load(options.prepared / "train.npy", mmap_mode="r")
    dev, teacher = data.Dev.load(options.prepared), _teacher(options)
    student = NETWORKS["mobilefacenet"]().to(memory_format=torch.channels_last)
    phases = {"blockwise": distil.Plan(options.blockwise_steps, BATCH, 3e-3, None, 0.3, options.seed)}
    for cycle, steps in enumerate(options.joint_steps, 1):
        seed = options.seed + cycle
        phases[f"joint-{cycle}"] = distil.Plan(steps, BATCH, options.joint_rate, 1.0, 0.5, seed)
    distil.initialise(student, teacher, next(distil.batches(crops, phases["blockwise"], size=student.size)))
    print(f"teacher: {dev.score(lambda pixels: teacher(pixels)[-1])}", flush=True)
    teacher.to(options.device)
    for name, plan in phases.items():
        print(f"phase {name}: {plan}", flush=True)
        distil.train(
            student,
            teacher,
            crops,
            plan,
            checkpoint=options.runs / f"mobilefacenet-{name}.pt",
            score=dev.score,
            device=options.device,
            bf16=options.bf16,
            score_every=options.epoch,
        )
    print(f"done: {dev.score(student.eval())}")


def teach(options: argparse.Namespace) -> None:
    """One network of the papers from drawn views, begun as near to its goal as can be."""
    torch.manual_seed(options.seed)
    seen, score = drawing.Views.load(options.views, maps=options.guided > 0), _scorer(options)
    network, began = stagewise.build(options.network), time.monotonic()
    _begin(network, options, seen)
    target = stagewise.targets(network, seen)
    if options.apart_steps:
        plan = _plan(options, steps=options.apart_steps, rate=options.apart_rate)
        checkpoint = _checkpoint(options, "apart")
        if options.guided:
            stagewise.guided_apart(network, seen, target, plan, checkpoint=checkpoint)
        else:
            kin = options.begin is not None
            stagewise.apart(network, _teacher(options), seen, target, plan, kin=kin, checkpoint=checkpoint)
        print(f"put together: {score(network.eval())}", flush=True)
    plan, checkpoint = _plan(options, recipe=_recipe(options)), _checkpoint(options, "together")
    if options.guided:
        stagewise.guided(
            network, seen, target, plan, weight=options.guided, score=score, checkpoint=checkpoint
        )
    elif options.normalise:
        network = stagewise.normalised(
            network, seen, target, plan, sizes=options.sizes, score=score, checkpoint=checkpoint
        )
    else:
        stagewise.together(
            network, seen, target, plan, sizes=options.sizes, score=score, checkpoint=checkpoint
        )
    _finish(network, options, score, began)


def _recipe(options: argparse.Namespace) -> str:
    sizes = " ".join(str(size) for size in options.sizes)
    return f"guided {options.guided:g}" if options.guided else f"sizes {sizes}" if sizes else ""


def _begin(network: PaperNetwork, options: argparse.Namespace, seen: drawing.Views) -> None:
    """Give `network` its first weights; without options they stay random."""
    if options.continue_from is not None:
        stagewise.load(network, options.continue_from)
    elif options.like is not None:
        like = stagewise.build(options.like)
        stagewise.load(like, options.begin)
        if surgery.channels(like) != surgery.channels(network):
            surgery.broaden(like, network)
        else:
            first = torch.from_numpy(seen.pixels[:BATCH].copy())
            surgery.adopt(like, network, drawing.fitted(first, network.size))
    elif options.begin is not None:
        ours = NETWORKS["mobilefacenet"]()
        stagewise.load(ours, options.begin)
        surgery.transplant(ours.eval(), network)


def flip(options: argparse.Namespace) -> None:
    """Flipped-MobiFace's two layers, on top of a trained MobiFace."""
    torch.manual_seed(options.seed)
    dev, began = data.Dev.load(options.prepared), time.monotonic()
    body, network = stagewise.build("mobiface"), stagewise.build("flipped-mobiface")
    stagewise.load(body, options.begin)
    network.load_state_dict(body.state_dict(), strict=False)
    seen = drawing.Views.load(options.views)
    stagewise.flip(network, seen, _plan(options), count=options.count)
    options.network = "flipped-mobiface"
    _finish(network, options, lambda each: dev.score(Embedder(each)), began)
    without, with_them = (dev.mirror_likeness(Embedder(each.eval())) for each in (body, network))
    print(f"a held-out face and its mirror image: cosine {without:.4f}, with the two layers {with_them:.4f}")


def triplet(options: argparse.Namespace) -> None:
    """Triplets with online semi-hard mining, from people by name and likeness."""

    def loss(network: PaperNetwork, _: identities.Faces) -> tuple[nn.Module, loop.Losses]:
        return network, lambda pixels, who: [triplet_loss(network(pixels), who, gap=options.gap)]

    _tell_apart(options, loss, "triplet")


def margin(options: argparse.Namespace) -> None:
    """Additive angular margin, from people by name and likeness."""

    def loss(network: PaperNetwork, faces: identities.Faces) -> tuple[nn.Module, loop.Losses]:
        centres = _centres(network, faces)
        head = AngularMargin(network, centres, margin=options.margin, scale=options.scale)
        return head, lambda pixels, who: [head(pixels, who)]

    _tell_apart(options, loss, "margin")


def _tell_apart(
    options: argparse.Namespace,
    prepared: Callable[[PaperNetwork, identities.Faces], tuple[nn.Module, loop.Losses]],
    kind: str,
) -> None:
    torch.manual_seed(options.seed)
    score, began = _scorer(options), time.monotonic()
    faces = identities.Faces(np.load(options.prepared / "train.npy", mmap_mode="r"), _people(options))
    counts = f"{len(faces.photographs)} people, {len(faces.several)} with several"
    print(f"{len(faces.crops)} photographs of {counts}", flush=True)
    network = stagewise.build(options.network)
    stagewise.load(network, options.begin)
    print(f"before: {score(network.eval())}", flush=True)
    learner, losses = prepared(network, faces)

    def batches(start: int) -> Iterator[tuple[Tensor, Tensor]]:
        return faces.batches(
            options.steps,
            size=network.size,
            people=options.people,
            views=options.each,
            seed=options.seed,
            start=start,
        )

    def scored(average: nn.Module) -> str:
        return score(average if average.__class__ is PaperNetwork else average.network)

    plan = _plan(options, recipe=f"{kind} {options.people} {options.each}")
    loop.run(learner, batches, losses, plan, score=scored, checkpoint=_checkpoint(options, kind))
    _finish(network.cpu(), options, score, began, suffix=f"-{kind}")


def _people(options: argparse.Namespace) -> np.ndarray:
    """Who is on each crop for training, by names and by the teacher's likeness; kept beside the crops."""
    kept = options.prepared / "people.npy"
    if not kept.exists():
        teacher = _teacher(options)
        crops = np.load(options.prepared / "train.npy", mmap_mode="r")
        seen = data.vectors(lambda pixels: teacher(pixels)[-1], _inner(crops))
        names = json.loads((options.prepared / "names.json").read_text())
        np.save(kept, identities.people(seen, names))
    people: np.ndarray = np.load(kept)
    return people


def _centres(network: PaperNetwork, faces: identities.Faces) -> Tensor:
    """(people, dim): the mean of what `network` answers to each person's photographs."""
    seen = torch.from_numpy(data.vectors(Embedder(network.eval()), _inner(faces.crops)))
    sums = torch.zeros(len(faces.photographs), seen.shape[1])
    return functional.normalize(sums.index_add_(0, torch.from_numpy(faces.who), seen))


def _inner(crops: Pixels) -> Pixels:
    """The aligned faces inside crops for training, without the margin around them."""
    return crops[:, data.MARGIN : -data.MARGIN, data.MARGIN : -data.MARGIN]


def score(options: argparse.Namespace) -> None:
    print(_scorer(options)(_trained(options)))


def export_network(options: argparse.Namespace) -> None:
    network = _trained(options)
    if options.half:
        halving.round_to_half(network)
    difference = export.export(network, options.to)
    print(f"largest difference to torch: {difference:.1g}")
    if options.half:
        halving.halve(options.to)
    if options.bytes:
        cosine = halving.quarter(options.to, _faces(options, network.size))
        print(f"mean cosine to the answers before: {cosine:.4f}")
    _say(options.to)


def quantise(options: argparse.Namespace) -> None:
    network = _trained(options)
    faces = _faces(options, network.size)
    cosine = quantising.quantise(network, faces, options.to, method=options.method, keep=options.keep)
    _say(options.to)
    print(f"mean cosine to the answers before: {cosine:.4f}")


def _faces(options: argparse.Namespace, size: int) -> Pixels:
    """(count, size, size, 3) of the faces for training, drawn by the seed, without change."""
    crops = np.load(options.prepared / "train.npy", mmap_mode="r")
    chosen = np.sort(np.random.default_rng(options.seed).choice(len(crops), options.count, replace=False))
    pixels = drawing.fitted(torch.from_numpy(_inner(crops[chosen]).copy()), size)
    faces: Pixels = pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return faces


def _teacher(options: argparse.Namespace) -> Teacher:
    return Teacher(options.teacher).to(memory_format=torch.channels_last)


def _trained(options: argparse.Namespace) -> StagedNetwork:
    """The network that a checkpoint or a shipped file holds. Of the name "mobilefacenet" there are two: our
    own, which `distil` teaches, and the paper's table as it stands, which `teach` does."""
    paper = stagewise.build(options.network)
    own = options.network in NETWORKS and not stagewise.holds(options.checkpoint, paper)
    network = NETWORKS[options.network]() if own else paper
    stagewise.load(network, options.checkpoint)
    return network.eval()


def _scorer(options: argparse.Namespace) -> Callable[[StagedNetwork], str]:
    dev = data.Dev.load(options.prepared)
    return lambda network: dev.score(Embedder(network))


def _plan(
    options: argparse.Namespace, *, steps: int | None = None, rate: float | None = None, recipe: str = ""
) -> loop.Plan:
    return loop.Plan(
        steps or options.steps,
        rate or options.rate,
        options.seed,
        epoch=options.epoch,
        memory=200,
        device=options.device,
        bf16=options.bf16,
        recipe=recipe,
    )


def _checkpoint(options: argparse.Namespace, phase: str) -> Path:
    where: Path = options.runs / f"{options.network}-{phase}-{options.seed}.run"
    return where


def _finish(
    network: PaperNetwork,
    options: argparse.Namespace,
    score: Callable[[StagedNetwork], str],
    began: float,
    *,
    suffix: str = "",
) -> None:
    options.runs.mkdir(parents=True, exist_ok=True)
    path = options.runs / f"{options.network}{suffix}.pt"
    torch.save(network.state_dict(), path)
    minutes = (time.monotonic() - began) / 60
    print(f"{path.name} after {minutes:.1f} minutes: {score(network.eval())}", flush=True)


def _say(path: Path) -> None:
    content = path.read_bytes()
    print(f"{path}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
