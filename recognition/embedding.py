"""Aligned faces to vectors that can be compared.

Promise: vectors are finite and of length one, and a batch gives what its faces give one by one.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition import weights
from recognition.alignment import template_points
from recognition.faces import Floats, Pixels


class Embedder:
    """An embedding model. `card` says which, and how its crops are aligned."""

    def __init__(self, card: weights.Card, session: weights.Session) -> None:
        self.card = card
        self._session = session
        self.side = template_points(card.template)[1]
        if (card.input.width, card.input.height) != (self.side, self.side):
            raise weights.ModelError(f"{card.id}: its input does not fit its template {card.template}")

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        """(N, side, side, 3) uint8 RGB to (N, D) float32 unit vectors.

        Raises ValueError for another shape, `weights.ModelError` where the model gives no usable vector.
        """
        if crops.ndim != 4 or crops.shape[1:] != (self.side, self.side, 3) or crops.dtype != np.uint8:
            raise ValueError(f"crops must be (N, {self.side}, {self.side}, 3) uint8")
        # One at a time: batches bring nothing on one thread, and one shape is planned once.
        rows = [self._raw(self._prepared(crop)) for crop in crops]
        vectors = np.stack(rows) if rows else np.empty((0, self.card.dimension), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(vectors).all() and (lengths > 0).all()):
            raise weights.ModelError(f"{self.card.id} gave a vector that has no direction")
        unit: Floats = (vectors / lengths).astype(np.float32)
        return unit

    def warm(self) -> None:
        self.embed(np.full((1, self.side, self.side, 3), 127, np.uint8))

    def _raw(self, array: NDArray[np.generic]) -> Floats:
        row = next(iter(self._session(array).values())).reshape(-1)
        if row.size != self.card.dimension:
            raise weights.ModelError(
                f"{self.card.id} gave {row.size} numbers, its card says {self.card.dimension}"
            )
        return row

    def _prepared(self, crop: Pixels) -> NDArray[np.generic]:
        """The crop as the session takes it, by the card."""
        expects = self.card.input
        batch = crop[None] if expects.channels == "RGB" else crop[None, ..., ::-1]
        if expects.dtype == "float32":
            mean, std = np.array(expects.mean, np.float32), np.array(expects.std, np.float32)
            prepared: NDArray[np.generic] = (batch.astype(np.float32) - mean) / std
        else:
            prepared = batch
        return np.ascontiguousarray(prepared if expects.layout == "NHWC" else prepared.transpose(0, 3, 1, 2))


def load(models_dir: Path | None = None, model_id: str | None = None) -> Embedder:
    """The embedder named, or the best calibrated one present. Raises `weights.ModelError`."""
    card = weights.default_embedder(models_dir, model_id)
    return Embedder(card, weights.open_session(card, models_dir))
