"""After erasure nothing of a person is left but a bare key, in any column of any table."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from access import attendance, audit, decisions, enrolment, erasure, people, snapshots, vault
from access.doors import alarms
from access.hours import corrections, leave
from access.models import (
    AccessLevel,
    Adjustment,
    Alarm,
    Assignment,
    AuditEntry,
    Card,
    Consent,
    Correction,
    Decision,
    Department,
    Dispute,
    DoorMemory,
    Faceprint,
    Grant,
    Leave,
    LeaveBalance,
    LeaveType,
    OvertimeApproval,
    PayrollPeriod,
    Person,
    PersonKey,
    Pin,
    Presence,
    Proposal,
    Punch,
    Remark,
    Retention,
    RosterEntry,
    RuleSet,
    Schedule,
    Site,
    Staff,
    Terminal,
    TerminalLine,
    TerminalUser,
    WorkDay,
    Zone,
)
from access.policy import Evidence
from access.privacy import disclosure, invitations, retention
from tests import factories
from tests.access.racing import at_once
from tests.factories import Cast

CANARIES = ("Quetzal", "Xylander", "ZZ-0815-ZZ", "canary-")


def whole_database() -> str:
    """Every value of every column of every table, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def leave_of(person: Person) -> None:
    """Leave, a correction and a balance, each with words that tell of the person."""
    sick, day = LeaveType.objects.create(name="Sick", code="S"), date(2026, 3, 2)
    LeaveBalance.objects.create(person=person, type=sick, year=2026, days=30)
    OvertimeApproval.objects.create(person=person, day=day, minutes=30, note="canary-overtime")
    leave.ask(Leave(person=person, type=sick, first=day, last=day, note="canary-leave"), by=None)
    corrections.ask(
        Correction(person=person, day=day, at=timezone.now(), direction="in", reason="canary-reason"),
        by="kiosk:1",
    )
    WorkDay.objects.create(person=person, day=day, status="present")
    Proposal.objects.create(person=person, days=1, note="canary-proposal")
    RosterEntry.objects.create(person=person, day=day, note="canary-roster")
    rules = RuleSet.objects.create(name="House")
    Assignment.objects.create(person=person, site=Site.objects.first(), rules=rules, first=day)
    Leave.objects.update(answer="canary-answer")
    Correction.objects.update(answer="canary-answer")


def doors_of(person: Person, cast: Cast) -> None:
    """A card, a PIN, levels, a grant, zones, alarms, terminals and an invitation."""
    Card.objects.create(person=person, digest=b"c" * 32, hint="9999")
    Pin.objects.create(person=person, digest="canary-pin")
    always = Schedule.objects.create(name="Always")
    AccessLevel.objects.create(name="Crew", schedule=always).people.add(person)
    Grant.objects.create(person=person, begins=timezone.now(), ends=timezone.now() + timedelta(days=1))
    zone = Zone.objects.create(site=cast.site, name="Hall")
    Presence.objects.create(zone=zone, person=person, since=timezone.now())
    DoorMemory.objects.create(door=cast.front, waiting=person)
    alarms.raise_alarm(alarms.Kind.DURESS, cast.front, person=person)
    Alarm.objects.update(note="canary-note")
    box = Terminal.objects.create(serial="A1")
    TerminalUser.objects.create(terminal=box, pin="canary-user", person=person)
    told = attendance.note_punch(person, at=timezone.now(), direction="in", origin="terminal:A1:1")
    TerminalLine.objects.create(
        terminal=box, table="ATTLOG", raw="canary-line", pin="canary-user", identity=b"i" * 32, punch=told
    )
    invitations.invite(person)
    period = PayrollPeriod.objects.create(first=date(2026, 3, 1), last=date(2026, 3, 31))
    Adjustment.objects.create(
        workday=person.workdays.get(), person=person, day=date(2026, 3, 2), paid_in=period
    )


@pytest.fixture
def known(cast: Cast) -> Person:
    """Somebody who left traces wherever the system keeps any."""
    person = factories.person("Quetzal Xylander", badge="ZZ-0815-ZZ")
    person.department = Department.objects.create(name="Flight")
    person.save()
    cast.crew.people.add(person)
    factories.faceprint(person, (0.3, 0.1, 0.5, 0.2, 0.7, 0, 0, 0.1))
    enrolment.submit(person, [("canary-file.jpg", factories.picture())])
    retention.fill_in()
    Retention.objects.filter(kind="passage_pictures").update(days=7)
    twin = enrolment.submit(cast.bob, [("bob.jpg", factories.picture(seed=1))])
    enrolment.ask_review(twin, person.pk, 0.51)
    for evidence in (Evidence(person=person.pk, facts={"score": 0.6}), Evidence()):
        snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
        decisions.settle(snapshot.pk, evidence)
    ada = Staff.objects.create(username="ada", is_staff=True)
    leave_of(person)
    doors_of(person, cast)
    decision = Decision.objects.get(granted=True)
    Remark.objects.create(decision=decision, why="private")
    Dispute.objects.create(decision=decision)
    LogEntry.objects.create(
        user=ada,
        content_type=ContentType.objects.get_for_model(Person),
        object_id=str(person.pk),
        object_repr=str(person),
        action_flag=CHANGE,
        change_message="canary-department-note",
    )
    return person


@pytest.mark.django_db
def test_nothing_of_the_person_is_left_anywhere(known: Person) -> None:
    photograph = enrolment.Photograph.objects.get(person=known)
    sealed = bytes(photograph.sealed).hex()
    with connection.cursor() as cursor:
        cursor.execute("SELECT vector::text FROM access_faceprint WHERE person_id = %s", [known.pk])
        [[vector]] = cursor.fetchall()
    traces = [*CANARIES, sealed[:64], vector, bytes(PersonKey.objects.get(person=known).wrapped).hex()[:64]]
    before = whole_database()
    assert [trace for trace in traces if trace not in before] == []

    erasure.erase(known, by="command")
    after = whole_database()
    assert [trace for trace in traces if trace in after] == []


@pytest.mark.django_db
def test_the_receipt_says_what_went_and_what_stays(known: Person) -> None:
    receipt = erasure.erase(known, by="command")
    known.refresh_from_db()
    assert receipt == erasure.Receipt(
        person=known.pk,
        erased=known.erased.isoformat(),  # type: ignore[union-attr]
        keys_destroyed=1,
        faceprints_deleted=1,
        photographs_deleted=1,
        enrolments_deleted=1,
        gallery_memberships_deleted=1,
        consents_kept=1,
        punches_kept=2,
        decisions_kept=1,
        leave_balances_deleted=1,
        leave_kept=1,
        corrections_kept=1,
        plans_deleted=2,
        working_days_kept=1,
        cards_deleted=1,
        pins_deleted=1,
        terminal_lines_emptied=1,
        access_levels_left=1,
        grants_deleted=1,
        invitations_deleted=1,
        remarks_deleted=1,
        passage_pictures_deleted=1,
        alarms_kept=1,
    )
    assert "faceprints deleted: 1" in receipt.lines()
    entry = AuditEntry.objects.get(action="person.erased")
    assert entry.subject == audit.name_of(known)
    assert (entry.details["keys_destroyed"], entry.actor) == (1, "command")


@pytest.mark.django_db
def test_what_the_law_keeps_names_only_a_bare_key(known: Person) -> None:
    erasure.erase(known)
    known.refresh_from_db()
    assert (known.name, known.badge, known.department, known.active) == (
        "Erased person",
        f"erased-{known.pk}",
        None,
        False,
    )
    assert {punch.person_id for punch in Punch.objects.all()} == {known.pk}
    assert Decision.objects.get(granted=True).person_id == known.pk
    assert Consent.objects.get(person=known).withdrawn is not None


@pytest.mark.django_db
def test_a_photograph_from_a_backup_is_noise_without_the_key(known: Person) -> None:
    backup = enrolment.Photograph.objects.get(person=known)
    assert enrolment.open_photograph(backup)
    erasure.erase(known)
    with pytest.raises(vault.Sealed):
        enrolment.open_photograph(backup)


@pytest.mark.django_db
def test_erasing_twice_destroys_nothing_more_and_keeps_the_first_moment(known: Person) -> None:
    first = erasure.erase(known)
    second = erasure.erase(known)
    assert (second.erased, second.keys_destroyed, second.photographs_deleted) == (first.erased, 0, 0)
    assert (second.punches_kept, second.consents_kept) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_erase_the_same_person_at_once_destroy_once(known: Person) -> None:
    receipts = at_once(*[partial(erasure.erase, known)] * 4)
    assert sorted(receipt.keys_destroyed for receipt in receipts) == [0, 0, 0, 1]
    assert len({receipt.erased for receipt in receipts}) == 1


@pytest.mark.django_db
def test_it_is_all_or_nothing(known: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = whole_database()

    def fail(*_args: object, **_options: object) -> Any:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit.AuditEntry.objects, "create", fail)
    with pytest.raises(OSError, match="disk"):
        erasure.erase(known)
    assert sorted(whole_database().splitlines()) == sorted(before.splitlines())


@pytest.mark.django_db
def test_the_badge_is_free_for_somebody_else(known: Person) -> None:
    erasure.erase(known)
    assert factories.person("New One", badge="zz-0815-zz").pk


@pytest.mark.django_db
def test_whoever_was_erased_can_neither_consent_nor_be_enrolled_again(known: Person) -> None:
    erasure.erase(known)
    with pytest.raises(Person.DoesNotExist):
        people.note_consent(known, factories.consent_text())
    with pytest.raises(enrolment.NoConsent):
        enrolment.submit(known, [("a.jpg", factories.picture())])
    assert not PersonKey.objects.filter(person=known).exists()


@pytest.mark.django_db
def test_others_keep_everything(known: Person, cast: Cast) -> None:
    people.key_of(cast.alice)
    erasure.erase(known)
    assert Faceprint.objects.filter(person=cast.alice).count() == 1
    assert PersonKey.objects.filter(person=cast.alice).exists()
    assert people.has_consent(cast.alice)
    held = enrolment.Enrolment.objects.get(person=cast.bob)
    assert (held.state, held.lookalike_score) == ("review", None)
    assert attendance.next_direction(cast.alice, held.submitted) == "in"


# --- Every table ----------------------------------------------------------------------------------

# What keeps a bare key after erasure, because the law or the trail asks for it.
KEPT = {
    "Adjustment.person",
    "Alarm.person",
    "Consent.person",
    "Correction.person",
    "Decision.person",
    "Enrolment.lookalike",
    "Leave.person",
    "OvertimeApproval.person",
    "Proposal.person",
    "Punch.person",
    "WorkDay.person",
}
NAMING = [
    (model, field)
    for model in apps.get_app_config("access").get_models()
    for field in [*model._meta.fields, *model._meta.many_to_many]
    if field.related_model is Person
]


def names(model: Any, field: Any) -> str:
    return f"{model.__name__}.{field.name}"


@pytest.mark.django_db
def test_no_table_still_names_the_person_but_those_that_must(known: Person) -> None:
    """A new table that names people has a row in `known` first, and a fate."""

    def there() -> set[str]:
        return {
            names(model, field)
            for model, field in NAMING
            if model._default_manager.filter(**{field.name: known.pk}).exists()
        }

    assert there() == {names(model, field) for model, field in NAMING}
    erasure.erase(known)
    assert there() == KEPT


def test_no_table_that_names_people_is_forgotten_by_their_own_data() -> None:
    disclosed = {part.table for part in disclosure.PARTS} | set(disclosure.LEFT_OUT)
    assert {model for model, _field in NAMING} <= disclosed
