"""A trained network as one ONNX file that takes aligned faces as they are: uint8 pixels, rows first.

The graph is written out layer by layer, so nothing is in it that the network has not. Promise: `export` has
compared onnxruntime's answers with the network's before the file exists.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from recognition.training.networks import Bottleneck, ConvUnit, GlobalDepthwise, StagedNetwork

OPSET, IR_VERSION = 21, 10  # read by onnxruntime 1.20 and later
TOLERANCE = 1e-4


def export(network: StagedNetwork, path: Path) -> float:
    """Write `path`: (N, S, S, 3) uint8 RGB in, (N, dim) float32 out, not normalised. Any N.

    Returns the largest difference of a unit vector's component between onnxruntime and torch, on random
    pixels; raises ValueError, and writes nothing, where it reaches 1e-4.
    """
    network.eval()
    content = _graph(network).SerializeToString()
    pixels = np.random.default_rng(0).integers(0, 256, (4, network.size, network.size, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = _unit(network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = float(np.abs(_unit(session.run(None, {"pixels": pixels})[0]) - wanted).max())
    if not difference < TOLERANCE:
        raise ValueError(f"onnxruntime and torch differ by {difference:.2g}: {path.name} is not written")
    path.write_bytes(content)
    return difference


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _graph(network: StagedNetwork) -> onnx.ModelProto:
    size, graph = network.size, _Graph()
    x = graph.add("Cast", ["pixels"], to=TensorProto.FLOAT)
    x = graph.add("Transpose", [x], perm=[0, 3, 1, 2])
    x = graph.add("Sub", [x, graph.constant(network.mean)])
    x = graph.add("Mul", [x, graph.constant(1 / network.std)])
    for stage in network.stages:
        x = graph.module(stage, x)
    graph.nodes[-1].output[0] = "embedding"
    given = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", size, size, 3])
    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", network.dim])
    model = helper.make_model(
        helper.make_graph(graph.nodes, type(network).__name__, [given], [result], graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lintel",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes and weights of a graph under construction; `add` and `module` return the name of their output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.limits: list[str] = []

    def add(self, operator: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: Tensor) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.detach().float().contiguous().numpy(), name))
        return name

    def module(self, module: nn.Module, x: str) -> str:
        if isinstance(module, ConvUnit):
            y = self._conv(module.conv, x)
            return y if module.linear else self._relu6(y)
        if isinstance(module, GlobalDepthwise):
            return self._conv(module.conv, x)
        if isinstance(module, Bottleneck):
            y = x
            for part in (module.expand, module.depthwise, module.project):
                y = self.module(part, y)
            return self.add("Add", [x, y]) if module.residual else y
        if isinstance(module, nn.Sequential):
            for part in module:
                x = self.module(part, x)
            return x
        if isinstance(module, nn.Flatten):
            return self.add("Flatten", [x], axis=1)
        raise ValueError(f"{type(module).__name__} has no ONNX form here yet")

    def _conv(self, conv: nn.Conv2d, x: str) -> str:
        return self.add(
            "Conv",
            [x, self.constant(conv.weight), self.constant(conv.bias)],
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=list(conv.padding) * 2,
            group=conv.groups,
        )

    def _relu6(self, x: str) -> str:
        self.limits = self.limits or [self.constant(torch.tensor(value)) for value in (0.0, 6.0)]
        return self.add("Clip", [x, *self.limits])
