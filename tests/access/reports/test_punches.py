"""Attendance lists: the right punches, real dates, and nothing a spreadsheet would run."""

import csv
import io
import itertools
import re
import tracemalloc
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access import attendance, snapshots
from access.models import AuditEntry, Department, Kiosk, Person, Punch, Staff
from access.reports import csv_file, workbook
from access.reports.filters import Asked
from access.reports.punches import COLUMNS, REPORT
from access.reports.shape import Row
from tests import factories
from tests.factories import Cast, at

DAY = date(2026, 3, 2)
HEADINGS = [str(column.title) for column in COLUMNS]


def named(name: str) -> Row:
    moment = datetime(2026, 3, 2, 8, 0, 5, 250_000, ZoneInfo("Europe/Berlin"))
    cells = (
        "00017",
        name,
        "Flight",
        DAY,
        moment,
        "Europe/Berlin",
        "in",
        "Works",
        "Front door",
        "Kiosk 1",
        "kiosk",
    )
    return Row("key", cells)


ROW = named("Alice Able")


def read_csv(rows: Iterable[Row]) -> list[list[str]]:
    content = b"".join(csv_file.write(COLUMNS, rows))
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(rows: Iterable[Row]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(b"".join(workbook.write(COLUMNS, rows, title="Punches"))))


def shown(value: str) -> str:
    """The text as a spreadsheet shows it: _x000D_ stands for a character (ECMA-376 part 1, 22.9.2.19)."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), value)


# --- The two files --------------------------------------------------------------------------------


def test_csv_says_everything_as_text() -> None:
    assert read_csv([ROW]) == [
        HEADINGS,
        [
            "00017",
            "Alice Able",
            "Flight",
            "2026-03-02",
            "08:00:05",
            "Europe/Berlin",
            "in",
            "Works",
            "Front door",
            "Kiosk 1",
            "kiosk",
        ],
    ]


def test_xlsx_has_real_dates_and_text_badges() -> None:
    sheet = read_xlsx([ROW])["Punches"]
    badge, name, _department, day, clock, *_rest = sheet[2]
    assert [cell.value for cell in sheet[1]] == HEADINGS
    assert (badge.value, badge.data_type, badge.number_format) == ("00017", "s", "@")
    assert (name.value, name.data_type) == ("Alice Able", "s")
    assert (day.value, day.is_date, day.number_format) == (datetime(2026, 3, 2), True, "yyyy-mm-dd")  # noqa: DTZ001
    assert (clock.value.isoformat(), clock.number_format) == ("08:00:05", "hh:mm:ss")
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:K2")


def test_without_punches_both_files_hold_the_headings() -> None:
    assert read_csv([]) == [HEADINGS]
    assert [[cell.value for cell in row] for row in read_xlsx([]).active.rows] == [HEADINGS]


@pytest.mark.parametrize(
    "name",
    [
        "Jürgen Groß",
        "李小龍",
        "O'Brien, Ann-Marie",
        'Bob "the" Best',
        "محمد",
        "Zoë Ærø",
        "_x0041_",
        "007",
        "1e5",
        "TRUE",
    ],
)
def test_names_survive_both_files_unchanged(name: str) -> None:
    assert read_csv([named(name)])[1][1] == name
    cell = read_xlsx([named(name)])["Punches"]["B2"]
    assert (shown(cell.value), cell.data_type) == (name, "s")


# --- Formulas -------------------------------------------------------------------------------------

SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "−"]
BLANKS = ["", " ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u200b", "\ufeff"]
CORPUS = [f"{blank}{sign}1+1" for blank, sign in itertools.product(BLANKS, SIGNS)]
CORPUS += ["\tx", "\rx", "\nx", "=cmd|'/C calc'!A0", "@SUM(1)", '=HYPERLINK("http://x","y")', "-", "+"]
CORPUS += ["Bob;=1+1", "Bob;  =1+1", "Bob\n=1+1", "Bob\t@x", "Bob|=1", ";=1", "a;b;-c"]


def test_the_corpus_is_no_smaller_than_promised() -> None:
    assert len(set(CORPUS)) >= 60


@pytest.mark.parametrize("text", CORPUS, ids=[ascii(text) for text in CORPUS])
def test_nothing_in_a_csv_begins_like_a_formula_in_any_locale(text: str) -> None:
    [_head, row] = read_csv([named(text)])
    for cell in re.split(r"[;|\t\r\n]", row[1]):
        first = unicodedata.normalize("NFKC", cell.lstrip(" \u00a0\u200b\ufeff"))[:1]
        assert first not in {"=", "+", "-", "@", "−"}
    assert not row[1].startswith(("\t", "\r", "\n"))
    assert row[1].replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", CORPUS, ids=[ascii(text) for text in CORPUS])
def test_in_a_workbook_such_a_text_stays_what_it_is_and_is_no_formula(text: str) -> None:
    cell = read_xlsx([named(text)])["Punches"]["B2"]
    assert cell.data_type == "s"
    assert shown(cell.value) == text


# --- Size -----------------------------------------------------------------------------------------


def test_what_one_sheet_cannot_hold_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 2)
    book = read_xlsx([named(f"Person {n}") for n in range(5)])
    sheets = {sheet.title: [row[1] for row in sheet.values] for sheet in book}
    assert sheets == {
        "Punches": ["Name", "Person 0", "Person 1"],
        "Punches 2": ["Name", "Person 2", "Person 3"],
        "Punches 3": ["Name", "Person 4"],
    }


@pytest.mark.parametrize("layout", ["csv", "xlsx"])
def test_a_long_list_takes_time_and_not_memory(layout: str) -> None:
    def many(count: int) -> int:
        rows = (named(f"Person number {n}") for n in range(count))
        chunks = (
            csv_file.write(COLUMNS, rows)
            if layout == "csv"
            else workbook.write(COLUMNS, rows, title="Punches")
        )
        tracemalloc.start()
        size = sum(len(chunk) for chunk in chunks)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > count * 8
        return peak

    many(10)  # whatever is imported or cached by the first use
    assert many(4_000) - many(400) < 300_000


# --- Which punches --------------------------------------------------------------------------------


def punch(person: Person, when: str, kiosk: Kiosk, direction: str = "in") -> Punch:
    snapshot, _new = snapshots.receive(kiosk, factories.sent())
    return attendance.note_punch(
        person, at=at(when), direction=direction, kiosk=kiosk, snapshot_id=snapshot.pk
    )


def listed(first: date = DAY, last: date = DAY, **options: Any) -> list[tuple[str, str]]:
    staff = Staff(is_superuser=True, is_active=True)
    rows = REPORT.rows(Asked(first, last, **options), staff)
    return [(row.cells[1], row.cells[4].replace(tzinfo=None).isoformat(" ")) for row in rows]


@pytest.fixture
def far(cast: Cast) -> dict[str, Kiosk]:
    """A kiosk in each of some zones, Berlin's being the cast's."""
    kiosks = {"Europe/Berlin": cast.kiosk}
    for zone in ("Pacific/Kiritimati", "Pacific/Niue", "America/New_York", "Asia/Kathmandu"):
        kiosks[zone] = factories.kiosk(factories.door(factories.site(zone=zone)))[0]
    return kiosks


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "offset", "before"),
    [
        ("Europe/Berlin", "+01:00", "+01:00"),
        ("Pacific/Kiritimati", "+14:00", "+14:00"),
        ("Pacific/Niue", "-11:00", "-11:00"),
        ("America/New_York", "-05:00", "-05:00"),
        ("Asia/Kathmandu", "+05:45", "+05:45"),
    ],
)
def test_a_day_begins_and_ends_at_its_sites_midnight(
    cast: Cast, far: dict[str, Kiosk], zone: str, offset: str, before: str
) -> None:
    for moment in (
        f"2026-03-01T23:59:59.999999{before}",
        f"2026-03-02T00:00:00{offset}",
        f"2026-03-02T23:59:59.999999{offset}",
        f"2026-03-03T00:00:00{offset}",
    ):
        punch(cast.alice, moment, far[zone])
    assert listed() == [
        ("Alice Able", "2026-03-02 00:00:00"),
        ("Alice Able", "2026-03-02 23:59:59.999999"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "moments", "read"),
    [
        (
            date(2026, 3, 29),
            ["2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T23:30:00+02:00"],
            ["01:59:00", "03:00:00", "23:30:00"],
        ),
        (
            date(2026, 10, 25),
            ["2026-10-25T00:10:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"],
            ["00:10:00", "02:30:00", "02:30:00"],
        ),
    ],
    ids=["the day with 23 hours", "the day with 25 hours"],
)
def test_on_days_when_clocks_change_the_wall_time_is_listed_in_order_of_events(
    cast: Cast, day: date, moments: list[str], read: list[str]
) -> None:
    for moment in moments:
        punch(cast.alice, moment, cast.kiosk)
    assert listed(day, day) == [("Alice Able", f"{day} {clock}") for clock in read]


@pytest.mark.django_db
def test_the_list_can_be_narrowed_to_a_department(cast: Cast) -> None:
    cast.bob.department = Department.objects.create(name="Flight")
    cast.bob.save()
    for person in (cast.alice, cast.bob):
        punch(person, "2026-03-02T08:00:00+01:00", cast.kiosk)
    assert listed(department=cast.bob.department) == [("Bob Best", "2026-03-02 08:00:00")]
    assert len(listed()) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_database_once_however_long_it_is(
    cast: Cast, count: int, django_assert_num_queries: Any
) -> None:
    for hour in range(count):
        punch(cast.alice, f"2026-03-02T{8 + hour:02}:00:00+01:00", cast.kiosk)
    with django_assert_num_queries(1):
        assert len(listed()) == count


# --- Through the API ------------------------------------------------------------------------------


def reader(client: Client, *, allowed: bool = True, **fields: Any) -> Staff:
    staff = Staff.objects.create(username="ada", **{"is_staff": True} | fields)
    if allowed:
        staff.user_permissions.set(Permission.objects.filter(codename__in=["view_punch", "reach_everybody"]))
    client.force_login(staff)
    return staff


def get(client: Client, **query: str) -> Any:
    return client.get("/api/v1/punches/", {"first": "2026-03-02", "last": "2026-03-02"} | query)


@pytest.mark.django_db
@pytest.mark.parametrize("layout", ["csv", "xlsx"])
def test_staff_with_the_permission_download_a_list_and_that_is_noted(
    client: Client, cast: Cast, layout: str
) -> None:
    staff = reader(client)
    punch(cast.alice, "2026-03-02T08:00:00+01:00", cast.kiosk)
    response = get(client, layout=layout)
    content = b"".join(response.streaming_content)
    assert response["Content-Disposition"] == f'attachment; filename="punches-2026-03-02-2026-03-02.{layout}"'
    assert response["Cache-Control"] == "no-store"
    assert b"00017" in content if layout == "csv" else content.startswith(b"PK")
    entry = AuditEntry.objects.get(action="attendance.exported")
    assert (entry.staff, entry.subject) == (staff, "punches:2026-03-02..2026-03-02")
    assert entry.details == {"layout": layout, "department": None}


@pytest.mark.django_db
def test_whatever_the_client_says_it_accepts_the_list_comes(client: Client) -> None:
    reader(client)
    response = client.get("/api/v1/punches/?first=2026-03-02&last=2026-03-02", headers={"Accept": "text/csv"})
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["nobody", "without permission", "not staff", "inactive", "a kiosk"])
def test_nobody_else_gets_it(client: Client, cast: Cast, who: str) -> None:
    headers = {}
    if who == "without permission":
        reader(client, allowed=False)
    elif who == "not staff":
        reader(client, is_staff=False)
    elif who == "inactive":
        reader(client, is_active=False)
    elif who == "a kiosk":
        headers = {"Authorization": f"Kiosk {cast.key}"}
    response = client.get("/api/v1/punches/?first=2026-03-02&last=2026-03-02", headers=headers)
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert not AuditEntry.objects.filter(action="attendance.exported").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"first": ""},
        {"first": "2026-02-30"},
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"first": "9999-12-30", "last": "9999-12-31"},
        {"last": "2026-03-01"},
        {"last": "2027-03-04"},
        {"layout": "pdf"},
        {"department": "99999999999999999999999"},
        {"department": "x"},
    ],
    ids=lambda wrong: " ".join(f"{name}={value}" for name, value in wrong.items()),
)
def test_a_wrong_period_is_named_and_nothing_is_noted(client: Client, wrong: dict[str, str]) -> None:
    reader(client)
    response = get(client, **wrong)
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert set(response.json()["errors"]) <= {"first", "last", "layout", "department"}
    assert not AuditEntry.objects.exists()
