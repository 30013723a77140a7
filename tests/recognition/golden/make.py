"""Make the golden files of this folder; see README.md. Needs the extra `train` and YuNet's weights.

python -m tests.recognition.golden.make MODELS_FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from recognition import image, weights
from recognition.yunet import _blob

HERE = Path(__file__).parent
PORTRAIT = HERE.parents[2] / "access" / "up" / "demo" / "portrait.jpg"


def tiny_embedder(path: Path, *, layout: str, dtype: int) -> None:
    """Three numbers: the mean of each channel as the session received it."""
    shape = ["n", 3, 16, 16] if layout == "NCHW" else ["n", 16, 16, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["embeddings"], axes=axes, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", dtype, shape)],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="lintel")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def yunet_outputs(path: Path, models: Path) -> None:
    """YuNet's raw answers to the portrait at half size on a canvas of 256 x 256."""
    rgb = image.shrink(image.decode(PORTRAIT.read_bytes()), 0.5)
    session = weights.open_session(weights.card("yunet-2026may"), models)
    np.savez_compressed(path, **session(_blob(rgb, (256, 256))))


if __name__ == "__main__":
    tiny_embedder(HERE / "tiny_nchw.onnx", layout="NCHW", dtype=TensorProto.FLOAT)
    tiny_embedder(HERE / "tiny_nhwc_uint8.onnx", layout="NHWC", dtype=TensorProto.UINT8)
    yunet_outputs(HERE / "yunet_portrait.npz", Path(sys.argv[1]))
