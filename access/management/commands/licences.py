"""The licences of everything that is installed with Lintel, and of its models."""

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

RECOGNITION = Path(__file__).resolve().parents[3] / "recognition"


class Command(BaseCommand):
    help = "List the licences of Lintel, its dependencies (whole tree) and its models."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        names: dict[str, importlib.metadata.Distribution] = {}
        _collect("lintel", names)
        self.stdout.write("Packages\n")
        for name, found in sorted(names.items()):
            self.stdout.write(f"  {name:<28} {found.version:<14} {_licence(found)}")
        self.stdout.write("\nModels\n")
        for entry in _models():
            self.stdout.write(f"  {entry['id']:<28} {entry['licence']:<14} {entry['source']}")


def _collect(name: str, names: dict[str, importlib.metadata.Distribution]) -> None:
    """Everything installed that `name` needs, itself included; extras that are not installed are left out."""
    from packaging.requirements import Requirement

    key = name.lower().replace("_", "-")
    if key in names:
        return
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return
    names[key] = found
    for text in found.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _collect(requirement.name, names)


def _licence(found: importlib.metadata.Distribution) -> str:
    """By the licence expression, else the classifiers, else the first line of the licence field."""
    meta = found.metadata
    if expression := meta.get("License-Expression"):
        return str(expression)
    classes = [
        text.rsplit(" :: ", 1)[-1]
        for text in meta.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    return ", ".join(classes) or str(meta.get("License") or "see its files").splitlines()[0][:60]


def _models() -> list[dict[str, str]]:
    listed = tomllib.loads((RECOGNITION / "weights.toml").read_text("utf-8"))["model"]
    return [
        *listed,
        *(
            tomllib.loads(path.read_text("utf-8"))
            for path in sorted((RECOGNITION / "shipped").glob("*.toml"))
        ),
    ]
