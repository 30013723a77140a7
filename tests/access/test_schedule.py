"""When a door is open: a table of cases, and every minute against a slow and obvious count of minutes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.policy import Bar, Holiday, Opening, Permit, Row, Week, opening

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Week(
    "Office",
    (
        *(Bar(row, time(7, 30), time(12)) for row in range(5)),
        *(Bar(row, time(13), time(18)) for row in range(5)),
        Bar(Row.SATURDAY, time(9), time(12), "face_pin"),
        Bar(Row.SHORT_DAY, time(8), time(12)),
    ),
)
NIGHT = Week(
    "Night",
    (
        *(Bar(row, time(22), time(6)) for row in range(7)),
        Bar(Row.HOLIDAY, time(23), time(1)),
    ),
)
ROUND_THE_CLOCK = Week("Round the clock", tuple(Bar(row, time(0), time(0)) for row in range(7)), False)
HOLIDAYS = (
    Holiday(date(2026, 5, 14), "Ascension Day"),  # a Thursday
    Holiday(date(2020, 12, 24), "Christmas Eve", short=True, yearly=True),  # in 2026 a Thursday
    Holiday(date(2020, 12, 25), "Christmas Day", yearly=True),
)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def utc(moment: datetime | None) -> datetime | None:
    """Python calls a moment that daylight saving repeats unequal to itself in another zone."""
    return moment and moment.astimezone(UTC)


def told(text: str, *permits: Permit, fold: int = 0) -> Opening:
    return opening(permits, HOLIDAYS, BERLIN, at(text, fold=fold))


STAFF = Permit("Staff", OFFICE)
CLEANERS = Permit("Cleaners", NIGHT)
PORTER = Permit("Porter")

# The wall's clock at the site, who, whether the door is open, and when that changes next.
CASES = {
    "in the morning hours": ("2026-03-02T08:00", STAFF, True, "2026-03-02T12:00"),
    "the first moment of a bar": ("2026-03-02T07:30", STAFF, True, "2026-03-02T12:00"),
    "just before a bar": ("2026-03-02T07:29:59", STAFF, False, "2026-03-02T07:30"),
    "the last moment of a bar": ("2026-03-02T11:59:59", STAFF, True, "2026-03-02T12:00"),
    "a bar is half open": ("2026-03-02T12:00", STAFF, False, "2026-03-02T13:00"),
    "several bars a day": ("2026-03-02T17:59", STAFF, True, "2026-03-02T18:00"),
    "Friday evening waits for Saturday": ("2026-03-06T18:00", STAFF, False, "2026-03-07T09:00"),
    "Saturday has hours of its own": ("2026-03-07T11:00", STAFF, True, "2026-03-07T12:00"),
    "Sunday is shut": ("2026-03-08T10:00", STAFF, False, "2026-03-09T07:30"),
    "before midnight in a night": ("2026-03-02T23:30", CLEANERS, True, "2026-03-03T06:00"),
    "after midnight in a night": ("2026-03-03T05:59", CLEANERS, True, "2026-03-03T06:00"),
    "the end of a night": ("2026-03-03T06:00", CLEANERS, False, "2026-03-03T22:00"),
    "a night runs from Sunday into Monday": ("2026-03-09T00:30", CLEANERS, True, "2026-03-09T06:00"),
    "a whole day": ("2026-03-02T00:00", Permit("All", ROUND_THE_CLOCK), True, None),
    "no week: at any hour": ("2026-03-08T03:00", PORTER, True, None),
    "a holiday without a row is shut": ("2026-05-14T10:00", STAFF, False, "2026-05-15T07:30"),
    "a night runs into a holiday": ("2026-05-14T02:00", CLEANERS, True, "2026-05-14T06:00"),
    "a holiday has its own night": ("2026-05-14T22:30", CLEANERS, False, "2026-05-14T23:00"),
    "and it runs out of the holiday": ("2026-05-15T00:59", CLEANERS, True, "2026-05-15T01:00"),
    "a short day": ("2026-12-24T11:00", STAFF, True, "2026-12-24T12:00"),
    "every year on the same date": ("2026-12-25T10:00", STAFF, False, "2026-12-26T09:00"),
    "a week that keeps no holidays": ("2026-12-25T10:00", Permit("All", ROUND_THE_CLOCK), True, None),
    "an hour skipped in spring": ("2026-03-29T01:59", CLEANERS, True, "2026-03-29T06:00"),
    "first day": ("2026-03-01T23:00", Permit("New", first=date(2026, 3, 2)), False, "2026-03-02T00:00"),
    "on the first day": ("2026-03-02T00:00", Permit("New", first=date(2026, 3, 2)), True, None),
    "on the last day": ("2026-03-02T23:59", Permit("Old", last=date(2026, 3, 2)), True, "2026-03-03T00:00"),
    "the last day ends a night": (
        "2026-03-02T23:00",
        Permit("Old", NIGHT, last=date(2026, 3, 2)),
        True,
        "2026-03-03T00:00",
    ),
    "a grant before it begins": (
        "2026-03-02T09:00",
        Permit("Visit", begins=at("2026-03-02T10:00"), ends=at("2026-03-02T11:00")),
        False,
        "2026-03-02T10:00",
    ),
    "a grant": (
        "2026-03-02T10:00",
        Permit("Visit", begins=at("2026-03-02T10:00"), ends=at("2026-03-02T11:00")),
        True,
        "2026-03-02T11:00",
    ),
    "beyond a fortnight nobody looks": (
        "2026-03-02T10:00",
        Permit("Visit", begins=at("2026-04-02T10:00"), ends=at("2026-04-02T11:00")),
        False,
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_table_of_hours(name: str) -> None:
    moment, permit, is_open, change = CASES[name]
    found = told(moment, permit)
    assert (found.admitted, found.open) == (True, is_open)
    assert utc(found.until if is_open else found.next_from) == utc(at(change) if change else None)
    assert (found.next_from if is_open else found.until) is None


OVER = {
    "nobody said they may": [],
    "the last day is over": [Permit("Old", last=date(2026, 3, 1))],
    "the grant is over": [Permit("Visit", ends=at("2026-03-02T08:00"))],
}


@pytest.mark.parametrize("name", OVER)
def test_who_may_never_pass_again_is_not_admitted(name: str) -> None:
    assert told("2026-03-02T08:00", *OVER[name]) == Opening(admitted=False, open=False)


def test_any_level_that_is_open_is_enough_and_the_door_shuts_with_the_last() -> None:
    found = told("2026-03-02T17:30", STAFF, Permit("Late", Week("Late", (Bar(0, time(17), time(20)),))))
    assert found.open
    assert found.until == at("2026-03-02T20:00")


def test_the_rule_used_is_told() -> None:
    found = told("2026-03-07T10:00", CLEANERS, STAFF)
    assert (found.level, found.week, found.factors) == ("Staff", "Office", "face_pin")
    assert found.bar == Bar(Row.SATURDAY, time(9), time(12), "face_pin")
    shut = told("2026-05-14T10:00", STAFF)
    assert (shut.level, shut.week, shut.holiday) == ("Staff", "Office", "Ascension Day")
    assert shut.bar == Bar(Row.FRIDAY, time(7, 30), time(12))
    assert told("2026-05-14T23:30", CLEANERS).holiday == "Ascension Day"
    assert told("2026-05-14T01:00", CLEANERS).holiday == "", "the night began the day before"
    assert told("2026-05-14T01:00", PORTER).holiday == ""


def test_what_must_be_shown_is_told_only_of_a_bar_that_is_open() -> None:
    assert told("2026-03-07T08:00", STAFF).factors == ""


def test_of_two_open_levels_the_stricter_decides_what_must_be_shown() -> None:
    def permit(name: str, factors: str) -> Permit:
        return Permit(name, Week(name, (Bar(0, time(0), time(0), factors),)))

    doors_own, pin, both = permit("A", ""), permit("B", "pin"), permit("C", "face_pin")
    for permits, level in (((doors_own, pin), "B"), ((pin, both, doors_own), "C"), ((PORTER, pin), "B")):
        assert told("2026-03-02T10:00", *permits).level == level
        assert told("2026-03-02T10:00", *reversed(permits)).level == level
    assert told("2026-03-02T10:00", permit("B", "pin"), permit("A", "card")).level == "A"


def test_an_hour_that_comes_twice_opens_twice() -> None:
    early = Permit("Early", Week("Early", (Bar(Row.SUNDAY, time(2, 15), time(2, 45)),)))
    first = told("2026-10-25T02:30", early)
    again = told("2026-10-25T02:50", early)
    assert (first.open, utc(first.until)) == (True, utc(at("2026-10-25T02:45")))
    assert (again.open, utc(again.next_from)) == (False, utc(at("2026-10-25T02:15", fold=1)))
    assert told("2026-10-25T02:30", early, fold=1).open


def test_an_hour_that_never_comes_opens_nothing() -> None:
    early = Permit("Early", Week("Early", (Bar(Row.SUNDAY, time(2, 15), time(2, 45)),)))
    assert told("2026-03-28T12:00", early).next_from == at("2026-04-05T02:15")


def test_a_single_holiday_counts_before_one_of_every_year() -> None:
    days = (Holiday(date(2026, 12, 24), "Bridge day"), *HOLIDAYS)
    for order in (days, days[::-1]):
        found = opening([STAFF], order, BERLIN, at("2026-12-24T09:00"))
        assert (found.open, found.holiday) == (False, "Bridge day")


def test_the_29th_of_february_is_kept_in_leap_years_alone() -> None:
    days = [Holiday(date(2024, 2, 29), "Leap day", yearly=True)]
    assert not opening([STAFF], days, BERLIN, at("2028-02-29T10:00")).open
    assert opening([STAFF], days, BERLIN, at("2027-03-01T10:00")).open


def test_a_year_begins_within_the_fortnight() -> None:
    days = [Holiday(date(2020, 1, 1), "New Year", yearly=True)]
    assert opening([STAFF], days, BERLIN, at("2026-12-31T19:00")).next_from == at("2027-01-02T09:00")


# --- Against a slow and obvious count of minutes --------------------------------------------------

# Zones whose clocks change at midnight (Havana), by half an hour (Lord Howe), in the other half of the year
# (Santiago), around Ramadan (Casablanca), and never (Kolkata).
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
)
MINUTE = timedelta(minutes=1)
LOOKED_AT = 26 * 60

minutes = st.integers(0, 24 * 60 - 1).map(lambda n: time(n // 60, n % 60))
bars = st.builds(Bar, st.integers(0, 8), minutes, minutes, st.sampled_from(["", "", "pin", "face_pin"]))
weeks = st.builds(Week, st.just("Week"), st.lists(bars, max_size=12).map(tuple), st.booleans())


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Permit], list[Holiday], ZoneInfo, datetime]:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    day = draw(st.dates(date(2025, 1, 1), date(2028, 12, 31)))
    if draw(st.booleans()):  # half of all days lie at a change of the clocks
        day = next((d for d in (day + n * timedelta(days=1) for n in range(366)) if _changes(zone, d)), day)
    clock = draw(st.integers(-120, 24 * 60 + 120))
    moment = datetime.combine(day, time(), zone).astimezone(UTC) + clock * MINUTE
    near = st.integers(-3, 3).map(lambda n: day + timedelta(days=n))
    moments = st.integers(-1500, 1500).map(lambda n: moment + n * MINUTE)
    permit = st.builds(
        Permit,
        st.sampled_from("ABC"),
        st.none() | weeks,
        st.none() | near,
        st.none() | near,
        st.none() | moments,
        st.none() | moments,
    )
    special = st.builds(
        Holiday,
        st.one_of(near, near.map(lambda d: d.replace(year=2024, day=min(d.day, 28)))),
        st.just("Feast"),
        st.booleans(),
        st.booleans(),
    )
    return draw(st.lists(permit, max_size=3)), draw(st.lists(special, max_size=3)), zone, moment


def _changes(zone: ZoneInfo, day: date) -> bool:
    noons = [datetime.combine(d, time(12), zone).utcoffset() for d in (day - timedelta(days=1), day)]
    return noons[0] != noons[1]


def walls_open(permit: Permit, holidays: list[Holiday], around: date) -> set[datetime]:
    """Every minute on the wall at which the permit's week is open, counted one by one."""
    found = set()
    for ahead in range(-3, 5):
        day = around + timedelta(days=ahead)
        kept = (
            [
                h
                for h in holidays
                if h.day == day or (h.yearly and (h.day.month, h.day.day) == (day.month, day.day))
            ]
            if permit.week.keeps_holidays
            else []
        )
        single = [h for h in kept if not (h.yearly)]
        row = (single or kept)[-1].row if kept else day.weekday()
        for bar in permit.week.bars:
            if bar.row != row:
                continue
            wall = datetime.combine(day, bar.start)
            while True:
                found.add(wall)
                wall += MINUTE
                if wall.time() == bar.end:
                    break
    return found


@settings(max_examples=400, deadline=None)
@given(situations())
def test_every_minute_agrees_with_a_count_of_minutes(
    situation: tuple[list[Permit], list[Holiday], ZoneInfo, datetime],
) -> None:
    permits, holidays, zone, moment = situation
    around = moment.astimezone(zone).date()
    walls = {n: walls_open(p, holidays, around) for n, p in enumerate(permits) if p.week is not None}

    def is_open(when: datetime) -> bool:
        local = when.astimezone(zone)
        wall, today = local.replace(tzinfo=None), local.date()
        return any(
            (n not in walls or wall in walls[n])
            and (permit.first is None or permit.first <= today)
            and (permit.last is None or today <= permit.last)
            and (permit.begins is None or permit.begins <= when)
            and (permit.ends is None or when < permit.ends)
            for n, permit in enumerate(permits)
        )

    found = opening(permits, holidays, zone, moment)
    assert found.open is is_open(moment)
    change = next(
        (when for when in (moment + n * MINUTE for n in range(1, LOOKED_AT)) if is_open(when) != found.open),
        None,
    )
    said = utc(found.until if found.open else found.next_from)
    if change is not None:
        assert found.admitted
        assert said == change
    else:
        assert said is None or said >= moment + LOOKED_AT * MINUTE
