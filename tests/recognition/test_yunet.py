from pathlib import Path

import numpy as np
import pytest

from recognition import image
from recognition.yunet import YuNet
from tests.recognition.conftest import LANDMARKS

RECORDED = Path(__file__).parent / "golden" / "yunet_portrait.npz"


class Recorded:
    """A session that gives back what the real one answered once, and keeps what it was asked."""

    def __init__(self, shape):
        self.shape = shape
        with np.load(RECORDED) as archive:
            self._outputs = dict(archive)

    def __call__(self, array):
        self.asked = array
        return self._outputs


def test_recorded_outputs_decode_to_the_marked_face(portrait):
    small = image.shrink(portrait, 0.5)
    (face,) = YuNet(Recorded((1, 3, None, None))).find(small)
    expected = (LANDMARKS + 0.5) * 0.5 - 0.5
    assert np.linalg.norm(face.landmarks - expected, axis=1).mean() < 0.1 * np.linalg.norm(
        expected[1] - expected[0]
    )
    np.testing.assert_allclose(face.box, (89, 31, 134, 88), atol=4)
    assert face.score == pytest.approx(0.93, abs=0.03)


def test_the_picture_lies_in_the_upper_left_corner_in_bgr():
    session = Recorded((1, 3, 256, 256))
    YuNet(session).find(np.full((100, 200, 3), (10, 20, 30), np.uint8))
    assert (session.asked.shape, session.asked.dtype) == ((1, 3, 256, 256), np.float32)
    assert session.asked[0, :, 99, 199].tolist() == [30, 20, 10]
    assert session.asked[0, :, 100:].max() == session.asked[0, :, :, 200:].max() == 0


def test_a_fixed_graph_has_one_canvas_and_refuses_what_is_larger():
    net = YuNet(Recorded((1, 3, 640, 640)))
    assert net.canvases == ((640, 640),)
    with pytest.raises(ValueError, match="641x480 fits on none"):
        net.find(np.zeros((480, 641, 3), np.uint8))


def test_canvases_are_multiples_of_the_largest_stride():
    assert all(side % 32 == 0 for canvas in YuNet(Recorded((1, 3, None, None))).canvases for side in canvas)
