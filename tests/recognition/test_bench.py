import itertools
import json
import time

import numpy as np
import pytest

from recognition import __main__ as command
from recognition import bench, image, liveness, weights
from recognition.recognizer import Recognizer
from tests.recognition.conftest import MODELS, PORTRAIT

SHIPPED = [card for card in weights.cards() if card.folder]
EMBEDDERS = [card.id for card in SHIPPED if card.task == "embedder" and card.calibration]
needs_embedder = pytest.mark.skipif(not EMBEDDERS, reason="no calibrated embedder is shipped yet")


@needs_embedder
def test_bench_times_every_stage_and_every_model_present(capsys):
    words = ["bench", "--image", str(PORTRAIT), "--model", EMBEDDERS[0], "--repeat", "2", "--json"]
    assert command.main(words) == 0
    printed = capsys.readouterr().out
    told = json.loads(printed.splitlines()[-1])
    assert set(told["detectors"]) == {card.id for card in SHIPPED if card.task == "detector"}
    assert set(told["embedders"]) == {card.id for card in SHIPPED if card.task == "embedder"}
    assert told["embedder"] == EMBEDDERS[0]
    stages = told["detectors"]["mtcnn"]
    assert list(stages) == ["decode", "detect", "align", "embed", "all"]
    parts = sum(stages[name]["p50"] for name in ("decode", "detect", "align", "embed"))
    assert stages["all"]["p50"] > 0.7 * parts
    assert all(0 < timing["best"] <= timing["p50"] <= timing["p95"] for timing in stages.values())
    # Any machine that can run this does a billion operations a second, and none does 100,000 billion.
    assert 1 < told["gflops"]["median"] <= told["gflops"]["best"] < 100_000
    assert told["rounds"] == 2
    assert "one thread of" in printed


def test_an_exported_network_without_a_card_is_timed_on_the_aligned_face(portrait, mtcnn):
    scene = bench.scene_of(portrait)
    (face,) = mtcnn.detect(scene)
    shipped = next(card for card in SHIPPED if card.id == "mobilefacenet-96")
    (path,) = shipped.paths(None)
    answer = bench._file_act(scene, face, path)()
    assert [values.shape for values in answer.values()] == [(1, 128)]


def test_a_file_that_takes_no_aligned_face_cannot_be_timed(portrait, mtcnn):
    (face,) = mtcnn.detect(portrait)
    card = next(card for card in SHIPPED if card.task == "detector")
    with pytest.raises(ValueError, match="not faces"):
        bench._file_act(portrait, face, card.paths(None)[0])


@needs_embedder
def test_a_picture_without_a_face_cannot_be_timed(capsys, tmp_path):
    wall = tmp_path / "wall.jpg"
    wall.write_bytes(image.encode_jpeg(np.full((300, 300, 3), 90, np.uint8)))
    assert command.main(["bench", "--image", str(wall), "--model", EMBEDDERS[0]]) == 1
    assert "no face" in capsys.readouterr().err


@pytest.mark.parametrize(("height", "width"), [(512, 512), (100, 900), (480, 640), (1200, 300)])
def test_any_picture_becomes_a_scene_of_640_by_480_without_distortion(height, width):
    rgb = np.full((height, width, 3), 250, np.uint8)
    scene = bench.scene_of(rgb)
    assert scene.shape == (480, 640, 3)
    rows, columns = np.nonzero((scene == 250).all(axis=2))
    seen = (np.ptp(rows) + 1) / (np.ptp(columns) + 1)
    assert seen == pytest.approx(height / width, rel=0.02)
    assert np.ptp(rows) + 1 == 480 or np.ptp(columns) + 1 == 640


def test_liveness_is_timed_only_where_its_model_is(portrait, mtcnn):
    scene = bench.scene_of(portrait)
    (face,) = mtcnn.detect(scene)
    assert bench._liveness_act(scene, face, None) == {}


@pytest.mark.research
@pytest.mark.skipif(liveness.load(MODELS) is None, reason="needs the liveness weights in the research folder")
def test_liveness_is_timed_on_a_face_with_room_around_it(portrait, mtcnn):
    scene = bench.scene_of(portrait)
    (face,) = mtcnn.detect(scene)
    (name,) = bench._liveness_act(scene, face, MODELS)
    assert name.startswith("liveness, ")
    # Cut to the face there is nothing to judge, and so nothing to time.
    x1, y1, x2, y2 = (round(value) for value in face.box)
    tight = face.moved(scale=1, dx=-x1, dy=-y1)
    assert bench._liveness_act(np.ascontiguousarray(scene[y1:y2, x1:x2]), tight, MODELS) == {}


def test_waiting_for_a_busy_processor_is_not_counted():
    """A thread that sleeps has, like one that waits, no processor: of 0.3 seconds next to nothing counts."""
    assert bench._milliseconds(lambda: time.sleep(0.3)) < 100


def test_stages_are_timed_by_the_clock_that_the_eyes_are_given(portrait, eyes):
    ticks = itertools.count()
    timed = Recognizer(eyes.detector, eyes.embedder, clock=lambda: float(next(ticks)))
    spent = timed.look(image.encode_jpeg(portrait)).milliseconds
    assert spent == {"decode": 1000.0, "detect": 1000.0, "align": 1000.0, "embed": 1000.0}


def test_the_product_takes_measurable_time():
    assert all(spent > 0 for spent in bench.products(rounds=2))
    assert len(bench.products(rounds=2)) == 2


def test_ratios_are_to_the_reference_of_the_same_run():
    slow, base = bench.Timing("ours", 6.0, 7.0, 9.0, 10), bench.Timing(bench.REFERENCE, 4.0, 5.0, 8.0, 10)
    found = bench.Bench({}, (slow, base), (), (90.0, 80.0), {"ours": 1.5, bench.REFERENCE: 1.0}, 2, None)
    lines = bench.sentences(found)
    assert f"embed ours: 7.00 (6.00 to 9.00), 1.50 of {bench.REFERENCE}" in lines
    assert "load unknown" in lines[0]
    assert bench.numbers(found)["ratio_to_reference"] == {"ours": 1.5, bench.REFERENCE: 1.0}


def test_a_timing_is_the_fastest_the_median_and_the_95th_percentile():
    timing = bench._timing("stage", [float(value) for value in range(101, 0, -1)])
    assert (timing.best, timing.p50, timing.p95, timing.rounds) == (1.0, 51.0, 96.0, 101)
