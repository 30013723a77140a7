"""What a member of staff may do, by role. A login may hold several; groups and single rights add to them.

The roles stand here and not in a table, so that they are what the release says, everywhere and at once.
Whom a login reaches is another question: a role without `reach_everybody` reaches the people of the
departments it manages (hours/reach.py). Nobody but a superuser hands out roles.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.backends import BaseBackend
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    ENROLLER = "enroller", _("Enroller: takes in people and their photographs")
    GUARD = "guard", _("Guard: watches doors, answers alarms, locks down")
    HR = "hr", _("HR: people, working time, leave, payroll of everybody")
    MANAGER = "manager", _("Manager: working time of their own departments")
    AUDITOR = "auditor", _("Auditor: reads everything but pictures, changes nothing")
    PRIVACY = "privacy", _("Privacy officer: consent, retention, erasure")
    SECURITY = "security", _("Security admin: sites, doors, levels, cards, devices")


# "verbs: tables" as Django names its permissions, or a right by itself.
RIGHTS: dict[str, tuple[str, ...]] = {
    Role.ENROLLER: (
        "reach_everybody",
        "view add change: person",
        "view add: consent",
        "view: consenttext department gallery faceprint",
        "view add change: enrolment invitation",
        "view add delete: photograph",
    ),
    Role.GUARD: (
        "reach_everybody",
        "acknowledge_alarm",
        "lock_down_site",
        "order_door",
        "set_door_mode",
        "view: alarm decision door doorcommand doorevent keptpicture kiosk offlineevent person presence site",
        "view: worker zone",
        "add: doorcommand",
        "view: reportfile",
        "change: presence",
    ),
    Role.HR: (
        "reach_everybody",
        "approve_correction",
        "approve_leave",
        "decide_proposal",
        "lock_payrollperiod",
        "view add change delete: correction department leave leavebalance leavetype overtimeapproval",
        "view add change delete: assignment pattern patternday payrollperiod rosterentry ruleset ruleversion",
        "view add change delete: shift shiftbreak shiftpart",
        "view add change delete: payrollcode payrollcolumn payrollprofile",
        "view add: payrollexport",
        "view: adjustment proposal workday",
        "view add: outage",
        "view add change delete: reportschedule",
        "view: reportfile reportmail",
        "view add change: consent invitation person",
        "settle_terminal",
        "view: alarm consenttext decision delivery door endpoint gallery holiday kiosk punch site",
        "view: terminal terminalcommand terminalline terminaluser",
        "add: punch",
        "change delete add: holiday",
        "view add change: program",
    ),
    Role.MANAGER: (
        "approve_correction",
        "approve_leave",
        "decide_proposal",
        "view add change: correction leave overtimeapproval",
        "view add: outage",
        "view add change delete: reportschedule",
        "view: reportfile reportmail",
        "view add change delete: rosterentry",
        "view: adjustment assignment department leavebalance leavetype pattern person proposal punch",
        "view: ruleset ruleversion shift shiftbreak shiftpart workday",
    ),
    Role.PRIVACY: (
        "reach_everybody",
        "view add change delete: consenttext",
        "view add change: consent",
        "view add change delete: notice",
        "view change: retention",
        "view: invitation sweep",
        "disclose_person",
        "view delete: person photograph",
        "view: auditentry department dispute enrolment faceprint gallery",
        "change: dispute",
    ),
    Role.SECURITY: (
        "reach_everybody",
        "acknowledge_alarm",
        "lock_down_site",
        "order_door",
        "set_door_mode",
        "view add change delete: accesslevel door gallery grant holiday schedule site zone",
        "view add change: card kiosk kioskkey pairingcode pin program wiring",
        "view add change: staff",
        "view: alarm auditentry decision department dispute doorcommand doorevent faceprint person presence",
        "view: delivery offlineevent siterisk worker",
        "see_match",
        "view add change delete: endpoint terminal",
        "view: terminalcommand terminalline terminaluser",
        "settle_terminal",
        "view add change delete: reportschedule",
        "view: reportfile reportmail",
        "add: doorcommand",
        "change: dispute person presence",
        "delete: card kiosk kioskkey pairingcode",
    ),
}
# An auditor reads every table but these: a face, and what opens doors or logins.
UNSEEN_BY_AUDITORS = frozenset(
    {"photograph", "keptpicture", "snapshotpicture", "personkey", "pepper", "turn", "secondfactor"}
)


def rights_of(roles: Iterable[str], tables: Iterable[str]) -> frozenset[str]:
    """The permissions ("access.view_person") of these roles; `tables` are those that there are.

    A role that the release does not know gives nothing.
    """
    found: set[str] = set()
    for role in roles:
        if role == Role.AUDITOR:
            found |= {f"access.view_{table}" for table in tables if table not in UNSEEN_BY_AUDITORS}
            found |= {"access.reach_everybody", "access.see_match"}
        for line in RIGHTS.get(role, ()):
            found |= set(_spelled(line))
    return frozenset(found)


def _spelled(line: str) -> Iterable[str]:
    verbs, colon, tables = line.partition(":")
    if not colon:
        return [f"access.{line}"]
    return [f"access.{verb}_{table}" for verb in verbs.split() for table in tables.split()]


class ByRole(BaseBackend):
    """Gives a login the rights of its roles; who somebody is, another backend says."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or obj is not None:
            return set()
        if not hasattr(user_obj, "_rights_by_role"):
            tables = [model._meta.model_name for model in apps.get_app_config("access").get_models()]
            user_obj._rights_by_role = set(rights_of(getattr(user_obj, "roles", ()), tables))
        return user_obj._rights_by_role  # type: ignore[no-any-return]

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return app_label == "access" and bool(self.get_user_permissions(user_obj))
