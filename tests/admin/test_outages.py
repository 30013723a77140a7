"""An outage on screen: from the silent kiosk to punches that somebody else approves once for all."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.models import Alarm, Correction, Outage, Person, Punch, Staff
from access.roles import Role
from tests.access.hours.test_outages import BEGINS, ENDS, MONDAY, asked, punch, works
from tests.admin.conftest import signed_in
from tests.factories import Cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/access/outage/"
PERIOD = "begins=2026-03-02T07:30&ends=2026-03-02T10:30"


@pytest.fixture
def alice(cast: Cast) -> Person:
    return works(cast.alice, cast)


def hr(name: str) -> Staff:
    return Staff.objects.create_user(name, password=None, is_staff=True, roles=[Role.HR])


def test_a_silent_kiosk_is_offered_and_leads_to_whom_to_expect(
    office: Client, cast: Cast, alice: Person
) -> None:
    told = {"last_seen": BEGINS.isoformat()}
    alarm = Alarm.objects.create(
        kind="kiosk_silent", subject=f"kiosk:{cast.kiosk.pk}", kiosk=cast.kiosk, ended=ENDS, details=told
    )
    page = office.get(f"{PAGE}add/").content.decode()
    assert "Mon 2 Mar 2026, 07:30 – 10:30 CET" in page
    address = f"?kiosk={cast.kiosk.pk}&amp;begins=2026-03-02T07%3A30&amp;ends=2026-03-02T10%3A30"
    assert address in page
    shown = office.get(f"{PAGE}add/{address.replace('&amp;', '&')}").content.decode()
    assert "Alice Able (00017)" in shown
    assert 'value="08:00"' in shown
    Alarm.objects.filter(pk=alarm.pk).update(opened=alarm.opened - timedelta(days=60))
    assert "No kiosk was silent" in office.get(f"{PAGE}add/").content.decode()


def test_punches_are_asked_for_line_by_line_and_approved_by_another(cast: Cast, alice: Person) -> None:
    works(cast.bob, cast)
    clerk, boss = signed_in(hr("clerk")), signed_in(hr("boss"))
    address = f"{PAGE}add/?kiosk={cast.kiosk.pk}&{PERIOD}"
    own, other = (f"{one.pk}-{MONDAY}-in" for one in (alice, cast.bob))
    answer = clerk.post(
        address, {"line": [own], f"time-{own}": "08:20", f"time-{other}": "08:00", "reason": "Cut"}
    )
    outage = Outage.objects.get()
    assert answer.headers["Location"] == f"{PAGE}{outage.pk}/change/"
    assert Correction.objects.get().person == alice
    page = clerk.get(f"{PAGE}{outage.pk}/change/").content.decode()
    assert "08:20 in" in page
    assert "Somebody else approves it." in page
    assert 'value="approved"' not in page
    clerk.post(f"{PAGE}{outage.pk}/change/", {"state": "approved", "answer": ""})
    assert not Punch.objects.exists()
    assert "Outages to approve" in boss.get(PAGE).content.decode()
    boss.post(f"{PAGE}{outage.pk}/change/", {"state": "approved", "answer": ""})
    made = Punch.objects.get()
    assert (made.source, made.at.isoformat()) == ("outage", "2026-03-02T07:20:00+00:00")
    day = boss.get(f"/admin/access/workday/day/{alice.pk}/{MONDAY}/").content.decode()
    assert "repair of an outage" in day


@pytest.mark.parametrize(
    ("clock", "reason", "message"),
    [
        ("11:00", "Cut", "A time within the outage"),
        ("noon", "Cut", "A time within the outage"),
        ("08:00", "", "This field is required"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    office: Client, cast: Cast, alice: Person, clock: str, reason: str, message: str
) -> None:
    key = f"{alice.pk}-{MONDAY}-in"
    values = {"line": [key], f"time-{key}": clock, "reason": reason}
    page = office.post(f"{PAGE}add/?kiosk={cast.kiosk.pk}&{PERIOD}", values).content.decode()
    assert message in page
    assert f'value="{clock}"' in page
    assert not Outage.objects.exists()


def test_nobody_chosen_asks_for_nobody(office: Client, cast: Cast, alice: Person) -> None:
    page = office.post(f"{PAGE}add/?kiosk={cast.kiosk.pk}&{PERIOD}", {"reason": "Cut"}).content.decode()
    assert "Choose at least one person" in page
    assert not Outage.objects.exists()


def test_who_came_after_the_outage_is_not_ticked(office: Client, cast: Cast, alice: Person) -> None:
    punch(alice, "10:40", "in")
    page = office.get(f"{PAGE}add/?kiosk={cast.kiosk.pk}&{PERIOD}").content.decode()
    assert "punched at 10:40, after the outage" in page
    assert " checked" not in page


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ("begins=2026-03-02T10:30&ends=2026-03-02T07:30", "ends before it begins"),
        ("begins=2026-03-02T07:30&ends=2026-03-12T07:30", "At most seven days"),
        ("begins=2096-03-02T07:30&ends=2096-03-02T08:30", "not happened yet"),
        ("begins=yesterday&ends=2096-03-02T08:30", "valid date"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(office: Client, cast: Cast, period: str, message: str) -> None:
    assert message in office.get(f"{PAGE}add/?kiosk={cast.kiosk.pk}&{period}").content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_who_may_ask_and_who_may_look(cast: Cast, alice: Person, role: str) -> None:
    outage = asked(cast, hr("clerk"))
    client = signed_in(Staff.objects.create_user("x", password=None, is_staff=True, roles=[role]))
    may_ask, may_look = role in (Role.HR, Role.MANAGER), role in (Role.HR, Role.AUDITOR)
    assert client.get(f"{PAGE}add/").status_code == (200 if may_ask else 403)
    # A manager who reaches nobody in it is sent away as if there were none.
    expected = 200 if may_look else 404 if role == Role.MANAGER else 403
    assert client.get(f"{PAGE}{outage.pk}/change/").status_code == expected
    client.post(f"{PAGE}{outage.pk}/change/", {"state": "approved", "answer": ""})
    assert Punch.objects.exists() is (role == Role.HR)


def test_the_list_counts_without_asking_for_each(office: Client, cast: Cast, alice: Person) -> None:
    clerk = hr("clerk")
    asked(cast, clerk)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            office.get(PAGE)
        return len([one for one in found if "access_outage" in one["sql"]])

    first = queries()
    for person in (cast.bob, cast.charlie):
        works(person, cast)
        Person.objects.filter(pk=person.pk).update(active=True)
        asked(cast, clerk)
    assert queries() == first
