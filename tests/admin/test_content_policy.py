"""No page runs code or style that stands inside it: every kind of page, opened in a real Chromium."""

import re
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

pytestmark = IN_A_BROWSER
# Pages are opened one of a kind. A slow machine opens fewer of them, from the menu outwards, and never none.
MOST_SECONDS = 240


def kind(address: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]+|\d+", "N", urlsplit(address).path)


def walk(page: Any, start: str) -> set[str]:
    """Every kind of page that links lead to from here."""
    seen: set[str] = set()
    waiting = [start]
    end = time.monotonic() + MOST_SECONDS
    while waiting and time.monotonic() < end:
        address = waiting.pop(0)
        if kind(address) in seen or "logout" in address:
            continue
        seen.add(kind(address))
        if "export" in address and "?" in address:
            continue
        page.goto(address, wait_until="load")
        links = page.eval_on_selector_all("a[href]:not([download])", "all => all.map(a => a.href)")
        here = urlsplit(page.url)
        waiting += [
            link
            for link in (urljoin(page.url, link) for link in links)
            if urlsplit(link).netloc == here.netloc and urlsplit(link).path.startswith("/admin/")
        ]
    return seen


def test_no_page_breaks_the_content_policy(page: Any, cast: Cast) -> None:
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None,
    )
    seen = walk(page, "/admin/")
    assert len(seen) > 40
    page.goto("/api/v1/docs/")
    page.wait_for_selector(".opblock")
    assert complaints == []


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
