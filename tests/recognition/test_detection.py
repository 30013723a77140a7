import functools

import cv2
import numpy as np
import pytest

from recognition import detection, image, weights
from tests.recognition.conftest import LANDMARKS, MODELS, present

EYES = float(np.linalg.norm(LANDMARKS[1] - LANDMARKS[0]))


def test_an_unknown_family_is_refused(monkeypatch, tiny_card):
    monkeypatch.setattr(weights, "default_detector", lambda *_: tiny_card)
    with pytest.raises(weights.ModelError, match="no detector of family 'embedder'"):
        detection.load(None)


@functools.cache
def loaded(model_id):
    return detection.load(MODELS, model_id)


@pytest.mark.parametrize("model_id", present("detector"))
class TestEveryDetector:
    """The contract that whatever finds faces must keep."""

    @pytest.fixture
    def detector(self, model_id):
        return loaded(model_id)

    def error(self, face, expected):
        """Mean distance of the five landmarks from those marked by hand, in eye distances."""
        scale = np.linalg.norm(expected[1] - expected[0])
        return float(np.linalg.norm(face.landmarks - expected, axis=1).mean() / scale)

    def test_the_portrait_has_one_face_with_its_landmarks_in_place(self, detector, portrait):
        (face,) = detector.detect(portrait)
        assert self.error(face, LANDMARKS) < 0.09
        assert (face.landmarks.shape, face.landmarks.dtype) == ((5, 2), np.float32)
        x1, y1, x2, y2 = face.box
        assert x1 < LANDMARKS[:, 0].min() < LANDMARKS[:, 0].max() < x2
        assert y1 < LANDMARKS[:, 1].min() < LANDMARKS[:, 1].max() < y2
        assert 0.7 < face.score <= 1.0

    @pytest.mark.parametrize("scale", [0.5, 0.75, 1.5, 3.0, 5.0])
    def test_the_face_is_found_in_pixels_of_the_picture_at_any_size(self, detector, portrait, scale):
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        (face,) = detector.detect(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=way))
        assert self.error(face, (LANDMARKS + 0.5) * scale - 0.5) < 0.12

    def test_a_shifted_picture_shifts_the_face(self, detector, portrait):
        wide = np.zeros((512, 700, 3), np.uint8)
        wide[:, 150:662] = portrait
        (face,) = detector.detect(wide)
        assert self.error(face, LANDMARKS + np.array([150, 0])) < 0.12

    def test_several_faces_come_largest_first(self, detector, portrait):
        half = image.shrink(portrait, 0.6)
        scene = np.full((512, 900, 3), 90, np.uint8)
        scene[100 : 100 + half.shape[0], 20 : 20 + half.shape[1]] = half
        scene[:, 380:892] = portrait
        faces = detector.detect(scene)
        assert len(faces) == 2
        assert faces[0].area > faces[1].area
        assert faces[0].landmarks[:, 0].min() > 380

    @pytest.mark.parametrize(
        "shape", [(480, 640), (640, 480), (80, 80), (81, 1999), (250, 250), (1500, 1500)]
    )
    @pytest.mark.parametrize("value", [0, 127, 255])
    def test_a_blank_picture_has_no_face(self, detector, shape, value):
        assert detector.detect(np.full((*shape, 3), value, np.uint8)) == ()

    def test_noise_has_no_face(self, detector):
        noise = np.random.default_rng(5).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        assert detector.detect(noise) == ()

    def test_the_same_picture_gives_the_same_answer(self, detector, portrait):
        first, second = detector.detect(portrait), detector.detect(portrait)
        assert [face.box for face in first] == [face.box for face in second]
        assert all((a.landmarks == b.landmarks).all() for a, b in zip(first, second, strict=True))

    def test_a_small_face_in_a_large_picture_is_found_at_the_second_look(self, detector, portrait):
        if len(detector._looks) < 3:
            pytest.skip("a graph of fixed size has one look")
        scene = np.full((1300, 1700, 3), 100, np.uint8)
        small = image.shrink(portrait, 0.6)
        scene[600 : 600 + small.shape[0], 900 : 900 + small.shape[1]] = small
        faces = detector.detect(scene)
        assert len(faces) == 1
        assert self.error(faces[0], LANDMARKS * 0.6 + np.array([900, 600])) < 0.2

    def test_warming_plans_the_shapes(self, detector):
        detector.warm()
