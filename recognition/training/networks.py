"""Face-embedding networks, built from the layer tables of their papers.

A network is a list of stages so that each stage can be taught on its own; called as a whole it turns
`(N, 3, H, W)` float pixels (0 to 255, RGB) into `(N, dim)` float32 embeddings that are not yet normalised.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# ImageNet channel statistics in units of pixel value: the usual input scale of ONNX face models.
PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)

# MobileFaceNet, Table 1: expansion t, output channels c, repetitions n, stride s of the first one.
MOBILEFACENET_BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))


class _Halving(torch.autograd.Function):
    """A depthwise layer of stride 2 on `(N, C, H, W)` maps. oneDNN finds the gradient of its input far faster
    in float32 than in bfloat16."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return functional.conv2d(x, weight, bias, 2, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors

        def gradients(kind: torch.dtype, wanted: list[bool]) -> tuple[Tensor, Tensor, Tensor]:
            given = (part.to(kind) for part in (gradient, x, weight))
            how = ([len(weight)], [2, 2], list(ctx.padding), [1, 1], False, [0, 0], len(weight))
            found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(*given, *how, wanted)
            return found

        _, of_weight, of_bias = gradients(x.dtype, [False, True, True])
        of_input, _, _ = gradients(torch.float32, [True, False, False])
        return of_input.to(x.dtype), of_weight, of_bias if ctx.needs_input_grad[2] else None, None


class Convolution(nn.Conv2d):
    """`nn.Conv2d` that gets to the same numbers by quicker ways while it is trained on a processor.

    oneDNN's backward passes are slow where a layer is thin. Of a strided depthwise layer see `_Halving`. Of a
    global depthwise layer: the sum written out saves a tenth of a step. Of the first layer, on 3 channels: a
    product with the pixels of each window laid side by side saves a quarter to a third.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.device.type != "cpu":
            return super().forward(x)
        if self.in_channels == 3 and self.groups == 1:
            return self._windows(x)
        if self.groups == 1:
            return super().forward(x)
        if self.padding == (0, 0):
            product = (x * self.weight[:, 0].to(x.dtype)).sum((2, 3), keepdim=True)
            return product if self.bias is None else product + self.bias[None, :, None, None]
        if self.stride == (2, 2):
            kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
            given = [None if part is None else part.to(kind) for part in (x, self.weight, self.bias)]
            halved: Tensor = _Halving.apply(*given, self.padding)
            return halved
        return super().forward(x)

    def _windows(self, x: Tensor) -> Tensor:
        (pad, _), (stride, _), (size, _) = self.padding, self.stride, self.kernel_size
        padded = functional.pad(x, (pad, pad, pad, pad))
        high, wide = ((side + 2 * pad - size) // stride + 1 for side in x.shape[2:])
        taps = [
            padded[:, :, top : top + stride * high : stride, left : left + stride * wide : stride]
            for top in range(size)
            for left in range(size)
        ]
        beside = torch.cat(taps, 1).contiguous(memory_format=torch.channels_last)
        weight = self.weight.permute(0, 2, 3, 1).reshape(self.out_channels, -1, 1, 1)
        return functional.conv2d(beside, weight, self.bias)


class ConvUnit(nn.Module):
    """A convolution with bias, then ReLU6 unless `linear`.

    No batch normalisation: blockwise teaching starts every layer at unit variance (`distil.standardise`) and
    never drifts far, and leaving it out makes a training step on a CPU 1.2 to 1.4 times faster.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        padding: int | None = None,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = Convolution(
            channels_in,
            channels_out,
            kernel,
            stride,
            kernel // 2 if padding is None else padding,
            groups=channels_in if depthwise else 1,
        )
        self.linear = linear
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="linear" if linear else "relu")
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.linear else functional.relu6(x)


class GlobalDepthwise(nn.Module):
    """Linear global depthwise convolution (GDConv): one weight per channel and position, summed to 1x1."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, size, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Bottleneck(nn.Module):
    """Inverted residual block with a linear projection; adds its input where shapes allow (MobileNetV2)."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.expand = ConvUnit(channels_in, hidden)
        self.depthwise = ConvUnit(hidden, hidden, kernel=3, stride=stride, depthwise=True)
        self.project = ConvUnit(hidden, channels_out, linear=True)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class StagedNetwork(nn.Module):
    """Normalises pixels, then applies `stages` one after another; the last gives `(N, dim)`."""

    size: int
    dim: int
    name = "network"

    def __init__(self, stages: list[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1), persistent=False)

    def normalise(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.std

    def outputs(self, pixels: Tensor) -> list[Tensor]:
        """The output of every stage, the embedding last."""
        x, seen = self.normalise(pixels), []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        return seen

    def forward(self, pixels: Tensor) -> Tensor:
        return self.outputs(pixels)[-1].float()


class MobileFaceNet(StagedNetwork):
    """MobileFaceNet of Table 1 (0.99 M parameters) with ReLU6 in place of PReLU.

    ReLU6 fuses into onnxruntime's convolutions, PReLU does not; and the teacher has it, so that its features
    can be met. The table's stem is kept, though the teacher's has a pointwise layer more.
    Stage 0 is the stem with the first bottleneck, stages 1 to 14 are one bottleneck each, stage 15 the head.
    """

    size = 112
    name = "mobilefacenet"

    def __init__(self, dim: int = 128) -> None:
        stem: list[nn.Module] = [
            ConvUnit(3, 64, kernel=3, stride=2),
            ConvUnit(64, 64, kernel=3, depthwise=True),
        ]
        bottlenecks, channels = [], 64
        for t, c, n, s in MOBILEFACENET_BOTTLENECKS:
            for index in range(n):
                stride = s if index == 0 else 1
                bottlenecks.append(Bottleneck(channels, c, stride=stride, expansion=t))
                channels = c
        head = [ConvUnit(128, 512), GlobalDepthwise(512, 7), ConvUnit(512, dim, linear=True), nn.Flatten()]
        super().__init__([nn.Sequential(*stem, bottlenecks[0]), *bottlenecks[1:], nn.Sequential(*head)])
        self.dim = dim


NETWORKS = {"mobilefacenet": MobileFaceNet}
