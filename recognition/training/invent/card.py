"""people.toml: who the invented people are, how they were made, and what was measured.

Promise: the figures in it are those that `check` printed, with their counts.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from recognition.training.invent import cast, make

NAME = "people.toml"
_MARK = "# ---- measured: written by `check --note`"


def write(people: Path, *, count: int, seed: int, learnt_from: int, before: int, drawn: int) -> None:
    """The card without figures; `note` adds them."""
    lines = [
        "# Faces of people who do not exist, made and measured by recognition.training.invent. See README.md",
        'licence = "Apache-2.0"',
        'subject = "invented: every face is drawn from a statistical model and shows no real person; '
        'names, badges and departments are made up too"',
        "# The photographs of each: BADGE/1.jpg to 8.jpg. The first four are good enough for enrolment.",
        "photographs = [" + ", ".join(f'"{pose.what}"' for pose in cast.POSES) + "]",
        "",
        "[made]",
        'command = "python -m recognition.training.invent make --faces FACES --prepared PREPARED '
        f'--models MODELS --work WORK --count {count} --seed {seed}"',
        'data = "UTKFace part 1: adults, in colour, sharp, nearly frontal, without glasses; '
        'input without names, grouped by the sex and descent that its file names guess"',
        f"photographs_learnt_from = {learnt_from}",
        'method = "linear model of shape and texture after alignment by collection flow; hair, neck, '
        'clothes, wall and camera are computed"',
        f"seed = {seed}",
        f"temperature = {make.TEMPERATURE}",
        *([f"people_made_before = {before}"] if before else []),
        f"faces_drawn = {drawn}",
        f"faces_kept = {count - before}",
        f"photographs_each = {len(cast.POSES)}",
        'limits = "Softer than photographs, drawn hair, small turns of the head only, no glasses, no age '
        "below about 20 or beyond 65. Photographs of one person are more alike than real ones: recognition "
        "looks easier here than it is: no accuracy may be quoted from this set. It was chosen so that the "
        'shipped embedder keeps the people apart."',
        "",
    ]
    for number, (badge, name, _) in enumerate(cast.people(count)):
        department = cast.DEPARTMENTS[number % len(cast.DEPARTMENTS)]
        lines += ["", "[[people]]", f'badge = "{badge}"', f'name = "{name}"', f'department = "{department}"']
    (people / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def note(people: Path, report: dict[str, Any]) -> None:
    """Put the figures of `measure.check` at the end, in place of older ones."""
    file = people / NAME
    card = file.read_text(encoding="utf-8").split(_MARK)[0].rstrip()
    lines = [
        _MARK, "[measured]",
        'command = "python -m recognition.training.invent check --models MODELS --work WORK '
        '--against PREPARED/train.npy '
        '--images LFW-DEV --note"',
    ]  # fmt: skip
    lines += [f"{key} = {value}" for key, value in report.items() if not isinstance(value, list)]
    for embedder in report["embedders"]:
        lines += ["", "[[measured.embedders]]"]
        lines += [f"{key} = {_inline(value)}" for key, value in embedder.items()]
    text = card + "\n\n" + "\n".join(lines) + "\n"
    tomllib.loads(text)  # refuse to write what cannot be read
    file.write_text(text, encoding="utf-8")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(one)}" for key, one in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value)
