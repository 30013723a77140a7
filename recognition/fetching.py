"""Bring model files into the models folder, once, by an operator's command.

Promise: a file is put in place only if its SHA-256 is the card's. Nothing else in the project opens
the network.
"""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recognition.weights import Card, WeightFile

Outcome = Literal["present", "fetched", "not there", "wrong hash", "no address"]
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Fetched:
    """What became of one file. `detail` is the error, where there is one to tell."""

    card: Card
    file: WeightFile
    outcome: Outcome
    detail: str = ""


def fetch(
    card: Card, folder: Path, *, origin: str = "", progress: Callable[[int, int], None]
) -> list[Fetched]:
    """Bring the card's files into `folder`: from `origin` (folder or http address), else upstream."""
    return [_fetch_one(card, file, folder, origin, progress) for file in card.files]


def _fetch_one(
    card: Card, file: WeightFile, folder: Path, origin: str, progress: Callable[[int, int], None]
) -> Fetched:
    target = folder / file.name
    if target.is_file() and _digest(target.read_bytes()) == file.sha256:
        return Fetched(card, file, "present")
    if not origin and not card.download:
        return Fetched(card, file, "no address", "no public address; give --from FOLDER")
    try:
        content = _read(file, origin, card.download, progress)
    except (OSError, urllib.error.URLError) as error:
        return Fetched(card, file, "not there", str(error))
    if _digest(content) != file.sha256:
        return Fetched(
            card, file, "wrong hash", f"SHA-256 is {_digest(content)}, the card says {file.sha256}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside and moved: a worker that starts meanwhile never sees half a file.
    partial = target.with_suffix(target.suffix + ".partial")
    partial.write_bytes(content)
    partial.replace(target)
    return Fetched(card, file, "fetched")


def _read(file: WeightFile, origin: str, download: str, progress: Callable[[int, int], None]) -> bytes:
    if origin and not origin.startswith(("http://", "https://")):
        content = (Path(origin) / file.name).read_bytes()
        progress(len(content), file.bytes)
        return content
    address = f"{origin.rstrip('/')}/{file.name}" if origin else download
    # S310: http or https only, by the check above and the manifest.
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        content = b""
        # One byte more than expected is enough to know that it is the wrong file.
        while len(content) <= file.bytes:
            chunk = answer.read(min(1 << 18, file.bytes + 1 - len(content)))
            if not chunk:
                break
            content += chunk
            progress(len(content), file.bytes)
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
