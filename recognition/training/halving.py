"""Weights of an ONNX file kept as float16, for networks whose float32 is too large to be shipped.

Promise: `halve` loses nothing, because it only takes weights that `round_to_half` has rounded before; the
network computes in float32 as before (onnxruntime widens the weights once, when it loads the file).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SMALL = 1024  # numbers; what is no larger stays as it is


@torch.no_grad()
def round_to_half(network: nn.Module) -> None:
    """Round the large weights of `network` to float16's numbers, in place."""
    for weight in network.parameters():
        if weight.numel() > SMALL:
            weight.copy_(weight.half().float())


def halve(path: Path) -> int:
    """Rewrite the ONNX file with its large weights as float16; the new size in bytes comes back.

    Raises ValueError, and leaves the file alone, where a weight is no number of float16.
    """
    model = onnx.load(str(path))
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size <= SMALL:
            continue
        narrow = values.astype(np.float16)
        if not np.array_equal(narrow.astype(np.float32), values):
            raise ValueError(f"{path.name}: {weight.name} is not rounded to float16")
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(narrow, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path.stat().st_size
