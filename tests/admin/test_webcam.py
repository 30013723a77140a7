"""Enrolment before a camera in a real Chromium, its camera fed with invented people, with a real worker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from access.kiosk import pages
from access.models import Enrolment, Faceprint, Person, Staff
from access.privacy import invitations
from access.up.demo import scenes
from tests import axe, factories
from tests.admin.conftest import CHROMIUM, IN_A_BROWSER
from tests.kiosk.conftest import FLAGS, album, worker  # noqa: F401  fixtures
from tests.kiosk.waiting import until

pytestmark = IN_A_BROWSER
WHO = "DEMO-01"
SIZES = {"desktop": (1280, 900), "tablet": (820, 1180), "phone": (390, 844)}


@pytest.fixture
def open_page(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """`open_page("/enrol/…/", staff=…)`: a page whose camera sees somebody look around.

    Any error of a script, and any breach of the content policy, fails the test.
    """
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    faults: list[str] = []
    with sync_playwright() as playwright:
        camera = album(tmp_path / "around.mjpeg", WHO)
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)

        def start(address: str, *, staff: Staff | None = None, size: str = "desktop", **how: Any) -> Any:
            width, height = SIZES[size]
            context = browser.new_context(
                base_url=live_server.url,
                viewport={"width": width, "height": height},
                permissions=how.get("permissions", ["camera"]),
                locale=how.get("locale", "en-GB"),
            )
            if staff:
                client = Client()
                client.force_login(staff)
                cookie = client.cookies[settings.SESSION_COOKIE_NAME]
                context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console", lambda said: faults.append(said.text) if "Content Security" in said.text else None
            )
            page.goto(address)
            return page

        yield start
        browser.close()
        connections.close_all()
    assert not faults


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Any, str], None]:
    """`keep(page, "done")`: a screenshot, in LINTEL_SCREENSHOTS where that is set; axe looks at it too."""
    folder = Path(os.environ.get("LINTEL_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page: Any, name: str) -> None:
        page.screenshot(path=folder / f"enrol-{name}.png", full_page=True)
        if not name.endswith("taking"):  # where the camera does not wait
            assert axe.findings(page) == [], name

    return shoot


def office() -> Staff:
    return Staff.objects.create_superuser("office", password=None)


@pytest.mark.parametrize("finder", [True, False], ids=["with a finder", "without"])
def test_enrolment_by_webcam_ends_with_faceprints_in_use(
    worker: None,  # noqa: F811
    open_page: Callable[..., Any],
    keep: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    finder: bool,
) -> None:
    if finder and pages.EYES not in pages.files():
        pytest.skip("the build step of deploy/kiosk was not run")
    if not finder:
        monkeypatch.setattr(pages, "EYES", "vendor/none")
    factories.consent_text()
    person = factories.person("Tobias Test", consented=False)
    page = open_page(f"/admin/access/person/{person.pk}/webcam/", staff=office())
    keep(page, "consent")
    page.check("[name=agree]")
    page.click("text=Note the consent")
    page.wait_for_selector("[data-start]")
    keep(page, "camera-closed")
    page.click("[data-start]")
    page.wait_for_selector("[data-enrol][data-view=taking]", timeout=60_000)
    page.wait_for_selector("[data-shots] li")
    keep(page, "taking")
    page.wait_for_selector("[data-enrol][data-view=done]", timeout=90_000)
    keep(page, "done")
    assert page.get_attribute("[data-enrol]", "data-finder") == ("here" if finder else "none")
    assert page.locator("[data-shots] li[data-state=accepted]").count() >= 3
    assert page.locator("[data-angle=straight][data-state=accepted]").count() == 1
    assert Enrolment.objects.get().state == Enrolment.State.DONE
    assert Faceprint.objects.filter(person=person, active=True).count() >= 3
    # The camera is off, and nothing of it stays.
    assert page.evaluate("document.querySelector('video').srcObject.active") is False
    page.click("[data-done]")
    page.wait_for_selector("[data-photographs]")
    keep(page, "person")


@pytest.mark.parametrize(("size", "locale"), [("phone", "de-DE"), ("tablet", "fr-FR")])
def test_somebody_enrols_themselves_on_a_phone_and_waits_for_approval(
    worker: None,  # noqa: F811
    open_page: Callable[..., Any],
    keep: Callable[..., None],
    size: str,
    locale: str,
) -> None:
    factories.consent_text()
    person = factories.person("Tobias Test", consented=False)
    token, _expires = invitations.invite(person)
    page = open_page(f"/enrol/{token}/", size=size, locale=locale)
    assert page.get_attribute("html", "lang") == locale[:2]
    keep(page, f"self-{size}-agree")
    page.check("[name=agree]")
    page.click("form button")
    page.click("[data-start]")
    page.wait_for_selector("[data-shots] li", timeout=60_000)
    keep(page, f"self-{size}-taking")
    page.wait_for_selector("[data-enrol][data-view=done]", timeout=90_000)
    keep(page, f"self-{size}-done")
    until(lambda: Enrolment.objects.filter(state=Enrolment.State.APPROVE).exists())
    assert not Faceprint.objects.filter(active=True).exists()
    page.click("[data-done]")
    page.wait_for_selector("h1")
    keep(page, f"self-{size}-thanks")
    page.goto(f"/enrol/{token}/")
    keep(page, f"self-{size}-ended")
    staff = open_page(f"/admin/access/enrolment/{Enrolment.objects.get().pk}/change/", staff=office())
    keep(staff, "approve")
    staff.click("text=Yes, use them at the doors")
    until(lambda: Faceprint.objects.filter(person=person, active=True).count() >= 3)


def test_without_a_camera_photographs_can_be_handed_in_and_no_script_is_needed(
    transactional_db: None, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    person = factories.person("Tobias Test")
    token, _expires = invitations.invite(person)
    invitations.agree(token, factories.consent_text())
    page = open_page(f"/enrol/{token}/", permissions=[])
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error()); }")
    page.click("[data-start]")
    page.wait_for_selector("text=The camera could not be opened")
    page.click("summary")
    [known] = [one for one in scenes.invented() if one.badge == WHO]
    (tmp_path / "a.jpg").write_bytes(known.photograph(1))
    page.set_input_files("[name=photographs]", [tmp_path / "a.jpg"])
    page.click(".files button")
    page.wait_for_selector("text=Thank you")
    assert Person.objects.get(pk=person.pk).photographs.count() == 1


WALK = """async (seen) => {
    const { Guide } = await import("/static/access/enrol/guide.js");
    const guide = new Guide(["straight", "left"]);
    return seen.map((one) => {
        const word = guide.see({ light: "", change: 0, ...one });
        if (word === "now") guide.took();
        return word;
    });
}"""


def face(turn: float = 0.0, *, size: float = 0.5, x: float = 0.5) -> dict[str, Any]:
    """A face as the finder reports it, its nose `turn` eye distances off the middle."""
    half = size / 2
    eyes = [[x - 0.05, 0.45], [x + 0.05, 0.45]]
    return {
        "box": [x - half * 0.7, 0.5 - half, x + half * 0.7, 0.5 + half],
        "landmarks": [*eyes, [x + 0.1 * turn, 0.52], [x - 0.04, 0.6], [x + 0.04, 0.6]],
        "score": 0.99,
    }


def test_the_guide_says_what_to_do_next(transactional_db: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/privacy/")
    straight, small, aside, left, far = face(), face(size=0.2), face(x=0.9), face(0.15), face(0.4)
    story = [
        ([], "", "nobody"), ([small], "", "closer"), ([aside], "", "middle"),
        ([straight, straight], "", "several"), ([straight], "dark", "dark"), ([left], "", "straight"),
        ([straight], "", "hold"), ([straight], "", "now"), ([straight], "", "left"),
        ([far], "", "less"), ([left], "", "hold"), ([left], "", "now"),
    ]  # fmt: skip
    seen = [{"faces": faces, "light": light, "now": 100 * n} for n, (faces, light, _word) in enumerate(story)]
    assert page.evaluate(WALK, seen) == [word for _faces, _light, word in story]


def test_whoever_cannot_turn_their_head_is_not_kept(
    transactional_db: None, open_page: Callable[..., Any]
) -> None:
    page = open_page("/privacy/")
    seen = [{"faces": [face()], "now": moment} for moment in (0, 100, 200, 300, 9000, 9100)]
    assert page.evaluate(WALK, seen) == ["hold", "now", "left", "left", "hold", "now"]


def test_without_a_finder_it_waits_for_a_still_moment(
    transactional_db: None, open_page: Callable[..., Any]
) -> None:
    page = open_page("/privacy/")
    moments = [(0, 0), (500, 0), (1700, 30), (1800, 0), (1900, 0), (2000, 0)]
    seen = [{"faces": None, "now": now, "change": change} for now, change in moments]
    assert page.evaluate(WALK, seen) == ["straight", "straight", "hold", "hold", "hold", "now"]
