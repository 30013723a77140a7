"""The papers' networks in torch, built from their descriptions.

Promise: a network has exactly the layers of `recognition.architectures`, so it has the parameters that
`recognition.cost` counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.architectures import Block, Join, Kind, Layer, Network
from recognition.training.networks import Convolution, StagedNetwork


class ChannelAttention(nn.Module):
    """ECA: each channel is scaled by a sigmoid of its own and its neighbours' averages."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        averages = x.mean((2, 3))
        weights = torch.sigmoid(self.conv(averages[:, None]))[:, 0]
        return x * weights[:, :, None, None]


class FullyConnected(nn.Linear):
    """Takes a map as it is, `(N, C, H, W)`, and gives `(N, channels)`."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class UnitLength(nn.Module):
    """`(N, C)` vectors scaled to Euclidean length 1."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(x, dim=1)


class Stage(nn.Module):
    """The layers of one block, and how their output joins its input."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.description = block
        self.layers = nn.Sequential(*(_module(layer) for layer in block.layers))

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        if self.description.join is Join.ADD:
            return x + y
        if self.description.join is Join.MEAN:
            return (x.flatten(1) + y) / 2
        return y


class PaperNetwork(StagedNetwork):
    """One network of the papers: `(N, 3, size, size)` float pixels to `(N, dim)`, a stage for each block.

    Starts with random weights (He's for convolutions), in training mode. For ReLU6 in place of PReLU describe
    it so: `PaperNetwork(with_relu6(description))`.
    """

    def __init__(self, description: Network) -> None:
        super().__init__([Stage(block) for block in description.blocks])
        self.description = description
        self.size, self.dim, self.name = description.size, description.dim, description.name

    def outputs(self, pixels: Tensor) -> list[Tensor]:
        *maps, last = super().outputs(pixels)
        return [*maps, last.flatten(1)]


def _module(layer: Layer) -> nn.Module:
    channels = layer.channels[0]
    match layer.kind:
        case Kind.NORMALISATION:
            return nn.BatchNorm2d(channels)
        case Kind.RELU:
            return nn.ReLU()
        case Kind.RELU6:
            return nn.ReLU6()
        case Kind.PRELU:
            return nn.PReLU(channels)
        case Kind.H_RELU6:
            return nn.Hardswish()  # x ReLU6(x + 3) / 6, the paper's equation (6)
        case Kind.ECA:
            return ChannelAttention(layer.kernel)
        case Kind.AVERAGE_POOL:
            return nn.AdaptiveAvgPool2d(1)
        case Kind.L2:
            return UnitLength()
        case Kind.FULLY_CONNECTED:
            return FullyConnected(layer.side[0] ** 2 * channels, layer.channels[1], bias=layer.bias)
    return _convolution(layer)


def _convolution(layer: Layer) -> nn.Conv2d:
    depthwise = layer.kind in (Kind.DEPTHWISE, Kind.GLOBAL_DEPTHWISE)
    conv = Convolution(
        *layer.channels,
        layer.kernel,
        layer.stride,
        padding=0 if layer.kind is Kind.GLOBAL_DEPTHWISE else layer.kernel // 2,
        groups=layer.channels[0] if depthwise else 1,
        bias=layer.bias,
    )
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv
