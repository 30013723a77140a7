"""A trained ONNX face network as a frozen torch module that also shows what its blocks compute.

Covers feed-forward graphs of convolutions, ReLU, ReLU6 and additions (MobileFaceNet and its kin) and refuses
any other operator by name. Its weights are never given to a student: it only answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from recognition.training.networks import PIXEL_MEAN, PIXEL_STD

TAIL = {
    "Shape",
    "Gather",
    "Unsqueeze",
    "Concat",
    "Reshape",
    "Flatten",
    "Constant",
}  # only (N, D, 1, 1) -> (N, D)


class Teacher(nn.Module):
    """`teacher(pixels)` gives the output of every linear bottleneck and, last, the `(N, dim)` embedding.

    `pixels` are `(N, 3, H, W)` RGB from 0 to 255. Raises ValueError for a graph it cannot express.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(str(path)).graph
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.plan: list[tuple[str, list[str], str]] = []
        self.convs = nn.ModuleDict()
        for node in graph.node:
            if node.op_type in TAIL:
                continue
            if node.op_type not in {"Conv", "Clip", "Relu", "Add"}:
                raise ValueError(f"{path.name}: operator {node.op_type} is not supported in a teacher")
            name, inputs = node.output[0], list(node.input)
            if node.op_type == "Conv":
                self.convs[self._key(name)] = _conv(node, values)
                inputs = inputs[:1]
            elif node.op_type == "Clip":
                inputs = inputs[:1]
            self.plan.append((node.op_type, inputs, name))
        self.source = graph.input[0].name
        self.hints = self._block_outputs()
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    @staticmethod
    def _key(name: str) -> str:
        return name.replace(".", "_")

    def _block_outputs(self) -> list[str]:
        """Names of tensors that leave a linear bottleneck: not activated, and read by a pointwise layer."""
        linear = {name for op, _, name in self.plan if op in {"Conv", "Add"}}
        expanding = [
            inputs[0]
            for op, inputs, name in self.plan
            if op == "Conv" and self.convs[self._key(name)].kernel_size == (1, 1)
        ]
        return [name for name in expanding if name in linear][:-1]  # the last reads the GDConv: no block

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> list[Tensor]:
        tensors = {self.source: (pixels - self.mean) / self.std}
        for op, inputs, name in self.plan:
            x = tensors[inputs[0]]
            if op == "Conv":
                tensors[name] = self.convs[self._key(name)](x)
            elif op == "Clip":
                tensors[name] = functional.relu6(x)
            elif op == "Relu":
                tensors[name] = functional.relu(x)
            else:
                tensors[name] = x + tensors[inputs[1]]
        return [tensors[name] for name in self.hints] + [tensors[self.plan[-1][2]].flatten(1)]


def _conv(node: onnx.NodeProto, values: dict[str, np.ndarray]) -> nn.Conv2d:
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    weight = torch.from_numpy(values[node.input[1]].copy())
    conv = nn.Conv2d(
        weight.shape[1] * settings["group"],
        weight.shape[0],
        tuple(settings["kernel_shape"]),
        tuple(settings["strides"]),
        tuple(settings["pads"][:2]),
        groups=settings["group"],
    )
    conv.weight.data.copy_(weight)
    conv.bias.data.copy_(torch.from_numpy(values[node.input[2]].copy()))
    return conv
