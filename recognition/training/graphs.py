"""An ONNX graph written node by node: what every file that this project makes is built with.

Promise: a model that comes out has passed ONNX's own check of its form; the same calls give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.generic]
Shape = Sequence[int | str]


class Graph:
    """Nodes and weights of a graph under construction.

    `nodes_named` and `weights_named` are formats of `kind` (of the node, in small letters) and `number`.
    """

    def __init__(self, *, nodes_named: str = "t{number}", weights_named: str = "w{number}") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._nodes_named, self._weights_named = nodes_named, weights_named

    def add(self, kind: str, *inputs: str | Array, result: str | None = None, **attributes: object) -> str:
        """A node, and the name of its output, `result` if given; inputs that are arrays become weights."""
        names = [value if isinstance(value, str) else self.weight(value) for value in inputs]
        name = result or self._nodes_named.format(kind=kind.lower(), number=len(self.nodes))
        self.nodes.append(helper.make_node(kind, names, [name], **attributes))
        return name

    def weight(self, values: Array) -> str:
        """The name of a weight with these values."""
        name = self._weights_named.format(number=len(self.weights))
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def model(
        self,
        name: str,
        given: tuple[str, int, Shape],
        results: dict[str, Shape],
        *,
        opset: int,
        ir_version: int,
    ) -> onnx.ModelProto:
        """The whole, from `given` (name, element type, shape) to `results` (float32, shape by name)."""
        outputs = [
            helper.make_tensor_value_info(result, TensorProto.FLOAT, list(shape))
            for result, shape in results.items()
        ]
        entry, kind, shape = given
        source = helper.make_tensor_value_info(entry, kind, list(shape))
        model = helper.make_model(
            helper.make_graph(self.nodes, name, [source], outputs, self.weights),
            opset_imports=[helper.make_opsetid("", opset)],
            ir_version=ir_version,
            producer_name="lintel",
        )
        onnx.checker.check_model(model, full_check=True)
        return model
