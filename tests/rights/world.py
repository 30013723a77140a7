"""One row of every table for the people one manages and one for somebody else's, and a login of each kind."""

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.test import Client
from django.utils import timezone

from access import attendance, decisions, enrolment, kept, models, policy, signin, snapshots
from access.admin.photographs import SALT
from access.doors import alarms, credentials
from access.doors.alarms import Kind
from access.payroll import exports
from access.privacy import retention
from access.roles import Role
from tests import factories
from tests.factories import Cast

# How the pages of either are told apart: no page may show one of these words to whoever does not reach them.
OWN, FOREIGN = "Olga Own", "Fritz Foreign"
FOREIGN_MARKS = (FOREIGN, "foreign-1", "Foreign yard")
DAY = date(2026, 3, 2)

# The letters of the table.
ROLES = {
    "e": Role.ENROLLER,
    "g": Role.GUARD,
    "h": Role.HR,
    "m": Role.MANAGER,
    "a": Role.AUDITOR,
    "p": Role.PRIVACY,
    "s": Role.SECURITY,
}
LOGINS = {
    **{letter: role.value for letter, role in ROLES.items()},
    "n": "staff without a role",
    "x": "superuser",
    "w": "every right by hand, own departments only",
}
OUTSIDERS = {"o": "nobody", "k": "a kiosk's key"}
EVERYBODY = "".join([*LOGINS, *OUTSIDERS])
# Who reaches the people of their own departments alone.
WITHIN = "mw"


@dataclass
class World:
    own: dict[str, Any]
    foreign: dict[str, Any]
    clients: dict[str, Client] = field(default_factory=dict)
    staff: dict[str, models.Staff] = field(default_factory=dict)

    def ticket(self, letter: str, person: int) -> str:
        """As the page of a person hands it out to whoever looks at it."""
        return signing.dumps([self.staff[letter].pk, person], salt=SALT) if letter in self.staff else ""


def build(cast: Cast) -> World:
    """All of it, in the transaction of the test."""
    logins = {letter: login(letter) for letter in LOGINS}
    shared = places(cast)
    world = World(
        own=shared | of_person(cast, shared, OWN, "own-1", "Own yard", logins),
        foreign=shared | of_person(cast, shared, FOREIGN, "foreign-1", "Foreign yard", {}),
        staff=logins,
    )
    for letter, staff in logins.items():
        world.clients[letter] = signed_in(staff)
    world.clients["o"] = Client(raise_request_exception=False)
    world.clients["k"] = Client(raise_request_exception=False, headers={"Authorization": f"Kiosk {cast.key}"})
    return world


def login(letter: str) -> models.Staff:
    fields: dict[str, Any] = {"is_staff": True, "roles": [ROLES[letter].value] if letter in ROLES else []}
    staff = models.Staff.objects.create_user(f"login-{letter}", password=None, **fields)
    if letter == "x":
        models.Staff.objects.filter(pk=staff.pk).update(is_superuser=True)
    if letter == "w":
        rights = Permission.objects.filter(content_type__app_label="access")
        staff.user_permissions.set(rights.exclude(codename="reach_everybody"))
    return models.Staff.objects.get(pk=staff.pk)


def signed_in(staff: models.Staff) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(staff)
    session = client.session
    session[signin.AGAIN] = int(time.time())
    session.save()
    client.get("/admin/live/")  # what the first request notes in the session, the others need not
    return client


def places(cast: Cast) -> dict[str, Any]:
    """The rows that are nobody's."""
    retention.fill_in()
    rules = models.RuleSet.objects.create(name="House rules")
    pattern = models.Pattern.objects.create(name="Week", anchor=DAY)
    endpoint = models.Endpoint.objects.create(
        name="HR", url="https://hr.example.org/", events=["punch.noted"]
    )
    terminal = models.Terminal.objects.create(serial="T1", site=cast.site, door=cast.front)
    somebody = models.Staff.objects.create_user("somebody", password=None, is_staff=True)
    profile = models.PayrollProfile.objects.create(name="Generic")
    period = models.PayrollPeriod.objects.create(name="March", first=DAY, last=DAY + timedelta(days=30))
    schedule = models.ReportSchedule.objects.create(
        name="Weekly", report="daily", site=cast.site, owner=somebody
    )
    program = models.Program.objects.create(
        staff=somebody,
        name="Board",
        roles=[],
        digest=b"1" * 32,
        hint="lp_1",
        expires=timezone.now() + timedelta(days=1),
    )
    return {
        "program": program.pk,
        "zone": models.Zone.objects.create(site=cast.site, name="Hall").pk,
        "payrollprofile": profile.pk,
        "payrollexport": payroll_file(profile, period),
        "reportschedule": schedule.pk,
        "reportmail": models.ReportMail.objects.create(
            schedule=schedule, recipient=somebody, slot=timezone.now()
        ).pk,
        "reportfile": models.ReportFile.objects.create(report="daily", asked_by=somebody).pk,
        "site": cast.site.pk,
        "door": cast.front.pk,
        "kiosk": cast.kiosk.pk,
        "gallery": cast.crew.pk,
        "consenttext": models.ConsentText.objects.create(version="2026-02", body="I agree.").pk,
        "accesslevel": models.AccessLevel.objects.create(name="Always").pk,
        "schedule": models.Schedule.objects.create(name="Office hours").pk,
        "holiday": models.Holiday.objects.create(site=cast.site, day=DAY, name="Fair").pk,
        "leavetype": models.LeaveType.objects.create(name="Holiday", code="L").pk,
        "payrollperiod": period.pk,
        "ruleset": rules.pk,
        "ruleversion": models.RuleVersion.objects.create(rule_set=rules, valid_from=date(2026, 1, 1)).pk,
        "shift": models.Shift.objects.create(name="Early", code="E").pk,
        "pattern": pattern.pk,
        "endpoint": endpoint.pk,
        "delivery": models.Delivery.objects.create(endpoint=endpoint, event="punch.noted", key="1").pk,
        "terminal": terminal.pk,
        "terminalline": models.TerminalLine.objects.create(
            terminal=terminal, table="ATTLOG", raw="900", identity=b"1"
        ).pk,
        "notice": models.Notice.objects.create(
            language="en", responsible="The works", contact="office@example.org"
        ).pk,
        "retention": "leavers_faces",
        "sweep": models.Sweep.objects.create(run=timezone.now(), kind="decisions").pk,
        "staff": somebody.pk,
        "group": Group.objects.create(name="Helpers").pk,
        "auditentry": models.AuditEntry.objects.order_by("pk").first().pk,
    }


def payroll_file(profile: models.PayrollProfile, period: models.PayrollPeriod) -> int:
    """Handed out, with nobody in it."""
    about = {"profile": profile, "period": period, "serial": 1, "draft": True}
    numbers = {"size_bytes": 0, "row_count": 0, "people": 0}
    made = models.PayrollExport(
        **about, **numbers, file_name="generic.csv", layout=profile.layout().as_json(), accounts=[]
    )
    made.sha256 = hashlib.sha256(exports.made_again(made)).hexdigest()
    made.save()
    return made.pk


def of_person(
    cast: Cast, shared: dict[str, Any], name: str, badge: str, yard: str, managers: dict[str, models.Staff]
) -> dict[str, Any]:
    """A person in a department, with a row in every table that is about people."""
    department = models.Department.objects.create(name=yard)
    department.managers.set([managers[letter] for letter in WITHIN if managers])
    person = factories.person(name, badge=badge, department=department)
    cast.crew.people.add(person)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    models.Retention.objects.filter(kind=kept.KIND).update(days=7)
    decision = decisions.settle(snapshot.pk, policy.Evidence(person=person.pk))
    punch = attendance.note_punch(
        person, at=timezone.now() - timedelta(minutes=5), direction="in", origin=f"test:{badge}"
    )
    alone = models.OfflineEvent.objects.create(
        snapshot=snapshot,
        key=cast.kiosk.keys.first(),
        line=uuid.uuid4(),
        seq=1,
        boot=uuid.uuid4(),
        wall=0,
        ticks=0,
        clock="sure",
        apart_ms=0,
    )
    about = {"person": person}
    handed_in = enrolment.submit(person, [(f"{badge}.jpg", factories.picture())])
    models.Enrolment.objects.filter(pk=handed_in.pk).update(state="review", lookalike=person)
    workday = models.WorkDay.objects.create(**about, day=DAY, status="P", digest="1")
    leavetype = models.LeaveType.objects.get(pk=shared["leavetype"])
    rules = models.RuleSet.objects.get(pk=shared["ruleset"])
    assigned = {"site": cast.site, "rules": rules, "shift_id": shared["shift"], "first": DAY}
    grant = models.Grant.objects.create(
        **about, begins=timezone.now(), ends=timezone.now() + timedelta(days=1)
    )
    grant.doors.add(cast.front)
    models.Presence.objects.create(**about, zone_id=shared["zone"], since=timezone.now())
    credentials.set_pin(person, "2580")
    return {
        "person": person.pk,
        "card": credentials.issue_card(person, f"card {badge}").pk,
        "department": department.pk,
        "decision": decision.pk,
        "outage": outage(cast, person, punch).pk,
        "offlineevent": alone.pk,
        "dispute": models.Dispute.objects.create(decision=decision).pk,
        "punch": punch.pk,
        "enrolment": handed_in.pk,
        "photograph": handed_in.photographs.get().pk,
        "workday": workday.pk,
        "adjustment": models.Adjustment.objects.create(workday=workday, **about, day=DAY, digest="1").pk,
        "proposal": models.Proposal.objects.create(**about, days=1).pk,
        "leave": models.Leave.objects.create(**about, type=leavetype, first=DAY, last=DAY).pk,
        "leavebalance": models.LeaveBalance.objects.create(**about, type=leavetype, year=2026, days=30).pk,
        "correction": models.Correction.objects.create(**about, day=DAY, punch=punch, reason="Forgot").pk,
        "overtimeapproval": models.OvertimeApproval.objects.create(**about, day=DAY, minutes=60).pk,
        "assignment": models.Assignment.objects.create(**about, **assigned).pk,
        "rosterentry": models.RosterEntry.objects.create(**about, day=DAY).pk,
        "grant": grant.pk,
        "alarm": alarms.raise_alarm(Kind.DURESS, person, person=person, door=cast.front).pk,
    }


def outage(cast: Cast, person: models.Person, punch: models.Punch) -> models.Outage:
    """A kiosk that was silent, and a punch that this person lacks by it."""
    made = models.Outage.objects.create(
        kiosk=cast.kiosk, begins=timezone.now() - timedelta(hours=2), ends=timezone.now(), reason="Silent"
    )
    models.Correction.objects.create(person=person, day=DAY, punch=punch, reason="Silent", outage=made)
    return made
