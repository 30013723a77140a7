"""Every kind of page, opened once in a real Chromium: no link leads nowhere, none breaks the content policy,
and axe finds nothing serious.

A kind is an address with its numbers and keys left out. The kinds are those that the table of rights lets a
superuser open (tests/rights), with one row in every table, and whatever the pages link to beside those. The
history of a row and the page that deletes one are of one kind for all tables: Chromium opens the first, the
others are asked for their status.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urlsplit

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve
from playwright.sync_api import Error

from access.privacy import invitations
from tests import axe, factories
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast
from tests.rights import world
from tests.rights.test_matrix import known, may, routes, spelled
from tests.rights.world import World

pytestmark = IN_A_BROWSER
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# Kinds that are looked at on a phone too, in light and in dark.
ON_A_PHONE = {
    "admin/",
    "admin/access/person/",
    "admin/access/person/<path:object_id>/change/",
    "admin/access/person/<path:object_id>/webcam/",
    "admin/access/decision/<path:object_id>/change/",
    "admin/access/alarm/",
    "admin/access/retention/",
    "admin/access/reportfile/",
    "admin/access/workday/month/<int:person>/<slug:month>/",
    "admin/login/",
    "admin/reports/",
    "admin/reports/daily/",
    "admin/reports/grid/",
    "admin/reports/muster/<int:site>/",
    "enrol/<str:token>/",
    "kiosk/",
    "privacy/",
}
# Parts of a page, fetched by its script.
PIECES = {
    "admin/access/person/<int:key>/photographs/",
    "admin/access/reportfile/live/",
    "admin/live/",
    "admin/search/",
}
# What makes its page only after it has loaded, and what is there then.
SLOW = {"api/v1/docs/": ".opblock", "kiosk/": "[data-view=pair]"}
# The frame of every page of the admin: looked at on the first page, and on every kind at phone width.
FRAME = ("#nav-sidebar-inner",)
LINKS = "all => all.map(a => [a.href, a.hasAttribute('download')])"


class Stop(NamedTuple):
    kind: str
    address: str
    status_only: bool


def kind(address: str) -> str:
    """The route behind an address; what no route answers is of its own kind. Reports differ by their key."""
    path = urlsplit(address).path
    try:
        found = resolve(path)
    except Resolver404:
        return path
    if found.route.endswith("(?P<url>.*)$"):  # the admin's answer to what is not there
        return path
    return re.sub(r"<slug:key>", lambda _match: found.kwargs["key"], found.route)


def shared(named: str) -> str:
    """What all tables have from one template and without a form of their own is one kind."""
    return re.sub(r"^admin/access/\w+/(<path:object_id>/(?:history|delete)/)$", r"admin/…/\1", named)


def starts(there: World) -> Iterator[str]:
    """What the table of rights lets a superuser open, each with a row that is there."""
    for route in routes():
        address = known(route)
        if address is None or not may(address.get, "x") or route.startswith(("api/", "metrics", "readyz")):
            continue
        plain = spelled(address, there.own)
        ticket = f"?ticket={there.ticket('x', there.own['person'])}" if "photograph" in plain else ""
        yield plain + ticket


class Tab:
    """A page of the browser, and what was said against what it shows now."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.stop: Stop | None = None
        # Pictures: the page around one is Chromium's own, and its style is refused like any other.
        self.bare: set[str] = set()
        page.on("console", self._said)

    def _said(self, message: Any) -> None:
        # What a page breaks of its policy, and what it asks for in vain, Chromium says here too.
        if message.type == "error":
            self.wrong.append(f"{self.page.url} says: {message.text} ({message.location['url']})")

    def load(self, stop: Stop) -> None:
        """Begin; what else the page needs comes while another is looked at."""
        self.stop = None
        try:
            answer = self.page.goto(stop.address, wait_until="commit")
        except Error as error:
            if "Download is starting" not in error.message:
                raise
            return
        if answer.status >= 400:
            self.wrong.append(f"{stop.address} answers {answer.status}")
        if "html" in answer.headers.get("content-type", ""):
            self.stop = stop
        else:
            self.bare.add(stop.address)

    def told(self) -> list[str]:
        """What was said since this was last asked."""
        said = [one for one in self.wrong if one.split(" says: ")[0] not in self.bare]
        self.wrong.clear()
        return said


class Walk:
    """Opens one address of each kind and keeps what was wrong with it."""

    def __init__(self, tabs: Sequence[Tab], base: str) -> None:
        self.tabs, self.base = tabs, base
        self.waiting: list[Stop] = []
        self.kinds: set[str] = set()
        self.asked = 0
        self.wrong: list[str] = []
        self.looks: Counter[str] = Counter()

    def add(self, address: str, *, file: bool = False) -> None:
        """Queue it, unless one of its kind was queued before."""
        named = f"{kind(address)}{' (file)' if file else ''}"
        if named in self.kinds:
            return
        common = shared(named)
        status_only = file or (common != named and common in self.kinds)
        self.kinds |= {named, common}
        self.waiting.append(Stop(named, address, status_only))

    def go(self) -> None:
        """Two tabs take turns: while one page is looked at, the next one loads."""
        shown: Tab | None = None
        turns = cycle(self.tabs)
        while self.waiting or shown:
            coming = self.load(next(turns)) if self.waiting else None
            if shown:
                self.finish(shown)
            shown = coming

    def load(self, tab: Tab) -> Tab | None:
        stop = self.waiting.pop(0)
        if stop.status_only:
            self.ask(stop, tab)
            return None
        tab.load(stop)
        return tab

    def ask(self, stop: Stop, tab: Tab) -> None:
        self.asked += 1
        if (status := tab.page.request.get(stop.address).status) >= 400:
            self.wrong.append(f"{stop.address} answers {status}")

    def finish(self, tab: Tab) -> None:
        if stop := tab.stop:
            tab.page.wait_for_load_state("load")
            if "/admin/login/" in tab.page.url and stop.kind != "admin/login/":
                self.wrong.append(f"{stop.address} asks to sign in")
            if stop.kind in SLOW:
                tab.page.wait_for_selector(SLOW[stop.kind])
            for link, is_file in tab.page.eval_on_selector_all("a[href]", LINKS):
                if link.startswith(f"{self.base}/"):
                    self.add(urldefrag(link).url, file=is_file)
            if stop.kind not in PIECES:
                self.look(tab.page, stop.kind)
        self.wrong += tab.told()

    def look(self, page: Any, named: str) -> None:
        self.judge(page, named, "desktop", spare=FRAME if self.looks["desktop"] else ())
        if named in ON_A_PHONE:
            page.set_viewport_size(PHONE)
            self.judge(page, named, "phone")
            page.emulate_media(color_scheme="dark")
            self.judge(page, named, "phone, dark")
            page.emulate_media(color_scheme="light")
            page.set_viewport_size(DESKTOP)

    def judge(self, page: Any, named: str, how: str, *, spare: tuple[str, ...] = ()) -> None:
        self.looks[how] += 1
        self.wrong += [f"{named} ({how}): {found}" for found in axe.findings(page, spare=spare)]


@pytest.mark.timeout(1800)  # two minutes where nothing else runs
def test_every_kind_of_page_opens_keeps_the_policy_and_has_nothing_serious_for_axe(
    page: Any, live_server: Any, cast: Cast, capsys: Any
) -> None:
    there = world.build(cast)
    invited, _expires = invitations.invite(factories.person("Tobias Test", consented=False))
    signed_in = there.clients["x"].cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": signed_in, "url": live_server.url}]
    )
    axe.arm(page.context)
    tabs = [Tab(page), Tab(page.context.new_page())]
    for tab in tabs:
        tab.page.set_viewport_size(DESKTOP)
    walk = Walk(tabs, live_server.url)
    for address in ("/admin/", f"/enrol/{invited}/", *starts(there), "/api/v1/docs/"):
        walk.add(f"{live_server.url}{address}")
    walk.go()
    told = (
        f"{walk.looks['desktop']} kinds of pages opened, {walk.asked} more asked for their status, "
        f"{len(walk.wrong)} findings; axe looked {dict(walk.looks)}"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{told}\n")
    assert walk.looks["desktop"] > 180, told
    assert not walk.wrong, "\n".join([told, *walk.wrong])
