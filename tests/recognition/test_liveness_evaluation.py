import json
from dataclasses import replace

import numpy as np
import pytest

from recognition import __main__ as command
from recognition import embedding, image, weights
from recognition import liveness as checks
from recognition.evaluation import liveness, spoofs
from recognition.liveness import Liveness, Method, Why
from recognition.recognizer import Recognizer
from tests.recognition.conftest import PORTRAIT, tiny

LIVE = Liveness(True, True, Method.PASSIVE, 0.9)
SPOOF = Liveness(True, False, Method.PASSIVE, 0.1, Why.SPOOF)
TIGHT = Liveness(False, False, Method.PASSIVE, None, Why.NO_MARGIN)
FLAT = Liveness(True, False, Method.BURST, 0.01, Why.FLAT)


def quiet(*_):
    return None


@pytest.fixture(scope="module")
def watchful(mtcnn, tiny_card):
    """Real eyes of no worth: what is more green than red and blue is live, and everybody looks alike."""
    calibration = weights.Calibration(((0.1, 0.4), (0.01, 0.5)), 0.1, "none", 2, 1, "mtcnn", "none")
    card = replace(tiny_card, calibration=calibration)
    embedder = embedding.Embedder(card, weights.open_session(card, None))
    judgement = weights.Judgement((1.5, 1.8), live=1, threshold=0.5, basis="made for these tests")
    by_colour = tiny(tiny_card.paths(None)[0], weights.Input(16, 16, channels="BGR"))
    by_colour = replace(by_colour, id="by-colour", task="liveness", judgement=judgement)
    sessions = tuple(weights.open_session(by_colour, None) for _ in judgement.scales)
    return Recognizer(mtcnn, embedder, checks.Passive(by_colour, sessions))


@pytest.fixture(scope="module")
def simulated(mtcnn, tmp_path_factory):
    """Two photographs of a person, and the attacks simulated from them."""
    folder = tmp_path_factory.mktemp("spoofs")
    person = folder / "faces" / "somebody"
    person.mkdir(parents=True)
    rgb = image.decode(PORTRAIT.read_bytes())
    for name, part in (("one", rgb[:300, 80:380]), ("two", rgb[:320, 60:400])):
        (person / f"{name}.jpg").write_bytes(image.encode_jpeg(np.ascontiguousarray(part)))
    written = spoofs.simulate(mtcnn, sorted(person.iterdir()), folder / "attacks", quiet)
    return folder, written


class TestTallies:
    def test_an_attack_that_passes_and_a_face_that_is_refused_are_errors(self):
        outcomes = [LIVE] * 3 + [SPOOF] * 5 + [TIGHT] * 2
        (attack,) = liveness.tally("print", outcomes, bona_fide=False)
        assert (attack.tries, attack.judged, attack.errors) == (10, 8, 3)
        (face,) = liveness.tally("bona fide", outcomes, bona_fide=True)
        assert (face.tries, face.judged, face.errors) == (10, 8, 5)
        assert face.why == {"spoof": 5, "no_margin": 2}

    def test_each_check_is_tallied_by_itself(self):
        passive, burst = liveness.tally("print", [LIVE, FLAT, FLAT], bona_fide=False)
        assert (passive.method, passive.tries, passive.errors) == (Method.PASSIVE, 1, 1)
        assert (burst.method, burst.tries, burst.errors) == (Method.BURST, 2, 0)

    @pytest.mark.parametrize(("judged", "shown"), [(149, False), (150, True)])
    def test_no_rate_is_shown_below_150_judged_tries(self, judged, shown):
        outcomes = [SPOOF] * (judged - 10) + [LIVE] * 10 + [TIGHT] * 500
        (found,) = liveness.tally("print", outcomes, bona_fide=False)
        assert (found.rate is not None, found.interval is not None) == (shown, shown)
        text = "\n".join(liveness.sentences([found], liveness.Stability(0, 0)))
        number = liveness.numbers([found], liveness.Stability(0, 0))["kinds"][0]
        if shown:
            assert "APCER 6.7 % (95 % interval 3.7 to 11.8), 10 of 150" in text
            assert number["apcer"] == pytest.approx(1 / 15, abs=1e-5)
        else:
            assert "too few: 149 of 150" in text
            assert "95 %" not in text
            assert (number["apcer"], number["interval"]) == (None, None)

    def test_kinds_are_never_averaged(self):
        found = liveness.tally("a", [SPOOF] * 200, bona_fide=False)
        found += liveness.tally("bona fide", [LIVE] * 200, bona_fide=True)
        told = json.dumps(liveness.numbers(found, liveness.Stability(0, 0)))
        assert "acer" not in told.replace("apcer", "").lower()


class TestSimulation:
    def test_everything_written_is_called_simulated(self, simulated):
        folder, written = simulated
        kinds = {
            "simulated-print", "simulated-screen", "simulated-large-print", "simulated-large-screen",
            "simulated-replay", "simulated-tilting-print",
        }  # fmt: skip
        assert written == dict.fromkeys(kinds, 2)
        files = [path for path in (folder / "attacks").rglob("*") if path.is_file()]
        assert len(files) == 2 * (4 + 5 + 5)
        assert all("simulated" in path.name for path in files)
        assert {path.name for path in (folder / "attacks").iterdir()} == kinds

    def test_a_face_is_still_found_and_has_the_margin_that_is_asked_for(self, simulated, mtcnn):
        folder, _ = simulated
        for path in sorted((folder / "attacks").rglob("*.jpg")):
            rgb = image.decode(path.read_bytes())
            assert rgb.shape == (480, 640, 3)
            face = mtcnn.detect(rgb)[0]
            assert checks.margin_crop(rgb, face, 2.7) is not None

    def test_the_same_seed_writes_the_same_pictures(self, simulated, mtcnn, tmp_path):
        folder, _ = simulated
        photographs = sorted((folder / "faces" / "somebody").iterdir())
        spoofs.simulate(mtcnn, photographs, tmp_path, quiet)
        first = sorted((folder / "attacks" / "simulated-print").iterdir())
        again = sorted((tmp_path / "simulated-print").iterdir())
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]

    def test_a_photograph_without_a_face_gives_no_attack(self, mtcnn, tmp_path):
        blank = tmp_path / "blank.jpg"
        blank.write_bytes(image.encode_jpeg(np.full((200, 200, 3), 90, np.uint8)))
        assert spoofs.simulate(mtcnn, [blank], tmp_path / "to", quiet) == {}
        assert not (tmp_path / "to").exists()


class TestMeasuring:
    def test_pictures_go_to_the_model_and_bursts_to_the_burst_check(self, simulated, watchful):
        folder, _ = simulated
        tallies, _ = liveness.measure(watchful, folder / "faces", folder / "attacks", quiet)
        found = {(each.kind, each.method): each.tries for each in tallies}
        assert found == {
            ("bona fide", Method.PASSIVE): 2,
            ("simulated-print", Method.PASSIVE): 2,
            ("simulated-screen", Method.PASSIVE): 2,
            ("simulated-large-print", Method.PASSIVE): 2,
            ("simulated-large-screen", Method.PASSIVE): 2,
            ("simulated-replay", Method.BURST): 2,
            ("simulated-tilting-print", Method.BURST): 2,
        }

    def test_no_simulated_burst_is_live(self, simulated, watchful):
        folder, _ = simulated
        tallies, _ = liveness.measure(watchful, folder / "faces", folder / "attacks", quiet)
        bursts = [each for each in tallies if each.method is Method.BURST]
        assert [each.errors for each in bursts] == [0, 0]
        assert all(sum(each.why.values()) == each.tries for each in bursts)

    def test_a_picture_without_margin_can_be_given_one(self, watchful, tmp_path, portrait):
        (tmp_path / "real").mkdir()
        (tmp_path / "attacks").mkdir()
        tight = image.encode_jpeg(np.ascontiguousarray(portrait[40:190, 150:295]))
        (tmp_path / "real" / "tight.jpg").write_bytes(tight)
        for mirror in (False, True):
            (found,), _ = liveness.measure(
                watchful, tmp_path / "real", tmp_path / "attacks", quiet, mirror=mirror
            )
            assert (found.tries, found.judged) == (1, int(mirror))
            assert ("no_margin" in found.why) is not mirror

    def test_where_there_is_no_face_nothing_is_judged(self, watchful, tmp_path):
        burst = tmp_path / "attacks" / "nothing" / "burst-1"
        burst.mkdir(parents=True)
        (tmp_path / "real").mkdir()
        for number in range(3):
            (burst / f"{number}.jpg").write_bytes(image.encode_jpeg(np.full((200, 200, 3), 90, np.uint8)))
        (found,), _ = liveness.measure(watchful, tmp_path / "real", tmp_path / "attacks", quiet)
        assert (found.kind, found.tries, found.judged, found.why) == ("nothing", 1, 0, {"no_face": 1})

    def test_without_a_model_it_says_what_to_run(self, eyes, tmp_path):
        with pytest.raises(weights.ModelError, match="no liveness model: run python -m recognition fetch"):
            liveness.measure(eyes, tmp_path, tmp_path, quiet)


def test_the_commands_report_in_words_and_numbers(simulated, watchful, monkeypatch, capsys, tmp_path):
    folder, _ = simulated
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: watchful)
    faces = str(folder / "faces")
    asked = ["evaluate", "liveness", "--bona-fide", faces, "--attacks", str(folder / "attacks"), "--json"]
    assert command.main(asked) == 0
    told = capsys.readouterr().out
    assert "Simulated attacks say little about real ones" in told
    report = json.loads(told.splitlines()[-1])
    assert report["passive"] == "by-colour"
    assert {each["kind"] for each in report["kinds"]} >= {"bona fide", "simulated-print"}
    asked = [
        "evaluate",
        "simulate",
        "--detector",
        "mtcnn",
        "--from",
        faces,
        "--to",
        str(tmp_path),
        "--most",
        "1",
    ]
    assert command.main(asked) == 0
    assert "simulated, not taken by a camera" in capsys.readouterr().out
    assert (tmp_path / "simulated-replay").is_dir()
