"""Who is this, if anybody? Open-set search by gallery size (ISO/IEC 19795-1: FPIR and FNIR).

Promise: what a card's calibration says of a threshold stands beside what was measured there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recognition.evaluation import curves
from recognition.evaluation.trials import Flags, Plan, Point, Share, Trials
from recognition.faces import Floats, Pixels
from recognition.matching import threshold_for


@dataclass(frozen=True)
class Operating:
    """A wanted false-identification rate, what the card's threshold for it brings, and what it takes.

    `ambiguous` is the same threshold with the card's margin: two people too near to each other are refused.
    `measured` is the threshold that these strangers reach at the wanted rate.
    """

    wanted: float
    card: Point | None
    ambiguous: Point | None
    measured: Point


@dataclass(frozen=True)
class Searched:
    """Galleries of one size: `curve` from the lowest threshold to the highest."""

    size: int
    draws: int
    mated: int
    strangers: int
    rank_1: Share
    curve: tuple[Point, ...]
    operating: tuple[Operating, ...]


def search(
    rows: Floats,
    found: Flags,
    people: Sequence[str],
    plan: Plan,
    *,
    wanted: Sequence[float],
    points: Sequence[tuple[float, float]] | None = None,
    margin: float = 0.0,
) -> tuple[Searched, ...]:
    """One result for each gallery size; `points` and `margin` are the card's calibration, if it has one."""
    results = []
    for size in plan.sizes:
        trials = Trials(rows, found, people, size=size, plan=plan)
        operating: list[Operating] = []
        # Where everybody is enrolled there are no strangers to be named, and only the first place counts.
        for fpir in wanted if trials.strangers else ():
            card = ambiguous = None
            if points is not None:
                threshold = threshold_for(points, gallery_size=size * plan.enrol, fpir=fpir)
                card, ambiguous = trials.at(threshold), trials.at(threshold, margin=margin)
            operating.append(Operating(fpir, card, ambiguous, trials.at(trials.threshold_at(fpir))))
        thresholds = trials.thresholds() if trials.strangers else ()
        curve = tuple(trials.at(float(threshold)) for threshold in thresholds)
        results.append(
            Searched(
                size, plan.draws, trials.mated, trials.strangers, trials.rank_1(), curve, tuple(operating)
            )
        )
    return tuple(results)


def sentences(result: Searched) -> list[str]:
    """The result for people."""
    lines = [
        f"\n{result.size} people enrolled: {result.mated} probes of theirs, {result.strangers} of strangers",
        f"  nearest is the right one: {_words(result.rank_1)}",
    ]
    for each in result.operating:
        lines.append(f"  wanted FPIR {100 * each.wanted:g} %")
        for name, point in (
            ("the card's threshold", each.card),
            ("with its margin", each.ambiguous),
            ("measured threshold", each.measured),
        ):
            if point is not None:
                rates = f"FPIR {_words(point.fpir)}, FNIR {_words(point.fnir)}"
                lines.append(f"    {name:<21}{point.threshold:.3f}: {rates}")
    return lines


def diagram(results: Sequence[Searched], *, title: str) -> Pixels:
    """DET curves by gallery size, with rings where the card's thresholds came out."""
    lines = []
    for result in results:
        points = [(at.fpir.rate, at.fnir.rate, at.fnir.low, at.fnir.high) for at in result.curve]
        rings = [(each.card.fpir.rate, each.card.fnir.rate) for each in result.operating if each.card]
        lines.append(curves.Curve(f"{result.size} people", tuple(points), tuple(rings)))
    wanted = " / ".join(f"{100 * each.wanted:g}" for each in results[0].operating)
    return curves.det(
        lines,
        title=title,
        across="strangers named (FPIR)",
        up="people not found (FNIR)",
        ring=f"card's threshold for {wanted} %",
    )


def numbers(result: Searched) -> dict[str, Any]:
    """The result for JSON: rates with their intervals and counts."""
    return {
        "gallery": result.size,
        "draws": result.draws,
        "mated_probes": result.mated,
        "strangers": result.strangers,
        "rank_1": _share_numbers(result.rank_1),
        "operating": [
            {
                "wanted_fpir": each.wanted,
                "by_card": _point_numbers(each.card),
                "by_card_with_margin": _point_numbers(each.ambiguous),
                "measured": _point_numbers(each.measured),
            }
            for each in result.operating
        ],
        "curve": [_point_numbers(point) for point in result.curve],
    }


def _words(share: Share) -> str:
    counts = f"{share.errors} of {share.tries}, {share.people} people"
    return f"{100 * share.rate:.2f} % ({100 * share.low:.2f} to {100 * share.high:.2f}; {counts})"


def _point_numbers(point: Point | None) -> dict[str, Any] | None:
    if point is None:
        return None
    return {
        "threshold": round(point.threshold, 5),
        "fpir": _share_numbers(point.fpir),
        "fnir": _share_numbers(point.fnir),
    }


def _share_numbers(share: Share) -> dict[str, Any]:
    return {
        "rate": round(share.rate, 6),
        "interval": [round(share.low, 6), round(share.high, 6)],
        "errors": share.errors,
        "tries": share.tries,
        "people": share.people,
    }
