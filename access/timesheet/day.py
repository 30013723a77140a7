"""One working day from its punches and its plan: the rules, one after the other, each leaving a step behind.

The order is the order of the functions here and of README.md: stays, rounding, what counts of them, late and
early, missed punches, breaks, status, overtime, night, what is paid.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from access.timesheet import clock, punches
from access.timesheet.clock import Span, moment, total
from access.timesheet.facts import FIGURES, Day, Pair, Plan, Punch, Step


@dataclass
class _Work:
    """The day while it is being worked out."""

    day: date
    plan: Plan
    parts: list[Span]
    planned: int
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIGURES, 0))
    steps: list[Step] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def note(self, code: str, /, **values: Any) -> None:
        self.steps.append(Step(code, values))

    def shown(self, at: datetime) -> str:
        """The time as the wall clock of the site shows it."""
        return at.astimezone(self.plan.zone).strftime("%H:%M")


def workday(day: date, made: Iterable[Punch], plan: Plan) -> Day:
    """The day as these rules make it; `made` are the punches that belong to it (see punches.by_day)."""
    kept, left_out = punches.counting(made, plan.rules)
    work = _expected(day, plan)
    for punch in left_out:
        work.note("duplicate", time=work.shown(punch.at), seconds=plan.rules.duplicate_seconds)
    pairs = [_counted(work, pair) for pair in punches.paired(kept, plan.rules)]
    missed = [pair for pair in pairs if pair.missed]
    gaps = _gaps(work, pairs)
    _late_and_early(work, pairs)
    _credit_missed(work, missed)
    work.figures["worked"] = total(work.spans)
    _credit_half_day(work, missed)
    _breaks(work, gaps)
    status = _status(work, missed)
    _overtime(work, status)
    _night(work)
    _pay(work, status)
    shift = plan.shift.code if plan.shift else ""
    return Day(day, status, shift, work.figures, tuple(pairs), tuple(work.steps), tuple(left_out))


def _expected(day: date, plan: Plan) -> _Work:
    """The hours that are expected: the shift's, less the halves that leave or a short holiday takes away."""
    shift = plan.shift
    parts = [(moment(day, start, plan.zone), moment(day, end, plan.zone)) for start, end in _parts(plan)]
    whole = shift.planned if shift else 0
    free = _free_halves(plan)
    if (plan.holiday and not plan.short) or free == {"first_half", "second_half"}:
        expected, parts = 0, []
    elif free:
        expected = whole - whole // 2
        half = total(parts) // 2
        parts = _without(parts, half, first="first_half" in free)
    else:
        expected = whole
    work = _Work(day, plan, parts, expected)
    work.figures["planned"] = expected
    if shift is not None:
        work.note("shift", code=shift.code, times=_times(work, parts), minutes=expected)
    if plan.holiday:
        work.note("short_holiday" if plan.short else "holiday", name=plan.holiday)
    for leave in plan.leave:
        work.note("leave", code=leave.code, part=leave.part, paid=leave.paid)
    return work


def _parts(plan: Plan) -> tuple[tuple[int, int], ...]:
    return plan.shift.parts if plan.shift else ()


def _times(work: _Work, parts: list[Span]) -> str:
    return ", ".join(f"{work.shown(begins)}–{work.shown(ends)}" for begins, ends in parts)


def _free_halves(plan: Plan) -> set[str]:
    halves: set[str] = set()
    for leave in plan.leave:
        halves |= {"first_half", "second_half"} if leave.part == "whole" else {leave.part}
    if plan.holiday and plan.short:
        halves.add("second_half")
    return halves


def _without(parts: list[Span], minutes: int, *, first: bool) -> list[Span]:
    """The parts without so many minutes at their beginning, or at their end."""
    left: list[Span] = []
    for begins, ends in parts if first else reversed(parts):
        gone = min(minutes, clock.minutes((begins, ends)))
        minutes -= gone
        kept = (begins + gone * clock.MINUTE, ends) if first else (begins, ends - gone * clock.MINUTE)
        if kept[0] < kept[1]:
            left.append(kept)
    return left if first else left[::-1]


def _counted(work: _Work, pair: Pair) -> Pair:
    """The pair with what counts of it: rounded, and cut to the hours that count."""
    rules = work.plan.rules
    begins = ends = None
    if pair.arrived is not None:
        read = clock.read(pair.arrived.at)
        begins = clock.rounded(read, rules.round_in_minutes, rules.round_in_way, work.plan.zone)
        if begins != read:
            work.note("rounded_in", time=work.shown(read), to=work.shown(begins), unit=rules.round_in_minutes)
    if pair.left is not None:
        read = clock.read(pair.left.at)
        ends = clock.rounded(read, rules.round_out_minutes, rules.round_out_way, work.plan.zone)
        if ends != read:
            work.note("rounded_out", time=work.shown(read), to=work.shown(ends), unit=rules.round_out_minutes)
    if begins is not None and ends is not None:
        counting = _allowed(work, (begins, max(begins, ends)))
        # Rounding may let two stays overlap; no minute counts twice.
        for span in counting:
            work.spans += _apart(span, work.spans)
        cut = clock.minutes((begins, ends)) - total(counting)
        if cut:
            work.note("outside", minutes=cut)
    return replace(pair, begins=begins, ends=ends)


def _allowed(work: _Work, span: Span) -> list[Span]:
    """What of a stay counts: all of it, or without the time before or after the parts of a fixed shift."""
    rules = work.plan.rules
    if not work.parts or (rules.early_counts and rules.late_counts):
        return [span] if span[0] < span[1] else []
    within: list[Span] = []
    for number, (begins, ends) in enumerate(work.parts):
        before = work.parts[number - 1][1] if number else min(span[0], begins)
        after = work.parts[number + 1][0] if number + 1 < len(work.parts) else max(span[1], ends)
        within.append((before if rules.early_counts else begins, after if rules.late_counts else ends))
    return clock.common([span], within)


def _gaps(work: _Work, pairs: list[Pair]) -> list[Span]:
    """Time out between two stays, within the hours of work: breaks, not the pause of a split shift."""
    whole = [pair for pair in pairs if not pair.missed]
    gaps: list[Span] = []
    for earlier, later in pairwise(whole):
        if earlier.ends and later.begins and earlier.ends < later.begins:
            gaps.append((earlier.ends, later.begins))
    found = clock.common(gaps, work.parts) if work.parts else gaps
    work.figures["break_taken"] = total(found)
    return found


def _late_and_early(work: _Work, pairs: list[Pair]) -> None:
    """By the times read, not the rounded ones. Within the grace one is on time; beyond it, all counts."""
    rules = work.plan.rules
    stays = [(_read(pair.arrived), _read(pair.left)) for pair in pairs]
    for number, part in enumerate(work.parts):
        next_start = work.parts[number + 1][0] if number + 1 < len(work.parts) else None
        last_end = work.parts[number - 1][1] if number else None
        mine = [stay for stay in stays if _touches(stay, part, last_end, next_start)]
        if not mine:
            continue
        arrived, left = mine[0][0], mine[-1][1]
        if arrived is not None and arrived > part[0]:
            _tardy(work, "late", arrived, clock.minutes((part[0], arrived)), rules.grace_in_minutes)
        if left is not None and left < part[1]:
            _tardy(work, "early", left, clock.minutes((left, part[1])), rules.grace_out_minutes)


def _read(punch: Punch | None) -> datetime | None:
    return clock.read(punch.at) if punch else None


def _touches(
    stay: tuple[datetime | None, datetime | None],
    part: Span,
    last_end: datetime | None,
    next_start: datetime | None,
) -> bool:
    """Whether a stay, or what is known of it, lies in this part of the shift."""
    arrived, left = stay
    if arrived is not None and left is not None:
        return arrived < part[1] and left > part[0]
    if arrived is not None:
        return arrived < part[1] and (last_end is None or arrived > last_end)
    return left is not None and left > part[0] and (next_start is None or left < next_start)


def _tardy(work: _Work, name: str, at: datetime, minutes: int, grace: int) -> None:
    if minutes > grace:
        work.figures[name] += minutes
        work.note(name, time=work.shown(at), minutes=minutes, grace=grace)
    else:
        work.note(f"{name}_within_grace", time=work.shown(at), minutes=minutes, grace=grace)


def _credit_missed(work: _Work, missed: list[Pair]) -> None:
    """A punch without its counterpart: nothing, or up to the planned time."""
    work.figures["missed"] = len(missed)
    for pair in missed:
        known = pair.begins or pair.ends
        if known is None:
            continue
        code = "missed_out" if pair.left is None else "missed_in"
        work.note(code, time=work.shown(known), policy=work.plan.rules.missed)
        if work.plan.rules.missed != "planned":
            continue
        for begins, ends in work.parts:
            if begins <= known < ends and pair.left is None:
                work.spans += _apart((known, ends), work.spans)
            elif begins < known <= ends and pair.arrived is None:
                work.spans += _apart((begins, known), work.spans)


def _apart(span: Span, others: list[Span]) -> list[Span]:
    """The span without what others already count: no minute counts twice."""
    rest = [span]
    for other in others:
        rest = [
            piece
            for begins, ends in rest
            for piece in ((begins, min(ends, other[0])), (max(begins, other[1]), ends))
            if piece[0] < piece[1]
        ]
    return rest


def _credit_half_day(work: _Work, missed: list[Pair]) -> None:
    if missed and work.plan.rules.missed == "half_day" and work.planned:
        credit = max(work.planned // 2 - work.figures["worked"], 0)
        work.figures["worked"] += credit
        work.note("missed_half_day", minutes=credit)


def _breaks(work: _Work, gaps: list[Span]) -> None:
    """Paid breaks first; then the unpaid ones: as taken, only their excess, or always the allowance."""
    rules, shift, figures = work.plan.rules, work.plan.shift, work.figures
    taken = total(gaps)
    paid = min(taken, shift.paid if shift else 0)
    if paid:
        figures["worked"] += paid
        work.note("paid_break", minutes=paid)
    unpaid = taken - paid
    allowance = shift.unpaid if shift and shift.breaks else rules.break_minutes
    if rules.breaks == "excess":
        back = min(unpaid, allowance)
        figures["worked"] += back
        figures["break_deducted"] = unpaid - back
        if unpaid:
            work.note("break_excess", taken=unpaid, allowance=allowance, minutes=unpaid - back)
    elif rules.breaks == "allowance" and figures["worked"] + unpaid > rules.break_after_minutes:
        gross = figures["worked"] + unpaid
        deducted = min(allowance, gross)
        figures["worked"] = gross - deducted
        figures["break_deducted"] = deducted
        work.note("break_allowance", minutes=deducted, after=rules.break_after_minutes)
    else:
        figures["break_deducted"] = unpaid
        if unpaid:
            work.note("break_actual", minutes=unpaid)


def _status(work: _Work, missed: list[Pair]) -> str:
    plan, worked = work.plan, work.figures["worked"]
    if plan.holiday and not plan.short:
        return "HP" if worked or missed else "H"
    if plan.shift is None:
        if worked or missed:
            return "WP" if plan.planned else "P"
        if plan.leave:
            return "L"
        return "WO" if plan.planned else "NP"
    halves = _free_halves(plan) if plan.leave else set()
    if halves == {"first_half", "second_half"} and not worked and not missed:
        return "L"
    if not worked:
        return "M" if missed else "A"
    if plan.leave:
        return "HL"
    return _measured(work)


def _measured(work: _Work) -> str:
    """Present, half a day or absent, by the minimum that a whole and half a day need."""
    rules, worked = work.plan.rules, work.figures["worked"]
    if worked < rules.half_day_minutes:
        work.note("below_half_day", minutes=worked, least=rules.half_day_minutes)
        return "A"
    if worked < rules.minimum_minutes:
        work.note("below_whole_day", minutes=worked, least=rules.minimum_minutes)
        return "HD"
    return "P"


def _overtime(work: _Work, status: str) -> None:
    """By the day: what exceeds the planned hours, or all work of a rest day or holiday."""
    rules, figures, worked = work.plan.rules, work.figures, work.figures["worked"]
    if status == "HP" and rules.overtime_holiday:
        figures["overtime_holiday"] = worked
    elif status == "WP" and rules.overtime_rest_day:
        figures["overtime_rest"] = worked
    elif work.plan.shift is not None and rules.overtime_daily and status != "HP":
        beyond = max(worked - work.planned, 0)
        if 0 < beyond < rules.overtime_after_minutes:
            work.note("overtime_too_little", minutes=beyond, least=rules.overtime_after_minutes)
            beyond = 0
        first = beyond if rules.tier_minutes is None else min(beyond, rules.tier_minutes)
        figures["overtime_1"], figures["overtime_2"] = first, beyond - first
    for name in ("overtime_holiday", "overtime_rest", "overtime_1", "overtime_2"):
        if figures[name]:
            work.note(name, minutes=figures[name])
    if rules.overtime_approval:
        _approve(work)
    figures["overtime"] = sum(
        figures[name] for name in ("overtime_holiday", "overtime_rest", "overtime_1", "overtime_2")
    )


def _approve(work: _Work) -> None:
    """Overtime counts as far as it was approved; what was not is shown, and not paid."""
    left = work.plan.approved
    for name in ("overtime_holiday", "overtime_rest", "overtime_1", "overtime_2"):
        granted = min(work.figures[name], left)
        left -= granted
        work.figures["overtime_unapproved"] += work.figures[name] - granted
        work.figures[name] = granted
    if work.figures["overtime_unapproved"]:
        work.note("unapproved", minutes=work.figures["overtime_unapproved"], approved=work.plan.approved)


def _night(work: _Work) -> None:
    rules = work.plan.rules
    work.figures["night"] = sum(
        clock.nights(span, rules.night_begins, rules.night_ends, work.plan.zone) for span in work.spans
    )
    if work.figures["night"]:
        work.note("night", minutes=work.figures["night"])


def _pay(work: _Work, status: str) -> None:
    """Work without unapproved overtime, paid leave, and the planned hours of a holiday."""
    plan, figures = work.plan, work.figures
    whole = plan.shift.planned if plan.shift else 0
    half = whole // 2
    if plan.holiday and whole:
        figures["holiday"] = half if plan.short else whole
    if not (plan.holiday and not plan.short):
        for leave in plan.leave:
            if leave.paid:
                figures["leave"] += whole if leave.part == "whole" else half
        figures["leave"] = min(figures["leave"], whole - figures["holiday"])
    if status == "A":
        work.note("absent")
    figures["paid"] = (
        figures["worked"] - figures["overtime_unapproved"] + figures["leave"] + figures["holiday"]
    )
