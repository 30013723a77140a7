"""What the tests of the eyes look at: one public-domain portrait, and research data where present."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from recognition import detection, embedding, image, weights
from recognition.recognizer import Recognizer

ROOT = Path(__file__).parents[2]
PORTRAIT = ROOT / "access" / "up" / "demo" / "portrait.jpg"
RESEARCH = Path(os.environ.get("LINTEL_RESEARCH", ROOT.parent / "shared"))
MODELS = RESEARCH / "models"
# Marked by hand in the portrait: both eyes, nose tip, both mouth corners.
LANDMARKS = np.array([[202, 102], [247, 103], [222, 125], [200, 141], [242, 142]], np.float32)


def present(task: weights.Task) -> list[object]:
    """A test parameter for every model of the task: shipped ones always, others where their file is."""
    parameters = []
    for card in weights.cards():
        if card.task != task:
            continue
        missing = card.paths(MODELS) is None
        marks = [pytest.mark.skipif(missing, reason=f"{card.id}: its weights are not in {MODELS.name}/")]
        if card.folder is None:
            marks.append(pytest.mark.research)
        parameters.append(pytest.param(card.id, marks=marks, id=card.id))
    return parameters


@pytest.fixture(autouse=True)
def _no_models_from_outside(monkeypatch):
    for name in ("LINTEL_MODELS", "LINTEL_EMBEDDER", "LINTEL_DETECTOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def portrait_bytes() -> bytes:
    return PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def portrait(portrait_bytes):
    return image.decode(portrait_bytes)


@pytest.fixture(scope="session")
def mtcnn():
    return detection.load(None, "mtcnn")


@pytest.fixture(scope="session")
def tiny_card():
    """A real graph of 16 x 16 pixels whose three numbers are the mean colour: an embedder of no worth."""
    file = Path(__file__).parent / "golden" / "tiny_nchw.onnx"
    return tiny(file, weights.Input(16, 16))


def tiny(file: Path, expects: weights.Input) -> weights.Card:
    content = file.read_bytes()
    return weights.Card(
        id=file.stem,
        task="embedder",
        family="embedder",
        files=(weights.WeightFile(file.name, hashlib.sha256(content).hexdigest(), len(content)),),
        licence="Apache-2.0",
        source="made for these tests",
        input=expects,
        template="arcface-16",
        dimension=3,
        folder=file.parent,
    )


@pytest.fixture(scope="session")
def eyes(mtcnn, tiny_card):
    """Eyes that work anywhere: the shipped detector, and the tiny embedder."""
    return Recognizer(mtcnn, embedding.Embedder(tiny_card, weights.open_session(tiny_card, None)))
