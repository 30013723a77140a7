"""What the one script adds, in a real Chromium: dropping photographs, and seeing what becomes of them."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from access import queue
from access.models import Enrolment, Person
from tests import factories
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import ALICE
from tests.kiosk.waiting import until
from workers.app import app

pytestmark = IN_A_BROWSER


@pytest.fixture
def waiting_queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the website sends is kept until the test lets a worker have it."""
    kept: list[tuple[str, str]] = []

    def keep(name: str, key: object, *, expires_seconds: float | None = None) -> bool:
        kept.append((name, str(key)))
        return True

    monkeypatch.setattr(queue, "send", keep)
    return kept


def drop(page: Any, name: str, data: bytes) -> None:
    """What a hand does with a file over the zone."""
    transfer = page.evaluate_handle(
        """([name, data]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
            return transfer;
        }""",
        [name, base64.b64encode(data).decode()],
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})


def test_dropped_photographs_are_enrolled_and_the_page_tells_without_a_reload(
    page: Any, waiting_queue: list[tuple[str, str]], camera_sees: Callable[..., Any]
) -> None:
    camera_sees(ALICE)
    text = factories.consent_text()
    page.goto("/admin/access/person/add/")
    page.fill("#id_name", "Erika Muster")
    page.fill("#id_badge", "00042")
    page.select_option("#id_consent_text", str(text.pk))
    for number in range(3):
        drop(page, f"face-{number}.jpg", factories.picture(seed=number))
    page.click("[data-drop-chosen] li:last-child button")
    assert page.locator("[data-drop-chosen] li").count() == 2

    page.click("button[name=_save]")
    page.wait_for_selector("[data-photographs][data-waiting=yes]")
    assert page.locator(".lintel-card .lintel-spinner").count() == 2
    page.evaluate("window.untouched = true")

    while waiting_queue:
        name, key = waiting_queue.pop(0)
        app.tasks[name](key)
    page.wait_for_selector("[data-photographs][data-waiting=no]")
    assert page.locator(".lintel-card .lintel-success").count() == 2
    assert page.locator(".lintel-card rect").count() == 2
    assert page.evaluate("window.untouched") is True
    # Asked from outside: the content policy lets nothing inside the page evaluate a text, and so wait for it.
    shown = "[...document.querySelectorAll('.lintel-card img')].every((i) => i.naturalWidth > 0)"
    until(lambda: page.evaluate(shown))
    assert Enrolment.objects.get().state == Enrolment.State.DONE
    assert Person.objects.get().photographs.count() == 2


def test_the_page_is_there_where_no_script_runs(page: Any, browser: Any, live_server: Any) -> None:
    cookies = page.context.cookies()
    bare = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    bare.add_cookies(cookies)
    plain = bare.new_page()
    plain.goto("/admin/access/person/add/")
    assert plain.is_visible("#id_name")
    assert plain.is_visible("input[type=file]")
    plain.goto("/admin/access/person/")
    assert plain.is_visible("#changelist-filter")
