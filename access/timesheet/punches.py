"""From punches to stays: which day a punch belongs to, which punches count, and which two make a pair.

Only the times decide, never the order in which punches arrived.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from access.timesheet.clock import MINUTE, minute_of, moment
from access.timesheet.facts import ARRIVING, BREAK_OUT, DAY, IN, OUT, Pair, Plan, Punch, Rules


def by_day(punches: Iterable[Punch], plans: Mapping[date, Plan]) -> dict[date, list[Punch]]:
    """The punches of each planned day, in order; those of days without a plan are not there.

    A punch belongs to the fixed shift whose window it lies in, the nearest shift if there are two (the
    earlier one if both are as near); else to the calendar day, where what lies before the cutoff belongs to
    the day before.
    """
    found: dict[date, list[Punch]] = {day: [] for day in plans}
    windows = _windows(plans)
    for punch in sorted(punches):
        day = _day_of(punch.at, plans, windows)
        if day is not None:
            found[day].append(punch)
    return found


def _windows(plans: Mapping[date, Plan]) -> dict[date, tuple[datetime, datetime, datetime, datetime]]:
    """For days with a fixed shift: earliest punch, start, end, latest punch."""
    found = {}
    for day, plan in plans.items():
        if plan.shift is not None and plan.shift.fixed:
            start = moment(day, plan.shift.parts[0][0], plan.zone)
            end = moment(day, plan.shift.parts[-1][1], plan.zone)
            before, after = plan.shift.before * MINUTE, plan.shift.after * MINUTE
            found[day] = (start - before, start, end, end + after)
    return found


def _day_of(
    at: datetime,
    plans: Mapping[date, Plan],
    windows: Mapping[date, tuple[datetime, datetime, datetime, datetime]],
) -> date | None:
    near: list[tuple[timedelta, date]] = []
    around = at.astimezone(UTC).date()
    for offset in range(-3, 3):
        day = around + timedelta(days=offset)
        if (window := windows.get(day)) and window[0] <= at <= window[3]:
            near.append((max(window[1] - at, at - window[2], timedelta(0)), day))
    if near:
        return min(near)[1]
    for offset in range(-3, 3):
        day = around + timedelta(days=offset)
        if (plan := plans.get(day)) is not None:
            cutoff = minute_of(plan.rules.day_cutoff)
            begins = moment(day, cutoff, plan.zone)
            following = plans.get(day + timedelta(days=1), plan)
            ends = moment(day, DAY + minute_of(following.rules.day_cutoff), following.zone)
            if begins <= at < ends:
                return day
    return None


def counting(punches: Iterable[Punch], rules: Rules) -> tuple[list[Punch], list[Punch]]:
    """The punches that count, in order, and those left out: made again within the duplicate interval.

    Two punches whose directions were given and differ are never duplicates of one another.
    """
    kept: list[Punch] = []
    left_out: list[Punch] = []
    interval = timedelta(seconds=rules.duplicate_seconds)
    for punch in sorted(punches):
        last = kept[-1] if kept else None
        given = last is not None and last.explicit and punch.explicit
        differ = last is not None and last.direction != punch.direction
        if last is not None and punch.at - last.at < interval and not (given and differ):
            left_out.append(punch)
        else:
            kept.append(punch)
    return kept, left_out


def directed(punches: Iterable[Punch], rules: Rules) -> list[tuple[Punch, str]]:
    """Each punch with its direction: in turn, or as given and in turn where none was given."""
    found: list[tuple[Punch, str]] = []
    inside = False
    for punch in punches:
        if rules.directions == "given" and punch.explicit:
            direction = punch.direction
        else:
            direction = OUT if inside else IN
        inside = direction in ARRIVING
        found.append((punch, direction))
    return found


def paired(punches: list[Punch], rules: Rules) -> list[Pair]:
    """Stays in order. A stay longer than the maximum is two missed punches."""
    if rules.pairing == "first_last":
        if not punches:
            return []
        if len(punches) == 1:
            return _alone(punches[0], rules)
        return _bounded([Pair(punches[0], punches[-1])], rules)
    pairs: list[Pair] = []
    arrived: Punch | None = None
    for punch, direction in directed(punches, rules):
        if direction in ARRIVING:
            if arrived is not None:
                pairs.append(Pair(arrived, None))
            arrived = punch
        else:
            pairs.append(Pair(arrived, punch))
            arrived = None
    if arrived is not None:
        pairs.append(Pair(arrived, None))
    return _bounded(pairs, rules)


def _alone(punch: Punch, rules: Rules) -> list[Pair]:
    """A single punch is half a pair; which half, its direction says, if it was given."""
    given = rules.directions == "given" and punch.explicit
    leaving = given and punch.direction in (OUT, BREAK_OUT)
    return [Pair(None, punch)] if leaving else [Pair(punch, None)]


def _bounded(pairs: list[Pair], rules: Rules) -> list[Pair]:
    longest = rules.maximum_minutes * MINUTE
    found: list[Pair] = []
    for pair in pairs:
        if pair.arrived and pair.left and pair.left.at - pair.arrived.at > longest:
            found += [Pair(pair.arrived, None), Pair(None, pair.left)]
        else:
            found.append(pair)
    return found
