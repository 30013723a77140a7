"""What holds of every day, whatever the punches and the rules."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from access.timesheet import Plan, Punch, Rules, Shift, by_day, days, workday
from access.timesheet.clock import minutes, moment, nights, rounded
from tests.timesheet.cases import shuffled
from tests.timesheet.oracle import differences, random_day

SEEDS = some.integers(0, 2**32 - 1)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")
INSTANTS = some.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(seed=SEEDS)
@settings(max_examples=400, deadline=None)
def test_the_slow_timesheet_agrees(seed: int) -> None:
    assert differences(*random_day(random.Random(seed))) == {}


@given(seed=SEEDS, order=SEEDS)
@settings(deadline=None)
def test_the_order_in_which_punches_arrive_changes_nothing(seed: int, order: int) -> None:
    day, made, plan = random_day(random.Random(seed))
    assert workday(day, shuffled(made, order), plan) == workday(day, made, plan)


@given(seed=SEEDS)
@settings(deadline=None)
def test_computing_twice_changes_nothing(seed: int) -> None:
    day, made, plan = random_day(random.Random(seed))
    assert workday(day, made, plan).as_json() == workday(day, made, plan).as_json()


@given(seed=SEEDS)
@settings(deadline=None)
def test_no_figure_is_negative_and_nobody_works_longer_than_they_were_there(seed: int) -> None:
    day, made, plan = random_day(random.Random(seed))
    found = workday(day, made, plan)
    assert all(value >= 0 for value in found.figures.values())
    if plan.rules.missed == "nothing" and made:
        unit = max(plan.rules.round_in_minutes, plan.rules.round_out_minutes)
        span = minutes((min(made).at, max(made).at))
        assert found["worked"] <= span + 2 * unit + 1
    assert found["night"] <= max(found["worked"] + found["break_deducted"], 0)
    assert found["overtime"] + found["overtime_unapproved"] <= found["worked"]


@given(seed=SEEDS)
@settings(deadline=None)
def test_every_punch_is_in_a_pair_or_left_out(seed: int) -> None:
    day, made, plan = random_day(random.Random(seed))
    found = workday(day, made, plan)
    used = {punch.id for pair in found.pairs for punch in (pair.arrived, pair.left) if punch}
    used |= {punch.id for punch in found.left_out}
    if plan.rules.pairing == "every_pair":
        assert used == {punch.id for punch in made}


@given(moments=some.lists(INSTANTS, max_size=30), seed=SEEDS, zone=some.sampled_from(ZONES))
@settings(deadline=None)
def test_a_punch_belongs_to_one_day_at_most_and_to_one_if_it_is_planned(
    moments: list[datetime], seed: int, zone: str
) -> None:
    chance = random.Random(seed)
    start = chance.choice((0, 480, 1320))
    shift = Shift("S", ((start, start + chance.choice((480, 700))),), before=60, after=60)
    plans = {
        date(2026, 1, 1) + timedelta(days=n - 2): Plan(
            zone=ZoneInfo(zone), shift=chance.choice((shift, None)), rules=Rules(day_cutoff=time(4))
        )
        for n in range(370)
    }
    made = [Punch(at, f"p{n}") for n, at in enumerate(moments)]
    found = by_day(made, plans)
    assert sorted(punch.id for day in found.values() for punch in day) == sorted(punch.id for punch in made)
    assert by_day(shuffled(made, seed), plans) == found


@given(day=some.dates(date(2026, 1, 1), date(2026, 12, 31)), zone=some.sampled_from(ZONES))
def test_a_day_lasts_from_cutoff_to_cutoff_23_24_or_25_hours(day: date, zone: str) -> None:
    plan = Plan(zone=ZoneInfo(zone), shift=None)
    before, after = moment(day, 240, plan.zone), moment(day, 1440 + 240, plan.zone)
    assert minutes((before, after)) / 60 in {23, 23.5, 24, 24.5, 25}
    plans = {day + timedelta(days=n): plan for n in (-1, 0, 1)}
    inside = [Punch(before, "first"), Punch(after - timedelta(seconds=1), "last"), Punch(after, "next")]
    found = by_day(inside, plans)
    assert [punch.id for punch in found[day]] == ["first", "last"]


@given(at=INSTANTS, unit=some.sampled_from((1, 5, 6, 10, 15, 30, 60)), zone=some.sampled_from(ZONES))
def test_rounding_moves_less_than_a_unit_to_a_full_one(at: datetime, unit: int, zone: str) -> None:
    at = at.replace(second=0, microsecond=0)
    where = ZoneInfo(zone)
    down, near, up = (rounded(at, unit, way, where) for way in ("down", "nearest", "up"))
    assert down <= at <= up
    assert near in (down, up)
    assert up - down < timedelta(minutes=2 * unit)
    assert rounded(down, unit, "nearest", where) == down or minutes((down, at)) == 0


@given(at=INSTANTS, length=some.integers(0, 3000), zone=some.sampled_from(ZONES))
def test_night_and_day_make_the_whole(at: datetime, length: int, zone: str) -> None:
    at = at.replace(second=0, microsecond=0)
    span = (at, at + timedelta(minutes=length))
    where = ZoneInfo(zone)
    dark = nights(span, time(22), time(6), where)
    light = nights(span, time(6), time(22), where)
    assert dark + light == length


def test_neighbouring_night_shifts_share_no_punch() -> None:
    zone = ZoneInfo("Europe/Berlin")
    plan = Plan(zone=zone, shift=Shift("N", ((22 * 60, 30 * 60),)))
    monday = date(2026, 3, 2)
    plans = {monday + timedelta(days=n): plan for n in range(-1, 4)}
    made = []
    for n in range(3):
        night = datetime.combine(monday + timedelta(days=n), time(22), zone)
        made += [
            Punch(night, f"in{n}", "in", True),
            Punch(night + timedelta(hours=8), f"out{n}", "out", True),
        ]
    found = days(made, plans, monday, monday + timedelta(days=2))
    assert [(day.status, day["worked"]) for day in found] == [("P", 480)] * 3


def test_a_shift_that_overlaps_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="follow one another"):
        Shift("X", ((480, 720), (700, 900)))
    with pytest.raises(ValueError, match="24 hours"):
        Shift("X", ((0, 720), (1000, 1500)))
