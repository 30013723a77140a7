"""Reports on screen: every page and its ways out, saved filters, and the muster list to tick off."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import attendance
from access.hours import ledger
from access.models import AuditEntry, SavedFilter, Staff
from access.reports import REPORTS
from tests import factories
from tests.access.reports.conftest import MONDAY, WEEK, Crew, crew, hr, manager, punch  # noqa: F401
from tests.admin.conftest import signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db
GRID = "/admin/reports/grid/?month=2026-03"
DAILY = "/admin/reports/daily/"


@pytest.fixture
def desk(crew: Crew, hr: Staff) -> Client:  # noqa: F811
    return signed_in(hr)


@pytest.fixture
def yard(crew: Crew, manager: Staff) -> Client:  # noqa: F811
    return signed_in(manager)


def text(client: Client, address: str, **given: str) -> str:
    answer = client.get(address, given)
    assert answer.status_code == 200, answer.content[:300]
    return str(answer.content.decode())


@pytest.mark.parametrize("key", list(REPORTS))
def test_every_report_has_a_page(desk: Client, key: str) -> None:
    page = text(desk, f"/admin/reports/{key}/")
    assert str(REPORTS[key].title) in page
    assert "Generated" in page


def test_a_figure_leads_in_two_clicks_to_punches_and_rules(desk: Client, crew: Crew) -> None:  # noqa: F811
    day = f"/admin/access/workday/day/{crew.alice.pk}/2026-03-02/"
    assert f'href="{day}"' in text(desk, DAILY, **WEEK)
    assert f'href="{day}"' in text(desk, GRID)
    assert f'href="/admin/access/workday/month/{crew.alice.pk}/2026-03/"' in text(desk, GRID)
    there = text(desk, day)
    assert "/admin/access/ruleversion/" in there
    assert "/admin/access/punch/" in there


def test_the_grid_says_each_day_by_letter_colour_and_word(desk: Client) -> None:
    page = text(desk, GRID)
    assert re.search(r'title="absent" aria-label="absent" class="lintel-mark-danger">A</a>', page)
    assert re.search(r'<i class="lintel-mark-info">HL</i> half day of leave', page)
    assert "month=2026-02" in page
    assert "month=2026-04" in page
    assert ">26:40<" in page


def test_the_field_says_which_month_is_shown(desk: Client) -> None:
    this = f"{timezone.localdate():%Y-%m}"
    assert re.search(rf'<input type="month" name="month" value="{this}"', text(desk, "/admin/reports/grid/"))
    assert re.search(r'<input type="month" name="month" value="2026-03"', text(desk, GRID))


def test_totals_are_of_all_pages(desk: Client, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from access.admin import reports

    monkeypatch.setattr(reports, "PAGE", 5)
    page = text(desk, DAILY, **WEEK, page="2")
    assert "6 – 10 of 14" in page
    assert ">34:40<" in page  # 26:40 of Alice and 8:00 of Walter


def test_a_wrong_filter_is_named_on_the_page(desk: Client) -> None:
    page = text(desk, DAILY, period="days", first="2026-03-09", last="2026-03-02")
    assert "The period ends before it begins." in page
    assert "<table" not in page


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_a_download_is_the_interfaces_own(desk: Client, name: str) -> None:
    answer = desk.get(DAILY, WEEK | {"layout": name, "hours": "decimal"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/api/v1/reports/daily/file/?first=2026-03-02")
    content = b"".join(desk.get(answer.headers["Location"]).streaming_content)
    assert b"9.67" in content if name == "csv" else content.startswith(b"PK")


def test_a_layout_that_a_report_does_not_have_is_refused(desk: Client) -> None:
    assert desk.get(DAILY, WEEK | {"layout": "pdf"}).status_code == 200
    assert desk.get("/api/v1/reports/daily/file/", WEEK | {"layout": "pdf"}).status_code == 400


# --- Rights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in REPORTS if key != "passages"])
def test_a_manager_reads_nothing_of_other_departments(yard: Client, crew: Crew, key: str) -> None:  # noqa: F811
    """There is something of Alice in each of them for whoever reaches her."""
    now = timezone.now()
    for person in (crew.alice, crew.walter):
        attendance.note_punch(person, at=now - timedelta(minutes=5), direction="in", origin=f"now{person.pk}")
        ledger.refresh([person.pk], now.date(), now.date())
    given = {"month": "2026-03"} if "month" in REPORTS[key].filters else WEEK
    boss = signed_in(Staff.objects.create_superuser("boss", password=None))
    own = {"presence", "muster"}
    assert "Alice" in text(boss, f"/admin/reports/{key}/", **({} if key in own else given))
    page = text(yard, f"/admin/reports/{key}/", **({} if key in own else given))
    assert "Alice" not in page
    assert "Flight" not in page


def test_a_guard_opens_the_muster_list_and_the_log_and_nothing_of_working_time(cast: Cast) -> None:
    client = signed_in(Staff.objects.create_user("g", password=None, is_staff=True, roles=["guard"]))
    for key, report in REPORTS.items():
        expected = 200 if key in {"muster", "passages"} else 403
        assert client.get(f"/admin/reports/{key}/").status_code == expected, report.key
    menu = client.get("/admin/").context["sidebar_navigation"]
    [group] = [group for group in menu if str(group["title"]) == "Reports"]
    assert [item["link"] for item in group["items"]] == [
        "/admin/reports/",
        "/admin/reports/muster/",
        "/admin/reports/passages/",
        "/admin/access/reportfile/",
    ]


def test_outsiders_are_sent_to_the_login_and_those_without_reports_see_none(cast: Cast) -> None:
    addresses = ("", "grid/", "saved/1/forget/", f"muster/{cast.site.pk}/", "grid/keep/")
    for address in addresses:
        answer = Client().get(f"/admin/reports/{address}")
        assert (answer.status_code, "/admin/login/" in answer.headers["Location"]) == (302, True)
    enroller = Staff.objects.create_user("e", password=None, is_staff=True, roles=["enroller"])
    client = signed_in(enroller)
    assert client.get("/admin/reports/").status_code == 403
    assert client.get(f"/admin/reports/muster/{cast.site.pk}/").status_code == 403
    assert client.post("/admin/reports/grid/keep/", {"name": "x"}).status_code == 403
    assert (
        signed_in(Staff.objects.create_superuser("b", password=None))
        .get("/admin/reports/salaries/")
        .status_code
        == 404
    )


@pytest.mark.parametrize("key", ["daily", "grid"])
def test_a_page_takes_as_many_queries_for_one_row_as_for_three(desk: Client, crew: Crew, key: str) -> None:  # noqa: F811
    def queries(**given: str) -> int:
        asked = {"month": "2026-03"} if key == "grid" else WEEK | {"status": "A"}
        text(desk, f"/admin/reports/{key}/", **asked, **given)
        with CaptureQueriesContext(connection) as found:
            page = text(desk, f"/admin/reports/{key}/", **asked, **given)
        assert page.count("<tr>") >= 2
        return len(found)

    for _ in range(2):
        one = factories.person(department=crew.yard)
        punch(one, MONDAY, "08:00", "in")
        ledger.refresh([one.pk], MONDAY, MONDAY)
    assert queries(people="alice") == queries()


# --- Saved filters ------------------------------------------------------------------------------------


def keep(client: Client, name: str, **given: str) -> Any:
    return client.post("/admin/reports/daily/keep/", {"name": name} | given)


def test_a_filter_is_saved_by_name_and_found_again(desk: Client, hr: Staff) -> None:  # noqa: F811
    answer = keep(desk, "Absent last month", period="last_month", status="A")
    assert answer.headers["Location"] == "/admin/reports/daily/?period=last_month&status=A"
    kept = SavedFilter.objects.get()
    assert (kept.given, kept.owner, kept.shared) == ({"period": "last_month", "status": "A"}, hr, False)
    for address in ("/admin/reports/", DAILY):
        assert 'href="/admin/reports/daily/?period=last_month&amp;status=A"' in text(desk, address)
    keep(desk, "Absent last month", status="M")
    assert SavedFilter.objects.get().given == {"status": "M"}
    assert AuditEntry.objects.filter(action="savedfilter.saved", staff=hr).count() == 2


@pytest.mark.parametrize("wrong", [{"name": " "}, {"name": "x", "status": "ZZ"}])
def test_what_cannot_be_asked_is_not_saved(desk: Client, wrong: dict[str, str]) -> None:
    desk.post("/admin/reports/daily/keep/", wrong)
    assert not SavedFilter.objects.exists()


def test_a_shared_filter_is_everybodys_question_and_not_their_answer(
    desk: Client,
    yard: Client,
    crew: Crew,  # noqa: F811
) -> None:
    keep(desk, "Mine", **WEEK)
    keep(desk, "Ours", shared="yes", **WEEK)
    index = text(yard, "/admin/reports/")
    assert "Ours" in index
    assert "Mine" not in index
    assert "Delete" not in index
    page = text(yard, DAILY, **WEEK)
    assert "Walter" in page
    assert "Alice" not in page
    guard = signed_in(Staff.objects.create_user("g", password=None, is_staff=True, roles=["guard"]))
    assert "Ours" not in text(guard, "/admin/reports/")


def test_ones_own_filter_is_deleted_and_no_others(desk: Client, yard: Client) -> None:
    keep(desk, "Ours", shared="yes", **WEEK)
    kept = SavedFilter.objects.get()
    assert yard.post(f"/admin/reports/saved/{kept.pk}/forget/").status_code == 404
    assert desk.get(f"/admin/reports/saved/{kept.pk}/forget/").status_code == 405
    desk.post(f"/admin/reports/saved/{kept.pk}/forget/")
    assert not SavedFilter.objects.exists()
    assert AuditEntry.objects.filter(action="savedfilter.forgotten").count() == 1


# --- The muster list ----------------------------------------------------------------------------------


@pytest.fixture
def guard(cast: Cast) -> Client:
    attendance.note_punch(
        cast.alice, at=timezone.now() - timedelta(minutes=5), direction="in", kiosk=cast.kiosk
    )
    return signed_in(Staff.objects.create_user("g", password=None, is_staff=True, roles=["guard"]))


def test_the_list_has_a_box_for_each_and_says_how_many(guard: Client, cast: Cast) -> None:
    page = text(guard, f"/admin/reports/muster/{cast.site.pk}/")
    assert f'<input type="checkbox" name="p{cast.alice.pk}">' in page
    assert "<strong>1</strong> inside" in page
    assert "Front door" in page
    assert guard.get("/admin/reports/muster/99999/").status_code == 404


def test_as_a_file_it_needs_nothing_else_and_is_noted(guard: Client, cast: Cast) -> None:
    answer = guard.get(f"/admin/reports/muster/{cast.site.pk}/?file")
    page = answer.content.decode()
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="muster-{cast.site.pk}-')
    assert "counter-increment" in page
    assert not re.search(r'(src|href)="', page)
    assert AuditEntry.objects.get(action="report.exported").subject == "report:muster"
