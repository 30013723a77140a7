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
