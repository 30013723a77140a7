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
    del graph.value_info[:]
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


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
