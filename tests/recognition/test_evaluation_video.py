import csv
import json
import tarfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognition import __main__ as command
from recognition import embedding, image, weights
from recognition.evaluation import video
from recognition.evaluation.video import Claim, Label
from recognition.matching import Uncalibrated
from recognition.recognizer import Recognizer
from recognition.weights import Calibration
from tests.recognition.conftest import RESEARCH

CLIP = RESEARCH / "faces" / "portraits-and-video.tar"


@pytest.fixture(scope="module")
def calibrated(mtcnn, tiny_card):
    """Eyes that tell colours apart, with thresholds under which two tints are two people."""
    calibration = Calibration(((0.1, 0.990), (0.001, 0.995)), 0.001, "tints", 2, 1, "mtcnn", "none")
    card = replace(tiny_card, calibration=calibration)
    return Recognizer(mtcnn, embedding.Embedder(card, weights.open_session(card, None)))


def tinted(portrait, *tint):
    return (image.shrink(portrait, 0.5) * np.array(tint)).astype(np.uint8)


@pytest.fixture(scope="module")
def scene(portrait, tmp_path_factory):
    """A film of one face that moves to the right for six frames, then of another; and both enrolled."""
    folder = tmp_path_factory.mktemp("film")
    first, second = tinted(portrait, 1, 0.5, 0.5), tinted(portrait, 0.5, 0.5, 1)
    (folder / "people" / "blue").mkdir(parents=True)
    (folder / "people" / "red.png").write_bytes(image.encode_jpeg(first))
    (folder / "people" / "blue" / "1.jpg").write_bytes(image.encode_jpeg(second))
    film = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (400, 256))
    for frame in range(12):
        picture = np.full((256, 400, 3), 30, np.uint8)
        face, left = (first, 10 * frame) if frame < 6 else (second, 100)
        picture[:, left : left + 256] = face
        film.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    film.release()
    return folder


def test_people_are_enrolled_from_files_and_from_folders(calibrated, scene, tmp_path):
    names, faceprints = video.enrolled(calibrated, scene / "people")
    assert sorted(names) == ["blue", "red"]
    assert faceprints.shape == (2, 3)
    with pytest.raises(ValueError, match="holds no photograph"):
        video.enrolled(calibrated, tmp_path)
    (tmp_path / "wall.png").write_bytes(image.encode_jpeg(np.full((200, 200, 3), 90, np.uint8)))
    with pytest.raises(ValueError, match=r"wall\.png: no face"):
        video.enrolled(calibrated, tmp_path)


def test_a_film_is_followed_named_scored_and_written(calibrated, scene, monkeypatch, capsys):
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: calibrated)
    with (scene / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["frame", "person", "x1", "y1", "x2", "y2"])
        table.writerows([f, "red" if f < 6 else "blue", "", "", "", ""] for f in range(0, 12, 2))
    out = scene / "out.mp4"
    words = ["evaluate", "video", "--clip", str(scene / "film.avi"), "--people", str(scene / "people")]
    words += ["--labels", str(scene / "labels.csv"), "--out", str(out), "--fpir", "0.05", "--json"]
    assert command.main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["tracks"], told["faces"], told["labelled_frames"]) == (2, 12, 6)
    assert told["people"] == {"blue": 6, "red": 6}
    assert (told["followed"]["f1"], told["followed"]["right"]) == (1.0, 6)
    drawn = list(video.frames(out))
    assert len(drawn) == 12
    # "blue" is the first name and so framed in red, "red" in yellow: the frame's colour is in the picture.
    for number, colour in ((0, video.COLOURS[1]), (11, video.COLOURS[0])):
        near = np.abs(drawn[number][1].astype(int) - colour).sum(axis=2) < 120
        assert near.sum() > 150


def test_without_a_calibration_nobody_is_named(eyes, scene):
    names, faceprints = video.enrolled(eyes, scene / "people")
    with pytest.raises(Uncalibrated):
        video.watch(eyes, scene / "film.avi", names, faceprints, lambda *_: None, fpir=0.01)


def test_what_is_no_film_is_said_to_be_none(tmp_path):
    (tmp_path / "note.mp4").write_text("hello")
    with pytest.raises(OSError, match="no film"):
        list(video.frames(tmp_path / "note.mp4"))
    with pytest.raises(ValueError, match=r"\.mp4 or \.avi"):
        video.write(tmp_path / "note.mp4", [], tmp_path / "film.gif")


BOX = (0.0, 0.0, 10.0, 10.0)


def claim(frame, person, box=BOX, alone=None):
    return Claim(frame, box, 1, person, alone)


def test_claims_are_counted_in_labelled_frames_only():
    labels = [Label(0, "anna", None), Label(2, "anna", None), Label(4, "", None), Label(6, "bea", None)]
    claims = [claim(0, "anna"), claim(1, "anna"), claim(2, "bea"), claim(4, "anna"), claim(6, None)]
    found = video.score(claims, labels, ["anna", "bea"])
    assert (found.right, found.wrong, found.missed) == (1, 2, 2)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(1 / 3)


def test_a_labelled_box_must_be_met_and_only_once():
    labels = [Label(0, "anna", BOX)]
    aside = (8.0, 0.0, 18.0, 10.0)
    assert video.score([claim(0, "anna", aside)], labels, ["anna"]) == video.Score(0, 1, 1)
    assert video.score([claim(0, "anna"), claim(0, "anna")], labels, ["anna"]) == video.Score(1, 1, 0)


def test_people_who_are_not_enrolled_ask_for_nothing_but_may_not_be_named():
    labels = [Label(0, "stranger", BOX)]
    assert video.score([claim(0, None)], labels, ["anna"]) == video.Score(0, 0, 0)
    assert video.score([claim(0, "anna")], labels, ["anna"]) == video.Score(0, 1, 0)


def test_each_frame_by_itself_goes_without_the_name_of_its_track():
    labels = [Label(0, "anna", None), Label(1, "anna", None)]
    claims = [claim(0, "anna", alone="anna"), claim(1, "anna", alone=None)]
    assert video.score(claims, labels, ["anna"]) == video.Score(2, 0, 0)
    assert video.score(claims, labels, ["anna"], alone=True) == video.Score(1, 0, 1)


def test_without_claims_and_labels_there_is_no_score():
    assert (video.Score(0, 0, 0).precision, video.Score(0, 0, 0).recall, video.Score(0, 0, 0).f1) == (
        None,
    ) * 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("frame,who\n1,anna\n", "the columns are"),
        ("frame,person\n", "holds no labels"),
        ("frame,person,x1,y1,x2,y2\n1,anna,3,4,,\n", "half a box"),
    ],
)
def test_labels_that_cannot_be_understood_are_refused(tmp_path, text, complaint):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        video.read_labels(path)


def test_labels_may_have_boxes_and_empty_frames(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("frame,person,x1,y1,x2,y2\n1,anna,1,2,3,4\n2,,,,,\n")
    assert video.read_labels(path) == [Label(1, "anna", (1.0, 2.0, 3.0, 4.0)), Label(2, "", None)]


@pytest.mark.research
@pytest.mark.skipif(not CLIP.is_file(), reason="needs the clip in the research folder")
def test_a_singer_is_followed_through_the_research_clip(tmp_path):
    clip = "examples/short_hamilton_clip.mp4"
    with tarfile.open(CLIP) as archive:
        for name in (clip, "examples/lin-manuel-miranda.png", "examples/alex-lacamoire.png"):
            archive.extract(name, tmp_path, filter="data")
    (tmp_path / clip).rename(tmp_path / "clip.mp4")
    eyes = Recognizer.load(None, detector="mtcnn")  # what is shipped
    names, faceprints = video.enrolled(eyes, tmp_path / "examples")
    claims = video.watch(eyes, tmp_path / "clip.mp4", names, faceprints, lambda *_: None, fpir=0.001)
    # By eye: the singer alone is to be seen in frames 90 to 207, the audience alone from 216 on.
    labels = [Label(frame, "lin-manuel-miranda", None) for frame in range(90, 208, 9)]
    labels += [Label(frame, "", None) for frame in range(216, 275, 9)]
    found = video.score(claims, labels, names)
    assert (found.right, found.wrong) == (len(range(90, 208, 9)), 0)
