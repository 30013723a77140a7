"""The page as the browser gets it: its headers, its files, its notice."""

import json

import pytest
from django.conf import settings
from django.test import Client

from access.kiosk import pages
from access.models import ConsentText, Staff
from tests import factories

ADDRESSES = ["/kiosk/", "/kiosk/worker.js", "/kiosk/manifest.webmanifest", "/kiosk/notice.svg", "/privacy/"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_policy_is_strict_and_nothing_inline_is_allowed(client: Client, address: str) -> None:
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "http" not in policy
    assert "camera=(self)" in response["Permissions-Policy"]
    assert "microphone=()" in response["Permissions-Policy"]
    assert not response.cookies
    text = response.content.decode()
    assert " style=" not in text
    assert " onclick" not in text


def test_the_worker_keeps_every_file_of_the_page(client: Client) -> None:
    source = client.get("/kiosk/worker.js").content.decode()
    kept = json.loads(source.split("const KEPT = ")[1].split(";\n")[0])
    assert "/kiosk/" in kept
    assert {f"{settings.STATIC_URL}access/kiosk/{name}" for name in pages.files()} < set(kept)
    assert pages.version() in source


def test_every_language_says_everything_and_nothing_more() -> None:
    words = {
        path.stem: json.loads(path.read_text("utf-8")) for path in (pages.FILES / "words").glob("*.json")
    }
    assert {"en", "de", "fr"} <= set(words)
    for language, said in words.items():
        assert set(said) == set(words["en"]), language
        assert all(said.values()), language


@pytest.mark.django_db
def test_the_notice_shows_the_newest_text_of_each_language(client: Client) -> None:
    factories.consent_text()
    ConsentText.objects.create(version="2026-02", body="I agree <b>again</b>.")
    ConsentText.objects.create(version="2026-02-de", language="de", body="Ich bin einverstanden.")
    text = client.get("/privacy/").content.decode()
    assert "I agree &lt;b&gt;again&lt;/b&gt;." in text
    assert "I agree.<" not in text
    assert "Ich bin einverstanden." in client.get("/privacy/?language=de").content.decode()


@pytest.mark.django_db
def test_a_login_left_on_the_tablet_is_ended(client: Client) -> None:
    client.force_login(Staff.objects.create_superuser("ada"))
    assert client.get("/kiosk/forget-login/").status_code == 405
    assert client.post("/kiosk/forget-login/").status_code == 204
    assert client.get("/admin/").status_code == 302
