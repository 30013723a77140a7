"""python -m recognition.training.invent: make faces of people who do not exist, and measure them.

Promise: `make` with the same data and seed gives the same people; `check` says what they are worth.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from recognition.training.invent import card, crops, make, measure, model

PEOPLE = Path("access/up/demo/people")


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    options.run(options)


def make_people(options: argparse.Namespace) -> None:
    stored = options.work / "model.npz"
    if stored.exists():
        print(f"using the face model in {stored}", flush=True)
        faces = model.FaceModel.load(stored)
    else:
        gathered = crops.gather(options.faces, options.models, processes=options.threads)
        print(f"learning from {len(gathered.pixels)} photographs", flush=True)
        faces = model.fit(gathered, seed=options.seed)
        faces.save(stored)
    known = np.load(options.prepared / "train.npy", mmap_mode="r")
    judge = make.Judge.load(options.models, options.work, known)
    before, drawn = make.make(faces, judge, options.people, count=options.count, seed=options.seed)
    card.write(
        options.people,
        count=options.count,
        seed=options.seed,
        learnt_from=int(faces.photographs[0]),
        before=before,
        drawn=drawn,
    )


def check_people(options: argparse.Namespace) -> None:
    report = measure.check(
        options.people,
        models=options.models,
        against=options.against,
        images=options.images,
        work=options.work,
    )
    if options.note:
        card.note(options.people, report)
    print(json.dumps(report, indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.training.invent", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    making = commands.add_parser("make", help="learn the face model, draw the people, photograph them")
    making.add_argument("--faces", type=Path, required=True, help="folder with train-utkface.tar")
    making.add_argument(
        "--prepared", type=Path, required=True, help="folder with train.npy, as `training prepare` wrote it"
    )
    making.add_argument("--count", type=int, default=40, help="of people (default: %(default)s)")
    making.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    making.add_argument(
        "--threads", type=int, default=2, help="processor cores to use (default: %(default)s)"
    )
    making.set_defaults(run=make_people)

    checking = commands.add_parser("check", help="measure a set of invented people")
    checking.add_argument(
        "--against", type=Path, action="append", default=[], metavar="DIR",
        help="photographs that nobody may resemble: a folder, or train.npy; may be given again",
    )  # fmt: skip
    checking.add_argument("--images", type=Path, help="LFW, one folder a person, to compare scores with")
    checking.add_argument("--note", action="store_true", help="write the figures into people.toml")
    checking.set_defaults(run=check_people)
    for command in (making, checking):
        command.add_argument("--people", type=Path, default=PEOPLE, help="(default: %(default)s)")
        command.add_argument("--work", type=Path, required=True, help="folder for what takes long to compute")
        command.add_argument("--models", type=Path, help="folder with models that are not shipped")
    return parser


if __name__ == "__main__":
    main()
