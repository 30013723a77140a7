"""Waiting for what other processes do, and for what the glass shows."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from access.kiosk import pairing
from access.models import Kiosk

T = TypeVar("T")


def until(look: Callable[[], T], *, seconds: float = 30) -> T:
    """What `look` returns once that is true. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


def pair(page: Any, kiosk: Kiosk) -> None:
    code, _expires = pairing.offer(kiosk)
    page.fill("input[name=code]", code)
    page.click("[data-pair-form] button")
    page.wait_for_selector("body:not([data-view=pair])")


def result(page: Any, kind: str, seconds: float = 60) -> str:
    """The words on the whole screen, once it shows this kind of answer."""
    page.wait_for_selector(f"[data-view=result] [data-result][data-kind={kind}]", timeout=seconds * 1000)
    return str(page.inner_text("[data-result-word]"))


def type_in(page: Any, *typed: str) -> None:
    """On the number pad: each of these, and Next."""
    for text in typed:
        for letter in text:
            page.click(f"[data-key='{letter}']")
        page.click("[data-key=next]")


def show_badge_and_pin(page: Any, badge: str, pin: str) -> None:
    page.wait_for_selector("[data-view=idle]", timeout=60_000)
    page.click("[data-act=other]")
    page.click("[data-act=pin]")
    type_in(page, badge, pin)
