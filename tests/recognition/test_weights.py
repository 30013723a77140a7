import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recognition import weights


def test_every_card_is_complete():
    for card in weights.cards():
        assert card.licence
        assert card.source
        for file in card.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert file.bytes > 0
        if card.task == "embedder":
            assert card.template
            assert card.dimension > 0


def test_shipped_files_are_what_their_cards_say():
    shipped = [card for card in weights.cards() if card.folder]
    assert "mtcnn" in [card.id for card in shipped]
    for card in shipped:
        for path, file in zip(card.paths(None), card.files, strict=True):
            content = path.read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.bytes)


def test_no_model_comes_from_a_package_registry():
    for card in weights.cards():
        assert not re.search(r"pypi|pythonhosted|npmjs|anaconda", card.source + card.download)


def test_calibrations_fall_in_rate_and_never_in_threshold():
    for card in weights.cards():
        if card.calibration is not None:
            rates, thresholds = zip(*card.calibration.points, strict=True)
            assert list(rates) == sorted(rates, reverse=True)
            assert list(thresholds) == sorted(thresholds)
            assert card.calibration.margin > 0


def test_a_file_with_another_hash_is_refused(tmp_path, tiny_card):
    content = bytearray(tiny_card.paths(None)[0].read_bytes())
    content[-1] ^= 1
    (tmp_path / tiny_card.files[0].name).write_bytes(bytes(content))
    with pytest.raises(weights.ModelError, match=r"SHA-256 is .* the file is refused"):
        weights.open_session(dataclasses.replace(tiny_card, folder=tmp_path), None)


def test_a_missing_embedder_says_what_to_run(tmp_path):
    with pytest.raises(
        weights.ModelError, match=r"no embedding model 'sface-2021dec': run python -m recognition fetch"
    ):
        weights.open_session(weights.default_embedder(tmp_path, "sface-2021dec"), tmp_path)


def test_without_any_embedder_the_default_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(
        weights.ModelError, match="no embedding model: run python -m recognition fetch --from FOLDER"
    ):
        weights.default_embedder(tmp_path)


def test_a_detector_is_always_there_because_it_is_shipped():
    assert weights.default_detector(None).id == "mtcnn"


def test_the_better_detector_is_taken_once_its_file_is_there(tmp_path):
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(b"present")
    assert weights.default_detector(tmp_path).id == "yunet-2023mar"


def test_the_environment_names_the_embedder(monkeypatch, tmp_path):
    monkeypatch.setenv("LINTEL_EMBEDDER", "sface-2021dec")
    assert weights.default_embedder(tmp_path).id == "sface-2021dec"
    assert (
        weights.default_embedder(tmp_path, "mobilefacenet-reference-128d").id
        == "mobilefacenet-reference-128d"
    )


def test_an_uncalibrated_embedder_is_never_the_default(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    (tmp_path / "face_recognition_sface_2021dec.onnx").write_bytes(b"present")
    with pytest.raises(weights.ModelError, match="no embedding model"):
        weights.default_embedder(tmp_path)


def test_the_environment_goes_before_the_folder_given(monkeypatch, tmp_path):
    assert weights.models_folder(None) is None
    assert weights.models_folder(tmp_path) == tmp_path
    monkeypatch.setenv("LINTEL_MODELS", "elsewhere")
    assert weights.models_folder(tmp_path).name == "elsewhere"


def test_an_unknown_model_and_a_wrong_task_are_named():
    with pytest.raises(weights.ModelError, match=r"unknown model 'nothing'; known: .*mtcnn"):
        weights.default_embedder(None, "nothing")
    with pytest.raises(weights.ModelError, match="mtcnn is no embedder but a detector"):
        weights.default_embedder(None, "mtcnn")


def test_a_shipped_card_without_its_licence_stops_the_program(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    (tmp_path / "new.toml").write_text('id = "new"\ntask = "embedder"\nfile = "a"\nsha256 = "b"\nbytes = 1\n')
    with pytest.raises(weights.ModelError, match=r"the card of new is incomplete: KeyError..licence"):
        weights.cards()


def test_one_id_cannot_stand_for_two_models(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    (tmp_path / "again.toml").write_text(
        'id = "sface-2021dec"\ntask = "embedder"\nlicence = "x"\nsource = "y"\n'
        'file = "a"\nsha256 = "b"\nbytes = 1\n'
        "input = { width = 1, height = 1 }\n"
    )
    with pytest.raises(weights.ModelError, match="appears twice"):
        weights.cards()


def test_a_session_answers_by_output_name(tiny_card):
    session = weights.open_session(tiny_card, None)
    answer = session(np.full((2, 3, 16, 16), 7, np.float32))
    assert {name: value.tolist() for name, value in answer.items()} == {"embeddings": [[7.0] * 3] * 2}
    assert session.shape == (None, 3, 16, 16)


def test_onnxruntime_reports_to_nobody(tmp_path: Path) -> None:
    """Its telemetry leaves a folder of its own in the user's cache, even where nothing can be sent."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    look = "from recognition import Recognizer; Recognizer.load().warm()"
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    subprocess.run([sys.executable, "-c", look], env=environment | homes, check=True, timeout=60)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name.lower()]
