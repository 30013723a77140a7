"""python -m recognition.training: prepare faces, teach networks, score them, write them as ONNX.

Promise: what learns here can be interrupted and run again with the same arguments, and goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import torch

from recognition.training import commands, quantising, stagewise

Run = Callable[[argparse.Namespace], None]


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.training", description=__doc__)
    parser.add_argument(
        "--threads",
        type=int,
        default=torch.get_num_threads(),
        help="processor cores to use (default: %(default)s, what this process may use)",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")

    sub = _command(kinds, "prepare", commands.prepare, "detect and align all faces once, into crops")
    sub.add_argument("--faces", type=Path, required=True, help="folder of the archives named in data.py")
    sub.add_argument("--models", type=Path, help="folder of fetched models, for the face detector")

    sub = _command(kinds, "views", commands.views, "draw augmented views once, with the teacher's embeddings")
    sub.add_argument("--teacher", type=Path, required=True, help="ONNX file of the teacher")
    sub.add_argument("--views", type=Path, required=True, help="folder to write")
    sub.add_argument("--count", type=int, default=128_000, help="default: %(default)s")
    sub.add_argument("--seed", type=int, default=21)
    sub.add_argument(
        "--guide", choices=stagewise.names(), help="keep the teacher's maps as well, for this network's kin"
    )
    sub.add_argument(
        "--mirrored", action="store_true", help="embeddings are the mean of the face's and its mirror image's"
    )

    sub = _learning(
        kinds, "distil", commands.distil_network, "our MobileFaceNet, blockwise and then end to end"
    )
    sub.add_argument("--teacher", type=Path, required=True, help="ONNX file of the teacher")
    sub.add_argument("--blockwise-steps", type=int, default=3000, help="of 64 faces (default: %(default)s)")
    sub.add_argument(
        "--joint-steps",
        type=int,
        nargs="*",
        default=[2000],
        help="of 64 faces, one number for each cycle of the learning rate (default: %(default)s)",
    )
    sub.add_argument("--joint-rate", type=float, default=3e-4, help="learning rate (default: %(default)s)")

    _add_teach(kinds)
    _add_modes(kinds)
    _add_files(kinds)
    return parser


def _add_teach(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sub = _learning(
        kinds, "teach", commands.teach, "one network of the papers, from the teacher's embeddings"
    )
    _network(sub)
    _schedule(sub, steps=600, rate=1e-3)
    sub.add_argument("--views", type=Path, required=True, help="folder of drawn views")
    sub.add_argument("--begin", type=Path, help="our MobileFaceNet, to begin with its blocks")
    sub.add_argument(
        "--like", help="--begin is of this network, which differs in activation or size, or is narrower"
    )
    sub.add_argument("--continue-from", type=Path, help="weights of the same network")
    sub.add_argument("--teacher", type=Path, help="ONNX file of the teacher, to teach the parts by its maps")
    sub.add_argument(
        "--apart-steps", type=int, default=0, help="of 64 views, for the parts (default: %(default)s)"
    )
    sub.add_argument("--apart-rate", type=float, default=3e-3, help="learning rate (default: %(default)s)")
    sub.add_argument("--normalise", action="store_true", help="batch normalisation while all layers learn")
    faces = sub.add_mutually_exclusive_group()  # the kept maps are of one size
    faces.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=[],
        metavar="PIXELS",
        help="show faces of these sizes in turn: for a MobileNet, one set of weights for all of them",
    )
    faces.add_argument(
        "--guided",
        type=float,
        default=0,
        metavar="WEIGHT",
        help="of the teacher's maps kept with the views, in all phases (default: %(default)s, none)",
    )

    sub = _learning(kinds, "flip", commands.flip, "Flipped-MobiFace's two layers, by the flip loss")
    _schedule(sub, steps=600, rate=1e-3)
    sub.add_argument("--begin", type=Path, required=True, help="a trained mobiface")
    sub.add_argument("--views", type=Path, required=True, help="folder of drawn views")
    sub.add_argument(
        "--count", type=int, default=6400, help="views, and as many mirrors (default: %(default)s)"
    )


def _add_modes(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, run, purpose in (
        ("triplet", commands.triplet, "go on by triplets with online semi-hard mining"),
        ("margin", commands.margin, "go on by additive angular margin"),
    ):
        sub = _learning(kinds, name, run, purpose)
        _network(sub)
        _schedule(sub, steps=500, rate=1e-4)
        sub.add_argument("--begin", type=Path, required=True, help="weights of the network, distilled before")
        sub.add_argument(
            "--teacher", type=Path, required=True, help="ONNX file by which faces without names are grouped"
        )
        sub.add_argument("--people", type=int, default=24, help="in a batch (default: %(default)s)")
        sub.add_argument("--each", type=int, default=4, help="views of each person (default: %(default)s)")
        if name == "triplet":
            sub.add_argument(
                "--gap", type=float, default=0.2, help="of squared distances (default: %(default)s)"
            )
        else:
            sub.add_argument("--margin", type=float, default=0.5, help="radians (default: %(default)s)")
            sub.add_argument("--scale", type=float, default=32.0, help="of cosines (default: %(default)s)")


def _add_files(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sub = _command(kinds, "score", commands.score, "accuracy of weights on the held-out pairs")
    _weights(sub)

    sub = _command(kinds, "export", commands.export_network, "write weights as ONNX, checked against torch")
    _weights(sub)
    sub.add_argument("--to", type=Path, required=True, help="the ONNX file to write")
    narrow = sub.add_mutually_exclusive_group()
    narrow.add_argument("--half", action="store_true", help="keep the large weights as float16")
    narrow.add_argument("--bytes", action="store_true", help="keep the large weights as bytes, with scales")
    sub.add_argument(
        "--count", type=int, default=64, help="faces to compare answers by (default: %(default)s)"
    )
    sub.add_argument("--seed", type=int, default=1)

    sub = _command(kinds, "quantise", commands.quantise, "write weights as ONNX of eight bits")
    _weights(sub)
    sub.add_argument("--to", type=Path, required=True, help="the ONNX file to write")
    sub.add_argument("--method", choices=quantising.METHODS, default="percentile", help="of calibration")
    sub.add_argument("--count", type=int, default=512, help="faces to calibrate by (default: %(default)s)")
    sub.add_argument(
        "--keep", type=int, default=2, help="layers at the end that stay float (default: %(default)s)"
    )
    sub.add_argument("--seed", type=int, default=1)


def _command(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, purpose: str
) -> argparse.ArgumentParser:
    sub = kinds.add_parser(name, help=purpose, description=purpose)
    sub.set_defaults(run=run)
    sub.add_argument("--prepared", type=Path, required=True, help="folder of prepared crops")
    return sub


def _learning(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, purpose: str
) -> argparse.ArgumentParser:
    sub = _command(kinds, name, run, purpose)
    sub.add_argument("--runs", type=Path, required=True, help="folder of checkpoints; goes on from them")
    sub.add_argument("--seed", type=int, default=1)
    sub.add_argument("--epoch", type=int, default=1000, help="steps between scores (default: %(default)s)")
    sub.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    sub.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compute in bfloat16 where the processor does (default: yes)",
    )
    return sub


def _schedule(sub: argparse.ArgumentParser, *, steps: int, rate: float) -> None:
    sub.add_argument("--steps", type=int, default=steps, help="batches (default: %(default)s)")
    sub.add_argument("--rate", type=float, default=rate, help="learning rate (default: %(default)s)")


def _network(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--network", choices=stagewise.names(), required=True)


def _weights(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--network", choices=stagewise.names(), default="mobilefacenet")
    sub.add_argument("--checkpoint", type=Path, required=True, help="a checkpoint, or a shipped .onnx file")


if __name__ == "__main__":
    main()
