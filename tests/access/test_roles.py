"""The roles: every right there is, nothing that opens more than it says."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission

from access import roles
from access.hours import reach
from access.models import Department, Staff
from access.roles import Role
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def tables() -> list[str]:
    return [model._meta.model_name for model in apps.get_app_config("access").get_models()]


def staff(*held: str, **fields: object) -> Staff:
    number = Staff.objects.count()
    return Staff.objects.create_user(f"s{number}", password=None, is_staff=True, roles=list(held), **fields)


@pytest.mark.parametrize("role", Role.values)
def test_every_right_of_a_role_exists(role: str) -> None:
    known = {f"access.{name}" for name in Permission.objects.values_list("codename", flat=True)}
    assert roles.rights_of([role], tables()) - known == set()
    assert roles.rights_of([role], tables())


def test_an_auditor_reads_all_but_pictures_and_secrets_and_writes_nothing() -> None:
    rights = roles.rights_of([Role.AUDITOR], tables())
    assert {right.split(".")[1].split("_")[0] for right in rights} == {"view", "reach", "see"}
    assert "access.view_photograph" not in rights
    assert "access.view_auditentry" in rights


def test_nobody_both_takes_people_in_and_says_which_door_opens() -> None:
    """Four eyes: neither role alone makes a stranger pass."""
    enrolling = {"access.add_enrolment", "access.add_photograph"}
    opening = {"access.add_accesslevel", "access.add_grant", "access.change_door", "access.change_gallery"}
    for role in Role.values:
        rights = roles.rights_of([role], tables())
        assert not (rights & enrolling and rights & opening), role


def test_nobody_who_may_see_faces_only_by_role_sees_logins() -> None:
    for role in (Role.ENROLLER, Role.GUARD, Role.HR, Role.MANAGER, Role.PRIVACY):
        assert "access.change_staff" not in roles.rights_of([role], tables()), role


def test_a_login_has_the_rights_of_all_its_roles() -> None:
    both = staff(Role.GUARD, Role.ENROLLER)
    assert both.has_perm("access.lock_down_site")
    assert both.has_perm("access.add_photograph")
    assert not both.has_perm("access.change_door")
    assert both.has_module_perms("access")


def test_an_unknown_role_and_a_login_switched_off_have_none() -> None:
    assert roles.rights_of(["janitor"], tables()) == frozenset()
    assert not staff(Role.HR, is_active=False).has_perm("access.view_person")
    assert not staff().has_module_perms("access")


def test_rights_are_not_kept_beyond_the_row_they_were_read_from() -> None:
    clerk = staff(Role.HR)
    assert clerk.has_perm("access.view_punch")
    Staff.objects.filter(pk=clerk.pk).update(roles=[])
    assert not Staff.objects.get(pk=clerk.pk).has_perm("access.view_punch")


def test_a_manager_reaches_their_departments_only(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    manager = staff(Role.MANAGER)
    yard.managers.add(manager)
    mine = factories.person("Yolanda Yard", department=yard)
    assert list(reach.people_for(manager)) == [mine]
    assert set(reach.people_for(staff(Role.HR))) >= {mine, cast.alice}
