"""What a terminal's line means, the hours that a change of the clock leaves out or repeats among them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.terminals import lines
from access.terminals.lines import Flag

BERLIN = ZoneInfo("Europe/Berlin")
wall = datetime.fromisoformat


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("17\t2026-03-02 07:58:11\t0\t15\t0\t0", ("17", "2026-03-02 07:58:11", "in", "15")),
        ("17\t2026-03-02 07:58:11\t1\t1", ("17", "2026-03-02 07:58:11", "out", "1")),
        ("17\t2026-03-02 07:58:11\t2\t1", ("17", "2026-03-02 07:58:11", "break_out", "1")),
        ("17\t2026-03-02 07:58:11\t3\t1", ("17", "2026-03-02 07:58:11", "break_in", "1")),
        ("17\t2026-03-02 07:58:11\t4\t1", ("17", "2026-03-02 07:58:11", "in", "1")),
        ("17\t2026-03-02 07:58:11\t5\t1", ("17", "2026-03-02 07:58:11", "out", "1")),
        ("17\t2026-03-02 07:58:11\t255\t1", ("17", "2026-03-02 07:58:11", "", "1")),
        ("17\t2026-03-02 07:58:11\t9\t1", ("17", "2026-03-02 07:58:11", "", "1")),
        ("17\t2026-03-02 07:58:11", ("17", "2026-03-02 07:58:11", "", "")),
        (" 00017 \t2026-03-02 07:58:11\t\t", ("00017", "2026-03-02 07:58:11", "", "")),
        ("2026-03-02 07:58:11", None),
        ("\t2026-03-02 07:58:11\t0\t1", None),
        ("17\t2026-02-30 07:58:11\t0\t1", None),
        ("17\t2026-03-02T07:58:11\t0\t1", None),
        ("17\t2026-03-02 07:58:11\tx\t1", None),
        ("17\t2026-03-02 07:58:11\t-1\t1", None),
        ("1" * 25 + "\t2026-03-02 07:58:11\t0\t1", None),
    ],
)
def test_a_line_of_the_attendance_log(raw: str, read: tuple[str, str, str, str] | None) -> None:
    tap = lines.read(raw)
    assert (tap and (tap.pin, str(tap.wall), tap.direction, tap.verify)) == read


@pytest.mark.parametrize(
    ("told", "utc", "flag"),
    [
        ("2026-03-02T07:58:11", "2026-03-02T06:58:11+00:00", Flag.NONE),
        ("2026-07-02T07:58:11", "2026-07-02T05:58:11+00:00", Flag.NONE),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59+00:00", Flag.NONE),
        ("2026-03-29T02:00:00", "2026-03-29T01:00:00+00:00", Flag.GAP),
        ("2026-03-29T02:59:59", "2026-03-29T01:59:59+00:00", Flag.GAP),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00+00:00", Flag.NONE),
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59+00:00", Flag.NONE),
        ("2026-10-25T02:00:00", "2026-10-25T00:00:00+00:00", Flag.OVERLAP),
        ("2026-10-25T02:59:59", "2026-10-25T00:59:59+00:00", Flag.OVERLAP),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00+00:00", Flag.NONE),
    ],
)
def test_wall_time_in_a_zone(told: str, utc: str, flag: Flag) -> None:
    assert lines.moment(wall(told), BERLIN) == (datetime.fromisoformat(utc), flag)


@given(st.datetimes(wall("2000-01-01"), wall("2099-12-31")))
def test_only_a_flagged_wall_time_reads_back_as_another(told: datetime) -> None:
    at, flag = lines.moment(told, BERLIN)
    assert (at.astimezone(BERLIN).replace(tzinfo=None) == told) or flag is Flag.GAP


def test_the_clock_as_the_firmware_counts() -> None:
    assert lines.packed(wall("2000-01-01")) == 0
    assert lines.packed(wall("2000-02-01T00:00:01")) == 31 * 86_400 + 1
    assert lines.packed(wall("2026-11-24T02:30")) == (26 * 12 * 31 + 10 * 31 + 23) * 86_400 + 9000
