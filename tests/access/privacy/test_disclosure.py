"""A person's own data as one file: everything readable, nothing secret, nobody else."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.test import Client

from access import enrolment
from access.models import AuditEntry, Person, Staff
from access.privacy import disclosure
from access.roles import Role
from tests import factories
from tests.access.test_erasure import known  # noqa: F401  a fixture
from tests.admin.conftest import signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(cast: Cast) -> Staff:
    return Staff.objects.create_user("ada", password=None, is_staff=True, roles=[Role.PRIVACY])


def opened(person: Person, by: Any) -> dict[str, bytes]:
    data = b"".join(disclosure.disclose(person, by=by))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_holds_a_readable_file_for_every_part_and_the_photographs(cast: Cast, ada: Staff) -> None:
    picture = factories.picture()
    held = enrolment.submit(cast.alice, [("a.jpg", picture)])
    files = opened(cast.alice, ada)
    assert {f"{part.file}.json" for part in disclosure.PARTS} < set(files)
    assert files[f"photographs/{held.photographs.get().pk}.jpg"] == picture
    [person] = json.loads(files["person.json"])
    assert (person["name"], person["badge"]) == ("Alice Able", "00017")
    [consent] = json.loads(files["consents.json"])
    assert (consent["channel"], consent["text"]) == ("with a list", "2026-01 (en)")
    [faceprint] = json.loads(files["faceprints.json"])
    assert (faceprint["model"], "vector" in faceprint) == ("test-model", False)
    assert json.loads(files["cards.json"]) == []


def test_nothing_in_it_is_secret_or_about_somebody_else(cast: Cast, ada: Staff) -> None:
    mine = enrolment.submit(cast.alice, [("a.jpg", factories.picture())])
    enrolment.ask_review(mine, cast.bob.pk, 0.7)
    text = b"".join(data for name, data in opened(cast.alice, ada).items() if name.endswith(".json")).decode()
    assert "Bob" not in text
    assert f"person:{cast.bob.pk}" not in text
    for word in ("sealed", "wrapped", "lookalike"):
        assert word not in text
    assert "ada" not in json.dumps(json.loads(opened(cast.alice, ada)["trail.json"]))


def test_it_can_be_made_of_somebody_who_left_traces_everywhere(known: Person) -> None:  # noqa: F811
    files = opened(known, "command")
    text = b"".join(data for name, data in files.items() if name.endswith(".json")).decode()
    assert "canary-pin" not in text
    assert "canary-leave" in text


def test_it_is_made_piece_by_piece(cast: Cast, ada: Staff) -> None:
    for seed in range(4):
        enrolment.submit(cast.alice, [("a.jpg", factories.picture(400, 300, seed=seed))])
    pieces = list(disclosure.disclose(cast.alice, by=ada))
    largest = max(len(factories.picture(400, 300, seed=seed)) for seed in range(4))
    assert len(pieces) > len(disclosure.PARTS)
    assert max(len(piece) for piece in pieces) < 2 * largest


def test_the_privacy_officer_downloads_it_and_that_is_on_record(cast: Cast, ada: Staff) -> None:
    officer = signed_in(ada)
    address = f"/admin/access/person/{cast.alice.pk}/disclose/"
    assert "Download" in officer.get(address).content.decode()
    assert not AuditEntry.objects.filter(action="person.disclosed").exists()
    response = officer.post(address)
    assert response["Content-Type"] == "application/zip"
    assert "no-store" in response["Cache-Control"]
    assert zipfile.is_zipfile(io.BytesIO(b"".join(response.streaming_content)))
    entry = AuditEntry.objects.get(action="person.disclosed")
    assert (entry.staff, entry.subject) == (ada, f"person:{cast.alice.pk}")
    assert AuditEntry.objects.filter(action="photograph.viewed", subject=entry.subject).exists()


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.PRIVACY])
def test_nobody_else_may(cast: Cast, role: str) -> None:
    clerk = signed_in(Staff.objects.create_user("clerk", password=None, is_staff=True, roles=[role]))
    address = f"/admin/access/person/{cast.alice.pk}/disclose/"
    assert clerk.get(address).status_code in {302, 403, 404}
    assert clerk.post(address).status_code in {302, 403, 404}
    assert not AuditEntry.objects.filter(action="person.disclosed").exists()


def test_the_password_is_asked_for_again(cast: Cast, ada: Staff) -> None:
    client = Client()
    client.force_login(ada)
    response = client.post(f"/admin/access/person/{cast.alice.pk}/disclose/")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/again/")
