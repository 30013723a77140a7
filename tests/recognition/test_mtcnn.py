import numpy as np
import pytest

from recognition import detection
from recognition.mtcnn import SMALLEST, _cut, _scales, _squared
from tests.recognition.conftest import MODELS


def test_the_pyramid_starts_at_the_smallest_face_and_ends_at_the_picture():
    scales = _scales(480)
    assert scales[0] == pytest.approx(12 / SMALLEST)
    assert 480 * scales[-1] >= 12 > 480 * scales[-1] * 0.709


def test_windows_become_squares_about_the_same_centre():
    assert _squared(np.array([[10, 20, 30, 60, 0.9]], np.float32)).tolist() == [[0, 20, 40, 60]]


def test_a_window_beyond_the_edge_is_filled_with_the_networks_zero():
    rgb = np.full((50, 50, 3), 255, np.uint8)
    part = _cut(rgb, np.array([-24, 0, 24, 48], np.float32), 24)
    assert part[:, :11].mean() == pytest.approx(127, abs=1)
    assert part[:, 13:].mean() == 255
    assert (_cut(rgb, np.array([100, 100, 120, 120], np.float32), 24) == 127).all()


@pytest.mark.research
@pytest.mark.skipif(
    not (MODELS / "face_detection_yunet_2026may.onnx").is_file(), reason="needs YuNet's weights"
)
def test_landmarks_agree_with_yunet_on_the_portrait(mtcnn, portrait):
    (ours,), (other,) = mtcnn.detect(portrait), detection.load(MODELS, "yunet-2026may").detect(portrait)
    assert np.linalg.norm(ours.landmarks - other.landmarks, axis=1).mean() < 0.12 * other.eye_distance
