"""What the runbook tells an operator to do can be done: its commands exist, its rotation of keys was run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from recognition import __main__ as recognition_commands
from tests.deploy.conftest import Ground
from tests.deploy.layout import DEPLOY, ROOT, command, compose
from tests.deploy.test_settings_are_explained import explained

BOOKS = [DEPLOY / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
MADE_LATER = {"deploy/.env", "deploy/backups", "deploy/models"}
PICTURE = ROOT / "access" / "up" / "demo" / "portrait.jpg"
SUBMIT = f"""
import django
django.setup()
from pathlib import Path
from access import enrolment, people
person = people.Person.objects.create(name="Nobody", badge="rotation")
text = people.ConsentText.objects.create(version="rotation", body="I agree.")
people.note_consent(person, text)
enrolment.submit(person, [("portrait.jpg", Path({str(PICTURE)!r}).read_bytes())])
"""
OPEN = """
import django, hashlib
django.setup()
from access import enrolment
photograph = enrolment.Photograph.objects.get(person__badge="rotation")
print(hashlib.sha256(enrolment.open_photograph(photograph)).digest() == bytes(photograph.digest))
"""


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_every_command_file_service_and_variable_in_the_books_exists(book: Path) -> None:
    text = book.read_text(encoding="utf-8")
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= get_commands().keys()
    known = Path(recognition_commands.__file__).read_text(encoding="utf-8")
    for name in re.findall(r"python -m recognition ([a-z-]+)", text):
        assert f'"{name}"' in known
    for name in re.findall(r"\bdeploy/[\w./@-]*\w", text):
        assert (ROOT / name).exists() or name in MADE_LATER, name
    for name in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (book.parent / name).exists(), name
    assert set(re.findall(r"\b(?:LINTEL_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", text)) <= {
        name + end for name in explained() for end in ("", "_FILE")
    }
    services = compose()["services"]
    for line in re.findall(r"\bdc (?:run --rm|restart|stop|logs|exec|up -d) ([a-z][a-z ]*)", text):
        words = line.split()
        assert words[0] in services, line


def test_master_keys_are_rotated_as_the_runbook_tells(ground: Ground) -> None:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "DJANGO_SETTINGS_MODULE": "access.settings",
        "DATABASE_URL_FILE": str(ground.keys / "database_url"),
        "REDIS_URL": ground.redis_url,
        "LINTEL_SECRET_KEY_FILE": str(ground.keys / "secret_key"),
        "LINTEL_MASTER_KEYS_FILE": str(ground.keys / "master_keys"),
    }

    def run(*words: str) -> str:
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def keys() -> list[str]:
        return (ground.keys / "master_keys").read_text().split()

    run(*command("migrate"))
    run("python", "-c", SUBMIT)
    [old] = keys()
    first_keys = ("python", "deploy/first_keys.py", str(ground.keys))
    run(*first_keys, "--add-master-key")
    assert (len(keys()), keys()[1]) == (2, old)
    assert "keys are now under the newest" in run("python", "manage.py", "rotate_master_key")
    run(*first_keys, "--drop-old-master-keys")
    [new] = keys()
    assert new != old
    assert run("python", "-c", OPEN) == "True\n"
    assert "destroyed" in run("python", "manage.py", "rotate_faceprints")
    environment["LINTEL_MASTER_KEYS_FILE"] = ""
    environment["LINTEL_MASTER_KEYS"] = old
    done = subprocess.run(
        ["python", "-c", OPEN], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "No master key opens this" in done.stderr
