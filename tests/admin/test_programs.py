"""Programs in the admin: a token is issued once, narrowed to one's own roles, and revoked."""

from typing import Any

import pytest
from django.test import Client

from access import programs, signin
from access.models import Program, Staff
from access.roles import Role
from tests.admin.conftest import signed_in

ISSUE = "/admin/access/program/issue/"
FORM = {"name": "Payroll export", "held": ["hr"], "days": "90"}


@pytest.fixture
def hr(db: None) -> Client:
    return signed_in(Staff.objects.create_user("hr", password=None, is_staff=True, roles=[Role.HR]))


def test_a_token_is_shown_once_and_works(hr: Client) -> None:
    response = hr.post(ISSUE, FORM)
    token = response.context["token"]
    assert token in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    staff, program = programs.acting(token)
    assert (staff.username, program.name, program.roles) == ("hr", "Payroll export", ["hr"])
    for page in ("", f"{program.pk}/change/", f"{program.pk}/history/"):
        assert token not in hr.get(f"/admin/access/program/{page}").content.decode()


def test_only_ones_own_roles_are_offered(hr: Client) -> None:
    assert [role for role, _label in hr.get(ISSUE).context["form"].fields["held"].choices] == ["hr"]
    refused = hr.post(ISSUE, FORM | {"held": ["security"]})
    assert refused.context["form"].errors["held"]
    assert not Program.objects.exists()


def test_a_token_is_revoked_once(hr: Client) -> None:
    program, token = programs.issue(Staff.objects.get(username="hr"), "Old", [Role.HR], days=30)
    page = hr.get(f"/admin/access/program/{program.pk}/change/").content.decode()
    assert "revoke/" in page
    hr.post(f"/admin/access/program/{program.pk}/revoke/")
    assert programs.acting(token) is None
    assert "revoke/" not in hr.get(f"/admin/access/program/{program.pk}/change/").content.decode()
    assert hr.post(f"/admin/access/program/{program.pk}/revoke/").status_code == 403


def test_a_token_asks_for_the_password_again_and_for_the_right(hr: Client, login_with: Any) -> None:
    session = hr.session
    del session[signin.AGAIN]
    session.save()
    assert "/again/" in hr.post(ISSUE, FORM).url
    assert login_with("view_program").post(ISSUE, FORM).status_code == 403
    assert not Program.objects.exists()
