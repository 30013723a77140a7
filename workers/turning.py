"""Turning vectors by a secret orthogonal matrix, so that stored ones are useless without the key.

Inner products are unchanged, so search in Postgres works on turned vectors alone. This protects a
stolen table or backup; it does not protect against somebody who holds the key, or who knows many
pairs of plain and turned vectors.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@lru_cache(maxsize=4)
def matrix(secret: bytes, dimension: int) -> NDArray[np.float64]:
    """(D, D) float64, orthogonal, uniformly distributed, the same for the same secret on any machine.

    QR decomposition of a Gaussian matrix with the signs of R's diagonal removed (Mezzadri 2007); the
    Gaussians are drawn from SHAKE-256 of the secret by the Box-Muller transform.
    """
    count = dimension * dimension
    stream = hashlib.shake_256(b"lintel turn" + dimension.to_bytes(4, "big") + secret).digest(16 * count)
    uniform = (np.frombuffer(stream, dtype=">u8").astype(np.float64) + 1.0) / 2.0**64
    radius, angle = uniform[:count], uniform[count:]
    gaussian = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle)
    q, r = np.linalg.qr(gaussian.reshape(dimension, dimension))
    return np.asarray(q * np.sign(np.diag(r)))


def turn(vector: Floats, secret: bytes) -> list[float]:
    """A (D,) unit vector, turned, ready for storing or searching."""
    turned = matrix(secret, vector.shape[0]) @ vector.astype(np.float64)
    return [float(value) for value in turned]


def turn_again(vectors: Floats, old: bytes, new: bytes) -> NDArray[np.float64]:
    """(N, D) vectors turned by the old secret, as the new one would have turned them."""
    dimension = vectors.shape[1]
    step = matrix(new, dimension) @ matrix(old, dimension).T
    turned = vectors.astype(np.float64) @ step.T
    # Half precision rounded the stored vectors; lengths are made one again so rotations do not add up.
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True))
