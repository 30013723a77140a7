"""Many days of one person, and what only a whole week can tell: weekly overtime."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby

from access.timesheet.day import workday
from access.timesheet.facts import Day, Plan, Punch, Step
from access.timesheet.punches import by_day

WEEK = timedelta(days=7)


def days(made: Iterable[Punch], plans: Mapping[date, Plan], first: date, last: date) -> list[Day]:
    """Each day from the first to the last that has a plan.

    Plans (and punches) should reach from `margin(first)` to the day after the last: neighbours may claim a
    punch, and weekly overtime counts from Monday.
    """
    belonging = by_day(made, plans)
    found = [workday(day, belonging[day], plans[day]) for day in sorted(plans)]
    return [day for day in with_weeks(found, plans) if first <= day.day <= last]


def margin(first: date) -> date:
    """The Monday of the week, or the day before if the day is a Monday: from there facts are needed."""
    return min(first - timedelta(days=first.weekday()), first - timedelta(days=1))


def with_weeks(found: Iterable[Day], plans: Mapping[date, Plan]) -> list[Day]:
    """The days, in order, with weekly overtime: work beyond the weekly hours that is not overtime already.

    It falls on the days on which the limit is passed. The rules of the week's last known day hold.
    """
    whole: list[Day] = []
    for _monday, group in groupby(
        sorted(found, key=lambda day: day.day), key=lambda day: day.day - timedelta(days=day.day.weekday())
    ):
        week = list(group)
        limit = plans[week[-1].day].rules.weekly_minutes
        whole += week if limit is None else _beyond(week, limit, plans)
    return whole


def _beyond(week: list[Day], limit: int, plans: Mapping[date, Plan]) -> list[Day]:
    done, found = 0, []
    for day in week:
        normal = day["worked"] - day["overtime"] - day["overtime_unapproved"]
        over = max(done + normal - limit, 0) - max(done - limit, 0)
        done += normal
        found.append(_added(day, over, plans[day.day]) if over else day)
    return found


def _added(day: Day, over: int, plan: Plan) -> Day:
    figures = dict(day.figures)
    granted = over
    if plan.rules.overtime_approval:
        granted = min(over, max(plan.approved - figures["overtime"], 0))
        figures["overtime_unapproved"] += over - granted
        figures["paid"] -= over - granted
    figures["overtime_weekly"] = granted
    figures["overtime"] += granted
    return replace(day, figures=figures, steps=(*day.steps, Step("overtime_weekly", {"minutes": granted})))
