"""Pictures for the demo: invented people, and one public-domain portrait (see the READMEs beside this file).

They show that the path works from end to end. How well faces are told apart is measured on many real
people, see recognition/README.md.
"""

import io
import tomllib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

PORTRAIT = Path(__file__).parent / "portrait.jpg"
PEOPLE = Path(__file__).parent / "people"
GREY = (122, 128, 132)


@dataclass(frozen=True)
class Invented:
    """Somebody who does not exist, with eight photographs; the first four are good enough for enrolment."""

    badge: str
    name: str
    department: str

    def photograph(self, number: int) -> bytes:
        """JPEG, 640 × 480, `number` from 1 to 8."""
        return (PEOPLE / self.badge / f"{number}.jpg").read_bytes()


def invented() -> list[Invented]:
    """Everybody of people/people.toml, in its order."""
    listed = tomllib.loads((PEOPLE / "people.toml").read_text("utf-8"))["people"]
    return [Invented(one["badge"], one["name"], one["department"]) for one in listed]


def photographs() -> list[tuple[str, bytes]]:
    """Three photographs for enrolment: as it is, in a brighter light, slightly tilted."""
    portrait = _portrait()
    return [
        ("plain", _jpeg(portrait)),
        ("bright", _jpeg(ImageEnhance.Brightness(portrait).enhance(1.2))),
        ("tilted", _jpeg(portrait.rotate(7, Image.Resampling.BICUBIC, fillcolor=GREY))),
    ]


def passage(direction: str) -> bytes:
    """What a kiosk's camera would see of her on the way in, and in the evening on the way out."""
    portrait = _portrait()
    if direction == "out":
        warm = Image.merge(
            "RGB", [band.point(_times(k)) for band, k in zip(portrait.split(), (1.08, 1, 0.86), strict=True)]
        )
        return _jpeg(_placed(ImageEnhance.Brightness(warm).enhance(0.8), at=(150, 10), side=460))
    return _jpeg(_placed(portrait.filter(ImageFilter.GaussianBlur(0.7)), at=(70, 0), side=480))


def in_light(photograph: bytes, colour: str) -> bytes:
    """The same face while a screen before it shines red, green, blue or white: a tenth of the light is its.

    Pixels are light to the power of 1/2.2, so more light multiplies them.
    """
    shining = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "white": (1, 1, 1)}[colour]
    with Image.open(io.BytesIO(photograph)) as picture:
        bands = zip(picture.convert("RGB").split(), shining, strict=True)
        lit = [band.point(_times((0.8 + 0.1 * light) ** (1 / 2.2))) for band, light in bands]
    return _jpeg(Image.merge("RGB", lit))


def empty_room() -> bytes:
    """A wall with a change of light, and nobody before it."""
    return _jpeg(ImageOps.colorize(Image.linear_gradient("L").resize((640, 480)), "#30363d", "#aab2b9"))


def two_people() -> bytes:
    scene = Image.new("RGB", (960, 480), GREY)
    portrait = _portrait().resize((480, 480))
    scene.paste(portrait, (0, 0))
    scene.paste(ImageOps.mirror(portrait), (480, 0))
    return _jpeg(scene)


def blurred() -> bytes:
    return _jpeg(_placed(_portrait().filter(ImageFilter.GaussianBlur(4)), at=(70, 0), side=480))


def not_a_picture() -> bytes:
    return b"This is a text file that calls itself a picture. " * 8


def _portrait() -> Image.Image:
    with Image.open(PORTRAIT) as picture:
        return picture.convert("RGB")


def _placed(portrait: Image.Image, *, at: tuple[int, int], side: int) -> Image.Image:
    """The portrait in front of a kiosk's 640 x 480 camera."""
    scene = Image.new("RGB", (640, 480), GREY)
    scene.paste(portrait.resize((side, side), Image.Resampling.LANCZOS), at)
    return scene


def _times(factor: float) -> list[int]:
    return [min(255, int(value * factor)) for value in range(256)]


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
