"""What style alone does on the pages of reports, in a real Chromium: no script of ours runs there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from access import attendance
from tests.access.reports.conftest import Crew, crew  # noqa: F401
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

pytestmark = IN_A_BROWSER


def test_days_are_asked_for_where_the_period_is_from_day_to_day(page: Any, crew: Crew) -> None:  # noqa: F811
    page.goto("/admin/reports/daily/")
    assert not page.is_visible("#id_first")
    page.select_option("#id_period", "days")
    page.fill("#id_first", "2026-03-02")
    page.fill("#id_last", "2026-03-02")
    page.click("text=Show")
    page.wait_for_selector(".lintel-report tbody tr")
    assert page.locator(".lintel-report tbody tr").count() == 2
    page.click(".lintel-report tbody tr:first-child td:nth-child(4) a")
    page.wait_for_selector(".lintel-explained")


def test_names_stay_in_sight_while_the_days_of_the_grid_go_by(page: Any, crew: Crew) -> None:  # noqa: F811
    page.set_viewport_size({"width": 820, "height": 1180})
    page.goto("/admin/reports/grid/?month=2026-03")
    name = page.locator(".lintel-grid tbody tr:first-child td:nth-child(2)")
    before = name.bounding_box()
    page.evaluate("document.querySelector('.lintel-scroll').scrollLeft = 600")
    assert page.evaluate("document.querySelector('.lintel-scroll').scrollLeft") > 300
    assert name.bounding_box()["x"] == before["x"]
    body = page.evaluate("document.documentElement.scrollWidth")
    assert body <= 820


def read_aloud(page: Any) -> str:
    """What a screen reader finds on the page, numbers that style counts among it."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    texts = (node["name"]["value"] for node in nodes if node["role"]["value"] == "StaticText")
    return " ".join(" ".join(texts).split())


def test_ticks_are_counted_on_a_phone_and_in_the_saved_file(page: Any, cast: Cast, tmp_path: Path) -> None:
    for person in (cast.alice, cast.bob):
        attendance.note_punch(
            person, at=timezone.now() - timedelta(minutes=5), direction="in", kiosk=cast.kiosk
        )
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/admin/reports/muster/{cast.site.pk}/")
    with page.expect_download() as downloading:
        page.click("text=Save for later")
    saved = tmp_path / "muster.html"
    downloading.value.save_as(saved)
    for address in (None, saved.as_uri()):
        if address:
            page.goto(address)
        box = page.locator("li", has_text="Alice Able")
        assert box.bounding_box()["height"] >= 44  # a thumb's width
        box.click()
        assert page.locator("input:checked").count() == 1
        assert "1 accounted for of 2" in read_aloud(page)
        assert page.locator("li").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
