"""The edge agent against the real website: invented people are seen by its camera, and the doors answer."""

from pathlib import Path
from typing import Any

import pytest

from access.models import Decision, Punch
from access.up.demo import scenes
from recognition.edge.__main__ import main
from recognition.recognizer import Recognizer
from tests import factories
from tests.factories import Cast
from workers import sight

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def real_eyes(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    eyes = Recognizer.load(None, detector="mtcnn", embedder="mobilefacenet-128d")
    monkeypatch.setattr(sight, "_recognizer", eyes)
    return eyes


@pytest.mark.parametrize("send", ["crop", "snapshot"])
def test_somebody_enrolled_enters_and_a_stranger_does_not(
    tmp_path: Path, cast: Cast, live_server: Any, run_queue: list[Any], real_eyes: Recognizer, send: str
) -> None:
    alice, stranger = scenes.invented()[:2]
    for number in (1, 2):
        seen = real_eyes.look(alice.photograph(number), purpose="enrolment")
        assert seen.vector is not None
        factories.faceprint(cast.alice, seen.vector, model=real_eyes.card.id)
    folder = tmp_path / "camera"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(alice.photograph(3))
    (folder / "2.jpg").write_bytes(stranger.photograph(1))
    key = tmp_path / "key"
    key.write_text(cast.key)
    arguments = [
        "--server",
        live_server.url,
        "--key-file",
        str(key),
        "--spool",
        str(tmp_path / "spool.sqlite"),
    ]
    ended = main([str(folder), *arguments, "--send", send, "--direction", "in"])
    assert ended == 0
    found = [
        (one.granted, one.reason, one.person, one.direction) for one in Decision.objects.order_by("-granted")
    ]
    assert found == [(True, "ok", cast.alice, "in"), (False, "unknown_face", None, "")]
    assert Punch.objects.get().person == cast.alice
