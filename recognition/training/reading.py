"""A shipped file back into the network it was exported from, so that training can go on from it.

Promise: only a file whose layers are exactly the network's is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

LEARNT = (nn.Conv2d, nn.Conv1d, nn.Linear)


@torch.no_grad()
def read(network: nn.Module, path: Path) -> None:
    """Give the folded `network` the weights in an ONNX file that `export` wrote, narrowed or not.

    Raises ValueError where a layer is missing, too many, or of another shape.
    """
    graph = onnx.load(str(path)).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:  # weights kept as float16 or bytes are widened by nodes of their own
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].astype(np.float32)
        elif node.op_type == "Mul" and all(name in values for name in node.input):
            values[node.output[0]] = values[node.input[0]] * values[node.input[1]]
    nodes = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    layers = [module for module in network.modules() if isinstance(module, LEARNT)]
    if len(nodes) != len(layers):
        raise ValueError(f"{path.name} has {len(nodes)} layers, the network {len(layers)}")
    for node, layer in zip(nodes, layers, strict=True):
        given = [torch.tensor(values[name]).float() for name in node.input[1:]]
        own = [part for part in (layer.weight, layer.bias) if part is not None]
        if [part.shape for part in given] != [part.shape for part in own]:
            raise ValueError(f"{path.name}: {node.output[0]} is {[tuple(part.shape) for part in given]}")
        for part, value in zip(own, given, strict=True):
            part.copy_(value)
