"""The operator's small commands."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db.models import BinaryField

from access import decisions, gallery, people, places, vault
from access.models import AuditEntry, Decision, Faceprint, Kiosk, Person, PersonKey, Punch, Site, Snapshot
from access.up import demo
from tests import factories
from tests.factories import ALICE, STRANGER, Cast
from workers import turning


def say(name: str, *arguments: str, **options: object) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


def test_licences_names_every_package_with_a_licence_and_every_model(db: None) -> None:
    text = say("licences")
    for name in ("django ", "psycopg ", "onnxruntime ", "mtcnn"):
        assert name in text
    assert "see its files" not in text.split("Models")[0].split("lintel")[0]


def test_new_kiosk_prints_a_key_that_works(cast: Cast) -> None:
    key = say("new_kiosk", "Works", "Back door", "Tablet").strip()
    assert places.kiosk_for(key) == Kiosk.objects.get(name="Tablet")
    with pytest.raises(CommandError, match="already has a kiosk"):
        say("new_kiosk", "Works", "Back door", "Tablet")
    with pytest.raises(CommandError, match="'Works' 'Front door'"):
        say("new_kiosk", "Works", "Cellar", "Tablet")


def test_erase_person_prints_the_receipt(cast: Cast) -> None:
    assert "faceprints deleted: 1" in say("erase_person", "00017", "--yes")
    with pytest.raises(CommandError, match="Nobody has the badge number"):
        say("erase_person", "00017", "--yes")


def test_new_master_key_is_a_key() -> None:
    Fernet(say("new_master_key").strip())


def test_whatever_is_wrapped_stands_in_a_field_that_rotation_knows() -> None:
    """A table of sealed things that rotation forgot would be unreadable once the old key is gone."""
    from django.apps import apps

    from access.management.commands.rotate_master_key import WRAPPED

    sealing = {
        model.__name__
        for model in apps.get_app_config("access").get_models()
        if any("sealed" in field.name for field in model._meta.get_fields() if isinstance(field, BinaryField))
    }
    wrapped = {
        model.__name__
        for model in apps.get_app_config("access").get_models()
        if any(field.name in WRAPPED for field in model._meta.get_fields())
    }
    # A photograph is sealed by its person's key and a piece of a report by its file's; both are wrapped.
    assert sealing - wrapped == {"Photograph", "ReportPiece"}
    assert {"PersonKey", "ReportFile"} <= wrapped


def test_rotate_master_key_lets_the_old_key_go(cast: Cast, settings: LazySettings) -> None:
    key = people.key_of(cast.alice)
    old, new = settings.MASTER_KEYS, Fernet.generate_key().decode()
    bare = vault.unwrap(key)
    settings.MASTER_KEYS = [new, *old]
    assert "2 keys are now under the newest" in say("rotate_master_key")
    settings.MASTER_KEYS = [new]
    assert vault.unwrap(PersonKey.objects.get(person=cast.alice).wrapped) == bare
    gallery.current_turn()


@pytest.mark.django_db(transaction=True)
def test_the_demo_is_made_once_and_removed_whole(
    run_queue: list[Any], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    real = factories.person("Real Rita")
    assert demo.seed() == {"doors": 3, "kiosks": 2, "people": 12}
    assert demo.seed() is None
    kiosk = Kiosk.objects.get(name=demo.KIOSK)
    assert decisions.reach(kiosk, factories.sent()).granted
    say("remove_demo")
    left = [table.objects.count() for table in (Site, Kiosk, Snapshot, Decision, Punch, Faceprint)]
    assert (left, list(Person.objects.all())) == ([0] * 6, [real])
    assert AuditEntry.objects.filter(action="demo.removed").exists()


@pytest.mark.django_db(transaction=True)
def test_the_demo_stays_where_it_took_part_in_real_events(
    run_queue: list[Any], camera_sees: Callable[..., Any], cast: Cast
) -> None:
    camera_sees(STRANGER)
    demo.seed()
    person = Person.objects.get(badge="DEMO-92")
    people.note_consent(person, factories.consent_text())
    cast.crew.people.add(person)
    factories.faceprint(person, (0, 0, 0, 0, 1.0, 0, 0, 0))
    camera_sees((0, 0, 0, 0, 1.0, 0, 0, 0))
    assert decisions.reach(cast.kiosk, factories.sent()).granted
    with pytest.raises(CommandError, match="took part in events of real sites"):
        say("remove_demo")
    assert Site.objects.filter(demo=True).count() == 2


@pytest.mark.django_db(transaction=True)
def test_search_index_finds_what_exact_search_finds(cast: Cast) -> None:
    for number in range(1000, 1040):  # badges beyond those of the cast
        vector = [0.0] * 8
        vector[number % 8], vector[(number + 3) % 8] = 1.0, (number - 999) / 40
        person = factories.person(badge=str(number))
        cast.crew.people.add(person)
        factories.faceprint(person, tuple(vector))
    assert "index built" in say("search_index", "build")
    told = re.search(r"recall@1 (\d\.\d+)", say("search_index", "recall", queries=40))
    assert told  # an index that is built at random, of halved precision, may miss a near tie
    assert float(told[1]) >= 0.95
    turn, secret = gallery.current_turn()
    found = gallery.nearest(
        turning.turn(factories.unit(ALICE), secret),
        model="test-model",
        turn=turn,
        site=cast.site.pk,
        method="hnsw",
    )
    assert found.neighbours[0].person == cast.alice.pk
    assert "index dropped" in say("search_index", "drop")


ROOT = Path(__file__).resolve().parents[2]
OURS = sorted(name for name, home in get_commands().items() if home in {"access", "workers"})


def manage(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` as a newcomer runs it: no settings in the environment, nothing in the data folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LINTEL_")}
    environment |= {"LINTEL_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "access.settings"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)


def test_help_lists_our_commands_before_anything_is_set_up(tmp_path: Path) -> None:
    told = manage(tmp_path, "help")
    assert told.returncode == 0
    assert set(OURS) <= set(told.stdout.split())
    assert "virtual_site" in OURS
    assert "usage: manage.py virtual_site" in manage(tmp_path, "virtual_site", "--help").stdout
    assert not list(tmp_path.iterdir())


def test_a_command_before_the_first_start_says_what_to_do_first(tmp_path: Path) -> None:
    told = manage(tmp_path, "verify_audit")
    assert told.returncode == 1
    assert told.stderr.startswith("Lintel cannot start: LINTEL_SECRET_KEY is not set")
    assert "run `manage.py up` once" in told.stderr


@pytest.mark.parametrize("name", OURS)
def test_every_command_says_what_it_is_for(name: str) -> None:
    assert len(load_command_class(get_commands()[name], name).help) > 20
