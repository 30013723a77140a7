"""The simulator in the admin: a question is a link, the answer names what decided, and nothing is written."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.doors import levels, modes
from access.doors.levels import AccessLevel, Schedule
from access.models import Decision, Department, Staff
from access.policy import Bar
from access.roles import Role
from tests import factories
from tests.access.doors.acting import show_face
from tests.admin.conftest import signed_in
from tests.factories import Cast

ADDRESS = "/admin/access/door/simulate/"
MINUTES = timedelta(minutes=1)


def ask(client: Client, **query: Any) -> Any:
    connection.check_constraints()  # what a commit does to the kept rules
    return client.get(f"{ADDRESS}?{urlencode(query, doseq=True)}")


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def guard(db: None) -> Client:
    return signed_in(Staff.objects.create_user("guard", password=None, is_staff=True, roles=[Role.GUARD]))


def test_the_page_asks_first_and_then_answers_in_a_sentence(guard: Client, cast: Cast) -> None:
    assert "Choose a person and a door." in text_of(guard.get(ADDRESS))
    answer = text_of(ask(guard, person=cast.alice.pk, door=cast.front.pk))
    assert "Crew opens Front door for the person; shown: a face." in answer
    assert "Would open" in answer


def test_a_refusal_says_when_it_opens_next_and_by_what(guard: Client, cast: Cast) -> None:
    """Bob's hours begin in two hours; the link leads to an answer that grants."""
    cast.site.zone = "UTC"
    cast.site.save()
    start = (timezone.now() + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    week = Schedule.objects.create(name="Office hours")
    levels.set_week(week, [Bar(start.weekday(), start.time(), time((start.hour + 1) % 24))])
    level = AccessLevel.objects.create(name="Staff", schedule=week)
    level.people.add(cast.bob)
    level.doors.add(cast.front)
    answer = ask(guard, person=cast.bob.pk, door=cast.front.pk)
    assert "Would be refused" in text_of(answer)
    assert "The next time this door opens for this person:" in text_of(answer)
    facts = {str(name): str(value) for name, value in answer.context["facts"]}
    assert (facts["Admitted by"], facts["Schedule"]) == ("Staff", "Office hours")
    assert facts["Rules"].startswith("version ")
    moment, link = answer.context["later"]
    assert f"{start:%H:%M}:00" in moment
    assert guard.get(link).context["found"].verdict.granted


def test_where_nothing_admits_nothing_is_promised(guard: Client, cast: Cast) -> None:
    answer = text_of(ask(guard, person=cast.bob.pk, door=cast.front.pk))
    assert "Nothing admits the person at Front door." in answer
    assert "does not open for this person within the next fortnight" in answer


def test_a_locked_door_opens_next_when_its_mode_is_over(guard: Client, cast: Cast) -> None:
    ends = (timezone.now() + timedelta(hours=3)).replace(microsecond=0)
    modes.set_mode(cast.front, "locked", by=Staff.objects.get(), why="Works", until=ends)
    answer = ask(guard, person=cast.alice.pk, door=cast.front.pk)
    assert "Front door is locked down." in text_of(answer)
    assert guard.get(answer.context["later"][1]).context["found"].verdict.granted


def test_what_is_shown_is_chosen(guard: Client, cast: Cast) -> None:
    cast.front.factors = "face_pin"
    cast.front.save()
    answer = ask(guard, person=cast.alice.pk, door=cast.front.pk, shown=["face"])
    assert "Front door asks for a face and a PIN, and only a face was shown." in text_of(answer)


def test_a_decision_leads_to_the_same_question_and_comes_out_as_recorded(guard: Client, cast: Cast) -> None:
    connection.check_constraints()
    made = show_face(cast.kiosk, cast.bob.pk)
    page = guard.get(f"/admin/access/decision/{made.pk}/change/")
    link = page.context["what_if"]
    assert link.replace("&", "&amp;") in page.content.decode()
    cast.front.admits.first().people.add(cast.bob)  # what is edited since changes no answer about then
    connection.check_constraints()
    answer = guard.get(link)
    assert "Made again from what it kept" in text_of(answer)
    assert answer.context["recorded"]["same"]
    assert answer.context["found"].verdict.reason == made.reason == "no_permission"
    assert answer.context["change_count"] > 0
    assert ask(guard, person=cast.bob.pk, door=cast.front.pk).context["found"].verdict.granted


def test_a_strangers_decision_has_no_such_link(guard: Client, cast: Cast) -> None:
    made = show_face(cast.kiosk, None)
    assert guard.get(f"/admin/access/decision/{made.pk}/change/").context["what_if"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"person": 10**9}, "person"),
        ({"door": "none"}, "door"),
        ({"at": "2027-03-28T02:30"}, "at"),
        ({"at": "2001-01-01T10:00"}, "at"),
        ({"at": "soon"}, "at"),
        ({"at": "9999-12-31T23:59"}, "at"),
        ({"shown": "charm"}, "shown"),
    ],
)
def test_a_question_that_cannot_be_answered_names_its_field(
    guard: Client, cast: Cast, query: dict[str, Any], field: str
) -> None:
    answer = ask(guard, **({"person": cast.alice.pk, "door": cast.front.pk} | query))
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])


def test_a_decision_that_is_not_there_or_nonsense_changes_nothing(guard: Client, cast: Cast) -> None:
    for key in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        answer = ask(guard, person=cast.alice.pk, door=cast.front.pk, decision=key)
        assert answer.context["recorded"] is None


def test_nothing_is_written_by_asking(guard: Client, cast: Cast) -> None:
    ask(guard, person=cast.alice.pk, door=cast.front.pk)
    assert not Decision.objects.exists()


def test_only_people_whom_the_login_reaches_are_asked_about(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    staff = Staff.objects.create_user("m", password=None, is_staff=True, roles=[Role.MANAGER])
    yard.managers.add(staff)
    rights = ["view_door", "view_decision"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=rights))
    own = factories.person("Yolanda Yard", department=yard)
    manager = signed_in(staff)
    assert list(ask(manager, person=own.pk, door=cast.front.pk).context["form"].errors) == []
    assert list(ask(manager, person=cast.alice.pk, door=cast.front.pk).context["form"].errors) == ["person"]


@pytest.mark.parametrize("missing", ["view_door", "view_person", "view_decision"])
def test_the_page_needs_all_three_rights(cast: Cast, login_with: Callable[..., Client], missing: str) -> None:
    rights = {"view_door", "view_person", "view_decision"}
    assert login_with(*rights).get(ADDRESS).status_code == 200
    other = login_with(*rights - {missing})
    assert other.get(ADDRESS).status_code == 403
    menu = other.get("/admin/").context["sidebar_navigation"]
    assert ADDRESS not in [str(item["link"]) for group in menu for item in group["items"]]
