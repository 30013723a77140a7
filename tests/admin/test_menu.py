"""The menu: a handful of sections, in the order of people's work, with what each login may see."""

from django.test import Client

from access.doors import alarms
from access.doors.alarms import Kind
from access.models import Staff
from tests.admin.conftest import signed_in
from tests.factories import Cast


def test_the_menu_opens_the_section_where_one_is_and_counts_what_waits_in_the_others(
    cast: Cast, office: Client
) -> None:
    alarms.raise_alarm(Kind.FORCED, cast.front, door=cast.front)

    def sections(address: str) -> list[tuple[str, bool, int]]:
        shown = office.get(address).context["sidebar_navigation"]
        return [(str(one["title"]), one["open"], one["waiting"]) for one in shown]

    titles = ["Today", "People", "Doors", "Working time", "Reports", "Privacy", "System"]
    assert [title for title, _open, _waiting in sections("/admin/")] == titles
    for address, section in (
        ("/admin/", "Today"),
        ("/admin/find/?q=", "Today"),
        ("/admin/access/enrolment/?state__exact=review", "Today"),
        ("/admin/access/enrolment/", "People"),
        ("/admin/access/door/simulate/", "Doors"),
        ("/admin/reports/grid/", "Reports"),
        ("/admin/access/program/", "System"),
    ):
        assert [title for title, is_open, _waiting in sections(address) if is_open] == [section], address
    assert [waiting for _title, _open, waiting in sections("/admin/reports/")] == [1, 0, 0, 0, 0, 0, 0]


def test_each_role_sees_only_sections_with_something_in_them(cast: Cast) -> None:
    guard = signed_in(Staff.objects.create_user("g", password=None, is_staff=True, roles=["guard"]))
    shown = guard.get("/admin/").context["sidebar_navigation"]
    assert [str(one["title"]) for one in shown] == ["Today", "People", "Doors", "Reports"]
    nobody = signed_in(Staff.objects.create_user("n", password=None, is_staff=True))
    assert [str(one["title"]) for one in nobody.get("/admin/").context["sidebar_navigation"]] == ["Today"]
