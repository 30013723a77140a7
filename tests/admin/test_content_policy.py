"""The content policy itself; test_every_page.py opens every kind of page under it."""

from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import IN_A_BROWSER

pytestmark = IN_A_BROWSER


def test_the_policy_allows_no_inline_code(client: Client, db: None) -> None:
    policy = client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_the_theme_s_menus_still_open(page: Any) -> None:
    """What Alpine does, in its build without eval."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/admin/")
    page.click("text=office")
    page.wait_for_selector("text=Log out", state="visible")


@pytest.mark.parametrize("address", ["/admin/login/", "/api/v1/docs/", "/healthz"])
def test_every_answer_carries_the_policy(client: Client, db: None, address: str) -> None:
    assert "frame-ancestors 'none'" in client.get(address).headers["Content-Security-Policy"]


def test_the_site_has_an_icon_where_browsers_look_for_it(client: Client, db: None) -> None:
    """A page that names none would otherwise ask for one that is not there."""
    assert client.get("/favicon.ico").headers["Location"].endswith("access/icon.svg")
