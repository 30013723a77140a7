"""When a door is open for a person: weekly bars, holidays, validity, one-off grants. Pure.

Promise: the clock on the site's wall decides. A bar is open whenever that clock shows a time within it, so an
hour that daylight saving skips opens nothing and an hour that it repeats opens twice. A bar belongs to the
day on which it begins: the night shift of a Sunday ends as usual on the holiday that follows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import IntEnum
from itertools import pairwise

# How far ahead the next change is looked for. A fortnight covers every weekly rule with a holiday in it.
HORIZON = timedelta(days=14)
DAY = timedelta(days=1)


class Row(IntEnum):
    """The rows of a week's grid: the weekdays as Python counts them, and two kinds of holiday."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6
    HOLIDAY = 7
    SHORT_DAY = 8


@dataclass(frozen=True)
class Bar:
    """Open from `start` until just before `end`, on days of this row. `factors` as in Opening.

    An end at or before the start is on the day after: 22:00–06:00 is a night, 00:00–00:00 a whole day.
    """

    row: int
    start: time
    end: time
    factors: str = ""

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Where the bar of this day begins and ends, on the wall's clock (without zone)."""
        last = day if self.end > self.start else day + DAY
        return datetime.combine(day, self.start), datetime.combine(last, self.end)


@dataclass(frozen=True)
class Holiday:
    """A day of a site with a row of its own; `yearly` repeats it each year on the same date."""

    day: date
    name: str
    short: bool = False
    yearly: bool = False

    @property
    def row(self) -> Row:
        return Row.SHORT_DAY if self.short else Row.HOLIDAY


@dataclass(frozen=True)
class Week:
    """A named week. One that keeps no holidays goes by the weekday even then."""

    name: str
    bars: tuple[Bar, ...]
    keeps_holidays: bool = True


@dataclass(frozen=True)
class Permit:
    """One thing that lets a person through a door: a gallery, a level, a one-off grant.

    Without a week it is open all the time. `first` and `last` are days of the site, both included;
    `begins` and `ends` moments with zone, half-open.
    """

    name: str
    week: Week | None = None
    first: date | None = None
    last: date | None = None
    begins: datetime | None = None
    ends: datetime | None = None

    def over(self, at: datetime, today: date) -> bool:
        """Whether this will never open again."""
        return (self.last is not None and today > self.last) or (self.ends is not None and at >= self.ends)

    def valid(self, at: datetime, today: date) -> bool:
        begun = (self.first is None or today >= self.first) and (self.begins is None or at >= self.begins)
        return begun and not self.over(at, today)


@dataclass(frozen=True)
class Opening:
    """How a person's schedule stands with a door at one moment.

    `admitted`: some level or gallery lets the person through this door at all. `open`: it does so now.
    `level` names what admits, or what will next; `factors` is what this hour demands instead of the door's
    own setting ("" means the door's). `until` and `next_from` are with zone, for the explanation; None where
    nothing changes within HORIZON. `week` and `bar` are the rule behind it, `holiday` the name of today's
    holiday where one counts.
    """

    admitted: bool
    open: bool
    level: str = ""
    factors: str = ""
    until: datetime | None = None
    next_from: datetime | None = None
    week: str = ""
    bar: Bar | None = None
    holiday: str = ""


@dataclass(frozen=True)
class _Open:
    """A permit that is open, by a bar where it has a week."""

    permit: Permit
    bar: Bar | None = None
    holiday: str = ""

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Of several that are open the strictest decides: one that states what must be shown before one that
        leaves it to the door, more factors before fewer."""
        factors = self.bar.factors if self.bar else ""
        return not factors, -len(factors.split("_")), self.permit.name


def opening(permits: Sequence[Permit], holidays: Iterable[Holiday], zone: tzinfo, at: datetime) -> Opening:
    """How the door stands at a moment (with zone) for whoever has these permits, at a site in this zone."""
    at = at.astimezone(UTC)  # moments of one and the same zone are compared by their wall clocks
    today = at.astimezone(zone).date()
    live = [permit for permit in permits if not permit.over(at, today)]
    if not live:
        return Opening(admitted=False, open=False)
    special = _special(holidays, today - 2 * DAY, today + HORIZON + DAY)
    now = _first_open(live, special, zone, at)
    for moment in _changes(live, special, zone, at):
        then = _first_open(live, special, zone, moment)
        if (then is None) != (now is None):
            change = moment.astimezone(zone)
            return _told(now or then, live, special, today, open_now=now is not None, change=change)
    return _told(now, live, special, today, open_now=now is not None, change=None)


def windows(
    permits: Sequence[Permit], holidays: Iterable[Holiday], zone: tzinfo, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime, str]]:
    """When the door stands open to whoever has these permits, between two moments HORIZON apart at most.

    In order and half-open; each with what its hours demand instead of the door's own setting.
    """
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    today = begin.astimezone(zone).date()
    special = _special(holidays, today - 2 * DAY, today + HORIZON + DAY)
    edges = [begin, *(edge for edge in _changes(permits, special, zone, begin) if edge < end), end]
    found: list[tuple[datetime, datetime, str]] = []
    for first, last in pairwise(edges):
        which = _first_open(permits, special, zone, first)
        if which is None:
            continue
        factors = which.bar.factors if which.bar else ""
        if found and found[-1][1:] == (first, factors):
            first = found.pop()[0]
        found.append((first, last, factors))
    return found


def _told(
    which: _Open | None,
    live: Sequence[Permit],
    special: Mapping[date, Holiday],
    today: date,
    *,
    open_now: bool,
    change: datetime | None,
) -> Opening:
    kept = any(permit.week is not None and permit.week.keeps_holidays for permit in live)
    todays = special[today].name if kept and today in special else ""
    return Opening(
        admitted=True,
        open=open_now,
        level=which.permit.name if which else "",
        factors=which.bar.factors if which and which.bar and open_now else "",
        until=change if open_now else None,
        next_from=None if open_now else change,
        week=which.permit.week.name if which and which.permit.week else "",
        bar=which.bar if which else None,
        holiday=which.holiday if which and open_now else todays,
    )


def _first_open(
    permits: Sequence[Permit], special: Mapping[date, Holiday], zone: tzinfo, at: datetime
) -> _Open | None:
    """The permit that decides at this moment; None where the door is shut."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    found = [
        found
        for permit in permits
        if permit.valid(at, wall.date())
        for found in _open_by(permit, special, wall)
    ]
    return min(found, key=lambda one: one.rank, default=None)


def _open_by(permit: Permit, special: Mapping[date, Holiday], wall: datetime) -> Iterator[_Open]:
    if permit.week is None:
        yield _Open(permit)
        return
    # Yesterday's bars first: one of them may have run over midnight.
    for day in (wall.date() - DAY, wall.date()):
        for bar in _bars(permit.week, special, day):
            begins, ends = bar.on(day)
            if begins <= wall < ends:
                yield _Open(permit, bar, special[day].name if bar.row >= Row.HOLIDAY else "")


def _bars(week: Week, special: Mapping[date, Holiday], day: date) -> list[Bar]:
    """The bars that begin on this day: a holiday has its own, or none."""
    holiday = special.get(day) if week.keeps_holidays else None
    row = holiday.row if holiday else day.weekday()
    return [bar for bar in week.bars if bar.row == row]


def _special(holidays: Iterable[Holiday], first: date, last: date) -> dict[date, Holiday]:
    """The holidays of these days. One of a single date counts before one of every year."""
    found: dict[date, Holiday] = {}
    for holiday in sorted(holidays, key=lambda one: not one.yearly):
        for day in _occurrences(holiday, first, last):
            found[day] = holiday
    return found


def _occurrences(holiday: Holiday, first: date, last: date) -> Iterator[date]:
    years = range(first.year, last.year + 1) if holiday.yearly else (holiday.day.year,)
    for year in years:
        try:
            day = holiday.day.replace(year=year)
        except ValueError:
            continue  # the 29th of February, in a year without one
        if first <= day <= last:
            yield day


def _changes(
    permits: Sequence[Permit], special: Mapping[date, Holiday], zone: tzinfo, at: datetime
) -> list[datetime]:
    """Every moment within HORIZON at which the door might open or shut, in order: rather more than fewer."""
    today = at.astimezone(zone).date()
    walls: set[datetime] = set()
    moments: set[datetime] = set(_shifts(zone, at))
    for permit in permits:
        moments.update(moment.astimezone(UTC) for moment in (permit.begins, permit.ends) if moment)
        walls.update(datetime.combine(day, time()) for day in (permit.first,) if day is not None)
        walls.update(
            datetime.combine(day + DAY, time()) for day in (permit.last,) if day not in (None, date.max)
        )
        if permit.week is not None:
            for ahead in range(-1, HORIZON.days + 1):
                day = today + ahead * DAY
                for bar in _bars(permit.week, special, day):
                    walls.update(bar.on(day))
    for wall in walls:
        # Both readings of a time that daylight saving repeats; for others they are the same.
        moments.update(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted(moment for moment in moments if at < moment <= at + HORIZON)


def _shifts(zone: tzinfo, at: datetime) -> Iterator[datetime]:
    """When the zone's clocks are put forward or back within HORIZON, to the second."""
    start = at.replace(microsecond=0)
    for n in range(HORIZON.days + 1):
        early, late = start + n * DAY, start + (n + 1) * DAY
        before, after = _offset(zone, early), _offset(zone, late)
        if before == after:
            continue
        while late - early > timedelta(seconds=1):
            middle = early + timedelta(seconds=int((late - early).total_seconds()) // 2)
            early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
        yield late


def _offset(zone: tzinfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
