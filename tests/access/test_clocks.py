"""When something happened that a kiosk told later, as a table."""

import pytest

from access.policy.clocks import Clock, Contact, Told, moment

HOUR, YEAR = 3_600_000, 365 * 24 * 3_600_000
NOW = 1_772_438_100_000  # when it is told, by our clock
THEN = NOW - HOUR  # when it was
STARTED = NOW - 5 * HOUR  # the page


def told(*, boot: str = "a", off: int = 0, at: int = THEN, anchored: bool = True, slept: int = 0) -> Told:
    return Told(boot, THEN + off, THEN - STARTED - slept, at, anchored)


def contact(*, boot: str = "a", off: int = 0, slept: int = 0) -> Contact:
    started = STARTED if boot == "a" else NOW - 1000
    return Contact(boot, NOW + off, NOW - started - slept, NOW)


@pytest.mark.parametrize(
    ("why", "event", "now", "clock"),
    [
        ("all is right", told(), contact(), Clock.FINE),
        ("a wall clock a quarter of an hour off", told(off=900_000), contact(off=900_000), Clock.FINE),
        ("a wall clock a year off", told(off=-YEAR), contact(off=-YEAR), Clock.FINE),
        ("a wall clock that was set in between", told(off=-YEAR), contact(), Clock.FINE),
        ("a page started offline, its clock as it was", told(anchored=False), contact(), Clock.FINE),
        ("the same, its clock set in between", told(anchored=False, off=900_000), contact(), Clock.FINE),
        (
            "a page started offline with another clock: by the monotonic one",
            told(anchored=False, off=HOUR, at=THEN + HOUR),
            contact(off=HOUR),
            Clock.FINE,
        ),
        ("told by another life of the page", told(), contact(boot="b"), Clock.FINE),
        ("and started offline", told(anchored=False, off=5_000), contact(boot="b", off=5_000), Clock.FINE),
    ],
)
def test_the_moment_is_right_within_two_seconds(why: str, event: Told, now: Contact, clock: Clock) -> None:
    found = moment(event, now, not_before=THEN - HOUR)
    assert (abs(found.at - THEN) <= 2_000, found.clock) == (True, clock), why


@pytest.mark.parametrize(
    ("why", "event", "now"),
    [
        ("the tablet slept after it", told(), contact(slept=HOUR // 2)),
        ("the tablet slept before it", told(at=THEN - HOUR // 2, slept=HOUR // 2), contact(slept=HOUR // 2)),
        ("a clock reset by a power cut, then set", told(anchored=False, at=THEN - 9 * YEAR, off=-9 * YEAR),
         contact(boot="b")),
        ("a clock set between two lives of the page", told(anchored=False), contact(boot="b", off=900_000)),
        ("before the data it was decided by", told(at=THEN - 3 * HOUR, off=-3 * HOUR), contact(boot="b")),
        ("in the future", told(at=NOW + HOUR, off=2 * HOUR), contact(boot="b")),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_marked(why: str, event: Told, now: Contact) -> None:
    assert moment(event, now, not_before=THEN - HOUR).clock is Clock.UNTRUSTED, why


def test_a_few_seconds_apart_are_a_warning() -> None:
    found = moment(told(at=THEN + 10_000), contact(), not_before=None)
    assert (found.at, found.apart, found.clock) == (THEN, 10_000, Clock.DRIFTED)


def test_the_moment_does_not_depend_on_when_it_is_told() -> None:
    late = Contact("a", NOW + 8 * HOUR + 300, NOW - STARTED + 8 * HOUR + 300, NOW + 8 * HOUR)
    assert moment(told(), late, not_before=None).at == moment(told(), contact(), not_before=None).at == THEN


@pytest.mark.parametrize(
    ("apart", "clock"),
    [
        (2_000, Clock.FINE),
        (2_001, Clock.DRIFTED),
        (30_000, Clock.DRIFTED),
        (30_001, Clock.UNTRUSTED),
    ],
)
@pytest.mark.parametrize("boot", ["a", "b"])
@pytest.mark.parametrize("sign", [1, -1])
def test_from_when_on_a_clock_is_doubted(apart: int, clock: Clock, boot: str, sign: int) -> None:
    off = told(at=THEN + sign * apart, off=sign * 60_000 if boot == "a" else 0)
    found = moment(off, contact(boot=boot), not_before=None)
    assert (found.apart, found.clock) == (apart, clock)
    # In the same life of the page our count of its ticks is at hand, and is taken beyond two seconds.
    assert found.at == (THEN if boot == "a" and apart > 2_000 else THEN + sign * apart)


@pytest.mark.parametrize(("early", "clock"), [(0, Clock.FINE), (2_000, Clock.FINE), (2_001, Clock.UNTRUSTED)])
def test_an_event_is_not_much_older_than_what_it_was_decided_by(early: int, clock: Clock) -> None:
    assert moment(told(), contact(), not_before=THEN + early).clock is clock


@pytest.mark.parametrize(("ahead", "clock"), [(2_000, Clock.FINE), (2_001, Clock.UNTRUSTED)])
def test_an_event_is_not_much_later_than_its_telling(ahead: int, clock: Clock) -> None:
    event = Told("a", NOW + ahead, NOW + ahead - STARTED, NOW + ahead, True)
    assert moment(event, contact(boot="b"), not_before=None).clock is clock


def test_an_unanchored_event_is_doubted_by_the_nearer_of_two_reckonings() -> None:
    event = told(anchored=False, at=THEN + 50_000, off=1_000)
    found = moment(event, contact(), not_before=None)
    assert (found.at, found.apart, found.clock) == (THEN, 1_000, Clock.FINE)
    anchored = moment(told(at=THEN + 50_000, off=1_000), contact(), not_before=None)
    assert (anchored.apart, anchored.clock) == (50_000, Clock.UNTRUSTED)
