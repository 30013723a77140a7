import io

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition import image, weights
from recognition.faces import Face
from recognition.matching import threshold_for
from recognition.quality import Problem
from recognition.recognizer import Recognizer, choose
from tests.recognition.conftest import LANDMARKS, MODELS, present

STAGES = ["decode", "detect", "align", "embed"]


def jpeg(rgb):
    return image.encode_jpeg(np.ascontiguousarray(rgb), quality=95)


def two(portrait, scale):
    """A scene with a second, smaller copy of the portrait beside the first."""
    second = image.shrink(portrait, scale) if scale < 1 else portrait
    scene = np.full((512, 1024, 3), 100, np.uint8)
    scene[:, :512] = portrait
    scene[: second.shape[0], 512 : 512 + second.shape[1]] = second
    return scene


def test_a_good_picture_gives_a_vector_and_no_problem(eyes, portrait_bytes):
    seen = eyes.look(portrait_bytes)
    assert (seen.width, seen.height, seen.problem, seen.model) == (512, 512, None, "tiny_nchw")
    assert len(seen.faces) == 1
    assert seen.face is seen.faces[0]
    assert np.linalg.norm(seen.vector) == pytest.approx(1, abs=1e-5)
    assert list(seen.milliseconds) == STAGES
    assert all(spent > 0 for spent in seen.milliseconds.values())


def test_the_vector_is_never_shown(eyes, portrait_bytes):
    seen = eyes.look(portrait_bytes)
    assert "vector" not in repr(seen)
    assert not any(f"{value:.4f}"[:6] in repr(seen) for value in seen.vector)


def test_the_same_bytes_give_the_same_vector(eyes, portrait_bytes):
    assert (eyes.look(portrait_bytes).vector == eyes.look(portrait_bytes).vector).all()


@pytest.mark.parametrize(("data", "code"), [(b"", "not_an_image"), (b"\x00" * 3_000_000, "too_large")])
def test_unreadable_bytes_are_a_sighting_with_the_code(eyes, data, code):
    seen = eyes.look(data)
    assert (seen.problem, seen.detail, seen.vector, seen.faces) == (Problem.UNREADABLE, code, None, ())


def test_an_empty_room_has_no_face(eyes):
    seen = eyes.look(jpeg(np.full((480, 640, 3), 120, np.uint8)))
    assert (seen.problem, seen.face, seen.vector) == (Problem.NO_FACE, None, None)
    assert list(seen.milliseconds) == ["decode", "detect"]


def test_two_people_at_the_door_are_refused_and_the_nearest_can_be_asked_for(eyes, portrait):
    scene = jpeg(two(portrait, 0.8))
    both = eyes.look(scene)
    assert (both.problem, len(both.faces), both.vector) == (Problem.SEVERAL_FACES, 2, None)
    nearest = eyes.look(scene, faces="largest")
    assert nearest.problem is None
    assert nearest.face.landmarks[:, 0].max() < 512


def test_somebody_in_the_background_does_not_count(eyes, portrait):
    large = np.repeat(np.repeat(two(portrait, 0.3), 2, axis=0), 2, axis=1)
    seen = eyes.look(jpeg(cv2.GaussianBlur(large, (0, 0), 0.8)))
    assert seen.problem is None


@pytest.mark.parametrize(
    ("heights", "rule", "problem"),
    [
        ([], "one", Problem.NO_FACE),
        ([], "largest", Problem.NO_FACE),
        ([100], "one", None),
        ([100, 40], "one", Problem.SEVERAL_FACES),
        ([100, 39], "one", None),
        ([100, 90], "largest", None),
        ([100, 30, 20, 10], "one", None),
    ],
)
def test_the_rule_for_several_faces(heights, rule, problem):
    found = [Face((0, 0, height, height), LANDMARKS, 0.9) for height in heights]
    face, reason = choose(found, rule)
    assert reason is problem
    assert face is (found[0] if found else None)


def test_a_blurred_face_is_refused_before_it_is_embedded(eyes, portrait):
    seen = eyes.look(jpeg(cv2.GaussianBlur(portrait, (0, 0), 6)))
    assert (seen.problem, seen.vector) == (Problem.BLURRED, None)
    assert seen.quality.sharpness < 0.13
    assert "embed" not in seen.milliseconds


def test_a_dark_picture_is_refused_or_its_face_not_found(eyes, portrait):
    seen = eyes.look(jpeg((portrait * 0.2).astype(np.uint8)))
    assert seen.problem in {Problem.TOO_DARK, Problem.NO_FACE}
    assert seen.vector is None


def test_a_small_face_passes_the_door_but_not_enrolment(eyes, portrait):
    small = np.full((400, 500, 3), 100, np.uint8)
    half = image.shrink(portrait, 0.6)
    small[: half.shape[0], : half.shape[1]] = half
    data = jpeg(small)
    assert eyes.look(data).problem is None
    assert eyes.look(data, purpose="enrolment").problem is Problem.TOO_SMALL


def test_a_turned_photograph_is_upright_for_the_eyes(eyes, portrait):
    exif = Image.Exif()
    exif[image.ORIENTATION_TAG] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.rot90(portrait, 1))).save(buffer, "JPEG", quality=95, exif=exif)
    seen = eyes.look(buffer.getvalue())
    assert seen.problem is None
    assert np.linalg.norm(seen.face.landmarks - LANDMARKS, axis=1).mean() < 6


@pytest.mark.parametrize("scale", [0.9, 1.0, 2.5])
def test_a_cut_out_face_is_found_in_its_own_pixels(eyes, portrait, scale):
    x, y = 150, 30
    crop = portrait[y:200, x:300]
    crop = cv2.resize(
        crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    seen = eyes.look(jpeg(crop), kind="crop")
    assert seen.problem is None
    expected = (LANDMARKS - [x, y]) * scale
    assert np.linalg.norm(seen.face.landmarks - expected, axis=1).mean() < 0.12 * 45 * scale


def test_a_crop_through_the_face_is_cut_off(eyes, portrait):
    seen = eyes.look(jpeg(portrait[40:200, 130:236]), kind="crop")
    assert seen.problem in {Problem.CUT_OFF, Problem.NO_FACE, Problem.TURNED_AWAY}
    assert seen.vector is None


def test_eyes_without_an_embedding_model_say_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", weights.SHIPPED)
    known = tuple(card for card in weights.cards() if card.task == "detector" or not card.folder)
    monkeypatch.setattr(weights, "cards", lambda: known)
    with pytest.raises(
        weights.ModelError, match="no embedding model: run python -m recognition fetch --from FOLDER"
    ):
        Recognizer.load(tmp_path)


@pytest.mark.parametrize("model_id", present("embedder"))
class TestEveryEmbedderBehindTheEyes:
    @pytest.fixture
    def whole(self, model_id):
        return Recognizer.load(MODELS if MODELS.is_dir() else None, embedder=model_id)

    @pytest.fixture
    def alike(self, whole):
        """The score that one pair of strangers in 1,000 reaches: each model has a scale of its own."""
        calibration = whole.card.calibration
        return threshold_for(calibration.points, gallery_size=1, fpir=1e-3) if calibration else 0.5

    def test_the_same_person_in_another_light_and_size_stays_the_same(self, whole, alike, portrait):
        whole.warm()
        other = np.clip(image.shrink(portrait, 0.8).astype(int) * 0.8 + 10, 0, 255).astype(np.uint8)
        first, second = whole.look(jpeg(portrait)), whole.look(jpeg(other[:, ::1]))
        assert first.vector @ second.vector > alike
        assert first.model == whole.card.id

    def test_a_crop_and_the_whole_picture_agree(self, whole, alike, portrait):
        cut = whole.look(jpeg(portrait[20:230, 120:330]), kind="crop")
        assert cut.vector @ whole.look(jpeg(portrait)).vector > alike
