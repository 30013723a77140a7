"""Importing punches on screen: looked at first, booked when told."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from access.models import Punch
from tests.access.terminals.test_lists import GOOD
from tests.factories import Cast

PAGE = "/admin/access/punch/import/"


def upload(client: Client, cast: Cast, text: str) -> Any:
    file = SimpleUploadedFile("list.csv", text.encode(), "text/csv")
    return client.post(PAGE, {"site": cast.site.pk, "days": "iso", "file": file})


def test_the_page_shows_first_and_books_when_told(office: Client, cast: Cast) -> None:
    shown = upload(office, cast, GOOD + "4711,2026-03-02 07:58,in\n")
    page = shown.content.decode()
    assert "2 punches to book" in page
    assert "4711" in page
    assert not Punch.objects.exists()
    fields = {"site": cast.site.pk, "days": "iso", "text": shown.context["text"], "book": "yes"}
    assert office.post(PAGE, fields).status_code == 302
    assert Punch.objects.count() == 2
    assert "0 punches to book" in upload(office, cast, GOOD).content.decode()


@pytest.mark.parametrize("text", ["", "name,when\nx,y\n"])
def test_the_page_says_what_it_needs(office: Client, cast: Cast, text: str) -> None:
    response = upload(office, cast, text)
    assert response.status_code == 200
    assert response.context["form"].errors


def test_importing_is_a_right_of_its_own(cast: Cast, login_with: Any) -> None:
    clerk = login_with("view_punch")
    assert upload(clerk, cast, GOOD).status_code == 403
