"""The first look at an upload: by its header alone, whatever bytes come."""

import io
import struct
import time
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from access import pictures
from access.pictures import PHOTOGRAPH, SNAPSHOT, Limits, Unacceptable
from tests import factories


def refused(data: bytes, limits: Limits = SNAPSHOT) -> str:
    with pytest.raises(Unacceptable) as caught:
        pictures.measure(data, limits)
    return caught.value.code


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_three_forms_are_measured(form: str) -> None:
    assert pictures.measure(factories.picture(123, 97, form=form), SNAPSHOT) == (123, 97)


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_forms_are_no_pictures_here(form: str) -> None:
    assert refused(factories.picture(form=form)) == "not-a-picture"


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ((79, 400), "too-few-pixels"),
        ((400, 79), "too-few-pixels"),
        ((0, 0), "not-a-picture"),
        ((6001, 100), "too-many-pixels"),
        ((4001, 3000), "too-many-pixels"),
        ((60_000, 60_000), "too-many-pixels"),
        ((2**31 - 1, 2**31 - 1), "too-many-pixels"),
    ],
)
def test_a_size_outside_the_limits_is_refused_by_what_the_header_claims(
    size: tuple[int, int], code: str
) -> None:
    began = time.monotonic()
    found = refused(claims(*size))
    assert found == code or (size == (0, 0) and found == "too-few-pixels")
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("size", [(80, 80), (4000, 3000), (6000, 2000)])
def test_the_limits_themselves_are_allowed(size: tuple[int, int]) -> None:
    assert pictures.measure(claims(*size), SNAPSHOT) == size


def test_photographs_may_be_larger_than_snapshots() -> None:
    assert refused(claims(8000, 6000)) == "too-many-pixels"
    assert pictures.measure(claims(8000, 6000), PHOTOGRAPH) == (8000, 6000)


def test_a_file_too_long_is_not_even_opened() -> None:
    assert refused(b"\0" * (SNAPSHOT.most_bytes + 1)) == "too-large"
    picture = factories.picture()
    assert pictures.measure(picture + b"\0" * (SNAPSHOT.most_bytes - len(picture)), SNAPSHOT)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_without_a_fault(data: bytes) -> None:
    assert refused(data) == "not-a-picture"


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_a_damaged_picture_is_measured_or_refused_but_never_a_fault(form: str, data: st.DataObject) -> None:
    damaged = bytearray(PICTURES[form])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, min(len(damaged), 300) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unacceptable):  # anything else would be a fault
        width, height = pictures.measure(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]), SNAPSHOT)
        assert SNAPSHOT.shortest_side <= min(width, height) <= max(width, height) <= SNAPSHOT.longest_side


PICTURES = {form: factories.picture(90, 90, form=form) for form in ("JPEG", "PNG", "WEBP")}


def test_only_the_header_is_read() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 3000)).save(buffer, "JPEG")
    torn = buffer.getvalue()[:700]
    assert pictures.measure(torn, SNAPSHOT) == (4000, 3000)
