"""Bytes to pixels and back, with limits that hold before any pixel is decoded.

Promise: whatever the bytes are, the answer is an upright RGB picture or `Unreadable` with a
stable code; a header that claims a huge picture costs milliseconds, not memory.
"""

import io
import re
import struct
import warnings

import cv2
import numpy as np
from PIL import Image

from recognition.faces import Pixels

FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION_TAG = 0x0112  # EXIF 2.32, table 4
# A marker in entropy-coded JPEG data: not a stuffed zero, restart marker or fill byte (ITU T.81, B.1.1).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# What Pillow's header readers raise on bytes that only look like a picture.
_HEADER_FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
    AttributeError, RuntimeError, ZeroDivisionError, struct.error,
)  # fmt: skip


class Unreadable(ValueError):
    """The bytes are no picture we accept. `code` is stable: too_large, not_an_image, too_many_pixels,
    too_small, truncated or broken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def decode(
    data: bytes,
    *,
    max_bytes: int = 2 * 1024 * 1024,
    max_pixels: int = 12_000_000,
    max_side: int = 6_000,
    min_side: int = 80,
) -> Pixels:
    """The picture as (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says.

    Limits as in requirements API-04, checked on the header. Raises `Unreadable`.
    """
    if len(data) > max_bytes:
        raise Unreadable("too_large", f"{len(data)} bytes, at most {max_bytes} are read")
    width, height, orientation = _header(data, max_pixels=max_pixels)
    if max(width, height) > max_side or width * height > max_pixels:
        raise Unreadable("too_many_pixels", f"{width}x{height} pixels is more than this reads")
    if min(width, height) < min_side:
        raise Unreadable("too_small", f"{width}x{height} pixels, each side needs {min_side}")
    if not _complete(data):
        raise Unreadable("truncated", "the file ends before the picture does")
    try:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise Unreadable("broken", "the picture data cannot be decoded") from error
    if pixels is None or pixels.shape != (height, width, 3):
        raise Unreadable("broken", "the picture data cannot be decoded")
    return _upright(pixels.astype(np.uint8, copy=False), orientation)


def encode_jpeg(rgb: Pixels, *, longest: int = 1280, quality: int = 90) -> bytes:
    """The picture as JPEG bytes for storing: no metadata, the longest side at most `longest` pixels."""
    scale = longest / max(rgb.shape[:2])
    if scale < 1:
        rgb = shrink(rgb, scale)
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError("the picture cannot be encoded as JPEG")
    return encoded.tobytes()


def shrink(rgb: Pixels, scale: float) -> Pixels:
    """The picture at `scale` <= 1, each new pixel the mean of those it covers (no aliasing)."""
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _header(data: bytes, *, max_pixels: int) -> tuple[int, int, int]:
    """Width, height and EXIF orientation (1 to 8), from the header alone."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        # Pillow allocates the whole canvas when it opens a WebP, so its size is read here first.
        width, height = _webp_size(data)
        if width * height > max_pixels:
            raise Unreadable("too_many_pixels", f"{width}x{height} pixels is more than this reads")
        if not _complete(data):
            raise Unreadable("truncated", "the file ends before the picture does")
    try:
        # Doubtful metadata makes Pillow warn; the picture itself decides here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    return width, height, 1
                return width, height, _orientation(picture)
    except Image.DecompressionBombError as error:
        raise Unreadable("too_many_pixels", "the header claims more pixels than this reads") from error
    except _HEADER_FAULTS as error:
        raise Unreadable("not_an_image", "not a JPEG, PNG or WebP picture") from error


def _orientation(picture: Image.Image) -> int:
    try:
        value = picture.getexif().get(ORIENTATION_TAG, 1)
    except _HEADER_FAULTS:
        return 1  # broken metadata on a sound picture: taken as it stands
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas size from the first chunk (RFC 9649, sections 2.5 to 2.7)."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise Unreadable("truncated", "the file ends inside its header")
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise Unreadable("not_an_image", "not a WebP picture")


def _complete(data: bytes) -> bool:
    """False where the end of the picture is missing: decoders fill the rest with grey and say nothing."""
    if data[:2] == b"\xff\xd8":
        return _jpeg_ends(data)
    if data[:4] == b"RIFF":
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    return _png_ends(data)


def _jpeg_ends(data: bytes) -> bool:
    """True where the segments lead to an end-of-image marker (ITU T.81, annex B); the rest is ignored."""
    at, size = 2, len(data)
    while at + 4 <= size:
        if data[at] != 0xFF:
            return False
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # start of scan: entropy-coded data up to the next marker
            found = _JPEG_MARKER.search(data, at)
            if found is None:
                return False
            at = found.start()
        if data[at : at + 2] == b"\xff\xd9":
            return True
    return False


def _png_ends(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _upright(rgb: Pixels, orientation: int) -> Pixels:
    """Undo the eight EXIF orientations: mirror for 2, 4, 5, 7, then turn."""
    if orientation in (2, 4, 5, 7):
        rgb = rgb[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns))
