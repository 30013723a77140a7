"""Punches from lists: what is read, what is wrong with a row, and that a row is booked once."""

import csv
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from access.models import AuditEntry, Punch
from access.terminals import lists
from tests.factories import Cast

MAPPED = {"badge": "a", "time": "b"}
GOOD = "badge,time,direction\n00017,2026-03-02 07:58,in\n00018,2026-03-02 08:01:30,out\n"


def rows(text: str, cast: Cast, **options: Any) -> list[tuple[str, str, str]]:
    sheet = lists.read(text.encode(), site=cast.site, **options)
    return [(row.badge, row.at.isoformat() if row.at else row.error, row.direction) for row in sheet.rows]


@pytest.mark.parametrize(
    ("text", "options", "at"),
    [
        ("badge,time\n00017,2026-03-02 07:58\n", {}, "2026-03-02T06:58:00+00:00"),
        ("badge;time\n00017;2026-03-02 07:58:11\n", {}, "2026-03-02T06:58:11+00:00"),
        ("Badge No\tTimestamp\n00017\t2026-07-02T07:58:11\n", {}, "2026-07-02T05:58:11+00:00"),
        ("badge,time\n00017,2026-03-02T07:58:11-05:00\n", {}, "2026-03-02T12:58:11+00:00"),
        ("badge,time\n00017,2026-03-02T07:58:11Z\n", {}, "2026-03-02T07:58:11+00:00"),
        ("Badge;Date;Time\n00017;02.03.2026;7:58\n", {}, "2026-03-02T06:58:00+00:00"),
        ("badge,time\n00017,02/03/2026 07:58\n", {"days": "dmy"}, "2026-03-02T06:58:00+00:00"),
        ("badge,time\n00017,02/03/2026 07:58\n", {"days": "mdy"}, "2026-02-03T06:58:00+00:00"),
        ("badge,time\n00017,03/02/2026 7:58 PM\n", {"days": "mdy"}, "2026-03-02T18:58:00+00:00"),
        ("a,b\n00017,2026-03-02 07:58\n", {"columns": MAPPED}, "2026-03-02T06:58:00+00:00"),
        ("badge,time\n'00017,2026-03-02 07:58\n", {}, "2026-03-02T06:58:00+00:00"),
        ('badge,time\n"00017","2026-03-02 07:58"\n\n\n', {}, "2026-03-02T06:58:00+00:00"),
    ],
)  # fmt: skip
def test_a_row_in_the_shapes_people_have(cast: Cast, text: str, options: dict[str, Any], at: str) -> None:
    assert rows(text, cast, **options) == [("00017", at, "")]
    assert rows("\ufeff" + text, cast, **options) == [("00017", at, "")]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("4711,2026-03-02 07:58,in", "Nobody has the badge number “4711”"),
        (",2026-03-02 07:58,in", "Nobody has the badge number “”"),
        ("00017,2026-03-02,in", "no time such as"),
        ("00017,02/03/2026 07:58,in", "no time such as"),
        ("00017,soon,in", "no time such as"),
        ("00017,,in", "no time such as"),
        ("00017,2026-03-02 07:58,sideways", "no direction"),
        ("00017,2099-03-02 07:58,in", "future"),
        ("00017,1999-03-02 07:58,in", "before 2000"),
        ("00017,0001-01-01 00:00,in", "no time such as"),
        ("00017", "no time such as"),
    ],
)
def test_a_row_with_an_error_says_what_is_wrong(cast: Cast, line: str, error: str) -> None:
    sheet = lists.read(f"{GOOD}{line}\n".encode(), site=cast.site)
    [row] = sheet.errors
    assert (row.number, len(sheet.new)) == (4, 2)
    assert error in row.error


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "header"),
        (b"badge,time\n", "no rows"),
        (b"name,when\nx,y\n", "Columns named badge and time"),
        (b"PK\x03\x04\x00\x00", "no CSV"),
    ],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(cast: Cast, data: bytes, said: str) -> None:
    with pytest.raises(lists.Unusable, match=said):
        lists.read(data, site=cast.site)


def test_a_row_is_booked_once_however_often_it_comes(cast: Cast) -> None:
    sheet = lists.read((GOOD + GOOD.split("\n", 1)[1]).encode(), site=cast.site)
    assert (len(sheet.new), sheet.known) == (2, 2)
    assert lists.book(sheet, by="test") == 2
    assert lists.book(sheet) == 0, "another import of the same rows came first"
    other_shape = b"Time;Direction;Badge\n2026-03-02T07:58:00+01:00;IN;00017\n"
    again = lists.read(other_shape, site=cast.site)
    assert (len(again.new), again.known) == (0, 1)
    assert list(Punch.objects.order_by("at").values_list("person", "direction", "explicit", "source")) == [
        (cast.alice.pk, "in", True, "import"),
        (cast.bob.pk, "out", True, "import"),
    ]
    entry = AuditEntry.objects.filter(action="punches.imported").first()
    assert entry.details == {"punches": 0, "errors": 0, "known": 2}


def test_rows_without_a_direction_are_in_and_out_in_turn_whatever_their_order(cast: Cast) -> None:
    text = "badge,time\n00017,2026-03-02 16:00\n00017,2026-03-02 08:00\n"
    lists.book(lists.read(text.encode(), site=cast.site))
    assert list(Punch.objects.order_by("at").values_list("direction", "explicit")) == [
        ("in", False),
        ("out", False),
    ]


def test_the_hour_that_comes_twice_marks_its_punch(cast: Cast) -> None:
    text = "badge,time,direction\n00017,2025-10-26 02:30,in\n00017,2025-10-26 03:30,out\n"
    lists.book(lists.read(text.encode(), site=cast.site))
    assert list(Punch.objects.order_by("at").values_list("suspect", flat=True)) == [True, False]


def test_the_command_looks_first_and_reports_rows(cast: Cast, tmp_path: Path, capsys: Any) -> None:
    source, report = tmp_path / "list.csv", tmp_path / "errors.csv"
    source.write_text(GOOD + "=4711,2026-03-02 07:58,in\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        call_command("import_punches", str(source), "Works", "--dry-run", "--report", str(report))
    assert not Punch.objects.exists()
    said = capsys.readouterr()
    assert "2 punches can be booked" in said.out
    assert "row 4:" in said.err
    with report.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert (header[0], header[-1], row[0], row[1]) == ("row", "error", "4", "'=4711")
    with pytest.raises(SystemExit):
        call_command("import_punches", str(source), "Works")
    assert Punch.objects.count() == 2
    with pytest.raises(CommandError, match="'Nowhere'"):
        call_command("import_punches", str(source), "Nowhere")
    with pytest.raises(CommandError, match="--column knows"):
        call_command("import_punches", str(source), "Works", "--column", "colour=x")
    with pytest.raises(CommandError, match="no column “x”"):
        call_command("import_punches", str(source), "Works", "--column", "badge=x")
