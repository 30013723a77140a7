import json
import tarfile
import tomllib

import numpy as np
import pytest
from PIL import Image

from recognition import __main__ as command
from recognition import evaluation, framing, image, weights
from recognition.recognizer import Recognizer
from tests.recognition.conftest import MODELS, PORTRAIT, RESEARCH


@pytest.fixture
def with_tiny_eyes(monkeypatch, eyes):
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: eyes)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["look"],
        ["fetch"],
        ["models"],
        ["calibrate"],
        ["evaluate"],
        ["evaluate", "pairs"],
        ["evaluate", "landmarks"],
        ["measure-quality"],
    ],
)
def test_every_command_has_help(words, capsys):
    with pytest.raises(SystemExit) as left:
        command.main([*words, "--help"])
    assert left.value.code == 0
    assert "usage: python -m recognition" in capsys.readouterr().out


def test_look_reports_everything_but_the_vector(with_tiny_eyes, capsys, tmp_path):
    drawn = tmp_path / "drawn.png"
    assert command.main(["look", str(PORTRAIT), "--draw", str(drawn), "--repeat", "3"]) == 0
    report = json.loads(capsys.readouterr().out.rpartition("drawn:")[0])
    assert (report["size"], report["problem"], len(report["faces"])) == ([512, 512], None, 1)
    assert report["vector"] == "3 numbers, not shown"
    assert report["detector"] == "mtcnn"
    assert list(report["milliseconds"]) == ["decode", "detect", "align", "embed", "all"]
    assert image.decode(drawn.read_bytes()).shape == (512, 512, 3)


def test_a_drawn_look_says_in_the_picture_what_it_found(tmp_path):
    """A plate in the frame's colour: green above a face that is fit, orange where there is none."""

    def painted(picture):
        drawn = tmp_path / "drawn.png"
        command.main(["look", str(picture), "--draw", str(drawn)])
        return image.decode(drawn.read_bytes())

    def share(pixels, colour):
        return float((pixels == colour).all(axis=2).mean())

    bare = tmp_path / "bare.png"
    Image.new("RGB", (320, 240), (90, 90, 90)).save(bare)
    without, fit = painted(bare), painted(PORTRAIT)
    assert share(without[:40], framing.REFUSED) > 0.05
    assert share(without[40:], framing.REFUSED) == 0
    assert share(fit, framing.FIT) > 0.01
    assert share(fit, framing.REFUSED) == 0


def test_look_says_on_demand_whether_the_face_is_live(with_tiny_eyes, capsys):
    def told(*words):
        command.main(["look", str(PORTRAIT), *words])
        return json.loads(capsys.readouterr().out)["liveness"]

    assert told() is None
    # No liveness model is shipped: nothing is judged, and nothing passes for live.
    assert told("--liveness") == {"method": "passive", "live": None, "score": None, "why": "no_model"}


def test_look_at_something_else_exits_with_one_and_the_reason(with_tiny_eyes, capsys, tmp_path):
    other = tmp_path / "note.txt"
    other.write_text("hello")
    assert command.main(["look", str(other)]) == 1
    assert json.loads(capsys.readouterr().out)["detail"] == "not_an_image"
    assert command.main(["look", str(tmp_path / "nothing.jpg")]) == 1
    assert "error:" in capsys.readouterr().err


def test_models_lists_every_card_with_its_licence(capsys):
    assert command.main(["models"]) == 0
    printed = capsys.readouterr().out
    for card in weights.cards():
        (line,) = [line for line in printed.splitlines() if line.split()[0] == card.id]
        assert card.licence in line


def test_fetch_reports_what_is_not_in_the_folder_and_goes_on(capsys, tmp_path):
    assert command.main(["fetch", "--from", str(tmp_path), "--to", str(tmp_path / "models")]) == 0
    printed = capsys.readouterr().out
    brought = [card for card in weights.cards() if card.folder is None]
    assert printed.count("not there") == sum(len(card.files) for card in brought)
    assert "MIT" in printed


def test_fetch_of_a_wrong_file_fails(capsys, tmp_path):
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(b"something else")
    words = ["fetch", "--from", str(tmp_path), "--to", str(tmp_path / "models"), "--model", "yunet-2023mar"]
    assert command.main(words) == 1
    assert "wrong hash" in capsys.readouterr().out


def test_calibrate_prints_a_table_that_the_cards_understand(with_tiny_eyes, capsys, tmp_path, portrait):
    # Forty people, two pictures each: the portrait in forty tints, which the tiny embedder tells apart.
    chance = np.random.default_rng(11)
    for person in range(40):
        folder = tmp_path / f"person{person:02d}"
        folder.mkdir()
        tint = chance.uniform(0.5, 1.0, 3)
        for number in range(2):
            tinted = portrait * tint * chance.uniform(0.95, 1.0, 3)
            small = image.shrink(tinted.astype(np.uint8), 0.5)
            (folder / f"{number}.jpg").write_bytes(image.encode_jpeg(small))
    assert command.main(["calibrate", "--images", str(tmp_path), "--data", "tints"]) == 0
    table = tomllib.loads(capsys.readouterr().out)["calibration"]
    calibration = weights._calibration(table)
    assert (calibration.people, calibration.data, calibration.detector) == (40, "tints", "mtcnn")
    assert len(calibration.points) >= 2


@pytest.mark.research
@pytest.mark.skipif(
    not (RESEARCH / "faces" / "lfw-dev.tar").is_file(), reason="needs LFW in the research folder"
)
@pytest.mark.skipif(
    weights.card("mobilefacenet-reference-128d").paths(MODELS) is None, reason="needs the reference embedder"
)
def test_the_reference_embedder_does_on_lfw_what_it_should(tmp_path):
    pairs, _ = evaluation.read_pairs(RESEARCH / "faces" / "lfw-dev-pairs.txt")
    chosen = [*pairs[:30], *pairs[300:330]]
    with tarfile.open(RESEARCH / "faces" / "lfw-dev.tar") as archive:
        for name in {name for pair in chosen for name in pair[:2]}:
            archive.extract(name, tmp_path, filter="data")
    lines = ["2 15", *(_line(pair) for pair in chosen)]
    (tmp_path / "pairs.txt").write_text("\n".join(lines))
    eyes = Recognizer.load(MODELS, embedder="mobilefacenet-reference-128d")
    result = evaluation.verify(eyes, tmp_path, tmp_path / "pairs.txt", lambda *_: None)
    assert (result.pairs, result.failed) == (60, 0)
    assert result.accuracy >= 0.95


def _line(pair):
    (left, one), (right, other) = (
        name.split("/")[1].removesuffix(".jpg").rsplit("_", 1) for name in pair[:2]
    )
    return f"{left} {int(one)} {int(other)}" if pair[2] else f"{left} {int(one)} {right} {int(other)}"
