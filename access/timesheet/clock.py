"""The clock on the wall and the time that passes: where they differ, on the days when clocks change."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MINUTE = timedelta(minutes=1)
Span = tuple[datetime, datetime]


def moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    """The instant (UTC) at which a wall clock shows so many minutes after the day's midnight.

    Where that time comes twice, the first; where it does not come, as long after the change as it would lie
    after it (PEP 495, fold=0).
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def minute_of(day_time: time) -> int:
    return day_time.hour * 60 + day_time.minute


def read(at: datetime) -> datetime:
    """The instant (UTC) as a time clock shows it: seconds are not read."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def minutes(span: Span) -> int:
    """Minutes that pass from one instant to another; none if the second is not later."""
    return max(int((span[1] - span[0]) / MINUTE), 0)


def total(spans: Iterable[Span]) -> int:
    return sum(minutes(span) for span in spans)


def overlap(first: Span, second: Span) -> Span | None:
    begins, ends = max(first[0], second[0]), min(first[1], second[1])
    return (begins, ends) if begins < ends else None


def common(spans: Iterable[Span], within: Iterable[Span]) -> list[Span]:
    """What of the spans lies within the others."""
    others = list(within)
    return [found for span in spans for other in others if (found := overlap(span, other))]


def rounded(at: datetime, unit: int, way: str, zone: tzinfo) -> datetime:
    """The instant moved to a full unit of the wall clock's hour: "down", "up" or "nearest" (half goes up)."""
    if unit <= 1:
        return at
    over = at.astimezone(zone).minute % unit
    if over == 0:
        return at
    earlier, later = at - over * MINUTE, at + (unit - over) * MINUTE
    # Where clocks change by half an hour, that may be no full unit after all.
    while earlier.astimezone(zone).minute % unit:
        earlier -= MINUTE
    while later.astimezone(zone).minute % unit:
        later += MINUTE
    if way == "nearest":
        return earlier if at - earlier < later - at else later
    return earlier if way == "down" else later


def nights(span: Span, begins: time, ends: time, zone: tzinfo) -> int:
    """Minutes of the span that lie in the night, from one time of the wall clock to another."""
    start, stop = minute_of(begins), minute_of(ends)
    if start == stop:
        return 0
    stop += 1440 if stop < start else 0
    found = 0
    day = span[0].astimezone(zone).date() - timedelta(days=1)
    last = span[1].astimezone(zone).date()
    while day <= last:
        night = (moment(day, start, zone), moment(day, stop, zone))
        if shared := overlap(span, night):
            found += minutes(shared)
        day += timedelta(days=1)
    return found
