"""The page of reports being made, in a real Chromium: it tells how far each is without a reload."""

import os
from pathlib import Path
from typing import Any

from access.handouts import files, making
from access.models import ReportFile
from tests import axe
from tests.access.handouts.test_files import punched
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

pytestmark = IN_A_BROWSER
SOON = 15_000  # some rounds of the page, on a machine that has other work


def test_a_report_is_asked_for_watched_while_it_is_made_and_fetched(
    page: Any, cast: Cast, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("LINTEL_SCREENSHOTS") or tmp_path)
    shots.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": 820, "height": 1180})
    punched(cast, 40)
    page.goto("/admin/reports/punches/?period=days&first=2026-03-01&last=2026-03-31")
    page.click("text=Large, or by e-mail")
    page.click("text=Let a worker make the CSV")
    page.wait_for_selector(".lintel-makings >> text=waiting for a worker")
    page.evaluate("window.untouched = true")

    row = ReportFile.objects.get()
    claimed = files.claim(row.pk)
    assert claimed is not None
    files.progress(claimed, rows_all=40, rows_done=10)
    page.wait_for_selector("progress[value='25']", timeout=SOON)
    assert "10 / 40" in page.inner_text(".lintel-makings")
    assert axe.findings(page) == []
    page.screenshot(path=shots / "report-files-making.png")
    files.progress(claimed, rows_done=30)
    page.wait_for_selector("progress[value='75']", timeout=SOON)

    # Its maker dies, another one begins anew and gets through.
    ReportFile.objects.update(claimed_until=row.asked)
    assert making.make(row.pk)
    page.wait_for_selector(".lintel-makings >> text=Download", timeout=SOON)
    assert page.locator("progress").count() == 0
    assert page.evaluate("window.untouched") is True
    page.screenshot(path=shots / "report-files-ready.png")
    with page.expect_download() as downloading:
        page.click(".lintel-makings >> text=Download")
    downloading.value.save_as(tmp_path / "punches.csv")
    assert (tmp_path / "punches.csv").read_bytes().count(b"Alice Able") == 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
