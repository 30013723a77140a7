"""The kiosk page in a real Chromium, its camera fed from a file, with a real worker."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

from access import places
from access.kiosk import feedback, pages, unlocking
from access.models import Decision, Dispute, Kiosk, KioskKey, Person, Punch, Remark, Staff
from access.up.demo import scenes
from tests.admin.conftest import IN_A_BROWSER
from tests.kiosk.conftest import KNOWN, STRANGER
from tests.kiosk.waiting import pair, result, until

pytestmark = IN_A_BROWSER


def test_an_enrolled_person_walks_through_from_the_pairing_code_to_the_punch(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], live_server: Any, keep: Callable[..., None]
) -> None:
    page = open_kiosk(KNOWN)
    page.wait_for_selector("[data-view=pair]")
    keep(page, "pair")

    # The office makes the code in the admin; the tablet opens the address of its QR code.
    office = Client()
    office.force_login(Staff.objects.create_superuser("office", password=None))
    cookie = office.cookies[settings.SESSION_COOKIE_NAME]
    desk = page.context.browser.new_context(base_url=live_server.url)
    desk.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    admin = desk.new_page()
    admin.goto(f"/admin/access/kiosk/{kiosk.pk}/pair/")
    admin.click("form button[type=submit]:visible, form input[type=submit]:visible")
    code = admin.inner_text("[data-pairing-code]")
    keep(admin, "pairing-code")
    page.goto(f"/kiosk/?again#pair={code}")

    assert result(page, "yes") == "Welcome, Tobias"
    keep(page, "granted")
    assert page.inner_text("[data-result-way]") == "In"
    key = KioskKey.objects.get(public__isnull=False)
    decision = Decision.objects.get(granted=True)
    punch = Punch.objects.get()
    assert (key.kiosk, decision.snapshot.kiosk) == (kiosk, kiosk)
    assert (punch.person.badge, punch.direction, punch.snapshot) == (KNOWN, "in", decision.snapshot)

    page.click("text=Add a reason")
    keep(page, "reasons")
    page.click("text=On business")
    until(lambda: Remark.objects.filter(why=feedback.Remark.Why.BUSINESS).exists())
    places.revoke_keys(kiosk)
    page.wait_for_selector("[data-view=pair]", timeout=60_000)
    assert "paired no longer" in page.inner_text("[data-pair-wrong]")


def test_that_is_not_me_reaches_the_office(kiosk: Kiosk, open_kiosk: Callable[..., Any]) -> None:
    page = open_kiosk(KNOWN)
    pair(page, kiosk)
    assert result(page, "yes")
    page.click("text=That is not me")
    page.wait_for_selector("text=The office will look into it")
    dispute = until(Dispute.objects.first)
    assert dispute.decision.person.badge == KNOWN


def test_a_stranger_is_refused_three_times_and_offered_another_way(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    page = open_kiosk(STRANGER)
    pair(page, kiosk)
    for _time in range(3):
        assert result(page, "no") == "Not recognised"
        shown = page.inner_text("[data-answers]")
        if "Card, QR or PIN" in shown:
            break
        page.wait_for_selector("[data-view=idle]")
    assert "Card, QR or PIN" in page.inner_text("[data-answers]")
    keep(page, "refused")
    assert Decision.objects.filter(granted=False, reason="unknown_face").count() >= 3
    assert not Punch.objects.exists()
    assert Person.objects.get().name not in page.content()


def test_a_picture_that_cannot_be_judged_is_taken_anew_at_once_before_anybody_is_bothered(
    kiosk: Kiosk, open_kiosk: Callable[..., Any]
) -> None:
    page = open_kiosk(picture=Image.open(io.BytesIO(scenes.empty_room())))
    pair(page, kiosk)
    page.wait_for_selector("[data-view=idle] [data-stage]")
    page.click("[data-stage]")
    assert result(page, "unsure") == "Once more, please"
    assert list(Decision.objects.values_list("reason", flat=True)) == ["no_face", "no_face"]


def test_without_eyes_of_its_own_the_page_sends_what_stands_still_and_the_server_finds_the_face(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "EYES", "vendor/none")
    page = open_kiosk(KNOWN)
    assert page.get_attribute("body", "data-eyes") == "no"
    pair(page, kiosk)
    assert result(page, "yes") == "Welcome, Tobias"


def test_the_settings_open_by_the_sites_pin_alone(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    unlocking.set_pin(kiosk.door.site, "270419")
    page = open_kiosk(STRANGER, empty=3000, there=1)
    pair(page, kiosk)
    page.wait_for_selector("[data-view=idle]")
    keep(page, "idle")
    page.click("[data-act=settings]")
    for pin, wanted in (("111111", "Not right"), ("270419", "")):
        for digit in pin:
            page.click(f"[data-key='{digit}']")
        keep(page, "office-pin")
        page.click("[data-key=next]")
        if wanted:
            page.wait_for_selector(f"text={wanted}")
    page.wait_for_selector("[data-view=settings]")
    assert kiosk.name in page.inner_text("[data-about]")
    keep(page, "settings")


@pytest.mark.parametrize(("language", "said"), [("de", "Treten Sie vor die Kamera"), ("fr", "Placez-vous")])
def test_the_page_speaks_the_language_that_is_tapped_and_remembers_it(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], language: str, said: str
) -> None:
    page = open_kiosk(STRANGER, empty=3000, there=1)
    pair(page, kiosk)
    page.wait_for_selector("[data-view=idle]")
    page.click(f"[data-languages] [lang={language}]")
    page.wait_for_selector(f"[data-languages] [lang={language}][aria-pressed=true]")
    page.reload()
    page.wait_for_selector("[data-view=idle]")
    assert page.get_attribute("html", "lang") == language
    if page.get_attribute("body", "data-finder") == "here":
        page.wait_for_selector(f"[data-guide]:has-text('{said}')")
