"""Alive by what the door demands: real eyes, invented people in the light of a screen, one decision each."""

import io
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from access import challenges, snapshots
from access.bursts import Shot
from access.models import Challenge, Decision
from access.up.demo import scenes
from recognition import Recognizer, challenge
from recognition.challenge import LIGHT
from recognition.image import decode
from recognition.liveness import Method, Why, alive, not_judged
from tests import factories
from tests.factories import Cast
from tests.recognition.heads import in_light, turned
from workers import identify, living, sight

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def eyes() -> Recognizer:
    return Recognizer.load(None, detector="mtcnn", embedder="mobilefacenet-128d")


@pytest.fixture
def door(cast: Cast, eyes: Recognizer, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A door that demands colours and looks with real eyes; Alice is one of the invented people."""
    monkeypatch.setattr(sight, "_recognizer", eyes)
    enrol(cast, eyes, ALICE.photograph(1))
    return demanding(cast, "colour")


ALICE, OTHER = scenes.invented()[:2]
AT = ALICE.photograph(5)


def enrol(cast: Cast, eyes: Recognizer, photograph: bytes) -> None:
    seen = eyes.look(photograph, purpose="enrolment")
    assert seen.vector is not None
    factories.faceprint(cast.alice, seen.vector, model=eyes.card.id)


def demanding(cast: Cast, word: str) -> Cast:
    cast.front.liveness, cast.front.deadline_ms = word, 10_000
    cast.front.save()
    cast.kiosk.door.refresh_from_db()
    return cast


def asked(cast: Cast, nonce: uuid.UUID) -> challenges.Asked:
    issued = challenges.issue(cast.kiosk, nonce)
    assert issued is not None
    return issued.asked


def jpeg(rgb: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def lit(photograph: bytes, colours: Sequence[str], *, pause: int = 500) -> tuple[Shot, ...]:
    """What a camera takes of this face while the screen shows these colours."""
    rgb = decode(photograph)
    return tuple(
        Shot(jpeg(in_light(rgb, colour)), pause * number)  # type: ignore[arg-type]
        for number, colour in enumerate(colours)
    )


def decided(cast: Cast, nonce: uuid.UUID, frames: tuple[Shot, ...], image: bytes = AT) -> Decision:
    snapshot, _new = snapshots.receive(
        cast.kiosk, factories.sent(image=image, nonce=nonce, frames=frames, taken=timezone.now())
    )
    identify.identify(str(snapshot.pk))
    return Decision.objects.get(pk=snapshot.pk)


def told(decision: Decision) -> tuple[str, str | None]:
    return decision.reason, decision.facts["liveness"]["why"]


def test_the_website_asks_what_the_eyes_can_check() -> None:
    assert set(challenges.LIGHTS) == set(LIGHT)
    assert set(challenges.KINDS) == set(living.CHALLENGES)
    assert [str(method) for method in living.CHALLENGES.values()] == [str(kind) for kind in living.CHALLENGES]


def test_a_face_that_takes_the_colours_asked_for_enters(door: Cast) -> None:
    nonce = uuid.uuid4()
    colours = asked(door, nonce).colours
    decision = decided(door, nonce, lit(AT, colours))
    assert (decision.granted, decision.person, told(decision)) == (True, door.alice, ("ok", None))
    assert decision.facts["liveness"]["method"] == "colour"
    assert decision.facts["burst"] == {"frames": 6, "asked": list(colours)}
    assert decision.facts["milliseconds"]["frames"] > 0


def test_without_an_answer_nobody_enters(door: Cast) -> None:
    nonce = uuid.uuid4()
    asked(door, nonce)
    assert told(decided(door, nonce, ())) == ("liveness_unjudged", "no_burst")


def test_frames_that_nothing_was_asked_for_answer_nothing(door: Cast) -> None:
    frames = lit(AT, asked(door, uuid.uuid4()).colours)
    assert told(decided(door, uuid.uuid4(), frames)) == ("liveness_unjudged", "no_burst")


def test_an_answer_that_comes_too_late_is_none(door: Cast) -> None:
    nonce = uuid.uuid4()
    frames = lit(AT, asked(door, nonce).colours)
    Challenge.objects.update(issued=timezone.now() - challenges.LASTS - timedelta(milliseconds=1))
    assert told(decided(door, nonce, frames)) == ("liveness_unjudged", "no_burst")


def test_what_answered_one_challenge_does_not_answer_the_next(door: Cast) -> None:
    first = uuid.uuid4()
    colours = asked(door, first).colours
    frames = lit(AT, colours)
    assert decided(door, first, frames).granted
    second = uuid.uuid4()
    while near(asked(door, second).colours, colours):
        second = uuid.uuid4()
    assert told(decided(door, second, frames)) == ("spoof_suspected", "wrong_colours")


def near(one: Sequence[str], other: Sequence[str]) -> bool:
    return challenge.follows(challenge.shown(one), other) > 0.5  # type: ignore[arg-type]


def test_a_picture_of_alice_does_not_enter_by_somebody_elses_living_face(door: Cast) -> None:
    nonce = uuid.uuid4()
    frames = lit(OTHER.photograph(5), asked(door, nonce).colours)
    assert told(decided(door, nonce, frames)) == ("spoof_suspected", "another_face")


def test_a_stranger_who_answers_well_is_a_stranger(door: Cast) -> None:
    nonce, stranger = uuid.uuid4(), OTHER.photograph(5)
    frames = lit(stranger, asked(door, nonce).colours)
    assert told(decided(door, nonce, frames, image=stranger)) == ("unknown_face", None)


def test_frames_faster_than_the_screen_may_flash_are_not_judged(door: Cast) -> None:
    nonce = uuid.uuid4()
    frames = lit(AT, asked(door, nonce).colours, pause=300)
    assert told(decided(door, nonce, frames)) == ("liveness_unjudged", "no_burst")


@pytest.mark.parametrize(
    "bad", [scenes.empty_room(), b"no picture", AT[:2000]], ids=["nobody", "text", "torn"]
)
def test_a_frame_that_shows_no_face_leaves_the_answer_unjudged(door: Cast, bad: bytes) -> None:
    nonce = uuid.uuid4()
    frames = list(lit(AT, asked(door, nonce).colours))
    frames[3] = replace(frames[3], image=bad)
    assert told(decided(door, nonce, tuple(frames))) == ("liveness_unjudged", "no_face")


def test_a_door_that_was_set_otherwise_meanwhile_takes_no_old_answer(door: Cast) -> None:
    nonce = uuid.uuid4()
    frames = lit(AT, asked(door, nonce).colours)
    demanding(door, "turn")
    assert told(decided(door, nonce, frames)) == ("liveness_unjudged", "no_burst")


def test_without_a_calibration_no_frame_is_anybodys(door: Cast, eyes: Recognizer) -> None:
    nonce = uuid.uuid4()
    shots = lit(AT, asked(door, nonce).colours)
    bare = Recognizer(eyes.detector, eyes.embedder)
    bare.embedder = _Uncalibrated(eyes)  # type: ignore[assignment]
    sent = snapshots.Burst(shots, challenges.Asked("colour", colours=("red",) * 6))
    seen = living.judged(bare, eyes.look(AT), sent, demanded="colour", faces="one")
    assert seen.liveness == not_judged(Why.NO_MODEL, method=Method.COLOUR)


class _Uncalibrated:
    """The embedder of these eyes without its measured thresholds."""

    def __init__(self, eyes: Recognizer) -> None:
        self.card, self.embed = replace(eyes.card, calibration=None), eyes.embedder.embed


# --- Turns ----------------------------------------------------------------------------------------


def heads(yaws: Sequence[float]) -> tuple[Shot, ...]:
    portrait = decode(scenes.PORTRAIT.read_bytes())
    return tuple(Shot(jpeg(turned(portrait, yaw)[0]), 400 * number) for number, yaw in enumerate(yaws))


@pytest.mark.parametrize(
    ("as_asked", "wanted"), [(True, ("ok", None)), (False, ("spoof_suspected", "wrong_turn"))]
)
def test_a_head_that_turns_to_the_side_asked_for_enters_and_no_other(
    door: Cast, eyes: Recognizer, as_asked: bool, wanted: object
) -> None:
    enrol(demanding(door, "turn"), eyes, scenes.photographs()[0][1])
    nonce = uuid.uuid4()
    way = 1 if (asked(door, nonce).side == "left") is as_asked else -1
    frames = heads([way * yaw for yaw in (0, 15, 30, 15, 0)])
    assert told(decided(door, nonce, frames, image=scenes.PORTRAIT.read_bytes())) == wanted


# --- A burst where the picture alone is judged ------------------------------------------------------


def moved(eyes: Recognizer, shots: Sequence[Shot], *, passive: Any) -> Any:
    seen = replace(eyes.look(scenes.PORTRAIT.read_bytes()), liveness=passive)
    sent = snapshots.Burst(tuple(shots), None)
    return living.judged(eyes, seen, sent, demanded="passive", faces="one").liveness


PASSED = alive(0.9, method=Method.PASSIVE)


def test_frames_that_are_one_picture_or_somebody_else_take_passive_liveness_away(eyes: Recognizer) -> None:
    portrait = decode(scenes.PORTRAIT.read_bytes())
    same = [Shot(jpeg(portrait), 300 * n) for n in range(4)]
    other = [Shot(OTHER.photograph(n), 300 * n) for n in range(1, 5)]
    assert moved(eyes, same, passive=PASSED).why is Why.FROZEN
    assert moved(eyes, other, passive=PASSED).why is Why.ANOTHER_FACE


def test_frames_never_make_live_what_the_picture_did_not(eyes: Recognizer) -> None:
    unjudged = not_judged(Why.NO_MODEL, method=Method.PASSIVE)
    turning = heads((0, 15, 30, 15, 0))
    assert moved(eyes, turning, passive=PASSED) == PASSED
    assert moved(eyes, turning, passive=unjudged) == unjudged
    assert moved(eyes, [*turning[:3], Shot(b"torn", 2_000)], passive=PASSED) == PASSED
