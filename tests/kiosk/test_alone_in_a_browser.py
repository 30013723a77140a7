"""The kiosk page without a face, and without the network, in a real Chromium."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import segno
from django.utils import timezone
from PIL import Image

from access import attendance, enrolment, people
from access.doors import credentials
from access.kiosk import pages
from access.models import (
    Card,
    Correction,
    Decision,
    Door,
    Enrolment,
    Gallery,
    Kiosk,
    KioskKey,
    OfflineEvent,
    Person,
    Punch,
    Snapshot,
    Staff,
)
from access.up.demo import scenes
from tests import factories
from tests.admin.conftest import IN_A_BROWSER, signed_in
from tests.kiosk.waiting import pair, result, show_badge_and_pin, until
from tests.vectors import make

pytestmark = IN_A_BROWSER
ANN, BEN = "00017", "00018"


@pytest.fixture
def kiosk(transactional_db: None) -> Kiosk:
    """A kiosk at a door that opens offline for Ann and Ben, who have PINs; nobody recognises faces here."""
    site = factories.site("Works")
    crew = Gallery.objects.create(name="Crew")
    crew.sites.add(site)
    door = factories.door(site, "Front door", deadline_ms=8_000, offline=Door.Offline.ALLOW_CACHED)
    door.admits.add(crew)
    for badge, name, pin in ((ANN, "Ann Able", "2704"), (BEN, "Ben Best", "8142")):
        person = factories.person(name, badge=badge, without_face=True)
        credentials.set_pin(person, pin)
        crew.people.add(person)
    return factories.kiosk(door)[0]


def holds_data(people: int) -> bool:
    """Whether the server gave the kiosk a bundle with so many people."""
    return KioskKey.objects.filter(revoked=None, bundle_people=people).exists()


def told(count: int) -> bool:
    return OfflineEvent.objects.count() == count


def cut(page: Any) -> None:
    page.context.set_offline(True)
    page.wait_for_selector("[data-online=no]", timeout=60_000)


def mend(page: Any, count: int) -> None:
    page.context.set_offline(False)
    until(lambda: told(count), seconds=90)
    page.wait_for_selector("[data-online=yes]", timeout=60_000)
    page.wait_for_selector("[data-queue]", state="hidden", timeout=60_000)


def test_without_the_network_the_bundle_decides_and_all_is_told_once_it_is_back(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    page = open_kiosk("DEMO-01", empty=3000, there=1)
    pair(page, kiosk)
    until(lambda: holds_data(2), seconds=60)
    show_badge_and_pin(page, ANN, "2704")
    assert result(page, "yes") == "Welcome, Ann"
    assert Punch.objects.get().source == "pin"
    page.click("text=Done")
    cut(page)
    page.wait_for_selector("[data-view=idle]", timeout=60_000)
    page.wait_for_selector("text=No network")
    keep(page, "offline")

    show_badge_and_pin(page, BEN, "8142")
    assert result(page, "yes") == "Welcome, Ben"
    assert page.inner_text("[data-result-way]") == "In"
    keep(page, "offline-granted")
    page.click("text=Done")
    show_badge_and_pin(page, ANN, "1111")
    assert result(page, "no") == "No entry"
    keep(page, "offline-refused")
    page.wait_for_selector("[data-queue]:has-text('2 waiting')", timeout=60_000)
    assert not OfflineEvent.objects.exists()

    # The page starts anew without the network, from what it keeps: nothing of what waits is lost.
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_selector("[data-queue]:has-text('2 waiting')", timeout=60_000)
    show_badge_and_pin(page, BEN, "8142")
    assert result(page, "yes") == "Welcome, Ben"  # within a minute: still the same arrival
    keep(page, "offline-queue")

    # Meanwhile Ben was suspended, which the kiosk cannot know.
    people.suspend(Person.objects.get(badge=BEN))
    page.click("text=Done")
    show_badge_and_pin(page, BEN, "8142")
    assert result(page, "yes")
    mend(page, 4)
    assert list(
        Decision.objects.filter(snapshot__kind=Snapshot.Kind.OFFLINE)
        .order_by("snapshot__offline__seq")
        .values_list("granted", "reason", "person__badge", "direction")
    ) == [
        (True, "ok", BEN, "in"),
        (False, "credential_refused", None, ""),
        (True, "ok", BEN, "in"),
        (True, "ok", BEN, "in"),
    ]
    assert Punch.objects.filter(person__badge=BEN, suspect=False).count() == 3
    assert [event.clock for event in OfflineEvent.objects.all()] == ["fine"] * 4
    [conflict] = OfflineEvent.objects.filter(conflict__isnull=False)
    assert (conflict.seq, conflict.conflict["reason"]) == (4, "suspended")
    until(lambda: holds_data(1), seconds=90)  # the new data name Ann alone

    cut(page)
    show_badge_and_pin(page, BEN, "8142")
    assert result(page, "no") == "No entry"
    office = signed_in(Staff.objects.create_superuser("office", password=None))
    assert "suspended" in office.get("/admin/access/offlineevent/").content.decode()


def test_a_door_that_opens_for_nobody_offline_says_so_and_refuses(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    Door.objects.update(offline=Door.Offline.DENY)
    page = open_kiosk("DEMO-01", empty=3000, there=1)
    pair(page, kiosk)
    until(lambda: holds_data(0), seconds=60)
    cut(page)
    page.wait_for_selector("text=This door stays shut")
    keep(page, "offline-deny")
    show_badge_and_pin(page, ANN, "2704")
    assert result(page, "no") == "No entry"
    mend(page, 1)
    assert Decision.objects.get(snapshot__kind="offline").reason == "offline_denied"
    assert not Punch.objects.exists()


def qr(content: str) -> Image.Image:
    """A code on a phone, held up: in the middle of a grey room."""
    code = io.BytesIO()
    segno.make(content, error="m").save(code, kind="png", scale=8, border=4)
    room = Image.new("RGB", (640, 480), (96, 96, 96))
    held = Image.open(code).convert("RGB")
    room.paste(held, ((640 - held.width) // 2, (480 - held.height) // 2))
    return room


def test_a_qr_code_is_read_by_the_camera(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    _card, content = credentials.issue_qr(Person.objects.get(badge=ANN))
    page = open_kiosk(picture=qr(content))
    pair(page, kiosk)
    page.wait_for_selector("[data-view=idle]")
    page.click("[data-act=other]")
    page.click("[data-act=code]")
    if pages.EYES not in pages.files():  # deploy/kiosk/ was not run: the page has no reader, and says so
        page.wait_for_selector("[data-code-wrong]:has-text('cannot read QR codes')")
        return
    assert result(page, "yes") == "Welcome, Ann"
    keep(page, "granted-by-code")
    decision = Decision.objects.get(granted=True)
    assert decision.facts["card"] == Card.objects.get().pk
    assert Punch.objects.get().source == "card"


def test_a_reader_that_types_shows_a_card(kiosk: Kiosk, open_kiosk: Callable[..., Any]) -> None:
    credentials.issue_card(Person.objects.get(badge=ANN), "04A22B9C")
    page = open_kiosk("DEMO-01", empty=3000, there=1)
    pair(page, kiosk)
    page.wait_for_selector("[data-view=idle]")
    # As fast as a reader types, which a busy machine's keyboard would not be.
    page.evaluate(
        """for (const key of [..."04a22b9c", "Enter"]) {
            document.dispatchEvent(new KeyboardEvent("keydown", { key }));
        }"""
    )
    assert result(page, "yes") == "Welcome, Ann"


def test_who_forgot_to_punch_out_is_asked_and_the_answer_waits_for_somebody_to_approve_it(
    kiosk: Kiosk, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    ann = Person.objects.get(badge=ANN)
    came = timezone.now() - timedelta(hours=20)
    attendance.note_punch(ann, at=came, direction="in", kiosk=kiosk)
    page = open_kiosk("DEMO-01", empty=3000, there=1)
    pair(page, kiosk)
    show_badge_and_pin(page, ANN, "2704")
    assert result(page, "unsure") == "One question"
    keep(page, "forgotten")
    page.click("[data-answers] button.first >> nth=0")
    page.wait_for_selector("text=It is noted")
    asked = Correction.objects.get()
    assert (asked.person, asked.state) == (ann, "asked")
    assert came < asked.at < timezone.now()
    page.click("text=Done")
    assert result(page, "yes") == "Welcome, Ann"


def test_the_browsers_rule_passes_each_in_chromium(kiosk: Kiosk, open_kiosk: Callable[..., Any]) -> None:
    page = open_kiosk("DEMO-01", empty=30, there=1)
    page.wait_for_selector("[data-view=pair]")
    vectors = json.loads(Path(make.__file__).with_name("offline.json").read_text("utf-8"))
    wrong = page.evaluate(
        """async ({ bundles, cases }) => {
            const { decide } = await import("/static/access/kiosk/offline.js");
            const wrong = [];
            for (const { name, bundle, attempt, now, answer } of cases) {
                const given = await decide(bundles[bundle], attempt, now);
                if (JSON.stringify(given) !== JSON.stringify(answer)) wrong.push(name);
            }
            return wrong;
        }""",
        vectors,
    )
    assert wrong == []


def test_a_face_opens_the_network_goes_and_the_pin_lets_the_same_person_out(
    kiosk: Kiosk, worker: None, open_kiosk: Callable[..., Any], keep: Callable[..., None]
) -> None:
    """The whole of it with a real worker: the face is recognised by real models before the network goes."""
    who = next(one for one in scenes.invented() if one.badge == "DEMO-01")
    person = factories.person(who.name, badge="00019")
    kiosk.door.admits.get().people.add(person)
    credentials.set_pin(person, "5931")
    enrolment.submit(person, [(f"{n}.jpg", who.photograph(n)) for n in (1, 2, 3, 4)])
    until(lambda: Enrolment.objects.filter(state=Enrolment.State.DONE).exists(), seconds=90)
    page = open_kiosk("DEMO-01")
    pair(page, kiosk)
    assert result(page, "yes", seconds=90) == "Welcome, Tobias"
    assert page.inner_text("[data-result-way]") == "In"
    keep(page, "granted")
    until(lambda: holds_data(3), seconds=90)
    came = Punch.objects.get()
    assert (came.source, came.direction) == ("kiosk", "in")
    assert came.snapshot.decision.facts["model"]  # looked at by a real worker
    cut(page)
    show_badge_and_pin(page, "00019", "5931")
    assert result(page, "yes").endswith(", Tobias")
    mend(page, 1)
    event = OfflineEvent.objects.get()
    assert (event.conflict, event.snapshot.decision.person) == (None, person)
