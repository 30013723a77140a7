"""One Recognizer per process, warm before the first job; one look at a time: a core has one thread."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recognition import Recognizer

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_recognizer: Recognizer | None = None


def open_eyes(models_dir: Path | None, embedder: str | None) -> None:
    """Load and warm. Raises recognition.ModelError if a model is missing or not what its card says."""
    global _recognizer
    with _lock:
        recognizer = Recognizer.load(models_dir, embedder=embedder)
        recognizer.warm()
        _recognizer = recognizer
    logger.info(
        "models warm", extra={"embedder": recognizer.card.id, "detector": recognizer.detector.card.id}
    )


@contextmanager
def eyes() -> Iterator[Recognizer]:
    """The recogniser, for as long as the block lasts; the watching thread and the task take turns."""
    with _lock:
        if _recognizer is None:
            raise RuntimeError("The eyes are closed: open_eyes() runs when a worker starts.")
        yield _recognizer
