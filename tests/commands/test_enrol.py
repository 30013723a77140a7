"""`manage.py enrol`: many people from a folder or a list, interrupted and run again."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from access import health
from access.models import Consent, ConsentText, Enrolment, Faceprint, Gallery, Person, Photograph
from recognition import Problem
from tests import factories
from tests.factories import ALICE, BOB

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with one photograph each, and a file that is none."""
    for number, badge in enumerate(("00007", "00008")):
        place = tmp_path / "people" / badge
        place.mkdir(parents=True)
        (place / "face.jpg").write_bytes(factories.picture(seed=number))
    (tmp_path / "people" / "00008" / "notes.jpg").write_bytes(b"not a picture")
    return tmp_path / "people"


@pytest.fixture
def at_work(run_queue: list[Any], camera_sees: Callable[..., Any]) -> list[Any]:
    """A worker that signed in and sees the same good face in every photograph."""
    camera_sees(ALICE)
    health.sign_in("worker", embedder="test-model", detector="none")
    factories.consent_text()
    return run_queue


def enrol(*arguments: object) -> int:
    """The exit code."""
    try:
        call_command("enrol", *(str(argument) for argument in arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_folder_enrols_one_person_per_subfolder(folder: Path, at_work: list[Any], tmp_path: Path) -> None:
    gallery = Gallery.objects.create(name="Crew")
    (folder / "00008" / "face.jpg").unlink()  # everybody looks the same to these eyes: one is enough
    report = tmp_path / "report.csv"
    code = enrol(
        folder, "--gallery", "Crew", "--consent", "2026-01", "--department", "Hall", "--report", report
    )
    person = Person.objects.get(badge="00007")
    assert code == 1
    assert (person.department and person.department.name, list(person.galleries.all())) == ("Hall", [gallery])
    assert Faceprint.objects.filter(person=person, active=True).count() == 1
    rows = list(csv.DictReader(io.StringIO(report.read_text("utf-8-sig"))))
    assert [(row["badge"], Path(row["file"]).name, row["reason"]) for row in rows] == [
        ("00008", "notes.jpg", "not-a-picture")
    ]


def test_the_consent_is_to_the_text_of_the_language_that_was_named(folder: Path, at_work: list[Any]) -> None:
    ConsentText.objects.create(version="2026-01", language="de", body="Ich bin einverstanden.")
    enrol(folder, "--consent", "2026-01/de")
    assert set(Consent.objects.values_list("text__language", "channel")) == {("de", "command")}
    with pytest.raises(CommandError, match="2026-01/de"):
        enrol(folder, "--consent", "2026-01/fr")


def test_running_it_again_does_nothing_twice(folder: Path, at_work: list[Any]) -> None:
    for _again in range(3):
        enrol(folder, "--consent", "2026-01")
    assert (Person.objects.count(), Enrolment.objects.count(), Photograph.objects.count()) == (2, 2, 2)


def test_somebody_who_looks_like_another_goes_to_review(folder: Path, at_work: list[Any]) -> None:
    enrol(folder, "--consent", "2026-01")
    states = dict(Enrolment.objects.values_list("person__badge", "state"))
    assert states == {"00007": "done", "00008": "review"}


def test_a_dry_run_changes_nothing_and_needs_no_worker(
    folder: Path, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enrol(folder, "--dry-run") == 1
    assert "2 people, 2 files can be handed in" in capsys.readouterr().out
    assert not Person.objects.exists()


def test_without_consent_nobody_is_enrolled(folder: Path, at_work: list[Any]) -> None:
    assert enrol(folder) == 1
    assert not Enrolment.objects.exists()


def test_refused_photographs_are_listed_with_advice(
    folder: Path, at_work: list[Any], camera_sees: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    camera_sees(problem=Problem.BLURRED)
    assert enrol(folder, "--consent", "2026-01") == 1
    assert "00007  face.jpg  blurred: The face is blurred." in capsys.readouterr().err


def test_a_list_names_people_and_departments(tmp_path: Path, at_work: list[Any]) -> None:
    (tmp_path / "a.jpg").write_bytes(factories.picture(seed=3))
    people = tmp_path / "people.csv"
    people.write_text(
        "badge,name,department,photograph\n00123,Ann Ångström,Labs,a.jpg\n00123,,,missing.jpg\n", "utf-8"
    )
    assert enrol(people, "--consent", "2026-01") == 1
    person = Person.objects.get()
    assert (person.badge, person.name, person.department and person.department.name) == (
        "00123",
        "Ann Ångström",
        "Labs",
    )
    assert person.photographs.count() == 1


def test_an_interrupted_run_is_finished_by_the_next(
    folder: Path, at_work: list[Any], monkeypatch: pytest.MonkeyPatch, camera_sees: Callable[..., Any]
) -> None:
    from access import bulk

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "UNDER_WAY", 1)
    with monkeypatch.context() as first:
        first.setattr(bulk, "_count", stop)
        with pytest.raises(CommandError, match="run the command again"):
            enrol(folder, "--consent", "2026-01")
    camera_sees(BOB)
    enrol(folder, "--consent", "2026-01")
    assert dict(Enrolment.objects.values_list("person__badge", "state")) == {"00007": "done", "00008": "done"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--gallery", "Nobody"], "There is no gallery 'Nobody'"),
        (["--consent", "none"], "There is no consent text 'none'"),
        ([], "No worker is running"),
    ],
)
def test_a_wrong_call_says_what_to_do(folder: Path, db: None, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        enrol(folder, *arguments)


def test_an_empty_folder_is_not_a_success(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match="one subfolder per badge number"):
        enrol(tmp_path)
