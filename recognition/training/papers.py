"""The papers' networks in torch, built from their descriptions, and written as ONNX.

Promise: a network has exactly the layers of `recognition.architectures`, so it has the parameters that
`recognition.cost` counts; a file is only written after onnxruntime gave torch's answers with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from recognition.architectures import Block, Join, Kind, Layer, Network
from recognition.training.export import IR_VERSION, OPSET, TOLERANCE
from recognition.training.networks import StagedNetwork


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
        self.size, self.dim = description.size, description.dim

    def outputs(self, pixels: Tensor) -> list[Tensor]:
        *maps, last = super().outputs(pixels)
        return [*maps, last.flatten(1)]


def export(network: PaperNetwork, path: Path) -> float:
    """Write `path`: (N, S, S, 3) uint8 RGB in, (N, dim) float32 out, any N; normalisation is folded in.

    Returns the largest difference between onnxruntime and torch on random pixels, relative to the length of
    the longest vector; raises ValueError, and writes nothing, where it reaches 1e-4.
    """
    network.eval()
    content = _graph(network).SerializeToString()
    pixels = np.random.default_rng(0).integers(0, 256, (2, network.size, network.size, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = session.run(None, {"pixels": pixels})[0]
    difference = float(np.abs(given - wanted).max() / np.linalg.norm(wanted, axis=1).max())
    if not difference < TOLERANCE:
        raise ValueError(f"onnxruntime and torch differ by {difference:.2g}: {path.name} is not written")
    path.write_bytes(content)
    return difference


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
    conv = nn.Conv2d(
        *layer.channels,
        layer.kernel,
        layer.stride,
        padding=0 if layer.kind is Kind.GLOBAL_DEPTHWISE else layer.kernel // 2,
        groups=layer.channels[0] if depthwise else 1,
        bias=layer.bias,
    )
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def _graph(network: PaperNetwork) -> onnx.ModelProto:
    size, graph = network.size, _Graph()
    x = graph.add("Cast", "pixels", to=TensorProto.FLOAT)
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, network.mean)
    x = graph.add("Div", x, network.std)
    for stage in network.stages:
        x = graph.stage(stage, x)
    graph.nodes.append(helper.make_node("Flatten", [x], ["embedding"], axis=1))
    given = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", size, size, 3])
    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", network.dim])
    model = helper.make_model(
        helper.make_graph(graph.nodes, network.description.name, [given], [result], graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lintel",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes and weights of a graph under construction; each method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str | Tensor, **attributes: object) -> str:
        """A node; inputs that are tensors become weights of the graph."""
        names = [value if isinstance(value, str) else self._weight(value) for value in inputs]
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [name], **attributes))
        return name

    def stage(self, stage: Stage, x: str) -> str:
        y, modules = x, list(stage.layers)
        while modules:
            module = modules.pop(0)
            if isinstance(module, nn.Conv2d):
                norm = modules.pop(0) if modules and isinstance(modules[0], nn.BatchNorm2d) else None
                y = self._convolution(module, norm, y)
            else:
                y = self._other(module, y)
        if stage.description.join is Join.ADD:
            return self.add("Add", x, y)
        if stage.description.join is Join.MEAN:
            total = self.add("Add", self.add("Flatten", x, axis=1), y)
            return self.add("Mul", total, torch.tensor(0.5))
        return y

    def _weight(self, value: Tensor) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.detach().float().contiguous().numpy(), name))
        return name

    def _convolution(self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None, x: str) -> str:
        weight, bias = conv.weight, [] if conv.bias is None else [conv.bias]
        if norm is not None:
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

    def _other(self, module: nn.Module, x: str) -> str:
        match module:
            case FullyConnected():
                flat = self.add("Flatten", x, axis=1)
                return self.add("Gemm", flat, module.weight, module.bias, transB=1)
            case ChannelAttention():
                return self._attention(module, x)
            case nn.PReLU():
                return self._prelu(module.weight[:, None, None], x)
            case nn.ReLU6():
                return self.add("Clip", x, torch.tensor(0.0), torch.tensor(6.0))
            case nn.ReLU():
                return self.add("Relu", x)
            case nn.Hardswish():
                return self.add("HardSwish", x)
            case nn.AdaptiveAvgPool2d():
                return self.add("GlobalAveragePool", x)
            case UnitLength():
                return self.add("LpNormalization", x, axis=1, p=2)
        raise ValueError(f"{type(module).__name__} has no ONNX form here")

    def _prelu(self, slopes: Tensor, x: str) -> str:
        """slope x + (1 - slope) ReLU(x): the same numbers as the operator PRelu, several times as fast in
        onnxruntime, which has no blocked form of PRelu for its convolutions' layout.
        """
        positive = self.add("Mul", self.add("Relu", x), 1 - slopes)
        return self.add("Add", self.add("Mul", x, slopes), positive)

    def _attention(self, module: ChannelAttention, x: str) -> str:
        shape = self._shape(0, 1, -1)
        averages = self.add("Reshape", self.add("GlobalAveragePool", x), shape)
        kernel = module.conv.kernel_size[0]
        mixed = self.add("Conv", averages, module.conv.weight, kernel_shape=[kernel], pads=[kernel // 2] * 2)
        weights = self.add("Reshape", self.add("Sigmoid", mixed), self._shape(0, -1, 1, 1))
        return self.add("Mul", x, weights)

    def _shape(self, *sides: int) -> str:
        """A shape for Reshape: 0 keeps that side, -1 takes what is left."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(sides, dtype=np.int64), name))
        return name
