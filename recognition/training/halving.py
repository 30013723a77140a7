"""Weights of an ONNX file kept as float16 or bytes, for networks whose float32 is too large to be shipped.

The network computes in float32 as before: onnxruntime widens the weights once, when it loads the file.
Promise: `halve` loses nothing, because it only takes weights that `round_to_half` has rounded before;
`quarter` says how far the answers moved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from recognition.faces import Pixels

SMALL = 1024  # numbers; what is no larger stays as it is
ENOUGH = 0.99  # mean cosine to the answers before the weights became bytes


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
    content = _with_first(model, casts)
    path.write_bytes(content)
    return len(content)


def quarter(path: Path, faces: Pixels) -> float:
    """Rewrite the ONNX file with its large weights as bytes, and a scale for each output channel.

    The mean cosine between its answers to `faces`, (N, S, S, 3), and those before comes back; raises
    ValueError, and leaves the file alone, where that is below 0.99.
    """
    before = path.read_bytes()
    model = onnx.load_from_string(before)
    nodes, scales = [], []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size <= SMALL:
            continue
        largest = np.abs(values).reshape(len(values), -1).max(1) + 1e-12
        scale = (largest / 127).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{name}_bytes"))
        scales.append(numpy_helper.from_array(scale, f"{name}_scale"))
        nodes.append(helper.make_node("Cast", [f"{name}_bytes"], [f"{name}_wide"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}_wide", f"{name}_scale"], [name]))
    model.graph.initializer.extend(scales)
    content = _with_first(model, nodes)
    cosine = float((_answers(before, faces) * _answers(content, faces)).sum(1).mean())
    if not cosine >= ENOUGH:
        raise ValueError(f"bytes leave a cosine of {cosine:.3f} only: {path.name} stays as it is")
    path.write_bytes(content)
    return cosine


def _with_first(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> bytes:
    """The checked model with `nodes` before its own."""
    nodes = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _answers(content: bytes, faces: Pixels) -> NDArray[np.float32]:
    """(N, D) unit vectors."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = np.concatenate([session.run(None, {"pixels": face[None]})[0] for face in faces])
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
