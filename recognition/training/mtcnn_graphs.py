"""The three MTCNN networks as ONNX graphs, from the weight files of the package `mtcnn` (MIT).

Promise: the same weight files give the same bytes. TensorFlow is not needed: the package's files
are plain arrays, read with joblib.

    python -m recognition.training.mtcnn_graphs recognition/shipped
"""

import argparse
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from recognition.training import graphs

OPSET, IR_VERSION = 17, 8


class Chain:
    """An ONNX graph grown node by node; `weights` are used up in the order Keras stored them."""

    def __init__(
        self, name: str, height: int | str, width: int | str, weights: list[NDArray[np.float32]]
    ) -> None:
        self.name, self._left, self._shape = name, list(weights), ["n", 3, height, width]
        self._graph = graphs.Graph(nodes_named="{kind}_{number}", weights_named="weight_{number}")
        self.last = "pixels"

    def conv(self, source: str | None = None) -> str:
        kernel, bias = self._left.pop(0), self._left.pop(0)  # Keras: height, width, in, out
        return self._add("Conv", source or self.last, kernel.transpose(3, 2, 0, 1), bias)

    def prelu(self) -> str:
        slope = self._left.pop(0)
        shape = (slope.size, 1, 1) if slope.ndim == 3 else (slope.size,)
        return self._add("PRelu", self.last, slope.reshape(shape))

    def pool(self, side: int, *, same: bool) -> str:
        # TensorFlow's "same" pads below and to the right only, which is what rounding up does.
        return self._add("MaxPool", self.last, kernel_shape=[side, side], strides=[2, 2], ceil_mode=int(same))

    def flatten(self) -> str:
        # The package swaps height and width of its NHWC maps before it flattens them: (w, h, c).
        self._add("Transpose", self.last, perm=[0, 3, 2, 1])
        return self._add("Flatten", self.last, axis=1)

    def dense(self, source: str | None = None) -> str:
        matrix, bias = self._left.pop(0), self._left.pop(0)
        return self._add("Gemm", source or self.last, matrix, bias)

    def softmax(self) -> str:
        return self._add("Softmax", self.last, axis=1)

    def model(self, outputs: dict[str, tuple[str, list[int | str]]]) -> onnx.ModelProto:
        """`outputs`: name to (the value it names, its shape)."""
        if self._left:
            raise ValueError(f"{self.name}: {len(self._left)} weight arrays are left over")
        for name, (value, _) in outputs.items():
            self._graph.add("Identity", value, result=name)
        shapes = {name: shape for name, (_, shape) in outputs.items()}
        given = ("pixels", TensorProto.FLOAT, self._shape)
        return self._graph.model(self.name, given, shapes, opset=OPSET, ir_version=IR_VERSION)

    def _add(self, kind: str, source: str, *weights: NDArray[np.float32], **attributes: Any) -> str:
        floats = [np.asarray(each, np.float32) for each in weights]
        self.last = self._graph.add(kind, source, *floats, **attributes)
        return self.last


def pnet(weights: list[NDArray[np.float32]]) -> onnx.ModelProto:
    """Any height and width: four offsets and a face probability for each 12 x 12 window, two pixels apart."""
    net = Chain("pnet", "height", "width", weights)
    net.conv(), net.prelu(), net.pool(2, same=True)
    net.conv(), net.prelu()
    net.conv()
    body = net.prelu()
    offsets = net.conv(body)
    net.conv(body)
    return net.model(
        {
            "offsets": (offsets, ["n", 4, "rows", "columns"]),
            "faces": (net.softmax(), ["n", 2, "rows", "columns"]),
        }
    )


def rnet(weights: list[NDArray[np.float32]]) -> onnx.ModelProto:
    """24 x 24 windows: offsets and face probability."""
    net = Chain("rnet", 24, 24, weights)
    net.conv(), net.prelu(), net.pool(3, same=True)
    net.conv(), net.prelu(), net.pool(3, same=False)
    net.conv(), net.prelu()
    net.flatten(), net.dense()
    body = net.prelu()
    offsets = net.dense(body)
    net.dense(body)
    return net.model({"offsets": (offsets, ["n", 4]), "faces": (net.softmax(), ["n", 2])})


def onet(weights: list[NDArray[np.float32]]) -> onnx.ModelProto:
    """48 x 48 windows: offsets, five landmarks (x1..x5, y1..y5) and face probability."""
    net = Chain("onet", 48, 48, weights)
    net.conv(), net.prelu(), net.pool(3, same=True)
    net.conv(), net.prelu(), net.pool(3, same=False)
    net.conv(), net.prelu(), net.pool(2, same=True)
    net.conv(), net.prelu()
    net.flatten(), net.dense()
    body = net.prelu()
    offsets = net.dense(body)
    landmarks = net.dense(body)
    net.dense(body)
    return net.model(
        {
            "offsets": (offsets, ["n", 4]),
            "landmarks": (landmarks, ["n", 10]),
            "faces": (net.softmax(), ["n", 2]),
        }
    )


def build(folder: Path) -> list[Path]:
    """Write mtcnn_pnet.onnx, mtcnn_rnet.onnx and mtcnn_onet.onnx into `folder`."""
    package = importlib.util.find_spec("mtcnn")
    if package is None or package.origin is None:
        raise SystemExit("the package mtcnn is not installed: pip install 'lintel[train]'")
    assets = Path(package.origin).parent / "assets" / "weights"
    written = []
    for name, network in (("pnet", pnet), ("rnet", rnet), ("onet", onet)):
        model = network([np.asarray(array) for array in joblib.load(assets / f"{name}.lz4")])
        path = folder / f"mtcnn_{name}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the three files are written")
    for path in build(parser.parse_args().folder):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        print(f'{{ name = "{path.name}", sha256 = "{digest}", bytes = {len(content)} }},')


if __name__ == "__main__":
    main()
