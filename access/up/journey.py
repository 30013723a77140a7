"""`manage.py up --check`: the demo's story through the real HTTP API, each step with its time.

Promise: the code is 0 only if every step came out right. It plays on the demo site alone, with a key
of its own that is revoked at the end.
"""

import csv
import http.client
import http.cookiejar
import io
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Permission

from access import places
from access.enrolment import Enrolment
from access.people import Person
from access.places import Kiosk
from access.staff import Staff
from access.up import demo
from access.up.demo import scenes
from access.up.devices import Answer, VirtualKiosk, Wrong
from access.up.progress import step

ENROLMENT_SECONDS = 60


@dataclass
class Journey:
    address: str
    kiosk: VirtualKiosk
    annex: VirtualKiosk
    punches: list[tuple[str, str, str]] = field(default_factory=list)
    since: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(seconds=1))

    def comes_and_goes(self) -> None:
        """Each enrolled demo person is granted and punched in, then out, by pictures not enrolled."""
        pictures = {
            one.badge: {"in": one.photograph(5), "out": one.photograph(6)} for one in scenes.invented()
        }
        pictures[demo.PORTRAIT[0]] = {way: scenes.passage(way) for way in ("in", "out")}
        for person in Person.objects.filter(demo=True, faceprints__active=True).distinct():
            for direction, picture in pictures[person.badge].items():
                answer = self.kiosk.post(picture, direction=direction)
                answer.expect(status=200, granted=True, reason="ok", direction=direction)
                answer.expect(person={"badge": person.badge, "name": person.name})
                self.note(answer)
        if not self.punches:
            raise Wrong("nobody of the demo is enrolled")

    def strangers_stay_out(self) -> None:
        """Nobody who was not enrolled is taken for somebody who was."""
        for stranger in demo.strangers():
            self.refused(stranger.photograph(5), "unknown_face")

    def note(self, answer: Answer) -> None:
        person, punch = answer.body["person"], answer.body["punch"]
        if not isinstance(person, dict) or not isinstance(punch, dict):
            raise Wrong("a grant came without person or punch")
        self.punches.append((person["badge"], punch["direction"], str(punch["at"])[:19]))

    def repeats(self) -> None:
        """The same post again gives the first answer and no second punch."""
        picture, moment = scenes.passage("in"), datetime.now(UTC)
        fields = {"nonce": str(uuid.uuid4()), "direction": "in"}
        first = self.kiosk.post(picture, taken=moment, **fields).expect(status=200, granted=True)
        if self.kiosk.post(picture, taken=moment, **fields) != first:
            raise Wrong("the second answer differs from the first")
        self.note(first)
        self.kiosk.post(scenes.passage("out"), taken=moment, **fields).expect(status=422, code="nonce-reused")

    def export(self) -> None:
        """The attendance export holds exactly the punches of this journey."""
        password = secrets.token_urlsafe(24)
        reader = Staff.objects.create_user(f"check-{secrets.token_hex(4)}", password=password, is_staff=True)
        try:
            needed = Permission.objects.filter(codename__in=["view_punch", "reach_everybody"])
            reader.user_permissions.set(needed)
            rows = _export(self.address, reader.username, password)
        finally:
            reader.delete()
        begin = self.since.astimezone(places.zone_of(demo.SITE)).replace(tzinfo=None)
        found = sorted(
            (row["Badge"], row["Direction"], f"{row['Date']}T{row['Time']}")
            for row in rows
            if row["Site"] == demo.SITE
            and datetime.fromisoformat(f"{row['Date']}T{row['Time']}") >= begin.replace(microsecond=0)
        )
        zone = places.zone_of(demo.SITE)
        wanted = sorted(
            (
                badge,
                direction,
                datetime.fromisoformat(f"{at}+00:00").astimezone(zone).replace(tzinfo=None).isoformat(),
            )
            for badge, direction, at in self.punches
        )
        if found != wanted:
            raise Wrong(f"the export holds {found}, the journey made {wanted}")

    def refused(self, picture: bytes, reason: str, *, taken: datetime | None = None) -> None:
        self.kiosk.post(picture, taken=taken).expect(
            status=200, granted=False, reason=reason, person=None, punch=None
        )


def wait_until_enrolled() -> None:
    """The workers have looked at the demo's photographs and accepted them."""
    until = time.monotonic() + ENROLMENT_SECONDS
    waiting = Enrolment.objects.filter(person__demo=True, state=Enrolment.State.WAITING)
    while waiting.exists():
        if time.monotonic() > until:
            raise Wrong("the demo's photographs were not looked at within a minute; see the workers' logs")
        time.sleep(0.1)
    states = set(Enrolment.objects.filter(person__demo=True).values_list("state", flat=True))
    if states != {Enrolment.State.DONE}:
        raise Wrong(f"the demo's enrolment is {', '.join(sorted(states))}")


def run(address: str) -> int:
    """Play it; 0 if all was right, 1 with the first thing that was not."""
    kiosk, annex = (
        Kiosk.objects.get(name=name, door__site__demo=True) for name in (demo.KIOSK, demo.ANNEX_KIOSK)
    )
    here, there = (VirtualKiosk(address, places.issue_key(one, by="check")) for one in (kiosk, annex))
    journey = Journey(address, here, there)
    old = datetime.now(UTC) - timedelta(minutes=10)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("demo people are enrolled", wait_until_enrolled),
        ("in and out are granted", journey.comes_and_goes),
        ("strangers are refused", journey.strangers_stay_out),
        (
            "another site knows nobody here",
            lambda: there.post(scenes.passage("in")).expect(status=200, reason="unknown_face", person=None),
        ),
        ("empty picture is refused", lambda: journey.refused(scenes.empty_room(), "no_face")),
        ("two faces are refused", lambda: journey.refused(scenes.two_people(), "several_faces")),
        ("blurred face is refused", lambda: journey.refused(scenes.blurred(), "blurred")),
        ("old picture is refused", lambda: journey.refused(scenes.passage("in"), "stale", taken=old)),
        (
            "unknown key is refused",
            lambda: (
                VirtualKiosk(address, "kk_unknown")
                .post(scenes.passage("in"))
                .expect(status=401, code="unknown-kiosk")
            ),
        ),
        (
            "text file is refused",
            lambda: here.post(scenes.not_a_picture()).expect(status=415, code="not-a-picture"),
        ),
        ("repeated nonce changes nothing", journey.repeats),
        ("export holds these punches", journey.export),
        (
            "revoked key is refused",
            lambda: (
                places.revoke_keys(kiosk, by="check"),
                here.post(scenes.passage("in")).expect(status=401),
            ),
        ),
    ]
    print("\nThe demo's journey through the API:\n", flush=True)
    try:
        for name, play in steps:
            with step(name, width=32):
                play()
    except (Wrong, OSError, http.client.HTTPException) as error:
        print(f"\nNot right: {error}\n", flush=True)
        return 1
    finally:
        for one in (kiosk, annex):
            places.revoke_keys(one, by="check")
    print(f"\nAll {len(steps)} steps came out right; {len(journey.punches)} punches.\n", flush=True)
    return 0


def _export(address: str, name: str, password: str) -> list[dict[str, str]]:
    """Today's rows, as a manager would fetch them: log in, then download the CSV."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    login = f"{address}/admin/login/"
    browser.open(login, timeout=30).close()
    token = next(cookie.value or "" for cookie in jar if cookie.name == "csrftoken")
    form = urllib.parse.urlencode({"username": name, "password": password, "csrfmiddlewaretoken": token})
    request = urllib.request.Request(login, data=form.encode(), headers={"Referer": login})  # noqa: S310
    browser.open(request, timeout=30).close()
    day = datetime.now(UTC).date()
    period = urllib.parse.urlencode(
        {"first": day - timedelta(days=1), "last": day + timedelta(days=1), "layout": "csv"}
    )
    with browser.open(f"{address}/api/v1/punches/?{period}", timeout=30) as response:
        return list(csv.DictReader(io.StringIO(response.read().decode("utf-8-sig"))))
