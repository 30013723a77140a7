"""The first look at an uploaded picture: its header only, before anything is decoded or stored.

A small file can claim to be enormous; decoding is left to the workers, and only for pictures that pass.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True)
class Limits:
    most_bytes: int
    most_pixels: int
    longest_side: int = 12_000
    shortest_side: int = 80

    @property
    def words(self) -> str:
        kilobytes = self.most_bytes // 1024
        return f"{kilobytes} kB" if kilobytes < 1024 else f"{kilobytes // 1024} MB"


SNAPSHOT = Limits(most_bytes=2 * 1024 * 1024, most_pixels=12_000_000, longest_side=6_000)
# A frame beside a snapshot: a face in it need not be large to be followed.
FRAME = Limits(most_bytes=512 * 1024, most_pixels=2_100_000, longest_side=1_920)
# Photographs handed in come from phones and cameras.
PHOTOGRAPH = Limits(most_bytes=12 * 1024 * 1024, most_pixels=50_000_000)


class Unacceptable(Exception):
    """The upload is refused. `code` is stable, the text says what would be accepted."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def measure(data: bytes, limits: Limits) -> tuple[int, int]:
    """Width and height in pixels as the header claims them. Raises Unacceptable."""
    if len(data) > limits.most_bytes:
        raise Unacceptable("too-large", f"At most {limits.words}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
    except Image.DecompressionBombError as error:
        raise Unacceptable(
            "too-many-pixels", f"At most {limits.most_pixels // 1_000_000} megapixels."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Unacceptable("not-a-picture", "A JPEG, PNG or WebP picture is needed.") from error
    if width * height > limits.most_pixels or max(width, height) > limits.longest_side:
        raise Unacceptable("too-many-pixels", f"At most {limits.most_pixels // 1_000_000} megapixels.")
    if min(width, height) < limits.shortest_side:
        raise Unacceptable("too-few-pixels", f"At least {limits.shortest_side} pixels on each side.")
    return width, height
