"""Faces are optional: somebody who never agreed passes the same doors and stands in the same reports."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.doors import credentials
from access.hours import roll
from access.models import Consent, Decision, Faceprint, Person, Punch
from tests import factories
from tests.admin.conftest import office  # noqa: F401  a fixture
from tests.factories import ALICE, Cast
from tests.journeys.test_canary import post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wanda(cast: Cast) -> Person:
    """In the crew, without a consent, without a face; a card, a QR code and a PIN in their place."""
    person = factories.person("Wanda Works", badge="00020", consented=False, without_face=True)
    cast.crew.people.add(person)
    credentials.issue_card(person, "04A1B2C3")
    credentials.issue_card(person, "QR-0815-0815", kind="qr")
    credentials.set_pin(person, "270419")
    return person


def show(key: str, **shown: str) -> dict[str, Any]:
    body = {"taken": timezone.now().isoformat(), "nonce": str(uuid.uuid4()), **shown}
    response = Client().post(
        "/api/v1/passes/", body, content_type="application/json", headers={"Authorization": f"Kiosk {key}"}
    )
    assert response.status_code == 200, response.content
    return dict(response.json())


@pytest.mark.parametrize(
    "shown",
    [{"card": "04A1B2C3"}, {"card": "QR-0815-0815"}, {"badge": "00020", "pin": "270419"}],
    ids=["card", "QR code", "PIN"],
)
def test_the_door_opens_and_the_punch_is_written_as_for_a_face(
    cast: Cast, wanda: Person, shown: dict[str, str]
) -> None:
    answer = show(cast.key, **shown)
    assert (answer["granted"], answer["reason"], answer["person"]["name"]) == (True, "ok", "Wanda Works")
    assert Punch.objects.get().person == wanda
    assert not Consent.objects.filter(person=wanda).exists()
    assert not Faceprint.objects.filter(person=wanda).exists()


def test_the_reports_hold_the_same_of_both(
    cast: Cast,
    wanda: Person,
    run_queue: list[Any],
    camera_sees: Callable[..., Any],
    office: Client,  # noqa: F811
) -> None:
    camera_sees(ALICE)
    with_face = post(Client(), cast.key).json()
    without = show(cast.key, card="04A1B2C3")
    assert set(with_face) == set(without)

    today = timezone.now().date()
    period = f"first={today - timedelta(days=1)}&last={today + timedelta(days=1)}"
    listed = b"".join(office.get(f"/api/v1/punches/?{period}").streaming_content).decode("utf-8-sig")
    alice, other = sorted(csv.DictReader(io.StringIO(listed)), key=lambda row: row["Badge"])
    assert [alice["Name"], other["Name"]] == ["Alice Able", "Wanda Works"]
    assert {key for key in alice if bool(alice[key]) != bool(other[key])} == set()
    for key in ("Site", "Door", "Direction"):
        assert alice[key] == other[key]
    called = roll.call([cast.alice, wanda], timezone.now())
    assert len({(one.state, one.inside) for one in called}) == 1
    assert {one.person_id for one in Decision.objects.filter(granted=True)} == {cast.alice.pk, wanda.pk}


def test_nobody_is_told_off_for_it(cast: Cast, wanda: Person, office: Client) -> None:  # noqa: F811
    """No warning on the list, on the page of the person or on the first page."""
    row = office.get("/admin/access/person/?q=Wanda").content.decode()
    page = office.get(f"/admin/access/person/{wanda.pk}/change/").content.decode()
    assert "passes without a face" in page
    assert "no consent" not in page.replace("Needs no consent.", "")  # said of cards and PINs
    assert "without a face" in row
    first = office.get("/admin/").content.decode()
    assert "without consent" not in first or "<strong>0</strong> without consent" in first
