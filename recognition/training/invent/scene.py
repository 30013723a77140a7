"""A face of the model as a kiosk would see it: on a neck, under hair, in clothes, before a wall.

Promise: everything but the face is computed from shapes and noise; no picture is read here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.training.invent.crops import CENTRE, EYE_LINE, EYES

Array = NDArray[np.float32]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Look:
    """What a person keeps from photograph to photograph, besides the face. Lengths in eye distances."""

    hair: Colour
    length: float  # how far down hair reaches beside the face: 0.1 short, 3 long
    volume: float  # how far it stands off the head
    hairline: float  # where it begins above the eyes
    parting: float
    curl: float  # 0 straight, 1 curly
    neck: float  # half its width
    seed: int


@dataclass(frozen=True)
class Shot:
    """What changes: the eyes' distance and place in pixels, tilt in degrees, light, clothes and wall."""

    eyes: float
    x: float
    y: float
    tilt: float
    turn: float
    side_light: float
    exposure: float
    warmth: float
    blur: float
    clothes: Colour
    collar: str  # crew, vee or shirt
    wall: Colour
    seed: int


def compose(face: Array, mask: Array, look: Look, shot: Shot) -> NDArray[np.uint8]:
    """(480, 640, 3) uint8 RGB from a face (H, W, 3) and its soft mask (H, W) in the model's frame."""
    random = np.random.default_rng(shot.seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    u, v = _frame(x, y, shot, tilt=shot.tilt)
    body_u, body_v = _frame(x, y, shot, tilt=0.25 * shot.tilt)
    texture, inside = _placed(face, mask, shot)
    # Above the brows the model knows only other people's hairlines: skin goes on from below instead.
    brow = _step((1.0 - np.hypot(np.abs(u) / 1.16, np.minimum(v - 0.1, 0) / 0.92)) / 0.36)
    alpha = _step((inside - 0.08) / 0.5) * brow
    skin_field = _continued(texture, _step((inside - 0.5) / 0.5) * brow)
    skin = np.array([np.median(texture[..., c][alpha > 0.9]) for c in range(3)], np.float32)
    skin_field = _soft(skin, 0.3, skin_field)
    hu = u + 0.10 * shot.turn  # the skull lies behind the face, so it moves the other way
    strands = _strands(hu, v, look)
    light = 1 + 0.10 * shot.side_light * np.clip(u / 1.5, -1.5, 1.5)

    scene = _wall(x, y, shot, random)
    hair = _hair_colour(look, strands, hu, v) * light[..., None]
    scene = _over(scene, hair * 0.8, _hair_behind(hu, v, look, strands))
    neck = _neck_shade(body_u, v)[..., None] * _soft(skin, 0.3, skin_field) * light[..., None]
    scene = _over(scene, neck, _neck(body_u, body_v, look))
    scene = _over(scene, *_clothes(body_u, body_v, shot, light, random))
    if look.length > 1:
        scene = _over(scene, hair, _hair_beside(hu, v, look, strands))
    else:
        scene = _over(scene, skin * 0.80 * light[..., None], _ears(hu, v))
    rim = 1 - 0.20 * _step((np.hypot(u / 1.14, np.minimum(v + 0.2, 0) / 1.6) - 0.72) / 0.45)
    scene = _over(scene, skin_field * rim[..., None], _skull(hu, v))
    jaw = _step(inside / 0.15) * _step((v - 0.1) / 0.2)
    scene = _over(scene, 0.84 * skin_field, jaw)
    scene = _over(scene, texture, alpha)
    scene *= 1 + _grain(random)[..., None] * np.maximum(np.maximum(jaw, alpha), _skull(hu, v))[..., None]
    scene = _over(scene, hair, _hair_before(hu, v, look, strands))
    return _photographed(scene, x, y, shot, random)


def _grain(random: np.random.Generator) -> Array:
    """Skin is not smooth: fine noise, and a little that is coarse."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for sigma, strength in ((0.8, 0.011), (2.2, 0.007), (9.0, 0.012)):
        noise = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), sigma)
        total += strength * noise / noise.std()
    return total


def _frame(x: Array, y: Array, shot: Shot, *, tilt: float) -> tuple[Array, Array]:
    """Coordinates in eye distances from the point between the eyes: right and down."""
    angle = np.radians(tilt)
    dx, dy = (x - shot.x) / shot.eyes, (y - shot.y) / shot.eyes
    return np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx


def _placed(face: Array, mask: Array, shot: Shot) -> tuple[Array, Array]:
    scale, angle = shot.eyes / EYES, np.radians(shot.tilt)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.hstack([turn, (np.array([shot.x, shot.y]) - turn @ [CENTRE, EYE_LINE])[:, None]])
    sharper = face + 0.9 * (face - cv2.GaussianBlur(face, (0, 0), 1.6))
    texture = cv2.warpAffine(
        sharper, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(texture, 0, 255), np.clip(cv2.warpAffine(mask, matrix, (WIDTH, HEIGHT)), 0, 1)


def _continued(texture: Array, alpha: Array) -> Array:
    """The face's own colours, carried on smoothly beyond its outline."""
    weight = _quarter(alpha**4) + 1e-6
    seen = _quarter(texture * (alpha**4)[..., None]) + 1e-6 * texture.mean()
    field, known = np.zeros_like(seen), np.zeros_like(weight)
    colours = field
    for sigma in (1, 3, 9, 27):
        near = cv2.GaussianBlur(weight, (0, 0), sigma)
        colours = cv2.GaussianBlur(seen, (0, 0), sigma) / near[..., None]
        share = np.clip(near / 0.25, 0, 1) * (1 - known)
        field += share[..., None] * colours
        known += share
    return cv2.resize(
        field + (1 - known)[..., None] * colours, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )


def _quarter(picture: Array) -> Array:
    return cv2.resize(picture, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)


def _strands(u: Array, v: Array, look: Look) -> Array:
    """Noise drawn out along hair that falls from the crown: about 0 on average, 1 wide."""
    random = np.random.default_rng(look.seed)
    du, dv = u - look.parting * 0.5, v + 2.0
    wave = look.curl * 0.05 * np.sin(7 * np.hypot(du, dv) + 3 * du)
    angle, radius = np.arctan2(du, dv) + wave, np.hypot(du, dv)
    total = np.zeros_like(u)
    for fine, strength in ((420, 0.5), (150, 0.5), (45, 0.6)):
        noise = random.standard_normal((128, 1024)).astype(np.float32)
        noise = cv2.GaussianBlur(
            noise, (0, 0), sigmaX=1.0, sigmaY=9 - 6 * look.curl, borderType=cv2.BORDER_REFLECT
        )
        noise /= noise.std()
        total += strength * cv2.remap(
            noise, (angle * fine % 1023).astype(np.float32), (radius * 22 + 8).astype(np.float32),
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
    return total * np.clip(radius / 0.6 - 0.2, 0, 1)


def _hair_colour(look: Look, strands: Array, u: Array, v: Array) -> Array:
    colour = np.array(look.hair, np.float32)
    gloss = np.exp(-(((v + 1.45 + 0.35 * u * u) / 0.22) ** 2)) * (0.5 + 0.25 * strands)
    depth = 1 - 0.40 * _step((v - 0.0) / 2.0) * _step((1.5 - np.abs(u)) / 0.5)
    shade = (0.86 + 0.17 * strands) * depth * (1 - 0.20 * _step((np.abs(u) - 0.9) / 0.7))
    return np.clip(
        colour * np.maximum(shade, 0.15)[..., None] + 40 * (gloss * (1 - look.curl))[..., None], 0, 255
    )


def _cap(u: Array, v: Array, look: Look, strands: Array) -> Array:
    """Inside (positive) the outline of hair on the head."""
    across, up = 1.22 + look.volume, 1.52 + 1.1 * look.volume
    radius = np.hypot(u / across, (v + 0.36) / up)
    return 1 - radius + (0.006 + 0.02 * look.curl) * strands


def _curtain(u: Array, v: Array, look: Look, strands: Array) -> Array:
    """Inside the outline of hair that hangs down beside the face."""
    half = 1.20 + look.volume + 0.16 * np.clip(v, 0, 2.5) - 0.08 * np.clip(v - 1.6, 0, 3) ** 2
    end = look.length + 0.16 * strands - 0.5 * np.abs(np.abs(u) - 1.15)
    return np.minimum(half - np.abs(u) + 0.012 * strands, np.minimum(v + 0.45, 0.45 * (end - v)))


def _hair_behind(u: Array, v: Array, look: Look, strands: Array) -> Array:
    if look.length <= 1:
        return _step(_cap(u, v, look, strands) / 0.06) * _step((0.22 - v) / 0.2)
    return _step(_curtain(u, v, look, strands) / 0.07)


def _hair_beside(u: Array, v: Array, look: Look, strands: Array) -> Array:
    """Long hair in front of the shoulders, not in front of the neck."""
    open_to = 0.80 + 0.10 * np.clip(v - 1, 0, 3)
    return _step(_curtain(u, v, look, strands) / 0.07) * _step((np.abs(u) - open_to + 0.06 * strands) / 0.12)


def _hair_before(u: Array, v: Array, look: Look, strands: Array) -> Array:
    """Hair around the forehead and down to the ears, or past them where it is long."""
    lift = 0.10 * np.exp(-(((u - look.parting) / 0.35) ** 2))
    top = look.hairline + lift
    wide = 1.02 if look.length > 1 else 1.09
    forehead = (np.abs(u) / wide) ** 2.6 + (np.maximum(0.35 - v, 0) / (top + 0.35)) ** 2.6
    outside = (forehead ** (1 / 2.6) - 1) + 0.014 * strands
    if look.length > 1:
        lower = np.where(
            v > 0.35, np.abs(u) - (wide + 0.02 - 0.05 * np.clip(v - 0.35, 0, 2)) + 0.02 * strands, 9
        )
        inside = np.maximum(_cap(u, v, look, strands), _curtain(u, v, look, strands))
        return _step(np.minimum(np.minimum(outside, lower), inside) / 0.06)
    faded = _step((0.20 + 0.06 * strands - v) / 0.25)
    return _step(outside / 0.13) * _step(_cap(u, v, look, strands) / 0.06) * faded


def _skull(u: Array, v: Array) -> Array:
    above = _step((1 - np.hypot(u / 1.18, (v + 0.36) / 1.48)) / 0.03)
    return above * _step((0.40 - v) / 0.25) * _step((1.14 - np.abs(u)) / 0.05)


def _ears(u: Array, v: Array) -> Array:
    distance = np.hypot((np.abs(u) - 1.13) / 0.15, (v - 0.24 - 0.3 * (np.abs(u) - 1.13)) / 0.36)
    return _step((1 - distance) / 0.15)


def _neck(u: Array, v: Array, look: Look) -> Array:
    half = look.neck + 0.02 + 0.6 * np.clip(v - 1.85, 0, 2) ** 1.6
    return _step((half - np.abs(u)) / 0.06) * _step((v - 0.9) / 0.1)


def _neck_shade(u: Array, v: Array) -> Array:
    under_chin = 0.74 + 0.18 * _step((v - 1.85 - 0.25 * (1 - u * u)) / 0.7)
    return under_chin * (1 - 0.16 * np.clip(np.abs(u) - 0.3, 0, 1))


def _clothes(
    u: Array, v: Array, shot: Shot, light: Array, random: np.random.Generator
) -> tuple[Array, Array]:
    side = np.abs(u)
    top = 2.12 + 0.42 * np.clip(side - 0.75, 0, 9) ** 0.9 + 0.9 * np.clip(side - 2.5, 0, 9) ** 2
    depth = {"crew": 0.32, "vee": 0.75, "shirt": 0.55}[shot.collar]
    if shot.collar == "crew":
        neckline = 2.30 + depth * np.sqrt(np.clip(1 - (side / 1.0) ** 2, 0, 1))
    else:
        neckline = 2.30 + depth * np.clip(1 - side / 0.85, 0, 1)
    cover = _step((v - np.maximum(top, neckline)) / 0.05)
    coarse = random.standard_normal((HEIGHT // 4, WIDTH // 4)).astype(np.float32)
    folds = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), sigmaX=3.5, sigmaY=8.5), (WIDTH, HEIGHT))
    folds /= folds.std()
    edge = np.exp(-np.clip(v - np.maximum(top, neckline), 0, 9) / 0.10)
    shade = (1 + 0.05 * folds - 0.10 * np.clip(side - 1.2, 0, 2) - 0.06 * edge) * light
    colour = np.array(shot.clothes, np.float32) * shade[..., None]
    if shot.collar == "crew":
        seam = np.exp(-(((v - neckline - 0.13) / 0.02) ** 2)) * (side < 1.15)
        return colour * (1 - 0.18 * seam)[..., None], cover
    # A turned-down collar: a lighter band beside the neckline, and the placket below it.
    band = _step((0.42 - (v - neckline) - 0.25 * side) / 0.04) * (side < 1.15)
    line = np.exp(-(((v - neckline - 0.42 + 0.25 * side) / 0.025) ** 2)) * (side < 1.15)
    if shot.collar == "shirt":
        line = line + 0.6 * np.exp(-(((u - 0.02) / 0.02) ** 2)) * (v > neckline + 0.3)
        return (colour * (1 + 0.07 * band - 0.28 * np.clip(line, 0, 1))[..., None]), cover
    return colour, cover


def _wall(x: Array, y: Array, shot: Shot, random: np.random.Generator) -> Array:
    """A plain wall with a soft fall of light, and sometimes a door frame or a bright window out of focus."""
    across, down = x / WIDTH, y / HEIGHT
    fall = 1 + 0.16 * shot.side_light * (across - 0.5) - 0.16 * (down - 0.4)
    fall *= 1 - 0.10 * np.exp(-((x - shot.x) ** 2 + (y - shot.y) ** 2) / (2 * 190**2))
    wall = np.array(shot.wall, np.float32) * fall[..., None]
    kind = random.integers(0, 4)
    edge = random.uniform(0.04, 0.2) if random.random() < 0.5 else random.uniform(0.8, 0.96)
    beyond = (across < edge) if edge < 0.5 else (across > edge)
    if kind == 1:
        wall = np.where(beyond[..., None], wall * random.uniform(0.72, 0.86), wall)
    elif kind == 2:
        wall = np.where((beyond & (down < 0.7))[..., None], wall * 0.4 + 0.6 * 235, wall)
    elif kind == 3:
        wall = np.where((down > random.uniform(0.72, 0.8))[..., None], wall * 0.84, wall)
    return cv2.GaussianBlur(wall, (0, 0), 5)


def _photographed(
    scene: Array, x: Array, y: Array, shot: Shot, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Exposure, white balance, the lens and the sensor."""
    gains = np.array([1 + 0.05 * shot.warmth, 1.0, 1 - 0.07 * shot.warmth], np.float32)
    away = ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2) / (WIDTH / 2) ** 2
    scene = cv2.GaussianBlur(
        scene * gains * (shot.exposure * (1 - 0.10 * away))[..., None], (0, 0), shot.blur
    )
    noise = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32), (0, 0), 0.8)
    noise = noise.reshape(HEIGHT, WIDTH, 1) * 1.6
    return np.clip(scene + noise + 0.5, 0, 255).astype(np.uint8)


def _over(scene: Array, layer: Array, alpha: Array) -> Array:
    return scene + (layer - scene) * alpha[..., None]


def _soft(colour: Array, share: float, field: Array) -> Array:
    return (1 - share) * colour + share * field


def _step(values: Array) -> Array:
    """0 below 0, 1 above 1, smooth between."""
    clipped = np.clip(values, 0, 1)
    return (clipped * clipped * (3 - 2 * clipped)).astype(np.float32)
