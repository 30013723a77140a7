"""The virtual site: its day comes out as written, what does not is said, and nothing of it stays."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from access.models import Assignment, Card, Door, OfflineEvent, Person, Punch, Shift, Site, Terminal
from access.up import demo
from access.up.demo import scenes
from access.up.virtual import play, scenario
from access.up.virtual.scenario import Event, Place, Scenario, Unplayable, read
from recognition.recognizer import Recognizer
from tests import factories
from workers import sight


@pytest.fixture
def system(
    transactional_db: None, live_server: Any, run_queue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Where a running system answers, with real eyes."""
    eyes = Recognizer.load(None, detector="mtcnn", embedder="mobilefacenet-128d")
    monkeypatch.setattr(sight, "_recognizer", eyes)
    return str(live_server.url)


def test_the_shipped_day_comes_out_as_written_and_nobody_is_taken_for_somebody_else(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("virtual_site", "--fast", "--address", system)
    told = capsys.readouterr().out
    assert "42 of 42 lines as expected" in told
    assert "the right one was granted   50 of 50" in told
    assert "strangers who were granted  0 of 240" in told
    assert "Wrong grants: 0\n" in told
    for table in (Site, Door, Person, Punch, Terminal, Assignment, Shift, Card, OfflineEvent):
        assert not table.objects.exists(), table


def small(*events: Event) -> Scenario:
    return Scenario(
        "Small site", "Europe/Berlin", {"gate": Place("Gate", "Gate kiosk")}, events, ("08:00", "16:00")
    )


def test_what_comes_out_otherwise_is_said_and_the_demo_stays(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.seed()
    known = next(one for one in scenes.invented() if one.badge == demo.ENROLLED[0])
    before = Person.objects.count()
    day = small(
        Event("08:00", "Somebody known", "unknown_face", door="gate", face=known.badge),
        Event("08:01", "The same", "ok in", door="gate", face=known.badge, direction="in"),
    )
    assert play.run(system, day, photographs=False) == 1
    told = capsys.readouterr().out
    assert "unknown_face  BUT ok in" in told
    assert "1 of 2 lines as expected" in told
    assert (Person.objects.count(), Site.objects.filter(name=day.name).exists()) == (before, False)


def test_somebody_granted_as_another_fails_the_day(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    demo.seed()
    stranger, holder = demo.strangers()[0], demo.person(demo.ENROLLED[0])
    with sight.eyes() as eyes:
        seen = eyes.look(stranger.photograph(1))
        assert seen.vector is not None
        factories.faceprint(holder, seen.vector, model=eyes.card.id)
    day = small(
        Event("08:00", "A stranger", "unknown_face", door="gate", face=stranger.badge, direction="in")
    )
    assert play.run(system, day, photographs=False) == 1
    told = capsys.readouterr().out
    assert f"BUT ok in as {holder.badge}" in told
    assert f"Wrong grants: 1 {stranger.badge} as {holder.badge}" in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("what =", "whom ="), "whom"),
        (('door = "yard"', 'door = "moon"'), "moon"),
        (("[doors.yard]", "[windows.yard]"), "windows"),
        (("shift =", "shift"), "day.toml"),
    ],
)
def test_a_file_with_an_unknown_word_is_refused_by_name(
    tmp_path: Path, changed: tuple[str, str], said: str
) -> None:
    path = tmp_path / "day.toml"
    path.write_text(scenario.DAY.read_text("utf-8").replace(*changed), "utf-8")
    with pytest.raises(Unplayable, match=said):
        read(path)


def test_the_system_must_be_there(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "wait_until_enrolled", lambda: None)
    with pytest.raises(CommandError, match=r"is manage\.py up running"):
        call_command("virtual_site", "--fast", "--address", "http://127.0.0.1:9")
    assert not Site.objects.exists()
