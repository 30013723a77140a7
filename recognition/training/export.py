"""A trained network as one ONNX file that takes aligned faces as they are: uint8 pixels, rows first.

The graph is written out layer by layer, so nothing is in it that the network has not. Promise: `export` has
compared onnxruntime's answers with the network's before the file exists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor, nn

from recognition.architectures import Join
from recognition.training import graphs
from recognition.training.networks import Bottleneck, ConvUnit, GlobalDepthwise, StagedNetwork
from recognition.training.papers import ChannelAttention, FullyConnected, Stage, UnitLength

OPSET, IR_VERSION = 21, 10  # read by onnxruntime 1.20 and later
TOLERANCE = 1e-4


def export(network: StagedNetwork, path: Path) -> float:
    """Write `path`: (N, S, S, 3) uint8 RGB in, (N, dim) float32 out, any N; normalisation is folded in. Of a
    network that averages its last map S is free as well, and one file serves several sizes.

    Returns the largest difference between onnxruntime and torch on random pixels, relative to the length of
    the longest vector; raises ValueError, and writes nothing, where it reaches 1e-4.
    """
    network.eval()
    content = model(network).SerializeToString()
    pixels = np.random.default_rng(0).integers(0, 256, (4, network.size, network.size, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = session.run(None, {"pixels": pixels})[0]
    difference = float(np.abs(given - wanted).max() / np.linalg.norm(wanted, axis=1).max())
    if not difference < TOLERANCE:
        raise ValueError(f"onnxruntime and torch differ by {difference:.2g}: {path.name} is not written")
    path.write_bytes(content)
    return difference


def model(network: StagedNetwork) -> onnx.ModelProto:
    """The graph from `pixels` to `embedding`, checked for its form but not for its answers."""
    writer = _Writer()
    x = writer.add("Cast", "pixels", to=TensorProto.FLOAT)
    x = writer.add("Transpose", x, perm=[0, 3, 1, 2])
    x = writer.add("Sub", x, network.mean)
    x = writer.add("Mul", x, 1 / network.std)
    for stage in network.stages:
        x = writer.module(stage, x)
    writer.add("Flatten", x, result="embedding", axis=1)
    averages = any(isinstance(module, nn.AdaptiveAvgPool2d) for module in network.modules())
    side = "S" if averages else network.size
    return writer.graph.model(
        network.name,
        ("pixels", TensorProto.UINT8, ["N", side, side, 3]),
        {"embedding": ["N", network.dim]},
        opset=OPSET,
        ir_version=IR_VERSION,
    )


class _Writer:
    """Layers as nodes of a graph; each method returns the name of its output."""

    def __init__(self) -> None:
        self.graph = graphs.Graph()
        self._limits: list[str] = []

    def add(self, kind: str, *inputs: str | Tensor | NDArray[np.generic], **attributes: Any) -> str:
        """A node; inputs that are tensors become weights of the graph."""
        plain = [value.detach().float().numpy() if isinstance(value, Tensor) else value for value in inputs]
        return self.graph.add(kind, *plain, **attributes)

    def module(self, module: nn.Module, x: str) -> str:
        """Any part of a network: a stage, a block, a layer. Raises ValueError for one without a form here."""
        match module:
            case Stage():
                return self._stage(module, x)
            case nn.Sequential():
                return self._row(list(module), x)
            case ConvUnit():
                y = self._convolution(module.conv, None, x)
                return y if module.linear else self._relu6(y)
            case GlobalDepthwise():
                return self._convolution(module.conv, None, x)
            case Bottleneck():
                y = self._row([module.expand, module.depthwise, module.project], x)
                return self.add("Add", x, y) if module.residual else y
        return self._layer(module, x)

    def _stage(self, stage: Stage, x: str) -> str:
        y = self._row(list(stage.layers), x)
        match stage.description.join:
            case Join.ADD:
                return self.add("Add", x, y)
            case Join.MEAN:
                total = self.add("Add", self.add("Flatten", x, axis=1), y)
                return self.add("Mul", total, torch.tensor(0.5))
        return y

    def _row(self, modules: list[nn.Module], x: str) -> str:
        while modules:
            module = modules.pop(0)
            if isinstance(module, nn.Conv2d):
                norm = modules.pop(0) if modules and isinstance(modules[0], nn.BatchNorm2d) else None
                x = self._convolution(module, norm, x)
            else:
                x = self.module(module, x)
        return x

    def _layer(self, module: nn.Module, x: str) -> str:
        match module:
            case FullyConnected():
                flat = self.add("Flatten", x, axis=1)
                return self.add("Gemm", flat, module.weight, module.bias, transB=1)
            case ChannelAttention():
                return self._attention(module, x)
            case nn.PReLU():
                return self._prelu(module.weight[:, None, None], x)
            case nn.ReLU6():
                return self._relu6(x)
            case nn.ReLU():
                return self.add("Relu", x)
            case nn.Hardswish():
                return self.add("HardSwish", x)
            case nn.AdaptiveAvgPool2d():
                return self.add("GlobalAveragePool", x)
            case nn.Flatten():
                return self.add("Flatten", x, axis=1)
            case UnitLength():
                return self.add("LpNormalization", x, axis=1, p=2)
        raise ValueError(f"{type(module).__name__} has no ONNX form here")

    def _convolution(self, conv: nn.Conv2d, norm: nn.Module | None, x: str) -> str:
        weight, bias = conv.weight, [] if conv.bias is None else [conv.bias]
        if isinstance(norm, nn.BatchNorm2d):
            # Once trained, the normalisation is a scale and a shift: both go into the weights.
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            before = conv.bias if conv.bias is not None else torch.zeros_like(scale)
            weight = conv.weight * scale[:, None, None, None]
            bias = [norm.bias + (before - norm.running_mean) * scale]
        return self.add(
            "Conv",
            x,
            weight,
            *bias,
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=list(conv.padding) * 2,
            group=conv.groups,
        )

    def _relu6(self, x: str) -> str:
        self._limits = self._limits or [self.graph.weight(np.float32(value)) for value in (0, 6)]
        return self.add("Clip", x, *self._limits)

    def _prelu(self, slopes: Tensor, x: str) -> str:
        """slope x + (1 - slope) ReLU(x): the same numbers as the operator PRelu, several times as fast in
        onnxruntime, which has no blocked form of PRelu for its convolutions' layout.
        """
        positive = self.add("Mul", self.add("Relu", x), 1 - slopes)
        return self.add("Add", self.add("Mul", x, slopes), positive)

    def _attention(self, module: ChannelAttention, x: str) -> str:
        averages = self.add("Reshape", self.add("GlobalAveragePool", x), self._shape(0, 1, -1))
        kernel = module.conv.kernel_size[0]
        mixed = self.add("Conv", averages, module.conv.weight, kernel_shape=[kernel], pads=[kernel // 2] * 2)
        weights = self.add("Reshape", self.add("Sigmoid", mixed), self._shape(0, -1, 1, 1))
        return self.add("Mul", x, weights)

    def _shape(self, *sides: int) -> NDArray[np.int64]:
        """A shape for Reshape: 0 keeps that side, -1 takes what is left."""
        return np.array(sides, dtype=np.int64)
