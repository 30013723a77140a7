"""Frames beside a picture, as one piece of bytes to be sealed with it.

Promise: what is unpacked equals what was packed.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

_HEAD = struct.Struct(">II")  # milliseconds, and the length of the picture that follows


@dataclass(frozen=True)
class Shot:
    """One frame, and when it was taken, in milliseconds after the first."""

    image: bytes = field(repr=False)
    milliseconds: int


def pack(shots: Iterable[Shot]) -> bytes:
    return b"".join(_HEAD.pack(shot.milliseconds, len(shot.image)) + shot.image for shot in shots)


def unpack(data: bytes) -> tuple[Shot, ...]:
    shots, at = [], 0
    while at < len(data):
        milliseconds, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        shots.append(Shot(data[at - length : at], milliseconds))
    return tuple(shots)
