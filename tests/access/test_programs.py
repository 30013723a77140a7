"""Programs call the API by tokens: never more than their roles or their login may, and never for ever."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access import programs
from access.admin.audit import who
from access.doors import alarms
from access.doors.alarms import Kind
from access.models import AuditEntry, Department, Program, Staff
from access.programs import Unacceptable
from access.roles import Role
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def login(*roles: str, **fields: object) -> Staff:
    number = Staff.objects.count()
    return Staff.objects.create_user(f"s{number}", password=None, is_staff=True, roles=list(roles), **fields)


def call(token: str, address: str = "/api/v1/people/", **fields: Any) -> Any:
    return Client().get(address, headers={"Authorization": f"Bearer {token}"}, **fields)


def test_a_token_opens_what_its_roles_open_and_nothing_else(cast: Cast) -> None:
    chief = login(Role.HR, Role.GUARD)
    _made, token = programs.issue(chief, "Board", [Role.GUARD], days=30)
    assert call(token).status_code == 200
    assert call(token, "/api/v1/alarms/").status_code == 200
    assert call(token, "/api/v1/punches/").status_code == 403
    assert chief.has_perm("access.view_punch")


def test_a_superusers_program_is_held_to_its_roles_too(cast: Cast) -> None:
    chief = Staff.objects.create_superuser("chief", password=None)
    _made, token = programs.issue(chief, "Board", [Role.ENROLLER], days=30)
    assert call(token).status_code == 200
    assert call(token, "/api/v1/alarms/").status_code == 403


def test_what_the_login_loses_its_programs_lose(cast: Cast) -> None:
    chief = login(Role.GUARD)
    _made, token = programs.issue(chief, "Board", [Role.GUARD], days=30)
    Staff.objects.filter(pk=chief.pk).update(roles=[])
    assert call(token).status_code == 403
    Staff.objects.filter(pk=chief.pk).update(roles=[Role.GUARD], is_active=False)
    assert call(token).status_code == 401


def test_a_managers_program_reaches_their_own_people_only(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    manager = login(Role.MANAGER)
    yard.managers.add(manager)
    own = factories.person("Yolanda Yard", department=yard)
    _made, token = programs.issue(manager, "Sheet", [Role.MANAGER], days=30)
    assert [row["id"] for row in call(token).json()["results"]] == [own.pk]
    assert call(token, f"/api/v1/people/{cast.alice.pk}/").status_code == 404


@pytest.mark.parametrize("ends", ["revoked", "expired", "wrong", "not even letters", "none"])
def test_a_token_that_is_not_good_is_turned_away(cast: Cast, ends: str) -> None:
    made, token = programs.issue(login(Role.GUARD), "Board", [Role.GUARD], days=1)
    if ends == "revoked":
        assert programs.revoke(made)
        assert not programs.revoke(made)
    elif ends == "expired":
        Program.objects.update(expires=timezone.now() - timedelta(seconds=1))
    else:
        token = {"wrong": f"{token}x", "not even letters": "ÿ", "none": ""}[ends]
    answer = call(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown-token")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_stands_nowhere_in_the_tables_or_the_trail(cast: Cast) -> None:
    made, token = programs.issue(login(Role.GUARD), "Board", [Role.GUARD], days=7)
    kept = str(list(Program.objects.values())) + str(list(AuditEntry.objects.values()))
    assert token not in kept
    assert token.startswith(made.hint)
    entry = AuditEntry.objects.get(action="program.issued")
    assert (entry.subject, entry.details) == (f"program:{made.pk}", {"roles": ["guard"], "days": 7})


@pytest.mark.parametrize(
    ("roles", "days"), [([], 30), (["hr"], 30), (["guard", "hr"], 30), (["guard"], 0), (["guard"], 367)]
)
def test_nobody_hands_on_what_they_do_not_have_or_for_ever(roles: list[str], days: int) -> None:
    with pytest.raises(Unacceptable):
        programs.issue(login(Role.GUARD), "Board", roles, days=days)
    assert not Program.objects.exists()


def test_what_a_program_does_is_on_record_with_its_login_and_its_name(cast: Cast) -> None:
    guard = login(Role.GUARD)
    made, token = programs.issue(guard, "Board", [Role.GUARD], days=30)
    raised = alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front)
    Client().post(
        f"/api/v1/alarms/{raised.pk}/acknowledge/",
        {"note": "Seen."},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    entry = AuditEntry.objects.get(action="alarm.acknowledged")
    assert (entry.staff_id, entry.actor) == (guard.pk, f"program:{made.pk}")
    assert who(entry) == f"{guard.username} (program:{made.pk})"


def test_the_last_call_is_noted_once_a_minute_at_most(cast: Cast) -> None:
    made, token = programs.issue(login(Role.GUARD), "Board", [Role.GUARD], days=30)
    call(token)
    made.refresh_from_db()
    first = made.last_used
    assert first is not None
    call(token)
    made.refresh_from_db()
    assert made.last_used == first
    Program.objects.update(last_used=first - timedelta(minutes=2))
    call(token)
    made.refresh_from_db()
    assert made.last_used > first
