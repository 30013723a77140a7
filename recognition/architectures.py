"""The papers' networks, layer by layer, as plain data: what `cost` counts and `training.papers` builds.

Promise: each network is described once, here, and needs no library to be read. Where a paper leaves a choice
or contradicts itself, the function that draws the network says which reading was taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, partial
from math import log2
from types import MappingProxyType


class Kind(StrEnum):
    """What a layer does."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    GLOBAL_DEPTHWISE = "global depthwise"
    POINTWISE = "pointwise"
    FULLY_CONNECTED = "fully connected"
    NORMALISATION = "normalisation"
    RELU = "relu"
    RELU6 = "relu6"
    PRELU = "prelu"
    H_RELU6 = "h-relu6"
    ECA = "eca"
    AVERAGE_POOL = "average pool"
    L2 = "l2"


class Join(StrEnum):
    """What becomes of a block's input: nothing more, added to its layers' output, or averaged with it."""

    NONE = "none"
    ADD = "add"
    MEAN = "mean"


@dataclass(frozen=True)
class Layer:
    """One layer. `side` and `channels` are (in, out); maps are square; convolutions pad by kernel // 2.

    Global depthwise and average pool take the whole map (kernel = side in). A fully connected layer that is
    given a map flattens it first. `kernel` of ECA is the length of its one-dimensional convolution.
    """

    kind: Kind
    side: tuple[int, int]
    channels: tuple[int, int]
    kernel: int = 1
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True)
class Block:
    """Layers in a row, and how their output joins the block's input."""

    layers: tuple[Layer, ...]
    join: Join = Join.NONE


@dataclass(frozen=True)
class Network:
    """A network for (N, 3, size, size) pixels that gives (N, dim) numbers."""

    name: str
    paper: str
    size: int
    dim: int
    blocks: tuple[Block, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(layer for block in self.blocks for layer in block.layers)


MOBILENETS = "MobileNets (2017)"
FAST_FACENET = "Lightweight FaceNet (2021)"
LIGHT_MOBILEFACENET = "Lightweight MobileFaceNet (2022)"
MOBIFACE = "MobiFace (2019)"

# MobileNets, Table 1: output channels and stride of each depthwise separable pair. The table prints stride 2
# for the last depthwise layer, whose output is 7x7 like its input; 28 layers and 569 M need stride 1.
MOBILENET_PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
MOBILENET_LAST_PAIRS = ((1024, 2), (1024, 1))

# MobileFaceNet, Table 1: expansion t, output channels c, stride s of the first repetition; repetitions n, and
# those of the restructured network.
MOBILEFACENET_STAGES = ((2, 64, 2), (4, 128, 2), (2, 128, 1), (4, 128, 2), (2, 128, 1))
MOBILEFACENET_REPEATS = (5, 1, 6, 1, 2)
RESTRUCTURED_REPEATS = (4, 1, 5, 1, 2)

# MobiFace, Table 1: inner channels, output channels, blocks. The first block of each stage halves the map
# (the table's "Block"), the others add their input (its "RBlocks").
MOBIFACE_STAGES = ((128, 64, 3), (256, 128, 4), (512, 256, 7))


@dataclass
class _Sketch:
    """Adds blocks one after another and keeps the shape between them."""

    side: int
    channels: int = 3
    blocks: list[Block] = field(default_factory=list)
    open: list[Layer] = field(default_factory=list)

    def layer(
        self, kind: Kind, *, side: int | None = None, channels: int | None = None, **more: int | bool
    ) -> None:
        """A layer after the last one; without side or channels they stay as they are."""
        sides = (self.side, side or self.side)
        widths = (self.channels, channels or self.channels)
        self.open.append(Layer(kind, sides, widths, **more))  # type: ignore[arg-type]
        self.side, self.channels = sides[1], widths[1]

    def unit(
        self,
        kind: Kind,
        channels: int | None = None,
        *,
        kernel: int = 1,
        stride: int = 1,
        activation: Kind | None = None,
    ) -> None:
        """A convolution without bias, its batch normalisation, and its activation unless it is linear."""
        side = 1 if kind is Kind.GLOBAL_DEPTHWISE else -(-self.side // stride)
        self.layer(kind, side=side, channels=channels, kernel=kernel, stride=stride)
        self.layer(Kind.NORMALISATION)
        if activation:
            self.layer(activation)

    def fully_connected(self, channels: int) -> None:
        self.layer(Kind.FULLY_CONNECTED, side=1, channels=channels, bias=True)

    def average_pool(self) -> None:
        self.layer(Kind.AVERAGE_POOL, side=1, kernel=self.side)

    def close(self, join: Join = Join.NONE) -> None:
        """What was added since the last call becomes a block."""
        self.blocks.append(Block(tuple(self.open), join))
        self.open = []

    def bottleneck(
        self, inner: int, channels: int, *, stride: int, activation: Kind, eca: bool = False
    ) -> None:
        """Expand, filter, project linearly (MobileNetV2's block); its input is added where shapes allow."""
        keeps = stride == 1 and channels == self.channels
        self.unit(Kind.POINTWISE, inner, activation=activation)
        self.unit(Kind.DEPTHWISE, kernel=3, stride=stride, activation=activation)
        self.unit(Kind.POINTWISE, channels)
        if eca:
            self.layer(Kind.ECA, kernel=eca_kernel(channels))
        self.close(Join.ADD if keeps else Join.NONE)

    def network(self, name: str, paper: str, size: int) -> Network:
        return Network(name, paper, size, self.channels, tuple(self.blocks))


def eca_kernel(channels: int) -> int:
    """The length of ECA's convolution: odd, (log2 C + 1) / 2 or the next (its gamma is 2, its b is 1)."""
    length = int((log2(channels) + 1) / 2)
    return length if length % 2 else length + 1


def mobilenet(
    alpha: float = 1.0,
    size: int = 224,
    *,
    classes: int = 1000,
    shallow: bool = False,
    separable: bool = True,
) -> Network:
    """MobileNets' Table 1 with width multiplier alpha; resolution is set by `size`.

    `shallow` leaves the five pairs at 14x14x512 out (Table 5); without `separable` each pair is one full
    convolution (Table 4). Gives class scores: the softmax belongs to the loss.
    """
    sketch = _mobilenet_body(alpha, size, shallow=shallow, separable=separable)
    sketch.average_pool()
    sketch.fully_connected(classes)
    sketch.close()
    kind = ("-shallow" if shallow else "") + ("" if separable else "-conv")
    return sketch.network(f"mobilenet{kind}-{alpha:g}-{size}", MOBILENETS, size)


def mobilenet_face(alpha: float = 1.0, size: int = 160, *, dim: int = 128) -> Network:
    """MobileNets' body with an embedding of `dim` numbers in place of the classes (section 4.7)."""
    network = mobilenet(alpha, size, classes=dim)
    return replace(network, name=f"mobilenet-face-{alpha:g}-{size}")


def fast_facenet(theta: float = 1.0, size: int = 224, *, dim: int = 128) -> Network:
    """Fast-FaceNet: MobileNet of width theta, 128 numbers of unit length, faces of 224 pixels.

    Its layer table was a picture and is lost: MobileNets' Table 1 with `dim` outputs is what the text says.
    """
    network = mobilenet(theta, size, classes=dim)
    unit = Block((Layer(Kind.L2, (1, 1), (dim, dim)),))
    name = f"fast-facenet-{theta:g}"
    return replace(network, name=name, paper=FAST_FACENET, blocks=(*network.blocks, unit))


def mobilefacenet(
    name: str = "mobilefacenet",
    *,
    size: int = 112,
    repeats: tuple[int, ...] = MOBILEFACENET_REPEATS,
    activation: Kind = Kind.PRELU,
    eca: bool = False,
    dim: int = 128,
) -> Network:
    """MobileFaceNet's Table 1; `repeats`, `activation` and `eca` are the steps of the 2022 paper's ablation.

    `activation` is that of the bottlenecks alone, as the paper says; stem and head keep PReLU. The table
    marks whole stages for ECA, the text "the very first and last bottleneck": those two have it here, after
    the projection and before the sum, as in ECA-Net. The text speaks of 512 output features, the table of
    128: the table is built, and `dim` gives the other.
    """
    sketch = _Sketch(size)
    sketch.unit(Kind.CONV, 64, kernel=3, stride=2, activation=Kind.PRELU)
    sketch.unit(Kind.DEPTHWISE, kernel=3, activation=Kind.PRELU)
    sketch.close()
    rows = []
    for (expansion, channels, stride), count in zip(MOBILEFACENET_STAGES, repeats, strict=True):
        rows += [(expansion, channels, stride if index == 0 else 1) for index in range(count)]
    for index, (expansion, channels, stride) in enumerate(rows):
        marked = eca and index in (0, len(rows) - 1)
        inner = sketch.channels * expansion
        sketch.bottleneck(inner, channels, stride=stride, activation=activation, eca=marked)
    sketch.unit(Kind.POINTWISE, 512, activation=Kind.PRELU)
    sketch.unit(Kind.GLOBAL_DEPTHWISE, kernel=sketch.side)
    sketch.unit(Kind.POINTWISE, dim)
    sketch.close()
    return sketch.network(name, LIGHT_MOBILEFACENET, size)


def mobiface(name: str = "mobiface", *, flat: bool = False, flipped: bool = False) -> Network:
    """MobiFace's Table 1: halved twice early, bottlenecks of expansion 2 or 4, 512 numbers.

    The table ends in a fully connected layer on 7x7x512. Alone it has 12.8 M weights (51 MB), yet the paper
    states 9.3 MB in all. Built is the reading that gives this size and keeps the reason given for the layer
    (positions weigh differently, unlike in an average): each of the 512 maps fully connected to its own
    number, which is a 7x7 global depthwise convolution. `flat` builds the table to the letter. `flipped` adds
    Flipped-MobiFace's two layers, with ReLU between them only: one at the end could never give the negative
    half of an embedding.
    """
    sketch = _Sketch(112)
    sketch.unit(Kind.CONV, 64, kernel=3, stride=2, activation=Kind.PRELU)
    sketch.unit(Kind.DEPTHWISE, kernel=3, activation=Kind.PRELU)
    sketch.close()
    for inner, channels, repeats in MOBIFACE_STAGES:
        for index in range(repeats):
            sketch.bottleneck(inner, channels, stride=1 if index else 2, activation=Kind.PRELU)
    sketch.unit(Kind.POINTWISE, 512, activation=Kind.PRELU)
    if flat:
        sketch.fully_connected(512)
    else:
        sketch.unit(Kind.GLOBAL_DEPTHWISE, kernel=sketch.side)
    sketch.close()
    if flipped:
        sketch.fully_connected(512)
        sketch.layer(Kind.RELU)
        sketch.fully_connected(512)
        sketch.close(Join.MEAN)
    return sketch.network(name, MOBIFACE, 112)


def with_relu6(network: Network) -> Network:
    """The same network with ReLU6 wherever it has PReLU: fewer parameters, and onnxruntime fuses it."""
    blocks = tuple(
        replace(block, layers=tuple(_without_prelu(layer) for layer in block.layers))
        for block in network.blocks
    )
    return replace(network, name=f"{network.name}-relu6", blocks=blocks)


def _without_prelu(layer: Layer) -> Layer:
    return replace(layer, kind=Kind.RELU6) if layer.kind is Kind.PRELU else layer


def _mobilenet_body(alpha: float, size: int, *, shallow: bool, separable: bool) -> _Sketch:
    sketch = _Sketch(size)
    sketch.unit(Kind.CONV, round(32 * alpha), kernel=3, stride=2, activation=Kind.RELU)
    sketch.close()
    pairs = MOBILENET_PAIRS[:-5] if shallow else MOBILENET_PAIRS
    for channels, stride in (*pairs, *MOBILENET_LAST_PAIRS):
        width = round(channels * alpha)
        if separable:
            sketch.unit(Kind.DEPTHWISE, kernel=3, stride=stride, activation=Kind.RELU)
            sketch.unit(Kind.POINTWISE, width, activation=Kind.RELU)
        else:
            sketch.unit(Kind.CONV, width, kernel=3, stride=stride, activation=Kind.RELU)
        sketch.close()
    return sketch


WIDTHS = (1.0, 0.75, 0.5, 0.25)
SIZES = (224, 192, 160, 128)


@cache
def networks() -> Mapping[str, Network]:
    """Every network of the papers by its name."""
    light = partial(mobilefacenet, size=96, repeats=RESTRUCTURED_REPEATS)
    drawn: list[Network] = [
        *(mobilenet(alpha, size) for alpha in WIDTHS for size in SIZES),
        mobilenet(separable=False),
        mobilenet(shallow=True),
        *(mobilenet_face(alpha, size) for alpha in WIDTHS for size in SIZES),
        *(fast_facenet(theta) for theta in WIDTHS),
        mobilefacenet(),
        mobilefacenet("mobilefacenet-512", dim=512),
        light("mobilefacenet-96"),
        light("mobilefacenet-96-hrelu6", activation=Kind.H_RELU6),
        light("mobilefacenet-96-eca", activation=Kind.H_RELU6, eca=True),
        mobiface(),
        mobiface("flipped-mobiface", flipped=True),
        mobiface("mobiface-flat", flat=True),
    ]
    return MappingProxyType({network.name: network for network in drawn})
