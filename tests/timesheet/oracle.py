"""A slow timesheet that is easy to believe: it walks through a day minute by minute and asks of each one
whether the person was there. `python -m tests.timesheet.oracle --days 100000` compares it with the real one.
"""

import argparse
import random
import sys
import time as clock
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from access.timesheet import Break, Day, Leave, Plan, Punch, Rules, Shift, workday

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
# Days around which clocks change somewhere, and ordinary ones.
DAYS = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25), date(2026, 3, 7),
        date(2026, 3, 8), date(2026, 10, 31), date(2026, 11, 1), date(2026, 4, 4), date(2026, 4, 5),
        date(2026, 10, 3), date(2026, 10, 4), date(2026, 6, 15), date(2026, 1, 2)]  # fmt: skip
COMPARED = (
    "planned", "worked", "break_taken", "break_deducted", "late", "early", "night", "missed",
    "overtime", "overtime_1", "overtime_2", "overtime_unapproved", "leave", "holiday", "paid",
)  # fmt: skip


def minute(at: datetime) -> int:
    """Minutes since 1970, the clock read to the minute."""
    return int(at.timestamp()) // 60


class Slow:
    """The figures of one day."""

    def __init__(self, day: date, made: list[Punch], plan: Plan) -> None:
        self.day, self.plan, self.rules = day, plan, plan.rules
        self.figures = dict.fromkeys(COMPARED, 0)
        self.expect()
        self.stay(self.count(sorted(made)))
        self.sum_up()

    def local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at * 60, UTC).astimezone(self.plan.zone)

    def wall(self, minutes: int) -> int:
        """The minute at which the wall clock shows this, counted from the day's midnight."""
        shown = datetime.combine(self.day, time()) + timedelta(minutes=minutes)
        return minute(shown.replace(tzinfo=self.plan.zone))

    def expect(self) -> None:
        """Every minute in which the person should be there, in the order of the day, part by part."""
        plan, shift = self.plan, self.plan.shift
        parts = shift.parts if shift else ()
        minutes = [list(range(self.wall(start), self.wall(end))) for start, end in parts]
        whole = shift.planned if shift else 0
        free = set()
        for leave in plan.leave:
            free |= {1, 2} if leave.part == "whole" else {1 if leave.part == "first_half" else 2}
        if plan.holiday and plan.short:
            free.add(2)
        if plan.holiday and not plan.short:
            free |= {1, 2}
        everything = [one for part in minutes for one in part]
        half = len(everything) // 2
        if free == {1, 2}:
            keep = set()
        elif free == {1}:
            keep = set(everything[half:])
        elif free == {2}:
            keep = set(everything[: len(everything) - half])
        else:
            keep = set(everything)
        self.parts = [[one for one in part if one in keep] for part in minutes]
        self.parts = [part for part in self.parts if part]
        self.whole, self.free = whole, free
        self.figures["planned"] = 0 if free == {1, 2} else whole - whole // 2 if free else whole

    def count(self, punches: list[Punch]) -> list[Punch]:
        kept: list[Punch] = []
        for punch in punches:
            if kept:
                last = kept[-1]
                near = (punch.at - last.at).total_seconds() < self.rules.duplicate_seconds
                differ = last.explicit and punch.explicit and last.direction != punch.direction
                if near and not differ:
                    continue
            kept.append(punch)
        return kept

    def stay(self, punches: list[Punch]) -> None:
        """Pairs as (arrived, left), each a punch or None."""
        pairs: list[tuple[Punch | None, Punch | None]] = []
        if self.rules.pairing == "first_last":
            if len(punches) > 1:
                pairs = [(punches[0], punches[-1])]
            elif punches:
                leaving = (
                    self.rules.directions == "given"
                    and punches[0].explicit
                    and punches[0].direction in ("out", "break_out")
                )
                pairs = [(None, punches[0])] if leaving else [(punches[0], None)]
        else:
            there: Punch | None = None
            for punch in punches:
                comes = there is None
                # After a punch out that nobody expected one is out, so the next guess is a punch in.
                if self.rules.directions == "given" and punch.explicit:
                    comes = punch.direction in ("in", "break_in")
                if comes:
                    if there:
                        pairs.append((there, None))
                    there = punch
                else:
                    pairs.append((there, punch))
                    there = None
            if there:
                pairs.append((there, None))
        self.pairs: list[tuple[Punch | None, Punch | None]] = []
        for arrived, left in pairs:
            if arrived and left and (left.at - arrived.at).total_seconds() > self.rules.maximum_minutes * 60:
                self.pairs += [(arrived, None), (None, left)]
            else:
                self.pairs.append((arrived, left))
        self.figures["missed"] = sum(1 for arrived, left in self.pairs if not arrived or not left)

    def turn(self, at: int, unit: int, way: str) -> int:
        """Minute by minute to the next full unit, or back to the last."""
        if unit <= 1:
            return at
        down = at
        while self.local(down).minute % unit:
            down -= 1
        up = at
        while self.local(up).minute % unit:
            up += 1
        if way == "down":
            return down
        if way == "up":
            return up
        return down if at - down < up - at else up

    def counts(self, at: int) -> bool:
        """Whether a minute at work counts, by the hours of the shift."""
        if not self.parts or any(at in part for part in self.parts):
            return True
        before = any(at < part[0] for part in self.parts)
        after = any(at > part[-1] for part in self.parts)
        return (before and self.rules.early_counts) or (after and self.rules.late_counts)

    def sum_up(self) -> None:
        rules, figures = self.rules, self.figures
        there: list[int] = []
        outs: list[int] = []
        last_end: int | None = None
        for arrived, left in self.pairs:
            if not (arrived and left):
                continue
            begin = self.turn(minute(arrived.at), rules.round_in_minutes, rules.round_in_way)
            end = self.turn(minute(left.at), rules.round_out_minutes, rules.round_out_way)
            there += [one for one in range(begin, end) if self.counts(one)]
            if last_end is not None:
                outs += range(last_end, begin)
            last_end = end
        breaks = [one for one in outs if not self.parts or any(one in part for part in self.parts)]
        figures["break_taken"] = len(breaks)
        self.late_and_early()
        if rules.missed == "planned":
            self.credit(there)
        there = sorted(set(there))
        worked = len(there)
        if rules.missed == "half_day" and figures["missed"] and figures["planned"]:
            worked = max(worked, figures["planned"] // 2)
        figures["worked"] = self.breaks(worked, len(breaks))
        figures["night"] = sum(1 for one in there if self.at_night(one))
        self.overtime()
        self.pay()

    def at_night(self, at: int) -> bool:
        """By the wall clock; at a clock change the night is what lies between the two instants."""
        begin, end = self.rules.night_begins, self.rules.night_ends
        if begin == end:
            return False
        length = (end.hour * 60 + end.minute - begin.hour * 60 - begin.minute) % 1440
        for offset in range(-2, 3):
            day = self.day + timedelta(days=offset)
            start = datetime.combine(day, begin)
            stop = start + timedelta(minutes=length)
            zone = self.plan.zone
            if minute(start.replace(tzinfo=zone)) <= at < minute(stop.replace(tzinfo=zone)):
                return True
        return False

    def late_and_early(self) -> None:
        for number, part in enumerate(self.parts):
            begin, end = part[0], part[-1] + 1
            earlier = self.parts[number - 1][-1] + 1 if number else None
            later = self.parts[number + 1][0] if number + 1 < len(self.parts) else None
            mine = []
            for arrived, left in self.pairs:
                come, gone = minute(arrived.at) if arrived else None, minute(left.at) if left else None
                if come is not None and gone is not None:
                    belongs = come < end and gone > begin
                elif come is not None:
                    belongs = come < end and (earlier is None or come > earlier)
                else:
                    assert gone is not None
                    belongs = gone > begin and (later is None or gone < later)
                if belongs:
                    mine.append((come, gone))
            if not mine:
                continue
            come, gone = mine[0][0], mine[-1][1]
            if come is not None and come - begin > self.rules.grace_in_minutes:
                self.figures["late"] += max(come - begin, 0)
            if gone is not None and end - gone > self.rules.grace_out_minutes:
                self.figures["early"] += max(end - gone, 0)

    def credit(self, there: list[int]) -> None:
        rules = self.rules
        for arrived, left in self.pairs:
            if arrived and left:
                continue
            for part in self.parts:
                begin, end = part[0], part[-1] + 1
                if arrived:
                    known = self.turn(
                        minute(arrived.at), self.rules.round_in_minutes, self.rules.round_in_way
                    )
                    more = range(known, end) if begin <= known < end else range(0)
                else:
                    assert left
                    known = self.turn(minute(left.at), rules.round_out_minutes, rules.round_out_way)
                    more = range(begin, known) if begin < known <= end else range(0)
                there += more

    def breaks(self, worked: int, taken: int) -> int:
        shift, rules, figures = self.plan.shift, self.rules, self.figures
        paid = min(taken, sum(one.minutes for one in shift.breaks if one.paid) if shift else 0)
        worked, unpaid = worked + paid, taken - paid
        allowance = rules.break_minutes
        if shift and shift.breaks:
            allowance = sum(one.minutes for one in shift.breaks if not one.paid)
        if rules.breaks == "excess":
            figures["break_deducted"] = max(unpaid - allowance, 0)
            return worked + min(unpaid, allowance)
        if rules.breaks == "allowance" and worked + unpaid > rules.break_after_minutes:
            figures["break_deducted"] = min(allowance, worked + unpaid)
            return worked + unpaid - figures["break_deducted"]
        figures["break_deducted"] = unpaid
        return worked

    def overtime(self) -> None:
        rules, figures, worked = self.rules, self.figures, self.figures["worked"]
        holiday = self.plan.holiday and not self.plan.short
        amounts = [0, 0]
        if (holiday and rules.overtime_holiday) or (
            not holiday and self.plan.shift is None and self.plan.planned and rules.overtime_rest_day
        ):
            amounts = [worked, 0]
        elif not holiday and self.plan.shift is not None and rules.overtime_daily:
            beyond = max(worked - figures["planned"], 0)
            if beyond < rules.overtime_after_minutes:
                beyond = 0
            tier = beyond if rules.tier_minutes is None else min(rules.tier_minutes, beyond)
            amounts = [tier, beyond - tier]
            if rules.overtime_approval:
                granted = min(tier, self.plan.approved)
                more = min(beyond - tier, self.plan.approved - granted)
                figures["overtime_1"], figures["overtime_2"] = granted, more
            else:
                figures["overtime_1"], figures["overtime_2"] = amounts
        figures["overtime"] = sum(amounts)
        if rules.overtime_approval:
            figures["overtime"] = min(sum(amounts), self.plan.approved)
            figures["overtime_unapproved"] = sum(amounts) - figures["overtime"]

    def pay(self) -> None:
        plan, figures, whole = self.plan, self.figures, self.whole
        if plan.holiday and whole:
            figures["holiday"] = whole // 2 if plan.short else whole
        if not plan.holiday or plan.short:
            halves = sum(whole if leave.part == "whole" else whole // 2 for leave in plan.leave if leave.paid)
            figures["leave"] = min(halves, whole - figures["holiday"])
        figures["paid"] = (
            figures["worked"] - figures["overtime_unapproved"] + figures["leave"] + figures["holiday"]
        )


def random_day(chance: random.Random) -> tuple[date, list[Punch], Plan]:
    """A day as strange as a week of real ones."""
    pick = chance.choice
    zone = ZoneInfo(pick(ZONES))
    day = pick(DAYS)
    start = pick((0, 6 * 60, 8 * 60, 9 * 60 + 30, 14 * 60, 22 * 60))
    length = pick((240, 480, 540, 600))
    parts: tuple[tuple[int, int], ...] = ((start, start + length),)
    if chance.random() < 0.2:
        pause = pick((30, 60, 180))
        parts = ((start, start + length // 2), (start + length // 2 + pause, start + length + pause))
    breaks = tuple(
        Break(pick((15, 30, 45, 60)), chance.random() < 0.3) for _number in range(pick((0, 0, 1, 2)))
    )
    shift = pick(
        (
            Shift("S", parts, breaks=breaks),
            Shift("S", parts, breaks=breaks),
            Shift("F", (), pick((240, 480)), breaks),
            None,
        )
    )
    rules = Rules(
        duplicate_seconds=pick((0, 60, 300)),
        directions=pick(("given", "in_turn")),
        pairing=pick(("every_pair", "every_pair", "first_last")),
        missed=pick(("nothing", "planned", "half_day")),
        maximum_minutes=pick((600, 960, 1440)),
        grace_in_minutes=pick((0, 5, 15)),
        grace_out_minutes=pick((0, 5, 15)),
        early_counts=chance.random() < 0.5,
        late_counts=chance.random() < 0.5,
        round_in_minutes=pick((1, 1, 5, 10, 15, 30, 60)),
        round_in_way=pick(("down", "up", "nearest")),
        round_out_minutes=pick((1, 1, 5, 6, 15, 30)),
        round_out_way=pick(("down", "up", "nearest")),
        breaks=pick(("actual", "excess", "allowance")),
        break_minutes=pick((0, 30, 60)),
        break_after_minutes=pick((0, 240, 360)),
        overtime_daily=chance.random() < 0.8,
        overtime_after_minutes=pick((0, 30)),
        overtime_rest_day=chance.random() < 0.5,
        overtime_holiday=chance.random() < 0.5,
        tier_minutes=pick((None, 60, 120)),
        overtime_approval=chance.random() < 0.3,
        night_begins=pick((time(22), time(23), time(0), time(2, 30))),
        night_ends=pick((time(4), time(6), time(2, 30))),
    )
    leave: tuple[Leave, ...] = ()
    if chance.random() < 0.15:
        leave = (Leave("UL", pick(("whole", "first_half", "second_half")), chance.random() < 0.7),)
    plan = Plan(
        zone=zone,
        shift=shift,
        rules=rules,
        planned=chance.random() < 0.9,
        holiday=pick(("", "", "", "", "", "Labour Day")),
        short=chance.random() < 0.3,
        leave=leave,
        approved=pick((0, 30, 120)),
    )
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    centre = start if chance.random() < 0.8 else pick((0, 720))
    made: list[Punch] = []
    at = midnight + timedelta(minutes=centre, seconds=chance.randint(-3600, 5400))
    for number in range(pick((0, 1, 2, 2, 3, 4, 4, 4, 5, 6))):
        way = pick(("in", "out")) if chance.random() < 0.1 else ("in", "out")[number % 2]
        if chance.random() < 0.1:
            way = {"in": "break_in", "out": "break_out"}[way]
        made.append(Punch(at, f"p{number}", way, chance.random() < 0.7))
        at += timedelta(seconds=pick((20, 45, 900, 1800, 3600, 4 * 3600, 5 * 3600)) + chance.randint(0, 1800))
    return day, made, plan


def differences(day: date, made: list[Punch], plan: Plan) -> dict[str, tuple[int, int]]:
    """Figures in which the two disagree: (fast, slow)."""
    fast: Day = workday(day, made, plan)
    slow = Slow(day, made, plan).figures
    return {name: (fast[name], slow[name]) for name in COMPARED if fast[name] != slow[name]}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the timesheet with a slow one on random days.")
    parser.add_argument("--days", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default: 1)")
    options = parser.parse_args()
    began = clock.monotonic()
    for number in range(options.days):
        found = random_day(random.Random(options.seed * 1_000_003 + number))
        if wrong := differences(*found):
            print(f"day {number}: {wrong}\n{found}")
            return 1
        if number % 5000 == 4999:
            print(f"{number + 1} days agree, {clock.monotonic() - began:.0f} s", file=sys.stderr)
    print(f"{options.days} random days agree in {len(COMPARED)} figures, {clock.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
