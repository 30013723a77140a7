from pathlib import Path

import numpy as np
import pytest

from recognition import embedding, weights
from recognition.alignment import align
from tests.recognition.conftest import LANDMARKS, MODELS, present, tiny

GOLDEN = Path(__file__).parent / "golden"


def load(file, expects):
    card = tiny(GOLDEN / file, expects)
    return embedding.Embedder(card, weights.open_session(card, None))


@pytest.mark.parametrize(
    ("file", "expects", "fed"),
    [
        ("tiny_nchw.onnx", weights.Input(16, 16), [10, 20, 40]),
        ("tiny_nchw.onnx", weights.Input(16, 16, channels="BGR"), [40, 20, 10]),
        ("tiny_nchw.onnx", weights.Input(16, 16, mean=(0, 10, 20), std=(1, 2, 4)), [10, 5, 5]),
        ("tiny_nchw.onnx", weights.Input(16, 16, channels="BGR", mean=(0, 10, 0)), [40, 10, 10]),
        ("tiny_nhwc_uint8.onnx", weights.Input(16, 16, layout="NHWC", dtype="uint8"), [10, 20, 40]),
        (
            "tiny_nhwc_uint8.onnx",
            weights.Input(16, 16, layout="NHWC", dtype="uint8", channels="BGR"),
            [40, 20, 10],
        ),
    ],
)
def test_the_session_is_fed_as_the_card_says(file, expects, fed):
    crop = np.full((1, 16, 16, 3), (10, 20, 40), np.uint8)
    np.testing.assert_allclose(
        load(file, expects).embed(crop)[0], np.array(fed) / np.linalg.norm(fed), rtol=1e-6
    )


def test_a_vector_without_direction_is_an_error_not_a_faceprint():
    with pytest.raises(weights.ModelError, match="no direction"):
        load("tiny_nchw.onnx", weights.Input(16, 16)).embed(np.zeros((1, 16, 16, 3), np.uint8))


@pytest.mark.parametrize(
    "crops", [np.zeros((16, 16, 3), np.uint8), np.zeros((1, 15, 16, 3), np.uint8), np.zeros((1, 16, 16, 3))]
)
def test_other_shapes_are_refused(crops):
    with pytest.raises(ValueError, match="crops must be"):
        load("tiny_nchw.onnx", weights.Input(16, 16)).embed(crops)


def test_a_card_whose_input_contradicts_its_template_is_refused(tiny_card):
    with pytest.raises(weights.ModelError, match="does not fit its template"):
        load("tiny_nchw.onnx", weights.Input(32, 32))


def test_no_crops_give_no_vectors(eyes):
    assert eyes.embedder.embed(np.empty((0, 16, 16, 3), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize("model_id", present("embedder"))
class TestEveryEmbedder:
    """The contract that whatever gives vectors must keep."""

    @pytest.fixture
    def embedder(self, model_id):
        return embedding.load(MODELS, model_id)

    @pytest.fixture
    def crops(self, portrait, embedder):
        template = embedder.card.template
        shifted = [align(portrait, LANDMARKS + shift, template) for shift in (0, 2, -3)]
        return np.stack([*shifted, np.full_like(shifted[0], 90), shifted[0][:, ::-1]])

    def test_vectors_are_finite_and_of_length_one(self, embedder, crops):
        vectors = embedder.embed(crops)
        assert (vectors.shape, vectors.dtype) == ((5, embedder.card.dimension), np.float32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_a_batch_equals_its_singles(self, embedder, crops):
        singles = np.concatenate([embedder.embed(crop[None]) for crop in crops])
        np.testing.assert_allclose(embedder.embed(crops), singles, atol=1e-6)

    def test_the_same_crop_gives_the_same_vector(self, embedder, crops):
        assert (embedder.embed(crops) == embedder.embed(crops)).all()

    def test_a_face_is_nearer_to_itself_moved_a_little_than_to_a_blank(self, embedder, crops):
        vectors = embedder.embed(crops)
        assert vectors[0] @ vectors[1] > max(0.6, vectors[0] @ vectors[3] + 0.2)
