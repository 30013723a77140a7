"""Schedules, holidays, access levels and one-off grants, through their real forms."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client

from access import policy
from access.admin.schedules import in_words
from access.admin.week_form import read, written
from access.doors import levels
from access.doors.levels import AccessLevel, Grant, Schedule
from access.holidays import Holiday
from access.models import AuditEntry
from access.policy import Bar
from tests import factories
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

MONDAY = factories.at("2026-03-02T10:00+01:00")
LINES = {
    "bars_0": "13:00-18:00, 7:30–12:00",
    "bars_5": "22:00 – 06:00 face_pin",
    "bars_6": "00:00–24:00",
    **{f"bars_{row}": "" for row in (1, 2, 3, 4, 7, 8)},
}


def test_hours_are_read_as_they_are_written() -> None:
    bars = read(0, "13:00-18:00, 7:30–12:00 pin, ,22:00–24:00")
    assert bars == (
        Bar(0, time(7, 30), time(12), "pin"),
        Bar(0, time(13), time(18)),
        Bar(0, time(22), time(0)),
    )
    assert written(bars) == "07:30–12:00 pin, 13:00–18:00, 22:00–24:00"
    assert read(0, written(bars)) == bars


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7-12", "“7-12” is not of the form 07:30–12:00."),
        ("07:30–25:00", "“07:30–25:00” is no time of a day."),
        ("07:30–12:00 eyes", "“eyes” is none of: face,"),
        ("07:30–12:00, 11:00–13:00", "07:30–12:00 and 11:00–13:00 overlap."),
        ("22:00–06:00, 23:00–23:30", "22:00–06:00 and 23:00–23:30 overlap."),
    ],
)
def test_hours_that_say_nothing_clear_are_refused_with_what_is_wrong(
    office: Client, text: str, said: str
) -> None:
    answer = office.post("/admin/access/schedule/add/", {"name": "Office", **LINES, "bars_2": text})
    assert answer.status_code == 200
    assert f"Wednesday: {said}" in str(answer.context["adminform"].form.errors["bars"].as_data())
    assert not Schedule.objects.exists()


def test_a_week_is_made_and_changed_and_rows_that_stay_stay(office: Client) -> None:
    office.post("/admin/access/schedule/add/", {"name": "Office", "keeps_holidays": "on", **LINES})
    week = Schedule.objects.get()
    kept = set(week.bars.values_list("pk", "row", "start"))
    assert levels.week_of(week) == [
        Bar(0, time(7, 30), time(12)),
        Bar(0, time(13), time(18)),
        Bar(5, time(22), time(6), "face_pin"),
        Bar(6, time(0), time(0)),
    ]
    page = office.get(f"/admin/access/schedule/{week.pk}/change/").content.decode()
    assert 'value="07:30–12:00, 13:00–18:00"' in page
    answer = office.post(
        f"/admin/access/schedule/{week.pk}/change/",
        {"name": "Office", "keeps_holidays": "on", **LINES, "bars_6": "", "bars_8": "08:00–12:00"},
    )
    assert answer.status_code == 302
    assert len(set(week.bars.values_list("pk", "row", "start")) & kept) == 3
    assert levels.week_of(week)[-1] == Bar(8, time(8), time(12))
    entry = AuditEntry.objects.get(action="schedule.changed")
    assert entry.details["fields"] == ["bars"]


def test_a_week_in_words_puts_days_with_the_same_hours_together() -> None:
    bars = [Bar(row, time(8), time(17)) for row in range(5)] + [Bar(5, time(9), time(12), "pin")]
    assert in_words(bars) == "Monday – Friday 08:00–17:00; Saturday 09:00–12:00 pin"


def test_a_schedule_in_use_is_not_deleted(office: Client) -> None:
    week = Schedule.objects.create(name="Office")
    AccessLevel.objects.create(name="Staff", schedule=week)
    assert office.post(f"/admin/access/schedule/{week.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_level_is_made_of_people_doors_and_hours(office: Client, cast: Cast) -> None:
    week = Schedule.objects.create(name="Office")
    answer = office.post(
        "/admin/access/accesslevel/add/",
        {
            "name": "Contractors",
            "people": [cast.bob.pk],
            "galleries": [cast.crew.pk],
            "doors": [cast.front.pk],
            "schedule": week.pk,
            "last": "2026-12-31",
        },
    )
    assert answer.status_code == 302
    level = AccessLevel.objects.get()
    assert (list(level.people.all()), list(level.doors.all()), level.last) == (
        [cast.bob],
        [cast.front],
        date(2026, 12, 31),
    )
    page = office.get("/admin/access/accesslevel/").content.decode()
    for text in ("Contractors", "Works · Front door", "Office", "1 person by name", "until 31 Dec 2026"):
        assert text in page


def test_a_holiday_of_a_site(office: Client, cast: Cast) -> None:
    office.post(
        "/admin/access/holiday/add/",
        {"site": cast.site.pk, "day": "2026-12-24", "name": "Christmas Eve", "short": "on", "yearly": "on"},
    )
    assert str(Holiday.objects.get()) == "Christmas Eve"
    page = office.get("/admin/access/holiday/").content.decode()
    assert "24 December" in page
    assert "short day" in page


def grant(client: Client, cast: Cast, **fields: Any) -> Any:
    given = {
        "person": cast.bob.pk,
        "doors": [cast.front.pk],
        "begins": "2026-03-02T10:00",
        "ends": "2026-03-02T12:00",
    }
    return client.post("/admin/access/grant/add/", given | fields)


def test_the_times_of_a_grant_are_those_of_its_doors(office: Client, cast: Cast) -> None:
    assert grant(office, cast).status_code == 302
    made = Grant.objects.get()
    assert (made.begins, made.ends) == (MONDAY, MONDAY + timedelta(hours=2))
    assert levels.opening(cast.bob, cast.front, MONDAY).open
    page = office.get(f"/admin/access/grant/{made.pk}/change/").content.decode()
    assert 'value="2026-03-02T10:00"' in page
    page = office.get("/admin/access/grant/").content.decode()
    assert "Works · Front door" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends": "2026-03-02T10:00"}, "This is not after the beginning."),
        ({"begins": "2026-03-29T02:30"}, "this time does not exist there"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(
    office: Client, cast: Cast, fields: dict[str, Any], said: str
) -> None:
    answer = grant(office, cast, **fields)
    assert said in str(answer.context["adminform"].form.errors)
    assert not Grant.objects.exists()


def test_a_grant_is_for_doors_of_one_zone(office: Client, cast: Cast) -> None:
    tokyo = factories.door(factories.site(zone="Asia/Tokyo"))
    answer = grant(office, cast, doors=[cast.front.pk, tokyo.pk])
    assert "different time zones" in str(answer.context["adminform"].form.errors)


class TestTheGrid:
    pytestmark = IN_A_BROWSER

    def test_bars_are_drawn_changed_and_copied_by_hand(self, page: Any) -> None:
        page.goto("/admin/access/schedule/add/")
        page.fill("#id_name", "Office")
        track = page.locator("[data-week-row='0'] [data-week-track]")
        box = track.bounding_box()

        def at(hour: float) -> float:
            return box["x"] + box["width"] * hour / 24

        middle = box["y"] + box["height"] / 2

        def drag(first: float, last: float) -> None:
            page.mouse.move(at(first), middle)
            page.mouse.down()
            page.mouse.move(at((first + last) / 2), middle)
            page.mouse.move(at(last), middle)
            page.mouse.up()

        line = page.locator("#id_bars_0")
        drag(8, 12)
        assert line.input_value() == "08:00–12:00"
        drag(13, 17)
        assert line.input_value() == "08:00–12:00, 13:00–17:00"
        drag(10, 9)  # the first bar is taken in its middle
        assert line.input_value() == "07:00–11:00, 13:00–17:00"
        page.locator("[data-week-row='0'] .lintel-week-bar").last.focus()
        page.keyboard.press("Enter")
        page.fill("[data-week-start]", "22:00")
        page.fill("[data-week-end]", "06:00")
        page.select_option("[data-week-factors]", "face_pin")
        assert line.input_value() == "07:00–11:00, 22:00–06:00 face_pin"
        assert page.locator("[data-week-row='1'] .lintel-week-carried").count() == 1
        page.click("[data-week-copy='1,2,3,4']")
        page.fill("#id_bars_8", "8:00–12:00")
        assert page.locator("[data-week-row='8'] .lintel-week-bar").count() == 1
        page.click("button[name=_save]")
        page.wait_for_url("**/schedule/")
        assert in_words(levels.week_of(Schedule.objects.get())) == (
            "Monday – Friday 07:00–11:00, 22:00–06:00 face_pin; Short day 08:00–12:00"
        )

    def test_a_bar_is_deleted_with_the_keyboard(self, page: Any) -> None:
        page.goto("/admin/access/schedule/add/")
        page.fill("#id_bars_0", "08:00–12:00, 13:00–17:00")
        page.locator("[data-week-row='0'] .lintel-week-bar").first.focus()
        page.keyboard.press("Delete")
        assert page.input_value("#id_bars_0") == "13:00–17:00"
        page.fill("#id_bars_1", "nonsense")
        assert page.get_attribute("#id_bars_1", "aria-invalid") == "true"


def test_policy_rows_have_words() -> None:
    from access.admin.week_form import ROWS

    assert set(ROWS) == set(policy.Row)
