"""The protocols of `python -m recognition evaluate`: what each is given, and what it reports.

Promise: every protocol returns sentences for people and the same figures as one JSON object.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition import detection, weights
from recognition.evaluation import (
    comparison,
    curves,
    detectors,
    fairness,
    gallery,
    liveness,
    pairs,
    spoofs,
    trials,
    video,
)
from recognition.evaluation.photographs import Progress, merged, photographs, vectors
from recognition.matching import threshold_for
from recognition.recognizer import Recognizer

Label = Callable[[str], Progress]
Command = Callable[..., argparse.ArgumentParser]
ONE_FOLDER_EACH = "a folder with one folder of pictures a person"


@dataclass(frozen=True)
class Findings:
    """What a protocol found: sentences for people, and numbers for programs."""

    lines: tuple[str, ...]
    numbers: dict[str, Any]


def add(measured: argparse.ArgumentParser, command: Command) -> None:
    """Give the parser of `evaluate` its protocols; `command` makes a parser with the options all share."""
    kinds = measured.add_subparsers(required=True, metavar="PROTOCOL")
    for name, protocol, purpose, options in (
        ("pairs", of_pairs, "same or different person: LFW's k-fold protocol", _pairs_options),
        ("models", of_models, "every embedder present in one table: cost, time, accuracy", _models_options),
        ("gallery", of_gallery, "who is this, if anybody: open-set search among strangers", _gallery_options),
        ("video", of_video, "people followed and named in a clip, against labels", _video_options),
        ("fairness", of_fairness, "error rates by group, where photographs are labelled", _fairness_options),
        ("landmarks", of_landmarks, "how far two detectors' landmarks lie apart", _landmarks_options),
        (
            "liveness",
            of_liveness,
            "faces and attacks told apart: BPCER, and APCER by kind",
            _liveness_options,
        ),
        ("simulate", of_simulation, "simulated attacks, written for evaluate liveness", _simulation_options),
    ):
        parser = command(kinds, name, purpose)
        parser.set_defaults(findings=protocol)
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        options(parser)


def of_pairs(options: argparse.Namespace, label: Label) -> Findings:
    eyes = eyes_for(options)
    found = pairs.verify(eyes, options.images, options.pairs, label("embedding"), resamples=options.resamples)
    folds = "  ".join(percent(share) for share in found.folds)
    lines = [
        f"model {eyes.card.id}, detector {eyes.detector.card.id}",
        f"accuracy {percent(found.accuracy)} {between(found.accuracy_interval)} over {found.pairs} pairs "
        f"of {found.people} people; folds {folds}",
    ]
    numbers: dict[str, Any] = {
        "accuracy": round(found.accuracy, 5),
        "accuracy_interval": rounded(found.accuracy_interval),
    }
    for rate, share in found.tar.items():
        errors = int(rate * found.impostors)
        lines.append(
            f"true-accept rate at false-accept rate {rate:g} ({errors} of {found.impostors} pairs): "
            f"{percent(share)} {between(found.tar_interval[rate])}"
        )
        name = f"tar_at_far_1e-{round(-np.log10(rate))}"
        numbers[name] = round(share, 5)
        numbers[f"{name}_interval"] = rounded(found.tar_interval[rate])
    lines.append(f"photographs without a face found: {found.failed}")
    numbers |= {"pairs": found.pairs, "people": found.people, "failed_detections": found.failed}
    return Findings(tuple(lines), numbers | models(eyes))


def of_models(options: argparse.Namespace, label: Label) -> Findings:
    if options.markdown:
        comparison.check(options.markdown)  # before minutes are spent
    found = comparison.compare(
        options.models,
        detector=options.detector,
        images=options.images,
        pairs=options.pairs,
        picture=options.image,
        rounds=options.repeat,
        resamples=options.resamples,
        looking=label("embedding"),
        timing=label("rounds"),
    )
    lines = [comparison.conditions(found), *comparison.table(found)]
    if options.markdown:
        comparison.write(found, options.markdown)
        lines.append(f"written into {options.markdown}")
    return Findings(tuple(lines), comparison.numbers(found))


def of_gallery(options: argparse.Namespace, label: Label) -> Findings:
    eyes = eyes_for(options)
    taken = photographs(options.images)
    rows, found = vectors(eyes, [photo.path for photo in taken], label("embedding"))
    people = [photo.person for photo in taken]
    if options.same:
        people = merged(people, options.same)
    plan = _plan(options, found, people)
    calibration = eyes.card.calibration
    results = gallery.search(
        rows,
        found,
        people,
        plan,
        wanted=options.fpir,
        points=calibration.points if calibration else None,
        margin=calibration.margin if calibration else 0.0,
    )
    lines = [
        f"model {eyes.card.id}, detector {eyes.detector.card.id}",
        f"{len(taken)} photographs of {len(set(people))} people, {int((~found).sum())} without a face found; "
        f"{plan.enrol} enrolled a person, {plan.draws} random galleries a size, 95 % intervals",
    ]
    for result in results:
        lines += gallery.sentences(result)
    if options.det:
        title = f"Open-set search: {eyes.card.id} on {options.images.name}"
        try:
            curves.write(gallery.diagram(results, title=title), options.det)
            lines.append(f"drawn: {options.det}")
        except curves.NoCurve as nothing:
            lines.append(f"not drawn: {nothing}")
    numbers = {"photographs": len(taken), "people": len(set(people)), "enrolled_each": plan.enrol}
    numbers |= {"failed_detections": int((~found).sum())}
    return Findings(
        tuple(lines), numbers | {"galleries": [gallery.numbers(result) for result in results]} | models(eyes)
    )


def of_video(options: argparse.Namespace, label: Label) -> Findings:
    eyes = eyes_for(options)
    names, faceprints = video.enrolled(eyes, options.people)
    claims = video.watch(eyes, options.clip, names, faceprints, label("frames"), fpir=options.fpir)
    lines = [f"model {eyes.card.id}, detector {eyes.detector.card.id}, {len(names)} photographs enrolled"]
    tracks = {claim.track for claim in claims}
    numbers: dict[str, Any] = {"faces": len(claims), "tracks": len(tracks), "people": {}}
    lines.append(f"{len(claims)} faces in {len(tracks)} tracks")
    for person in sorted(set(names)):
        mine = [claim for claim in claims if claim.person == person]
        lines.append(f"  {person}: {len(mine)} faces in {len({claim.track for claim in mine})} tracks")
        numbers["people"][person] = len(mine)
    if options.labels:
        labels = video.read_labels(options.labels)
        numbers["labelled_frames"] = len({each.frame for each in labels})
        for key, words in (("followed", "followed, named by track"), ("alone", "each frame by itself")):
            got = video.score(claims, labels, names, alone=key == "alone")
            shares = {"precision": got.precision, "recall": got.recall, "f1": got.f1}
            told = ", ".join(
                f"{name} {'none' if share is None else percent(share)}" for name, share in shares.items()
            )
            lines.append(f"{words}: {told} ({got.right} right, {got.wrong} wrong, {got.missed} missed)")
            numbers[key] = {
                **{name: None if share is None else round(share, 5) for name, share in shares.items()},
                "right": got.right,
                "wrong": got.wrong,
                "missed": got.missed,
            }
        lines.append(
            f"over {numbers['labelled_frames']} labelled frames of one clip, which are not independent"
        )
    if options.out:
        video.write(options.clip, claims, options.out)
        lines.append(f"written: {options.out}")
    return Findings(tuple(lines), numbers | models(eyes))


def of_fairness(options: argparse.Namespace, label: Label) -> Findings:
    eyes = eyes_for(options)
    taken = fairness.only(fairness.labelled(options.images, options.groups), options.only)
    if options.most and options.most < len(taken):
        chosen = np.random.default_rng(1).choice(len(taken), options.most, replace=False)
        taken = [taken[index] for index in sorted(chosen)]
    points = eyes.card.calibration.points if eyes.card.calibration else ()
    threshold = threshold_for(points, gallery_size=1, fpir=options.fmr)
    faces = fairness.look(eyes, [photo.path for photo in taken], label("embedding"))
    groups = fairness.by_group(
        taken, faces, threshold=threshold, least=options.least, resamples=options.resamples
    )
    people = len({photo.person for photo in taken})
    lines = [
        f"model {eyes.card.id}, detector {eyes.detector.card.id}",
        f"{len(taken)} photographs of {people} people, "
        f"threshold {threshold:.4f}: the card's for a false-match rate of {options.fmr:g}",
    ]
    if people == len(taken):
        lines.append("every photograph is taken for another person: fmr is too high where one appears twice")
    numbers = {"photographs": len(taken), "people": people, "threshold": round(threshold, 5)}
    return Findings(
        (*lines, *fairness.sentences(groups, least=options.least)),
        numbers | fairness.numbers(groups) | models(eyes),
    )


def of_landmarks(options: argparse.Namespace, label: Label) -> Findings:
    folder = weights.models_folder(options.models)
    one, other = (detection.load(folder, name) for name in (options.detector, options.against))
    paths = [photo.path for photo in photographs(options.images)]
    gaps = detectors.agreement(one, other, paths, label("detecting"))
    lines = [
        f"{one.card.id} and {other.card.id}: both found a face in {gaps.size} of {len(paths)} photographs"
    ]
    numbers: dict[str, Any] = {"detectors": [one.card.id, other.card.id], "photographs": len(paths)}
    numbers["both_found"] = int(gaps.size)
    if gaps.size:
        mean, most = float(gaps.mean()), float(np.quantile(gaps, 0.95))
        lines.append(
            f"landmarks differ by {100 * mean:.1f} % of the eye distance on average, "
            f"95 % by at most {100 * most:.1f} %"
        )
        numbers |= {"mean": round(mean, 5), "quantile_95": round(most, 5)}
    return Findings(tuple(lines), numbers)


def of_liveness(options: argparse.Namespace, label: Label) -> Findings:
    eyes = eyes_for(options)
    tallies, stability = liveness.measure(
        eyes, options.bona_fide, options.attacks, label("judging"), mirror=options.mirror
    )
    passive = eyes.passive.card.id if eyes.passive else "none"
    lines = [f"passive model {passive}, embedder {eyes.card.id}, detector {eyes.detector.card.id}"]
    lines += liveness.sentences(tallies, stability)
    if options.mirror:
        lines.append("pictures without margin were given their own mirror image for one: no camera sees that")
    numbers = {"passive": passive, "mirrored": options.mirror, **liveness.numbers(tallies, stability)}
    return Findings(tuple(lines), numbers | models(eyes))


def of_simulation(options: argparse.Namespace, label: Label) -> Findings:
    detector = detection.load(weights.models_folder(options.models), options.detector)
    paths = [photo.path for photo in photographs(options.origin)]
    if options.most and options.most < len(paths):
        chosen = np.random.default_rng(options.seed).choice(len(paths), options.most, replace=False)
        paths = [paths[index] for index in sorted(chosen)]
    written = spoofs.simulate(detector, paths, options.to, label("simulating"), seed=options.seed)
    lines = [f"from {len(paths)} photographs, simulated, not taken by a camera:"]
    lines += [f"  {count} {kind}" for kind, count in sorted(written.items())]
    return Findings(tuple(lines), {"photographs": len(paths), "simulated": written})


def eyes_for(options: argparse.Namespace) -> Recognizer:
    return Recognizer.load(options.models, detector=options.detector, embedder=options.model)


def models(eyes: Recognizer) -> dict[str, str]:
    return {"model": eyes.card.id, "detector": eyes.detector.card.id}


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def between(interval: tuple[float, float]) -> str:
    return f"(95 % interval {100 * interval[0]:.2f} to {100 * interval[1]:.2f})"


def rate(word: str) -> float:
    """An argument that lies between 0 and 1."""
    value = float(word)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{word} is no rate: it lies between 0 and 1")
    return value


def rounded(interval: tuple[float, float]) -> list[float]:
    return [round(end, 5) for end in interval]


def _pairs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help="a folder with NAME/NAME_0001.jpg")
    parser.add_argument("--pairs", type=Path, required=True, help="LFW's pairs file, which names the folds")
    _resamples(parser)


def _models_options(parser: argparse.ArgumentParser) -> None:
    _pairs_options(parser)
    parser.add_argument("--image", type=Path, required=True, help="a picture with one face, to time by")
    parser.add_argument("--repeat", type=int, default=60, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help=f"write the table between {comparison.BEGIN} and its end",
    )


def _gallery_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help=ONE_FOLDER_EACH)
    parser.add_argument(
        "--same",
        type=Path,
        metavar="FILE",
        help="names that are one person, separated by commas, on each line",
    )
    parser.add_argument("--enrol", type=int, default=1, metavar="K", help="photographs enrolled a person")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000], metavar="N", help="people")
    parser.add_argument("--draws", type=int, default=20, help="random galleries of each size (default: 20)")
    parser.add_argument(
        "--fpir", type=rate, nargs="+", default=[0.1, 0.01, 0.001], help="wanted false-identification rates"
    )
    parser.add_argument(
        "--protocol",
        choices=("paper-2",),
        help="30 people with 2 photographs enrolled and 10 to search with (Xiao et al., EAI 2022, Table 3), "
        "or as many people as have 12; all others are strangers. Goes before --enrol and --sizes",
    )
    parser.add_argument("--det", type=Path, metavar="OUT.png", help="draw the DET curves")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    _resamples(parser)


def _plan(options: argparse.Namespace, found: NDArray[np.bool_], people: list[str]) -> trials.Plan:
    chosen = trials.Plan(
        tuple(options.sizes), options.enrol, None, options.draws, options.resamples, options.seed
    )
    if options.protocol is None:
        return chosen
    paper = replace(chosen, enrol=2, probes=10)
    owner = np.unique(np.asarray(people), return_inverse=True)[1]
    return replace(paper, sizes=(min(30, len(trials.eligible_people(found, owner, paper))),))


def _video_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clip", type=Path, required=True, help="a film that OpenCV reads")
    parser.add_argument("--people", type=Path, required=True, help="whom to know: NAME.png, or NAME/ANY.png")
    parser.add_argument("--labels", type=Path, help="CSV: frame,person or frame,person,x1,y1,x2,y2; from 0")
    parser.add_argument("--out", type=Path, metavar="FILM.mp4", help="write the film with faces framed")
    parser.add_argument(
        "--fpir", type=rate, default=0.001, help="wanted false-identification rate (default: 0.001)"
    )


def _fairness_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help="a folder, with a folder a person or flat")
    parser.add_argument(
        "--groups",
        type=Path,
        metavar="CSV",
        help="path and a column for each kind of group (default: UTKFace's file names, age_gender_race_date)",
    )
    parser.add_argument("--fmr", type=rate, default=0.001, help="the card's rate whose threshold is used")
    parser.add_argument(
        "--least", type=int, default=fairness.LEAST, help="people a rate needs (default: %(default)s)"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="DIMENSION=GROUP", help="only photographs of these groups"
    )
    parser.add_argument("--most", type=int, metavar="N", help="only N photographs, chosen at random")
    _resamples(parser)


def _landmarks_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help=ONE_FOLDER_EACH)
    parser.add_argument("--against", required=True, metavar="ID", help="the other detector")


def _liveness_options(parser: argparse.ArgumentParser) -> None:
    what = "pictures, films, and folders burst-NAME with the frames of one burst"
    parser.add_argument("--bona-fide", type=Path, required=True, metavar="DIR", help=f"real faces: {what}")
    parser.add_argument(
        "--attacks", type=Path, required=True, metavar="DIR", help="one folder for each kind of attack, alike"
    )
    parser.add_argument(
        "--mirror", action="store_true", help="give a picture without margin its own mirror image for one"
    )


def _simulation_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="origin", type=Path, required=True, metavar="DIR", help=ONE_FOLDER_EACH
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where simulated-KIND go")
    parser.add_argument("--most", type=int, metavar="N", help="only N photographs, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")


def _resamples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resamples", type=int, default=1000, help="people drawn anew for intervals (default: 1000 times)"
    )
