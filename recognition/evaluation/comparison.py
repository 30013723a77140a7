"""Every embedder in one table: what it costs, how long it takes, how well it tells people apart.

Promise: all stand in the same run, on the same photographs and the same found faces, so that rows compare.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recognition import architectures, bench, cost, detection, embedding, weights
from recognition.evaluation.pairs import Pairs, verify_each
from recognition.evaluation.photographs import Progress

BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
MARKED = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
HEADS = (
    "model", "input", "numbers", "M parameters", "M mult-adds", "MB", "ms", "ratio",
    "accuracy (95 %)", "TAR at FAR 1e-2", "at 1e-3",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One embedder. `parameters` and `mult_adds` are those of the paper's network of its family, None where
    it is none of them; `ratio` is its fastest round by the default's in the same run.
    """

    card: weights.Card
    parameters: int | None
    mult_adds: int | None
    timing: bench.Timing
    ratio: float
    pairs: Pairs


@dataclass(frozen=True)
class Comparison:
    """The rows, best first, and the machine: what it was doing, and its speed."""

    rows: tuple[Row, ...]
    detector: str
    timed: bench.Bench


def compare(
    models_dir: Path | None,
    *,
    detector: str | None,
    images: Path,
    pairs: Path,
    picture: Path,
    rounds: int,
    resamples: int,
    looking: Progress,
    timing: Progress,
) -> Comparison:
    """Every embedder that is present. Timed first: the pairs would leave the processor warm."""
    folder = weights.models_folder(models_dir)
    timed = bench.run(picture, folder, rounds=rounds, progress=timing)
    found = detection.load(folder, detector)
    embedders = [embedding.load(folder, each.name) for each in timed.embedders]
    results = verify_each(found, embedders, images, pairs, looking, resamples=resamples)
    first = timed.embedders[0]
    rows = [
        Row(each.card, *_counted(each.card.family), spent, spent.best / first.best, result)
        for each, spent, result in zip(embedders, timed.embedders, results, strict=True)
    ]
    rows.sort(key=lambda row: (-row.pairs.accuracy, row.timing.best))
    return Comparison(tuple(rows), found.card.id, timed)


def _counted(family: str) -> tuple[int | None, int | None]:
    description = architectures.networks().get(family)
    if description is None:
        return None, None
    counted = cost.of(description)
    return counted.folded, counted.mult_adds


def table(found: Comparison) -> list[str]:
    """The rows as a table in Markdown, one string a line."""
    lines = ["| " + " | ".join(HEADS) + " |", "| " + " | ".join(["---"] * len(HEADS)) + " |"]
    for row in found.rows:
        size = sum(file.bytes for file in row.card.files) / 1e6
        low, high = (100 * end for end in row.pairs.accuracy_interval)
        cells = (
            row.card.id,
            str(row.card.input.width),
            str(row.card.dimension),
            _millions(row.parameters, 2),
            _millions(row.mult_adds, 0),
            f"{size:.2f}",
            f"{row.timing.p50:.2f} ({row.timing.best:.2f})",
            f"{row.ratio:.2f}",
            f"{100 * row.pairs.accuracy:.2f} % ({low:.2f}–{high:.2f})",
            *(f"{100 * share:.2f} %" for share in row.pairs.tar.values()),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def conditions(found: Comparison) -> str:
    """What the table was measured on, in one sentence."""
    pairs, timed = found.rows[0].pairs, found.timed
    load = "unknown" if timed.load is None else f"{timed.load:.1f}"
    return (
        f"{pairs.pairs:,} pairs of {pairs.people:,} people, detector {found.detector}, {pairs.failed} "
        f"photographs without a face found; one thread of {timed.processors} processors, load {load}, "
        f"{timed.embedders[0].rounds} rounds, float32 product {timed.gflops[0]:.0f} GFLOP/s at best."
    )


def numbers(found: Comparison) -> dict[str, Any]:
    """The result for JSON; milliseconds, and rates from 0 to 1."""
    return {
        "detector": found.detector,
        "load": found.timed.load,
        "gflops": round(found.timed.gflops[0], 1),
        "models": [
            {
                "model": row.card.id,
                "parameters": row.parameters,
                "mult_adds": row.mult_adds,
                "bytes": sum(file.bytes for file in row.card.files),
                "milliseconds": {"p50": round(row.timing.p50, 3), "best": round(row.timing.best, 3)},
                "ratio": round(row.ratio, 3),
                "accuracy": round(row.pairs.accuracy, 5),
                "accuracy_interval": [round(end, 5) for end in row.pairs.accuracy_interval],
                "tar_at_far_1e-2": round(row.pairs.tar[1e-2], 5),
                "tar_at_far_1e-3": round(row.pairs.tar[1e-3], 5),
                "pairs": row.pairs.pairs,
                "failed_detections": row.pairs.failed,
            }
            for row in found.rows
        ],
    }


def check(path: Path) -> str:
    """The text of a Markdown file that has the two marks. Raises ValueError without them."""
    text = path.read_text("utf-8")
    if not MARKED.search(text):
        raise ValueError(f"{path.name} has no lines {BEGIN} and {END} to write between")
    return text


def write(found: Comparison, path: Path) -> None:
    """Put conditions and table between the two marks in a Markdown file."""
    text = check(path)
    new = "\n".join(["", conditions(found), "", *table(found), "", ""])
    path.write_text(MARKED.sub(lambda _: new, text), "utf-8")


def _millions(count: int | None, places: int) -> str:
    return "–" if count is None else f"{count / 1e6:.{places}f}"
