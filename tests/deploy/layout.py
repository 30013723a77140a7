"""What deploy/compose.yaml says, with its variables filled in as compose itself would."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*))?\}")


def compose(**values: str) -> dict[str, Any]:
    """The file as data; each `${NAME:-default}` replaced by the value given or its default."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(VARIABLE.sub(lambda found: values.get(found[1], found[2] or ""), text))


def command(service: str) -> list[str]:
    return [str(word) for word in compose()["services"][service]["command"]]
