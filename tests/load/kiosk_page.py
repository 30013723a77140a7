"""The time from a face in view to the result on the kiosk page, in Chromium, its camera fed from a file.

`python -m tests.load kiosk_page --passes 30` against `manage.py up` with the demo. The page itself measures:
from the first look that saw somebody (or something that moved) to the answer on the screen.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from access.kiosk import pairing
from access.models import Door, Kiosk, Person
from access.up import demo
from tests.admin.conftest import CHROMIUM
from tests.kiosk.conftest import FLAGS, film

WHO = "DEMO-01"
PATIENCE = 60_000
MEASURED = """() => {
    const { startTime, duration } = performance.getEntriesByName("face-to-result").at(-1);
    return [startTime, duration];
}"""


def run(address: str, passes: int, *, eyes: bool) -> dict[str, Any]:
    """Milliseconds of so many passes; `wrong` counts those that named somebody else or nobody, `refused` the
    results that were no yes."""
    from playwright.sync_api import sync_playwright

    door = Door.objects.get(site__name=demo.SITE, name="Front door")
    kiosk = Kiosk.objects.create(door=door, name=f"Page load {Kiosk.objects.count()}")
    code, _expires = pairing.offer(kiosk)
    name = Person.objects.get(badge=WHO).name.split()[0]
    times: dict[float, float] = {}  # by when the face came: somebody who stays and passes again came once
    wrong = refused = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # Two seconds before the camera: long enough to pass, too short to be taken for somebody new.
        camera = film(Path(folder) / "camera.mjpeg", WHO, empty=75, there=60)
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = browser.new_context(
            base_url=address,
            viewport={"width": 820, "height": 1180},
            permissions=["camera"],
            locale="en-GB",
            service_workers="block",
        )
        if not eyes:
            context.route("**/vendor/**", lambda route: route.abort())
        page = context.new_page()
        page.goto(f"/kiosk/#pair={code}")
        page.wait_for_selector(f"body[data-finder={'here' if eyes else 'there'}]", timeout=PATIENCE)
        while len(times) < passes:
            page.wait_for_selector("[data-view=result] [data-result]:not([hidden])", timeout=PATIENCE)
            said = page.inner_text("[data-result-word]")
            if page.get_attribute("[data-result]", "data-kind") == "yes":
                wrong += name not in said
                came, took = page.evaluate(MEASURED)
                times.setdefault(came, took)
                print(f"{len(times)} of {passes}", file=sys.stderr, end="\r")
                page.click("[data-answers] button >> nth=0")
            else:
                refused += 1
            page.wait_for_selector("[data-view=idle]", timeout=PATIENCE)
        browser.close()
    took_all = sorted(times.values())
    return {
        "passes": len(took_all),
        "wrong": wrong,
        "refused": refused,
        "face_found": "on the tablet" if eyes else "by the server",
        "p50_ms": round(took_all[len(took_all) // 2]),
        "p95_ms": round(took_all[min(len(took_all) - 1, int(len(took_all) * 0.95))]),
    }
