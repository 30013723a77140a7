"""A linear model of faces, shape and texture apart, learnt from photographs without names.

Promise: every face it draws is a mean plus random amounts of a few hundred directions of variation; no
photograph and no part of one is stored in it or copied by it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.training.invent.crops import CENTRE, HEIGHT, WIDTH, Crops, bridge_edges

Array = NDArray[np.float32]

GROUPS = 10
TEXTURES, SHAPES = 200, 30
STEP = 4  # shapes are kept at every fourth pixel: they are smooth
# What can be said of a photograph besides who is on it. The first five, and teeth, change from picture to
# picture of one person, the next three belong to a person's skin; the others surround a face or spoil it,
# and stay average.
NAMES = (
    "yaw", "pitch", "smile", "side_light", "top_light", "luma", "red", "blue",
    "left", "right", "forehead", "contrast", "sharpness", "teeth", "bridge", "sockets",
)  # fmt: skip
# Rounds of alignment: components of the picture each face is bent to, and the smoothness of the bending.
ROUNDS = ((3, 6.0), (6, 5.0), (12, 4.0), (20, 4.0))

ASYMMETRY = 0.3
FARTHEST = 1.5  # standard deviations in any one direction: beyond, faces look odd

_Y, _X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Means by group, bases, and the spread of their joint coefficients.

    `attributes` (16, T+S): what one standard deviation of each of NAMES adds; `directions` and `spread`: the
    rest, as principal directions with standard deviations. `mirror`: what coefficients become in a mirror.
    `photographs` counts what it was learnt from.
    """

    textures: Array
    shapes: Array
    texture_basis: Array
    shape_basis: Array
    attributes: Array
    directions: Array
    spread: Array
    mirror: Array
    balance: NDArray[np.float64]
    photographs: NDArray[np.int64]

    def person(self, random: np.random.Generator, *, temperature: float) -> Array:
        """Coefficients of somebody new: a draw from the model, `temperature` narrower (< 1) or as wide (1).

        What is not the same left and right is mostly light, background and pose, hardly the person: little
        of it is drawn.
        """
        drawn = np.clip(random.standard_normal(len(self.spread)), -FARTHEST, FARTHEST)
        amounts = (drawn * self.spread * temperature) @ self.directions
        reflected = amounts @ self.mirror
        return ((amounts + reflected) / 2 + ASYMMETRY * (amounts - reflected) / 2).astype(np.float32)

    def draw(self, coefficients: Array, group: int, amounts: dict[str, float]) -> tuple[Array, Array]:
        """(148, 160, 3) RGB 0 to 255, and the soft mask (148, 160) of what of it is face."""
        values = coefficients.copy()
        for name, amount in amounts.items():
            values += amount * self.attributes[NAMES.index(name)]
        count = len(self.texture_basis)
        texture = self.textures[group] + (values[:count] @ self.texture_basis).reshape(HEIGHT, WIDTH, 3)
        shape = self.shapes[group] + (values[count:] / float(self.balance[0])) @ self.shape_basis
        flow = cv2.resize(
            shape.reshape(HEIGHT // STEP, WIDTH // STEP, 2), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
        back = -flow
        for _ in range(8):  # the way back from a face to the mean shape, by fixed point
            back = -_bent(flow, back)
        return np.clip(_bent(texture, back), 0, 255), np.clip(_bent(oval(), back), 0, 1)

    def save(self, file: Path) -> None:
        np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, file: Path) -> FaceModel:
        with np.load(file) as stored:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})


def oval(soft: float = 14.0) -> Array:
    """(148, 160) float32: 1 inside the average face's outline, falling to 0 at it over `soft` pixels."""
    below = np.clip((_Y - 60) / 84, 0, 1)
    half = 57 * np.sqrt(np.maximum(1 - below**2.4, 0))
    return np.clip((half - np.abs(_X - CENTRE)) / soft, 0, 1).astype(np.float32)


def fit(crops: Crops, *, seed: int) -> FaceModel:
    """Bend every face to the mean shape, then find how shapes and textures vary together."""
    flows = _align(crops.pixels, seed)
    textures = np.stack([_bent(p, f) for p, f in zip(crops.pixels, flows, strict=True)])
    described = _describe(textures, crops.poses)
    shapes = flows[:, ::STEP, ::STEP].reshape(len(flows), -1)
    groups = np.concatenate([crops.groups, crops.groups])
    textures = np.concatenate([textures, textures[:, :, ::-1]]).astype(np.float32)
    shapes = np.concatenate([shapes, _mirrored(shapes)])
    described = np.concatenate([described, _described_mirrored(described)])
    texture_means, shape_means = [], []
    for group in range(GROUPS):
        members = groups == group
        texture_means.append(textures[members].mean(axis=0))
        shape_means.append(shapes[members].mean(axis=0))
        textures[members] -= texture_means[-1]
        shapes[members] -= shape_means[-1]
        described[members] -= described[members].mean(axis=0)
    # Beyond the face there is only other people's background: it fades out of the model.
    textures *= cv2.GaussianBlur(_near(), (0, 0), 3)[None, :, :, None]
    texture_basis, texture_amounts = _principal(textures.reshape(len(textures), -1), TEXTURES, seed)
    shape_basis, shape_amounts = _principal(shapes, SHAPES, seed)
    balance = np.sqrt((texture_amounts**2).sum() / (shape_amounts**2).sum())
    joint = np.concatenate([texture_amounts, shape_amounts * balance], axis=1)
    attributes = np.linalg.lstsq(described / described.std(axis=0), joint, rcond=None)[0]
    rest = joint - described / described.std(axis=0) @ attributes
    _, sizes, directions = np.linalg.svd(rest, full_matrices=False)
    single = np.float32
    return FaceModel(
        np.stack(texture_means).astype(single), np.stack(shape_means).astype(single),
        texture_basis.astype(single), shape_basis.astype(single), attributes.astype(single),
        directions.astype(single), (sizes / np.sqrt(len(rest))).astype(single),
        mirror_of(texture_basis, shape_basis).astype(single), np.array([balance]),
        np.array([len(crops.pixels)]),
    )  # fmt: skip


def _align(pixels: NDArray[np.uint8], seed: int) -> Array:
    """(N, H, W, 2) where each pixel of the mean shape lies in each photograph.

    Collection flow (Kemelmacher-Shlizerman and Seitz, CVPR 2012): each face is bent by optical flow to its
    own picture in a space of few components, which has its light but only the average shape; again and again,
    with more components each time.
    """
    luma = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in pixels]
    flows = np.zeros((len(pixels), HEIGHT, WIDTH, 2), np.float32)
    window = np.exp(-(((_X - CENTRE) / 66) ** 4) - ((_Y - 76) / 76) ** 4)[..., None]
    half = (WIDTH // 2, HEIGHT // 2)
    for number, (components, smooth) in enumerate(ROUNDS, 1):
        bent = [
            cv2.resize(_bent(a, f), half, interpolation=cv2.INTER_AREA)
            for a, f in zip(luma, flows, strict=True)
        ]
        flat = np.stack(bent).astype(np.float32)
        both = np.concatenate([flat, flat[:, :, ::-1]]).reshape(2 * len(flat), -1)
        mean = both.mean(axis=0)
        basis, amounts = _principal(both - mean, components, seed)
        for index, photograph in enumerate(luma):
            aim = cv2.resize((amounts[index] @ basis + mean).reshape(half[::-1]), (WIDTH, HEIGHT))
            flow = cv2.GaussianBlur(_flow(aim, photograph, flows[index]), (0, 0), smooth)
            flows[index] = np.clip(flow, -10, 10) * window
        flows = _regular(flows, seed)
        print(f"alignment round {number} of {len(ROUNDS)}", flush=True)
    return flows


def _flow(aim: Array, photograph: NDArray[np.uint8], start: Array) -> Array:
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setVariationalRefinementAlpha(40.0)
    first, second = (
        cv2.GaussianBlur(np.clip(a, 0, 255).astype(np.uint8), (0, 0), 1) for a in (aim, photograph)
    )
    return search.calc(first, second, start.copy())


def _regular(flows: Array, seed: int) -> Array:
    """The same flows as a sum of few common ones, less their mean, so that the frame stays the mean shape."""
    coarse = flows[:, ::STEP, ::STEP].reshape(len(flows), -1)
    both = np.concatenate([coarse, _mirrored(coarse)])
    basis, amounts = _principal(both - both.mean(axis=0), 40, seed)
    smooth = (amounts[: len(flows)] @ basis).reshape(-1, HEIGHT // STEP, WIDTH // STEP, 2)
    return np.stack([cv2.resize(one, (WIDTH, HEIGHT)) for one in smooth.astype(np.float32)])


def _principal(rows: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Basis (count, D) and amounts (N, count) of centred rows, by random projection (Halko et al., 2011)."""
    random = np.random.default_rng(seed)
    sketch = random.standard_normal((rows.shape[1], min(count + 20, *rows.shape))).astype(np.float32)
    for _ in range(3):
        sketch = np.linalg.qr(rows.T @ (rows @ sketch))[0]
    left, sizes, right = np.linalg.svd(rows @ sketch, full_matrices=False)
    return (right @ sketch.T)[:count], left[:, :count] * sizes[:count]


def _describe(textures: NDArray[np.uint8], poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 16) in the order of NAMES, before standardisation."""
    rows = []
    for texture, pose in zip(textures, poses, strict=True):
        ycc = cv2.cvtColor(texture, cv2.COLOR_RGB2YCrCb).astype(np.float64)
        luma, skin = ycc[..., 0], ycc[50:130, 40:120].mean(axis=(0, 1))
        edges = np.abs(cv2.Laplacian(luma, cv2.CV_64F))[30:120, 35:125].mean() / skin[0]
        rows.append([
            *pose,
            (luma[50:110, 90:125].mean() - luma[50:110, 35:70].mean()) / skin[0],
            (luma[12:24, 50:110].mean() - luma[114:130, 60:100].mean()) / skin[0],
            skin[0], skin[1] - 128, skin[2] - 128,
            luma[70:140, 4:18].mean(), luma[70:140, 142:156].mean(), luma[2:12, 45:115].mean() - skin[0],
            luma[20:125, 35:125].std() / skin[0], edges,
            luma[96:112, 60:100].max(axis=0).mean() / skin[0], bridge_edges(texture),
            luma[34:54, 36:70].mean() / skin[0] + luma[34:54, 90:124].mean() / skin[0],
        ])  # fmt: skip
    return np.array(rows)


def _described_mirrored(described: NDArray[np.float64]) -> NDArray[np.float64]:
    swapped = described.copy()
    swapped[:, [0, 3]] *= -1
    swapped[:, [8, 9]] = described[:, [9, 8]]
    return swapped


def _mirrored(shapes: Array) -> Array:
    grid = shapes.reshape(-1, HEIGHT // STEP, WIDTH // STEP, 2)[:, :, ::-1] * np.array([-1, 1], np.float32)
    return grid.reshape(len(shapes), -1)


def mirror_of(texture_basis: Array, shape_basis: Array) -> Array:
    """The (T+S, T+S) matrix that turns coefficients, as a row, into those of the mirror image."""
    count, size = len(texture_basis), len(texture_basis) + len(shape_basis)
    swapped = texture_basis.reshape(count, HEIGHT, WIDTH, 3)[:, :, ::-1].reshape(count, -1)
    matrix = np.zeros((size, size), np.float32)
    matrix[:count, :count] = swapped @ texture_basis.T
    matrix[count:, count:] = _mirrored(shape_basis) @ shape_basis.T
    return matrix


def _near() -> Array:
    """1 on the face and just beyond its outline, 0 from there on."""
    return cv2.dilate(oval(5.0), np.ones((25, 25), np.uint8))


def _bent(picture: NDArray, flow: Array) -> NDArray:
    return cv2.remap(
        picture, _X + flow[..., 0], _Y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
