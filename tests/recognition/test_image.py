import io
import random
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from recognition import image


def encoded(rgb, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, **options)
    return buffer.getvalue()


def quarters():
    """A picture of 120 x 90 whose four quarters have four colours, so that every turn of it differs."""
    rgb = np.zeros((90, 120, 3), np.uint8)
    rgb[:45, :60], rgb[:45, 60:], rgb[45:, :60], rgb[45:, 60:] = (
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 0),
    )
    return rgb


def png_header(width, height):
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 1000) + b"IDAT"


def webp_header(width, height):
    body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_every_accepted_format_comes_back_as_rgb(kind):
    options = (
        {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    )
    rgb = image.decode(encoded(quarters(), kind, **options))
    assert (rgb.shape, rgb.dtype) == ((90, 120, 3), np.uint8)
    assert np.abs(rgb.astype(int) - quarters()).mean() < 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA"])
def test_grey_palette_and_transparent_pictures_become_rgb(mode):
    buffer = io.BytesIO()
    Image.fromarray(quarters()).convert(mode).save(buffer, "PNG")
    assert image.decode(buffer.getvalue()).shape == (90, 120, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_is_undone(kind, orientation):
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](quarters())
    exif = Image.Exif()
    exif[image.ORIENTATION_TAG] = orientation
    upright = image.decode(encoded(np.ascontiguousarray(stored), kind, exif=exif.tobytes()))
    assert upright.shape == (90, 120, 3)
    assert np.abs(upright.astype(int) - quarters()).mean() < 6


@pytest.mark.parametrize(
    "bomb", [png_header(13_000, 13_000), png_header(100_000, 100_000), webp_header(16_383, 16_383)]
)
def test_a_header_bomb_is_refused_in_milliseconds_without_decoding(bomb):
    began = time.perf_counter()
    with pytest.raises(image.Unreadable) as refused:
        image.decode(bomb + bytes(1000))
    assert refused.value.code == "too_many_pixels"
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ((79, 200), "too_small"),
        ((200, 79), "too_small"),
        ((6001, 90), "too_many_pixels"),
        ((4000, 3001), "too_many_pixels"),
    ],
)
def test_sides_and_pixels_have_limits(size, code):
    with pytest.raises(image.Unreadable) as refused:
        image.decode(encoded(np.zeros((size[1], size[0], 3), np.uint8), "PNG"))
    assert refused.value.code == code


def test_the_limits_themselves_are_still_accepted():
    assert image.decode(encoded(np.zeros((80, 80, 3), np.uint8), "PNG")).shape == (80, 80, 3)
    assert image.decode(encoded(np.zeros((2000, 6000, 3), np.uint8), "PNG")).shape == (2000, 6000, 3)


def test_too_many_bytes_are_refused_before_anything_is_parsed():
    with pytest.raises(image.Unreadable) as refused:
        image.decode(bytes(2 * 1024 * 1024 + 1))
    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(100), b"<svg/>", b"%PDF-1.7", bytes(5000), b"\xff\xd8\xff"]
)
def test_what_is_no_picture_says_so(data):
    with pytest.raises(image.Unreadable) as refused:
        image.decode(data)
    assert refused.value.code == "not_an_image"


def test_a_gif_and_a_bmp_are_not_read_even_if_whole():
    for kind in ("GIF", "BMP", "TIFF"):
        with pytest.raises(image.Unreadable) as refused:
            image.decode(encoded(quarters(), kind))
        assert refused.value.code == "not_an_image"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_truncated_picture_is_refused(portrait, kind, kept):
    data = encoded(portrait, kind)
    with pytest.raises(image.Unreadable) as refused:
        image.decode(data[: int(len(data) * kept)])
    assert refused.value.code == "truncated"


def test_a_progressive_jpeg_with_a_thumbnail_is_complete_only_at_its_own_end(portrait):
    thumbnail = encoded(portrait[::8, ::8], "JPEG")
    data = encoded(portrait, "JPEG", progressive=True, exif=b"Exif\0\0" + thumbnail)
    assert image.decode(data + b"what a phone appends").shape == portrait.shape
    with pytest.raises(image.Unreadable):
        image.decode(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_mutated_picture_does_more_than_be_refused(portrait, kind, capfd):
    original = encoded(portrait[60:220:1, 140:300:1], kind)
    chance = random.Random(20261121)
    outcomes = {"read": 0}
    for _ in range(1200):
        data = bytearray(original)
        # Half of the damage falls on the first bytes, where the structure is.
        for _ in range(chance.randint(1, 12)):
            reach = min(200, len(data)) if chance.random() < 0.5 else len(data)
            data[chance.randrange(reach)] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        try:
            rgb = image.decode(bytes(data))
        except image.Unreadable as refused:
            outcomes[refused.code] = outcomes.get(refused.code, 0) + 1
        else:
            assert rgb.dtype == np.uint8
            assert rgb.shape[2] == 3
            outcomes["read"] += 1
    capfd.readouterr()  # the decoders' own complaints
    assert sum(outcomes.values()) == 1200
    assert outcomes["read"] < 1200
    codes = {"read", "too_large", "not_an_image", "too_many_pixels", "too_small", "truncated", "broken"}
    assert set(outcomes) <= codes


def test_stored_pictures_are_bounded_and_carry_no_metadata(portrait):
    large = np.repeat(np.repeat(portrait, 4, axis=0), 4, axis=1)
    stored = image.encode_jpeg(large, longest=1280)
    with Image.open(io.BytesIO(stored)) as reread:
        assert (reread.format, reread.size, dict(reread.getexif())) == ("JPEG", (1280, 1280), {})
    assert image.decode(image.encode_jpeg(portrait)).shape == portrait.shape


def test_encoding_keeps_the_colours(portrait):
    again = image.decode(image.encode_jpeg(portrait))
    assert np.abs(again.astype(int) - portrait).mean() < 4
