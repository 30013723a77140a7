"""The notice says what holds: in the reader's language, with the periods of the nightly job."""

import json

import pytest
from django.test import Client

from access.models import ConsentText, Notice, Retention, Site
from access.privacy import notices, words
from access.privacy.kinds import Kind
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_language_says_everything_and_nothing_more() -> None:
    said = {path.stem: json.loads(path.read_text("utf-8")) for path in words.FOLDER.glob("*.json")}
    assert set(said) == set(words.LANGUAGES)
    for language, catalogue in said.items():
        assert set(catalogue) == set(said["en"]), language
        assert all(catalogue.values()), language
    assert {f"kind.{kind.value}" for kind in Kind} <= set(said["en"])


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("de-CH,fr;q=0.5", "Datenschutzhinweis"),
        ("fr", "vie privée"),
        ("ja,*", "Privacy notice"),
        ("", "Privacy"),
    ],
)
def test_it_is_in_the_language_of_the_browser(client: Client, asked: str, title: str) -> None:
    response = client.get("/privacy/", headers={"Accept-Language": asked})
    assert title in response.content.decode()
    assert "Accept-Language" in response["Vary"]


def test_a_tapped_language_wins(client: Client) -> None:
    page = client.get("/privacy/?language=fr", headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="fr">' in page


def test_the_periods_are_those_of_the_nightly_job(client: Client) -> None:
    assert "90 days" in client.get("/privacy/").content.decode()
    Retention.objects.update_or_create(kind=Kind.DECISIONS, defaults={"days": 45})
    page = client.get("/privacy/").content.decode()
    assert "45 days" in page
    assert "3 years" in page
    assert "as long as the consent stands" in page


def test_it_names_who_is_responsible_and_what_it_is_for(client: Client) -> None:
    assert "has not entered its name" in client.get("/privacy/").content.decode()
    Notice.objects.create(language="en", responsible="Works Ltd, 1 Yard", contact="privacy@works.example")
    Site.objects.create(name="Works", zone="UTC", keeps_attendance=False)
    page = client.get("/privacy/").content.decode()
    assert "Works Ltd, 1 Yard" in page
    assert "privacy@works.example" in page
    assert "who passed" in page
    assert "when work began" not in page


def test_where_a_language_has_no_text_the_others_are_shown(client: Client) -> None:
    factories.consent_text()
    ConsentText.objects.create(version="2026-01", language="de", body="Ich bin einverstanden.")
    assert [text.language for text in notices.agreed_to("fr")] == ["de", "en"]
    assert [text.language for text in notices.agreed_to("de")] == ["de"]
