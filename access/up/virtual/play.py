"""A scenario played through the HTTP API: each line with what was expected and what came.

Promise: the code is 0 only if every line came out as expected, and nobody was granted as somebody else.
"""

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from access.attendance import Punch
from access.doors import modes
from access.doors.alarms import Alarm
from access.hours import ledger
from access.hours.workdays import WorkDay
from access.people import Person
from access.up import demo
from access.up.demo import scenes
from access.up.devices import Answer, VirtualKiosk
from access.up.journey import wait_until_enrolled
from access.up.progress import mark, step
from access.up.tablet import VirtualTablet
from access.up.virtual import stage
from access.up.virtual.scenario import Event, Scenario
from access.up.virtual.stage import Stage

# Photographs that were handed in for enrolment prove nothing; nobody is enrolled with the others.
POSTED = range(max(demo.ENROLMENT_PHOTOGRAPHS) + 1, 9)
WIDTH = 80  # of a line of the scenario, on paper and in a terminal
WRONG_PIN = "000000"  # never given out: see credentials.new_pin


@dataclass
class Grants:
    """How often a kiosk granted whom it saw. `wrong` lists who was granted as whom."""

    known: int = 0
    strangers: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    def note(self, badge: str, answer: Answer) -> None:
        known = badge in demo.ENROLLED
        self.known, self.strangers = self.known + known, self.strangers + (not known)
        if answer.body.get("granted"):
            granted = _badge(answer)
            self.right += granted == badge
            if granted != badge:
                self.wrong.append(f"{badge} as {granted}")


@dataclass
class Day:
    """Plays events on a stage; each answer in the words of the scenario's `expect`."""

    stage: Stage
    grants: Grants = field(default_factory=Grants)

    def play(self, event: Event) -> str:
        if event.terminal:
            return self._terminal(event)
        if event.workday:
            return self._workday(event.workday)
        if event.site:
            if event.site == "lock_down":
                modes.lock_down(self.stage.site, why=stage.BY)
                return "locked down"
            modes.lift(self.stage.site, by=stage.BY)
            return "lifted"
        tablet = self.stage.tablets.get(event.door)
        if tablet is not None and (event.network or tablet.alone):
            return self._alone(event, tablet)
        kiosk = self.stage.kiosks[event.door]
        return self._contact(event, kiosk) if event.contact else self._pass(event, kiosk)

    def _pass(self, event: Event, kiosk: VirtualKiosk) -> str:
        """A face, with a card beside it or a PIN once it is asked for; or a card alone."""
        fields = {"direction": event.direction} if event.direction else {}
        old = datetime.now(UTC) - timedelta(minutes=event.minutes_old)
        given = self._given(event)
        if not event.face:
            return _words(kiosk.show(taken=old.isoformat(), **given, **fields), event.card or event.pin)
        # A card lies on the reader while the face is seen; a PIN is typed once it is asked for.
        at_once = {} if event.pin else given
        picture = _photograph(event.face, event.photograph)
        nonce = str(uuid.uuid4())
        frames = self._before_the_screen(kiosk, nonce, picture, event.screen) if event.screen else []
        answer = kiosk.post(picture, taken=old, nonce=nonce, frames=frames, **at_once, **fields)
        self.grants.note(event.face, answer)
        words = _words(answer, event.face)
        if event.pin and answer.body.get("step"):
            after = kiosk.show(after=answer.body["step"], **given, **fields)
            self.grants.note(event.face, after)
            words += f", {_words(after, event.face)}"
        return words

    def _alone(self, event: Event, tablet: VirtualTablet) -> str:
        """What a tablet does without the network, and what the server says to it afterwards."""
        if event.network == "down":
            tablet.lose_network()
            return "alone"
        if event.network == "up":
            told = Counter(tablet.find_network())
            return ", ".join(f"{count} {result}" for result, count in sorted(told.items()))
        answer = tablet.show(**self._given(event))
        if not answer.granted:
            return f"{answer.reason} alone"
        who = Person.objects.get(pk=answer.person).badge
        return f"{answer.reason} {answer.direction} alone" + ("" if who == event.card else f" as {who}")

    def _before_the_screen(
        self, kiosk: VirtualKiosk, nonce: str, picture: bytes, screen: str
    ) -> list[tuple[bytes, int]]:
        colours = kiosk.challenge(nonce).expect(status=200).body["colours"]
        lit = [scenes.in_light(picture, colour) if screen == "lit" else picture for colour in colours]
        return [(frame, 500 * number) for number, frame in enumerate(lit)]

    def _given(self, event: Event) -> dict[str, str]:
        given = {"card": self.stage.cards[event.card]} if event.card else {}
        if event.pin:
            given["pin"] = WRONG_PIN if event.pin == "wrong" else self.stage.pins[event.pin]
        return given

    def _contact(self, event: Event, kiosk: VirtualKiosk) -> str:
        before = Alarm.objects.filter(door=self.stage.doors[event.door]).count()
        state = str(kiosk.report(event.contact).body.get("state"))
        raised = Alarm.objects.filter(door=self.stage.doors[event.door]).count() > before
        return f"{state}, alarm" if raised else state

    def _terminal(self, event: Event) -> str:
        log = []
        for line in event.terminal:
            badge, clock, way = line.split()
            at = datetime.combine(self.stage.yesterday, datetime.strptime(clock, "%H:%M").time())  # noqa: DTZ007
            log.append((badge, at, way))
        acknowledged = self.stage.terminal.push(log).strip().removeprefix("OK: ")
        booked = Punch.objects.filter(terminal_line__terminal__site=self.stage.site).count()
        return f"{acknowledged} acknowledged, {booked} punches"

    def _workday(self, badge: str) -> str:
        day = self.stage.yesterday
        who = demo.person(badge)
        ledger.refresh([who.pk], day, day)
        row = WorkDay.objects.filter(person=who, day=day).first()
        figures = row.figures if row else {}  # what is nothing is left out
        return f"late {figures.get('late', 0)}, worked {figures.get('worked', 0)}"

    def end(self) -> dict[str, str]:
        """How the site stands in the evening, in the words of the scenario's `end`."""
        here = Punch.objects.filter(kiosk__door__site=self.stage.site).order_by("at")
        last = {punch.person.badge: punch.direction for punch in here.select_related("person")}
        sent = Punch.objects.filter(terminal_line__terminal__site=self.stage.site).count()
        kinds = Counter(Alarm.objects.filter(door__site=self.stage.site).values_list("kind", flat=True))
        return {
            "inside": ", ".join(sorted(badge for badge, way in last.items() if way == "in")),
            "punches": f"{here.count()} at the doors, {sent} from the time clock",
            "alarms": ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        }

    def recognise(self, kiosk: VirtualKiosk) -> Grants:
        """Every photograph of every invented person that was not handed in for enrolment, at one kiosk."""
        found = Grants()
        for one in scenes.invented():
            for number in POSTED if one.badge in demo.ENROLLED else range(1, 9):
                found.note(one.badge, kiosk.post(one.photograph(number), direction="in"))
        return found


def run(address: str, scenario: Scenario, *, pause: float = 0.0, photographs: bool = True) -> int:
    """Play it, and post every photograph there is; 0 if all came out as expected.

    Raises devices.Wrong or OSError where the system does not answer.
    """
    made_demo = demo.seed() is not None
    try:
        with step("the demo's people are enrolled", width=32):
            wait_until_enrolled()
        with stage.built(scenario, address) as built:
            return _perform(Day(built), scenario, pause=pause, photographs=photographs)
    finally:
        if made_demo:
            demo.remove()


def _perform(day: Day, scenario: Scenario, *, pause: float, photographs: bool) -> int:
    began, wrong = time.monotonic(), 0
    print(f"\n{scenario.name}: what happens, what was expected, what came\n", flush=True)
    for event in scenario.events:
        time.sleep(pause)
        wrong += _line(event.at, event.what, event.expect, day.play(event))
    stands = day.end()
    for what, expected in scenario.end.items():
        wrong += _line("end", what, expected, stands.get(what, "unknown word"))
    mistaken = day.grants.wrong
    if photographs:
        kiosk = next(iter(scenario.doors))
        print(f"\nEvery photograph that was not handed in, at {scenario.doors[kiosk].kiosk}:\n", flush=True)
        seen = day.recognise(day.stage.kiosks[kiosk])
        mistaken += seen.wrong
        print(f"  the right one was granted   {seen.right} of {seen.known}")
        print(f"  strangers who were granted  {len(seen.wrong)} of {seen.strangers}")
    print(f"\nWrong grants: {len(mistaken)} {', '.join(mistaken)}".rstrip())
    lines, seconds = len(scenario.events) + len(scenario.end), time.monotonic() - began
    print(f"{lines - wrong} of {lines} lines as expected, {seconds:.0f} s.\n", flush=True)
    return 1 if wrong or mistaken else 0


def _line(at: str, what: str, expected: str, came: str) -> bool:
    """Print it; True if it came out wrong."""
    wrong = expected != came
    but = f"  BUT {came}" if wrong else ""
    print(f"  {mark(not wrong)}  {at:<5}  {what:<{WIDTH}}  {expected}{but}", flush=True)
    return wrong


def _words(answer: Answer, badge: str) -> str:
    if answer.status != 200:
        return f"{answer.status} {answer.body.get('code', '')}"
    said = str(answer.body["reason"])
    if not answer.body["granted"]:
        return said
    who = _badge(answer)
    return f"{said} {answer.body['direction']}" + ("" if who == badge else f" as {who}")


def _badge(answer: Answer) -> str:
    person = answer.body.get("person")
    return str(person["badge"]) if person else "nobody"


def _photograph(badge: str, number: int) -> bytes:
    return (scenes.PEOPLE / badge / f"{number}.jpg").read_bytes()
