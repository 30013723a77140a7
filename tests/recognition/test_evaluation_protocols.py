import json

import numpy as np
import pytest

from recognition import __main__ as command
from recognition import image, weights
from recognition.evaluation import comparison
from recognition.recognizer import Recognizer
from tests.recognition.conftest import PORTRAIT


@pytest.fixture
def with_tiny_eyes(monkeypatch, eyes):
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: eyes)


@pytest.fixture(scope="module")
def tints(portrait, tmp_path_factory):
    """Sixteen people, three photographs each: the portrait in tints that the tiny embedder tells apart."""
    folder, chance = tmp_path_factory.mktemp("tints"), np.random.default_rng(11)
    for person in range(16):
        place = folder / f"Person{person:02d}"
        place.mkdir()
        tint = chance.uniform(0.6, 1.0, 3)
        tint /= tint.max()
        for number in range(1, 4):
            tinted = (portrait * tint * chance.uniform(0.9, 1.0, 3)).astype(np.uint8)
            name = place / f"{place.name}_{number:04d}.jpg"
            name.write_bytes(image.encode_jpeg(image.shrink(tinted, 0.5)))
    return folder


@pytest.mark.parametrize("protocol", ["pairs", "models", "gallery", "video", "fairness", "landmarks"])
def test_every_protocol_has_help(protocol, capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["evaluate", protocol, "--help"])
    assert left.value.code == 0
    assert f"usage: python -m recognition evaluate {protocol}" in capsys.readouterr().out


def last(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture
def listed(tmp_path):
    """LFW's kind of file on the tints: in each of four folds, four pairs of one person and four of two."""
    lines = ["4 4"]
    for fold in range(4):
        names = [f"Person{4 * fold + index:02d}" for index in range(4)]
        lines += [f"{name} 1 2" for name in names]
        lines += [f"{name} 1 {names[(index + 1) % 4]} 1" for index, name in enumerate(names)]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines))
    return path


def test_models_writes_every_shipped_embedder_into_the_table_between_the_marks(
    tints, listed, tmp_path, capsys
):
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{comparison.BEGIN}\nold\n{comparison.END}\n\nAfter.\n")
    words = [
        "evaluate", "models", "--images", str(tints), "--pairs", str(listed), "--image", str(PORTRAIT),
        "--detector", "mtcnn", "--repeat", "1", "--resamples", "5", "--markdown", str(page), "--json",
    ]  # fmt: skip
    assert command.main(words) == 0
    told = last(capsys)
    shipped = [card for card in weights.cards() if card.task == "embedder" and card.folder]
    assert {row["model"] for row in told["models"]} == {card.id for card in shipped}
    text = page.read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    assert "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("| mobile")]
    default = next(row for row in rows if "| mobilefacenet-128d |" in row)
    assert "| 112 | 128 | 0.99 | 221 | 3.95 |" in default
    assert " | 1.00 | " in default
    assert all(row["pairs"] == 32 and row["failed_detections"] == 0 for row in told["models"])


def test_models_refuses_a_page_without_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no lines"):
        comparison.check(page)


def test_pairs_ends_with_one_object_that_keeps_its_names(with_tiny_eyes, tints, listed, capsys):
    words = ["evaluate", "pairs", "--images", str(tints), "--pairs", str(listed), "--json"]
    assert command.main(words) == 0
    told = last(capsys)
    assert {"accuracy", "tar_at_far_1e-2", "tar_at_far_1e-3", "pairs", "failed_detections"} <= set(told)
    assert (told["pairs"], told["failed_detections"], told["people"]) == (32, 0, 16)
    low, high = told["accuracy_interval"]
    assert 0.5 < low <= told["accuracy"] <= high <= 1
    assert len(told["tar_at_far_1e-2_interval"]) == 2


def test_gallery_reports_each_size_and_draws_its_curves(with_tiny_eyes, tints, tmp_path, capsys):
    words = ["evaluate", "gallery", "--images", str(tints), "--sizes", "4", "8", "--fpir", "0.1"]
    words += ["--det", str(tmp_path / "det.png"), "--draws", "3", "--resamples", "1000", "--json"]
    assert command.main(words) == 0
    told = last(capsys)
    assert [each["gallery"] for each in told["galleries"]] == [4, 8]
    assert [each["mated_probes"] for each in told["galleries"]] == [3 * 4 * 2, 3 * 8 * 2]
    # The tiny embedder's card has no calibration: what was measured is there, what the card says is not.
    operating = told["galleries"][0]["operating"][0]
    assert operating["by_card"] is None
    assert operating["measured"]["fpir"]["rate"] <= 0.1
    assert image.decode((tmp_path / "det.png").read_bytes()).shape == (720, 960, 3)


def test_where_nothing_goes_wrong_there_is_no_curve_but_all_the_figures(
    with_tiny_eyes, portrait, tmp_path, capsys
):
    for person in range(3):
        (tmp_path / f"p{person}").mkdir()
        tinted = (portrait * np.roll([1.0, 0.8, 0.6], person)).astype(np.uint8)
        for number in range(2):
            (tmp_path / f"p{person}" / f"{number}.jpg").write_bytes(
                image.encode_jpeg(image.shrink(tinted, 0.5))
            )
    words = [
        "evaluate",
        "gallery",
        "--images",
        str(tmp_path),
        "--sizes",
        "2",
        "--det",
        str(tmp_path / "d.png"),
    ]
    assert command.main([*words, "--draws", "2", "--det", str(tmp_path / "d.png")]) == 0
    printed = capsys.readouterr().out
    assert "not drawn: no threshold" in printed
    assert "2 people enrolled: 4 probes of theirs, 4 of strangers" in printed
    assert not (tmp_path / "d.png").exists()


def test_the_second_papers_protocol_wants_twelve_photographs(
    with_tiny_eyes, tints, portrait, tmp_path, capsys
):
    assert command.main(["evaluate", "gallery", "--images", str(tints), "--protocol", "paper-2"]) == 1
    assert "photographs (0 of 16 have)" in capsys.readouterr().err
    for person in range(3):
        (tmp_path / f"p{person}").mkdir()
        for number in range(13 if person < 2 else 3):
            tinted = (portrait * np.roll([1.0, 0.8, 0.6], person) * (1 - number / 200)).astype(np.uint8)
            (tmp_path / f"p{person}" / f"{number}.jpg").write_bytes(
                image.encode_jpeg(image.shrink(tinted, 0.5))
            )
    words = ["evaluate", "gallery", "--images", str(tmp_path), "--protocol", "paper-2", "--draws", "2"]
    assert command.main([*words, "--json"]) == 0
    told = last(capsys)
    (gallery,) = told["galleries"]
    assert (told["enrolled_each"], gallery["gallery"], gallery["mated_probes"]) == (2, 2, 2 * 2 * 10)
    assert gallery["strangers"] == 2 * 3


def test_fairness_without_a_calibration_has_no_threshold_to_compare_at(with_tiny_eyes, tints, capsys):
    table = tints / "groups.csv"
    table.write_text("path,half\nPerson00/Person00_0001.jpg,first\n")
    assert command.main(["evaluate", "fairness", "--images", str(tints), "--groups", str(table)]) == 1
    assert "no usable calibration" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["0", "1", "-0.1", "many"])
def test_a_rate_lies_between_nothing_and_all(word, tints, capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["evaluate", "gallery", "--images", str(tints), "--fpir", word])
    assert left.value.code == 2


def test_landmarks_may_be_asked_for_as_numbers(tints, capsys):
    words = ["evaluate", "landmarks", "--images", str(tints), "--detector", "mtcnn", "--against", "mtcnn"]
    assert command.main([*words, "--json"]) == 0
    assert last(capsys) == {
        "detectors": ["mtcnn", "mtcnn"],
        "photographs": 48,
        "both_found": 48,
        "mean": 0.0,
        "quantile_95": 0.0,
    }
