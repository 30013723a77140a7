"""python -m recognition.training: prepare faces, distil a network, score it, export it.

Promise: `distil` can be interrupted and run again, and goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
import torch

from recognition.training import data, distil, export
from recognition.training.networks import NETWORKS, StagedNetwork
from recognition.training.teacher import Teacher


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    options.run(options)


def prepare(options: argparse.Namespace) -> None:
    data.prepare(options.faces, options.models, options.prepared, processes=options.threads)


def distil_network(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    crops = np.load(options.prepared / "train.npy", mmap_mode="r")
    dev = data.Dev.load(options.prepared)
    teacher = Teacher(options.teacher).to(memory_format=torch.channels_last)
    student = NETWORKS[options.network]().to(memory_format=torch.channels_last)
    options.runs.mkdir(parents=True, exist_ok=True)
    phases = {"blockwise": distil.Plan(options.blockwise_steps, 64, 3e-3, None, 0.3, options.seed)}
    for cycle, steps in enumerate(options.joint_steps, 1):
        seed = options.seed + cycle
        phases[f"joint-{cycle}"] = distil.Plan(steps, 64, options.joint_rate, 1.0, 0.5, seed)
    distil.initialise(student, teacher, next(distil.batches(crops, phases["blockwise"], size=student.size)))
    print(f"teacher: {dev.score(lambda pixels: teacher(pixels)[-1])}", flush=True)
    for name, plan in phases.items():
        print(f"phase {name}: {plan}", flush=True)
        distil.train(
            student,
            teacher,
            crops,
            plan,
            checkpoint=options.runs / f"{options.network}-{name}.pt",
            score=dev.score,
        )
    print(f"done: {dev.score(student.eval())}")


def score(options: argparse.Namespace) -> None:
    print(data.Dev.load(options.prepared).score(_trained(options)))


def export_network(options: argparse.Namespace) -> None:
    difference = export.export(_trained(options), options.to)
    content = options.to.read_bytes()
    print(f"{options.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    print(f"largest difference to torch: {difference:.1g}")


def _trained(options: argparse.Namespace) -> StagedNetwork:
    network = NETWORKS[options.network]()
    network.load_state_dict(torch.load(options.checkpoint, weights_only=True)["average"])
    return network.eval()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.training", description=__doc__)
    parser.add_argument(
        "--threads", type=int, default=2, help="processor cores to use (default: %(default)s)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("--prepared", type=Path, required=True, help="folder of prepared crops")
        return sub

    sub = command("prepare", prepare, "detect and align all faces once, into crops")
    sub.add_argument("--faces", type=Path, required=True, help="folder of the archives named in data.py")
    sub.add_argument("--models", type=Path, help="folder of fetched models, for the face detector")

    sub = command("distil", distil_network, "teach a network, blockwise and then end to end")
    sub.add_argument("--network", choices=NETWORKS, default="mobilefacenet")
    sub.add_argument("--teacher", type=Path, required=True, help="ONNX file of the teacher")
    sub.add_argument("--runs", type=Path, required=True, help="folder of checkpoints; goes on from them")
    sub.add_argument("--blockwise-steps", type=int, default=3000, help="of 64 faces (default: %(default)s)")
    sub.add_argument(
        "--joint-steps",
        type=int,
        nargs="*",
        default=[2000],
        help="of 64 faces, one number for each cycle of the learning rate (default: %(default)s)",
    )
    sub.add_argument("--joint-rate", type=float, default=3e-4, help="learning rate (default: %(default)s)")
    sub.add_argument("--seed", type=int, default=1)

    sub = command("score", score, "accuracy of a checkpoint on the held-out pairs")
    sub.add_argument("--network", choices=NETWORKS, default="mobilefacenet")
    sub.add_argument("--checkpoint", type=Path, required=True)

    sub = commands.add_parser("export", help="write a checkpoint as ONNX, checked against torch")
    sub.set_defaults(run=export_network)
    sub.add_argument("--network", choices=NETWORKS, default="mobilefacenet")
    sub.add_argument("--checkpoint", type=Path, required=True)
    sub.add_argument("--to", type=Path, required=True, help="the ONNX file to write")
    return parser


if __name__ == "__main__":
    main()
