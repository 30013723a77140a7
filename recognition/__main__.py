"""python -m recognition: look at a picture, bring models, measure them.

Promise: every command says in --help what it reads, what it prints and what its figures mean.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from recognition import bench as timing
from recognition import cost, evaluation, fetching, framing, quality, weights
from recognition.evaluation import protocols
from recognition.image import decode
from recognition.recognizer import Recognizer, Sighting


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 as asked, 1 where something asked for did not come about, 2 for wrong use."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (weights.ModelError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def look(options: argparse.Namespace) -> int:
    eyes = _eyes(options)
    eyes.warm()
    data = options.picture.read_bytes()
    looks = [
        eyes.look(
            data,
            kind=options.kind,
            faces=options.faces,
            purpose=options.purpose,
            liveness=options.liveness,
        )
        for _ in range(max(1, options.repeat))
    ]
    seen = looks[0]
    stages = {
        stage: float(np.median([each.milliseconds[stage] for each in looks])) for stage in seen.milliseconds
    }
    report = {
        "size": [seen.width, seen.height],
        "problem": seen.problem,
        "detail": seen.detail,
        "faces": [[round(value, 1) for value in face.box] for face in seen.faces],
        "quality": seen.quality.numbers() if seen.quality else None,
        "liveness": seen.liveness and seen.liveness.facts(),
        "detector": eyes.detector.card.id,
        "model": seen.model,
        "vector": None if seen.vector is None else f"{seen.vector.size} numbers, not shown",
        "milliseconds": {**stages, "all": round(sum(stages.values()), 3)},
    }
    print(json.dumps(report, indent=2))
    if options.draw and seen.problem is not quality.Problem.UNREADABLE:
        _draw(data, seen, options.draw)
        print(f"drawn: {options.draw}")
    return 0 if seen.problem is None else 1


def fetch(options: argparse.Namespace) -> int:
    print(f"into {options.to}")
    failed = False
    for card in weights.cards():
        if card.folder is not None or (options.model and card.id not in options.model):
            continue
        for result in fetching.fetch(card, options.to, origin=options.origin, progress=_progress(card.id)):
            print(
                f"{result.outcome:<11} {card.id:<30} {card.licence:<11} {result.file.name}  {result.detail}"
            )
            failed = failed or result.outcome == "wrong hash"
    return 1 if failed else 0


def models(options: argparse.Namespace) -> int:
    folder = weights.models_folder(options.models)
    print(f"models folder: {folder or 'none (LINTEL_MODELS is not set)'}")
    row = "{:<30} {:<9} {:>4} {:<8} {:<10} {:<11} {:>5}  {}"
    print(row.format("id", "task", "rank", "present", "calibrated", "licence", "MB", "source"))
    for card in sorted(weights.cards(), key=lambda card: (card.task, -card.rank, card.id)):
        where = "shipped" if card.folder else "yes"
        present = where if card.paths(folder) else "no"
        calibrated = "yes" if card.calibration else "-" if card.task != "embedder" else "no"
        size = f"{sum(file.bytes for file in card.files) / 1e6:.1f}"
        print(row.format(card.id, card.task, card.rank, present, calibrated, card.licence, size, card.source))
    return 0


def calibrate(options: argparse.Namespace) -> int:
    eyes = _eyes(options)
    taken = evaluation.photographs(options.images)
    rows, found = evaluation.vectors(eyes, [photo.path for photo in taken], _progress("embedding"))
    people = [photo.person for photo, seen in zip(taken, found, strict=True) if seen]
    result = evaluation.calibrate(rows[found], people, failed=int((~found).sum()))
    data = options.data or options.images.name
    models = f"--model {eyes.card.id} --detector {eyes.detector.card.id}"
    command = f"python -m recognition calibrate --images {options.images.name} {models}"
    print(f"[{options.table}]")
    print(
        f"# Impostor scores all against all; each point rests on at least {evaluation.ERRORS_NEEDED} errors."
    )
    print(f"data = {json.dumps(data)}")
    print(f"people = {result.people}\nphotographs = {result.photographs}\npairs = {result.pairs}")
    print(f"failed_detections = {result.failed}")
    print(f"detector = {json.dumps(eyes.detector.card.id)}\ncommand = {json.dumps(command)}")
    print(f"# A lead's standard deviation under a new photograph: {result.retakes} pairs of one person each.")
    print(f"margin = {result.margin}")
    print("points = [")
    for rate, threshold, errors in result.points:
        print(f"    {{ fmr = {rate:g}, threshold = {threshold}, errors = {errors} }},")
    print("]")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    found: protocols.Findings = options.findings(options, _progress)
    print("\n".join(found.lines))
    if options.json:
        print(json.dumps(found.numbers))
    return 0


def bench(options: argparse.Namespace) -> int:
    found = timing.run(
        options.image,
        options.models,
        rounds=max(1, options.repeat),
        progress=_progress("rounds"),
        embedder=options.model,
        also=options.also,
    )
    print("\n".join(timing.sentences(found)))
    if options.json:
        print(json.dumps(timing.numbers(found)))
    return 0


def measure_quality(options: argparse.Namespace) -> int:
    eyes = _eyes(options)
    paths = [photo.path for photo in evaluation.photographs(options.images)]
    for blur in options.blur:
        numbers, failed, crowded = evaluation.measure_quality(
            eyes, paths, _progress(f"blur {blur:g}"), blur=blur
        )
        crowd = f"{crowded} with several comparable faces"
        print(f"\nblur {blur:g} px: {len(numbers)} faces, {failed} photographs without one, {crowd}")
        for purpose in quality.LIMITS:
            reasons = [quality.problem(measured, purpose) for measured in numbers]
            counts = {str(reason): reasons.count(reason) for reason in quality.Problem if reason in reasons}
            passed = reasons.count(None)
            share = 100 * passed / max(len(numbers), 1)
            print(f"  {purpose:<10} passed {passed} = {share:.2f} %; refused {counts}")
        table = [measured.numbers() for measured in numbers]
        print("  quantiles      0.5 %     1 %     5 %    50 %    95 %    99 %  99.5 %")
        for name in table[0] if table else ():
            row = np.quantile([line[name] for line in table], (0.005, 0.01, 0.05, 0.5, 0.95, 0.99, 0.995))
            print(f"  {name:<13}" + "".join(f"{value:8.2f}" for value in row))
    return 0


def costs(options: argparse.Namespace) -> int:
    print(json.dumps(cost.report(options.networks)) if options.json else cost.table(options.networks))
    return 0


def _eyes(options: argparse.Namespace) -> Recognizer:
    return Recognizer.load(options.models, detector=options.detector, embedder=options.model)


def _progress(label: str) -> Callable[[int, int], None]:
    """A line on a terminal that shows how far it is; silent elsewhere."""

    def show(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done >= whole else ""
            print(
                f"\r{label}: {done}/{whole} ({100 * done // max(whole, 1)} %)",
                end=end,
                file=sys.stderr,
                flush=True,
            )

    return show


def _draw(data: bytes, seen: Sighting, target: Path) -> None:
    drawn = framing.frame(decode(data), seen)
    if not cv2.imwrite(str(target), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{target} cannot be written")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recognition", description="The eyes: pixels in, numbers out."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = _command(commands, "look", look, "what is seen in one picture, as JSON; exit 1 where it is refused")
    one.add_argument("picture", type=Path, help="a JPEG, PNG or WebP file")
    one.add_argument(
        "--draw", type=Path, metavar="OUT.png", help="write the picture with faces and landmarks drawn"
    )
    one.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="look N times, report median milliseconds"
    )
    one.add_argument(
        "--kind", choices=("snapshot", "crop"), default="snapshot", help="a whole picture or a cut-out face"
    )
    one.add_argument(
        "--faces", choices=("one", "largest"), default="one", help="what to do about several faces"
    )
    one.add_argument(
        "--purpose", choices=tuple(quality.LIMITS), default="door", help="which quality limits hold"
    )

    one.add_argument(
        "--liveness", action="store_true", help="judge too whether the face is live, where a model is present"
    )

    known = _command(
        commands, "models", models, "a table of every model known, what is present, and its licence"
    )
    known.set_defaults()

    brought = commands.add_parser("fetch", help="bring the models that are not shipped, checked by SHA-256")
    brought.set_defaults(run=fetch)
    brought.add_argument(
        "--from", dest="origin", default="", metavar="FOLDER-OR-URL", help="instead of upstream"
    )
    default = Path(os.environ.get("LINTEL_MODELS", "var/models"))
    brought.add_argument(
        "--to", type=Path, default=default, help="models folder (LINTEL_MODELS, else var/models)"
    )
    brought.add_argument("--model", action="append", metavar="ID", help="only this model; may be repeated")

    limits = _command(commands, "calibrate", calibrate, "thresholds by false-match rate for a card, as TOML")
    limits.add_argument(
        "--images", type=Path, required=True, help="a folder with one folder of pictures a person"
    )
    limits.add_argument("--data", help="how the card names the data (default: the folder's name)")
    limits.add_argument(
        "--table", default="calibration", help="heading of the TOML table (default: calibration)"
    )

    measured = commands.add_parser("evaluate", help="error rates on labelled photographs")
    protocols.add(measured, lambda kinds, name, purpose: _command(kinds, name, evaluate, purpose))

    timed = _command(commands, "bench", bench, "milliseconds by stage for every model present, one thread")
    timed.add_argument("--image", type=Path, required=True, help="a picture with one face, put into 640x480")
    timed.add_argument("--repeat", type=int, default=50, metavar="N", help="rounds (default: 50)")
    timed.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="ONNX",
        help="time an exported network without a card too; may be repeated",
    )
    timed.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    gates = _command(
        commands, "measure-quality", measure_quality, "quantiles of the quality numbers and pass rates"
    )
    gates.add_argument(
        "images", type=Path, metavar="DIR", help="a folder with one folder of pictures a person"
    )
    gates.add_argument(
        "--blur", type=float, nargs="+", default=[0.0], help="sigmas to blur by, pixels at 112"
    )

    priced = commands.add_parser(
        "cost",
        help="what the papers' networks cost, beside what the papers state",
        description="Millions of parameters, weights (no biases), multiply-adds and memory accesses for one "
        "image; MB of a float32 checkpoint; each layer type's share of multiply-adds / weights. ≠ marks a "
        "stated figure that differs; the lines below the table say why.",
    )
    priced.set_defaults(run=costs)
    priced.add_argument("networks", nargs="*", metavar="NETWORK", help="only these (default: all)")
    priced.add_argument("--json", action="store_true", help="print one JSON list, every count exact")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    purpose: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    parser.set_defaults(run=run)
    parser.add_argument("--models", type=Path, help="models folder (LINTEL_MODELS goes before it)")
    parser.add_argument(
        "--model", metavar="ID", help="embedding model (default: LINTEL_EMBEDDER, else the best)"
    )
    parser.add_argument(
        "--detector", metavar="ID", help="face detector (default: LINTEL_DETECTOR, else the best)"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
