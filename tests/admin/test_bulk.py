"""Many rows at once: only those the login may and reaches, each with its own entry in the trail."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access.doors import alarms
from access.hours import leave
from access.models import Alarm, Department, Leave, LeaveType, Staff
from tests.factories import Cast

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


def chosen(client: Client, table: str, what: str, *keys: Any) -> int:
    form = {"action": what, "_selected_action": [str(key) for key in keys], "index": "0"}
    return client.post(f"/admin/access/{table}/", form).status_code


def test_alarms_are_acknowledged_together(office: Client, cast: Cast) -> None:
    raised = [alarms.raise_alarm(alarms.Kind.HELD, door, door=door) for door in (cast.front, cast.back)]
    chosen(office, "alarm", "acknowledge_chosen", *(alarm.pk for alarm in raised))
    assert {alarm.acknowledged_by.username for alarm in Alarm.objects.all()} == {"office"}


def test_an_alarm_is_acknowledged_from_the_first_page(office: Client, cast: Cast) -> None:
    alarm = alarms.raise_alarm(alarms.Kind.HELD, cast.front, door=cast.front)
    assert f"/admin/access/alarm/{alarm.pk}/acknowledge/" in office.get("/admin/").content.decode()
    answer = office.post(f"/admin/access/alarm/{alarm.pk}/acknowledge/", {"back": "overview"})
    assert answer.url == "/admin/"
    alarm.refresh_from_db()
    assert alarm.acknowledged


def test_a_manager_approves_the_leave_of_their_own_people_alone(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    manager = Staff.objects.create_user("m", password=None, is_staff=True)
    rights = ("view_leave", "approve_leave", "view_person")
    manager.user_permissions.set(Permission.objects.filter(codename__in=rights))
    yard.managers.add(manager)
    cast.alice.department = yard
    cast.alice.save()
    kind = LeaveType.objects.create(name="Holiday", code="L")
    own, foreign = (
        leave.ask(Leave(person=person, type=kind, first=DAY, last=DAY), by=None)
        for person in (cast.alice, cast.bob)
    )
    client = Client()
    client.force_login(manager)
    chosen(client, "leave", "approve_chosen", own.pk, foreign.pk)
    states = dict(Leave.objects.values_list("person__name", "state"))
    assert states == {"Alice Able": "approved", "Bob Best": "asked"}
