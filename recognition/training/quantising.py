"""A trained network with weights and maps of eight bits: a quarter of the file, half of the time.

Static quantisation after training (Jacob et al., CVPR 2018): a scale for each output channel of the weights,
one for each map, found by looking at faces. Promise: answers were compared before the file exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from recognition.faces import Pixels
from recognition.training import export
from recognition.training.networks import StagedNetwork

MIDDLE = 116  # of the three channels' means: pixels minus this are the quantised network's input, scale 1
GROUP = 4  # neighbours in a row that the first layer takes as one place of 12 channels
ENOUGH = 0.98  # mean cosine to the answers of the network that was quantised
BATCH = 16
METHODS = {
    "minmax": quantization.CalibrationMethod.MinMax,
    "entropy": quantization.CalibrationMethod.Entropy,
    "percentile": quantization.CalibrationMethod.Percentile,
}


def quantise(
    network: StagedNetwork, faces: Pixels, path: Path, *, method: str = "minmax", keep: int = 2
) -> float:
    """Write `path`: (N, S, S, 3) uint8 RGB in, (N, dim) float32 out, as `export` does; `faces`, (M, S, S, 3),
    show what numbers to expect between the layers. The last `keep` layers stay as they are: they cost little,
    and there are none after them to even out what rounding did.

    Returns the mean cosine between its answers to them and the network's; raises ValueError, and writes
    nothing, where that is below 0.98.
    """
    whole = export.model(network.eval())
    centred = _centred(whole, network.size)
    convs = [node.name for node in centred.graph.node if node.op_type in ("Conv", "Gemm")]
    exact = convs[len(convs) - keep :]
    with TemporaryDirectory() as folder:
        made = Path(folder) / "quantised.onnx"
        quantization.quantize_static(
            centred,
            made,
            _Reader(faces),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add", "Clip", "Relu", "Gemm"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=METHODS[method],
            nodes_to_exclude=exact,
        )
        content = _from_pixels(onnx.load(str(made)), network.size).SerializeToString()
    wanted, given = (_unit(_answers(each, faces)) for each in (whole.SerializeToString(), content))
    cosine = float((wanted * given).sum(1).mean())
    if not cosine >= ENOUGH:
        raise ValueError(f"eight bits leave a cosine of {cosine:.3f} only: {path.name} is not written")
    path.write_bytes(content)
    return cosine


def _centred(whole: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """The network of `export` for float (N, 3, S, S) pixels minus MIDDLE: scaling goes into the first layer.

    What lies around the picture is then MIDDLE and not each channel's mean: at most a fifth of a standard
    deviation, on the outermost pixels alone.
    """
    centred = onnx.ModelProto()
    centred.CopyFrom(whole)
    graph = centred.graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    _, _, shift, scale, first, *_ = graph.node
    mean, factor = (numpy_helper.to_array(values[node.input[1]]).reshape(3) for node in (shift, scale))
    weight, bias = (numpy_helper.to_array(values[name]) for name in first.input[1:])
    scaled = weight * factor[:, None, None]
    moved = bias - (scaled * (mean - MIDDLE)[:, None, None]).sum((1, 2, 3))
    for name, value in zip(first.input[1:], (scaled, moved), strict=True):
        values[name].CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))
    del graph.node[:4]
    graph.node[0].input[0] = "centred"
    for node in graph.node:
        node.name = node.output[0]
    _keep_used(graph)
    graph.input[0].CopyFrom(helper.make_tensor_value_info("centred", TensorProto.FLOAT, ["N", 3, size, size]))
    return centred


def _from_pixels(quantised: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """The quantised network fed with bytes as they are: its first map, of scale 1 and zero MIDDLE."""
    graph = quantised.graph
    enters = next(node for node in graph.node if node.input[0] == "centred")
    begins = next(node for node in graph.node if node.input[0] == enters.output[0])
    graph.node.remove(enters)
    begins.input[:] = ["rows", "pixel_scale", "pixel_zero"]
    graph.node.insert(0, helper.make_node("Transpose", ["pixels"], ["rows"], perm=[0, 3, 1, 2]))
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.float32(1), "pixel_scale"),
            numpy_helper.from_array(np.uint8(MIDDLE), "pixel_zero"),
        ]
    )
    graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", size, size, 3]))
    _keep_used(graph)
    _take_groups(graph, size)
    del graph.value_info[:]
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


def _take_groups(graph: onnx.GraphProto, size: int) -> None:
    """Let a first layer of 3x3 and stride 2 take four neighbouring pixels as one place of 12 channels, and
    give two of its places at once, as channels: the same sums, so the same answers to the last bit.

    onnxruntime has a quick way for bytes where channels come by fours, and three take about twice as long in
    the slow one, in spite of the zeros that this adds. Rows of pixels are in memory as groups already, so
    nothing is moved. A first layer of another kind is left as it is.
    """
    values = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    first = next(node for node in graph.node if node.op_type == "Conv")
    weight, bias = (makers[name] for name in first.input[1:])
    rounds = next(node for node in graph.node if first.output[0] in node.input)
    kernel = numpy_helper.to_array(values[weight.input[0]])
    shape = {each.name: list(each.ints) for each in first.attribute}
    usual = kernel.shape[1:] == (3, 3, 3) and shape["strides"] == [2, 2] and shape["pads"] == [1, 1, 1, 1]
    if size % GROUP or not usual or rounds.op_type != "QuantizeLinear":
        return
    # Its place and channel; pixel and colour; row and group.
    wide = np.zeros((2, len(kernel), GROUP, 3, 3, 2), kernel.dtype)
    for place in range(2):
        for column in range(3):
            group, pixel = divmod(GROUP + 2 * place + column - 1, GROUP)
            wide[place, :, pixel, :, :, group] = kernel[:, :, :, column]
    doubled = {
        name: np.tile(numpy_helper.to_array(values[name]), 2) for name in (*weight.input[1:], *bias.input)
    }
    for name, value in {weight.input[0]: wide.reshape(-1, 3 * GROUP, 3, 2), **doubled}.items():
        values[name].CopyFrom(numpy_helper.from_array(value, name))
    del first.attribute[:]
    sides = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 0, 0]}
    first.attribute.extend(helper.make_attribute(name, value) for name, value in sides.items())

    ends, rounds.output[0] = rounds.output[0], "pairs"
    shapes = {
        "in_groups": [0, size, size // GROUP, 3 * GROUP],
        "in_places": [0, size // 2, size // 2, len(kernel)],
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.int64), name) for name, value in shapes.items()
    )
    after = list(graph.node).index(rounds) + 1
    graph.node.insert(after, helper.make_node("Transpose", ["pairs"], ["pairs_last"], perm=[0, 2, 3, 1]))
    graph.node.insert(after + 1, helper.make_node("Reshape", ["pairs_last", "in_places"], ["places"]))
    graph.node.insert(after + 2, helper.make_node("Transpose", ["places"], [ends], perm=[0, 3, 1, 2]))
    graph.node[0].input[0] = "groups"
    graph.node.insert(0, helper.make_node("Reshape", ["pixels", "in_groups"], ["groups"]))


def _keep_used(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Faces for calibration, a batch at a time."""

    def __init__(self, faces: Pixels) -> None:
        self.waiting = self._batches(faces)

    def get_next(self) -> dict[str, Any] | None:
        return next(self.waiting, None)

    @staticmethod
    def _batches(faces: Pixels) -> Iterator[dict[str, Any]]:
        for start in range(0, len(faces) - BATCH + 1, BATCH):
            pixels = faces[start : start + BATCH].transpose(0, 3, 1, 2).astype(np.float32)
            yield {"centred": pixels - MIDDLE}


def _answers(content: bytes, faces: Pixels) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    parts = [session.run(None, {"pixels": faces[at : at + BATCH]})[0] for at in range(0, len(faces), BATCH)]
    return np.concatenate(parts)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
