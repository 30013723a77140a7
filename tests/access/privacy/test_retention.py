"""What is kept too long goes at night, and nothing else: kind by kind, with the database's own guards on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from access import enrolment, people, queue, snapshots
from access.attendance import note_punch
from access.doors import alarms
from access.doors.contacts import DoorEvent
from access.enrolment import Enrolment, Photograph
from access.models import (
    Alarm,
    AuditEntry,
    Consent,
    Correction,
    Decision,
    Faceprint,
    Invitation,
    PayrollExport,
    PayrollPeriod,
    PayrollProfile,
    Person,
    PersonKey,
    Punch,
    Retention,
    Snapshot,
    Sweep,
    TerminalLine,
    WorkDay,
)
from access.privacy import invitations, kinds, retention
from access.privacy.kinds import SPANS, Kind
from access.terminals.devices import Terminal
from tests import factories
from tests.factories import Cast
from workers import caretaker, housekeeping

pytestmark = pytest.mark.django_db


def long_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def aged(row: Model, **moments: Any) -> None:
    """Put a row back in time; only what no trigger guards."""
    type(row)._default_manager.filter(pk=row.pk).update(**moments)


def enrolled(person: Person, days: int, *, state: str = Photograph.State.ACCEPTED) -> Photograph:
    """A photograph looked at so many days ago, with its faceprint if it was accepted."""
    held = enrolment.submit(person, [("a.jpg", factories.picture())])
    accepted = state == Photograph.State.ACCEPTED
    fate = Enrolment.State.DONE if accepted else Enrolment.State.REFUSED
    aged(held, state=fate, submitted=long_ago(days), finished=long_ago(days))
    held.photographs.update(state=state)
    if accepted:
        print_ = factories.faceprint(person, factories.ALICE)
        aged(print_, photograph=held.photographs.get(), created=long_ago(days))
    return held.photographs.get()


def decided(cast: Cast, days: int, *, punch: bool = False) -> Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    aged(snapshot, received=long_ago(days))
    snapshot.picture.delete()
    made = Decision.objects.create(
        snapshot=snapshot, granted=True, reason="granted", person=cast.alice, at=long_ago(days)
    )
    if punch:
        note_punch(cast.alice, at=long_ago(days), direction="in", kiosk=cast.kiosk, snapshot_id=snapshot.pk)
    return made


def night() -> dict[Kind, Sweep]:
    """One run of the job, as a worker does it."""
    run = retention.begin()
    while retention.sweep_slice(run):
        pass
    return {Kind(one.kind): one for one in Sweep.objects.filter(run=run)}


# --- The job --------------------------------------------------------------------------------------


def test_each_run_leaves_a_row_for_every_kind(cast: Cast) -> None:
    report = night()
    assert set(report) == set(Kind)
    assert all(one.finished and not one.error for one in report.values())
    assert not AuditEntry.objects.filter(action="retention.deleted").exists()


def test_the_preview_says_what_the_night_then_does(cast: Cast) -> None:
    for days in (10, 89, 91, 400):
        decided(cast, days)
    enrolled(cast.bob, 40, state=Photograph.State.REFUSED)
    told = {one.kind: one.count for one in retention.preview()}
    done = {kind: one.deleted for kind, one in night().items()}
    assert done == told
    assert (done[Kind.DECISIONS], done[Kind.REFUSED_PHOTOGRAPHS]) == (2, 1)
    assert {one.kind: one.count for one in retention.preview()} == dict.fromkeys(Kind, 0)
    entry = AuditEntry.objects.get(action="retention.deleted", subject="retention:decisions")
    assert entry.details == {"count": 2, "days": 90}


def test_it_deletes_in_slices_and_counts_across_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    for _number in range(5):
        decided(cast, 100)
    kept = decided(cast, 1)
    report = night()
    assert report[Kind.DECISIONS].deleted == 5
    assert (list(Decision.objects.all()), Snapshot.objects.count()) == ([kept], 1)
    assert report[Kind.DECISIONS].oldest_left == kept.at


def test_the_worker_does_it_all_by_itself(cast: Cast, run_queue: list[tuple[str, str]]) -> None:
    decided(cast, 100)
    housekeeping.retain()
    assert not Decision.objects.exists()
    assert {name for name, _key in run_queue} == {queue.RETAIN}
    assert not Sweep.objects.filter(finished=None).exists()


def test_a_kind_that_fails_is_noted_and_the_others_have_their_turn(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(cast, 100)

    def fail(*_: object) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return 0

    enrolled(cast.bob, 40, state=Photograph.State.REFUSED)
    monkeypatch.setattr(kinds, "_pictures", fail)
    report = night()
    assert report[Kind.REFUSED_PHOTOGRAPHS].error == "DataError"
    assert report[Kind.DECISIONS].deleted == 1
    assert Photograph.objects.exists()
    assert retention.overdue(timezone.now() + timedelta(days=3))


@pytest.mark.parametrize(("hours", "wrong"), [(40, False), (60, True)])
def test_two_nights_without_a_run_are_an_alarm(hours: int, wrong: bool, cast: Cast) -> None:
    retention.fill_in()
    night()
    Sweep.objects.update(run=timezone.now() - timedelta(hours=hours))
    caretaker.mind_retention()
    assert Alarm.objects.filter(kind=alarms.Kind.RETENTION, ended=None).exists() is wrong
    night()
    caretaker.mind_retention()
    assert not Alarm.objects.filter(kind=alarms.Kind.RETENTION, ended=None).exists()


def test_a_fresh_install_has_two_nights_before_it_is_blamed() -> None:
    retention.fill_in()
    assert not retention.overdue()
    Retention.objects.update(since=long_ago(3))
    assert retention.overdue()


# --- Faces ----------------------------------------------------------------------------------------


def test_whoever_withdrew_is_found_by_no_door_at_once_and_gone_the_next_night(
    cast: Cast, find: Callable[[], set[int]]
) -> None:
    enrolled(cast.alice, 1)
    assert cast.alice.pk in find()
    people.withdraw_consent(cast.alice)
    assert cast.alice.pk not in find()
    report = night()
    assert report[Kind.WITHDRAWN_FACES].deleted >= 3
    for table in (Faceprint, Photograph, Enrolment, PersonKey):
        assert not table.objects.filter(person=cast.alice).exists()
    assert Consent.objects.filter(person=cast.alice).exists()
    assert Faceprint.objects.filter(person=cast.bob).exists()


@pytest.fixture
def find(cast: Cast) -> Callable[[], set[int]]:
    """Whom a door of the site finds who looks like Alice."""
    from access import gallery
    from workers import turning

    turn, secret = gallery.current_turn()
    vector = turning.turn(factories.unit(factories.ALICE), secret)

    def search() -> set[int]:
        found = gallery.nearest(vector, model="test-model", turn=turn, site=cast.site.pk)
        return {one.person for one in found.neighbours}

    return search


@pytest.mark.parametrize(("days", "gone"), [(29, False), (31, True)])
def test_faces_of_whoever_left_go_after_a_month(cast: Cast, days: int, gone: bool) -> None:
    enrolled(cast.alice, 200)
    people.suspend(cast.alice)
    aged(cast.alice, suspended=long_ago(days))
    enrolled(cast.bob, 200)
    aged(cast.bob, valid_until=long_ago(days).date())
    night()
    assert Faceprint.objects.filter(person__in=[cast.alice, cast.bob]).exists() is not gone


def test_whoever_comes_back_in_time_keeps_their_face(cast: Cast) -> None:
    enrolled(cast.alice, 200)
    people.suspend(cast.alice)
    aged(cast.alice, suspended=long_ago(60))
    people.reactivate(Person.objects.get(pk=cast.alice.pk))
    night()
    assert Faceprint.objects.filter(person=cast.alice).exists()


@pytest.mark.parametrize(
    ("seen", "punched", "gone"),
    [(None, None, True), (1100, None, True), (20, None, False), (1100, 30, False)],
)
def test_nobodys_face_outlives_three_years_without_a_visit(
    cast: Cast, seen: int | None, punched: int | None, gone: bool
) -> None:
    enrolled(cast.alice, 1200)
    Faceprint.objects.update(created=long_ago(1200))
    aged(cast.alice, created=long_ago(1300), last_seen=long_ago(seen).date() if seen else None)
    if punched:
        note_punch(cast.alice, at=long_ago(punched), direction="in")
    night()
    assert Faceprint.objects.filter(person=cast.alice).exists() is not gone


def test_a_passage_counts_as_a_visit(cast: Cast) -> None:
    from access import decisions
    from access.policy import Evidence

    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    assert Person.objects.get(pk=cast.alice.pk).last_seen == timezone.now().date()


def test_refused_photographs_go_and_those_in_use_stay_with_the_consent(cast: Cast) -> None:
    refused = enrolled(cast.alice, 31, state=Photograph.State.REFUSED)
    used = enrolled(cast.bob, 900)
    night()
    assert list(Photograph.objects.all()) == [used]
    assert refused.pk not in Photograph.objects.values_list("pk", flat=True)


def test_photographs_in_use_may_be_given_a_time_and_their_faceprints_stay(cast: Cast) -> None:
    enrolled(cast.alice, 31)
    Retention.objects.update_or_create(kind=Kind.USED_PHOTOGRAPHS, defaults={"days": 30})
    before = Faceprint.objects.filter(person=cast.alice).count()
    assert night()[Kind.USED_PHOTOGRAPHS].deleted == 1
    assert not Photograph.objects.exists()
    assert Faceprint.objects.filter(person=cast.alice, active=True).count() == before


def test_what_a_worker_is_still_to_look_at_is_left_to_it(cast: Cast) -> None:
    enrolment.submit(cast.alice, [("a.jpg", factories.picture())])
    people.withdraw_consent(cast.alice)
    night()
    assert Photograph.objects.filter(person=cast.alice).exists()


# --- Facts ----------------------------------------------------------------------------------------


def test_a_punch_outlives_its_decision_and_keeps_its_bare_snapshot(cast: Cast) -> None:
    decided(cast, 100, punch=True)
    night()
    assert not Decision.objects.exists()
    assert Punch.objects.get().snapshot is not None


def test_working_time_goes_with_its_days_even_those_that_were_paid(cast: Cast) -> None:
    decided(cast, 1200, punch=True)
    period = PayrollPeriod.objects.create(first=long_ago(1230).date(), last=long_ago(1180).date())
    WorkDay.objects.create(person=cast.alice, day=long_ago(1200).date(), status="P")
    WorkDay.objects.update(period=period)
    young = note_punch(cast.alice, at=long_ago(1000), direction="in")
    night()
    assert list(Punch.objects.all()) == [young]
    assert not WorkDay.objects.exists()
    night()
    assert not Snapshot.objects.exists()


def test_what_was_handed_to_the_payroll_goes_with_the_working_time_and_not_before(cast: Cast) -> None:
    retention.fill_in()
    period = PayrollPeriod.objects.create(first=long_ago(60).date(), last=long_ago(30).date())
    profile = PayrollProfile.objects.create(name="Payroll")
    made = PayrollExport.objects.create(
        profile=profile, period=period, serial=1, draft=False, file_name="a.csv", sha256="0" * 64,
        size_bytes=1, row_count=1, people=1,
    )  # fmt: skip
    say("working_time")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        made.delete()
    with connection.cursor() as cursor:  # nobody can put such a row back in time: an old one beside it
        cursor.execute(
            """
            INSERT INTO access_payrollexport SELECT (jsonb_populate_record(e, jsonb_build_object(
                'id', e.id + 1, 'serial', 2, 'made', now() - interval '1100 days'
            ))).* FROM access_payrollexport e
            """
        )
    night()
    assert list(PayrollExport.objects.all()) == [made]


def test_a_punch_that_a_correction_asks_about_waits_for_the_answer(cast: Cast) -> None:
    old = note_punch(cast.alice, at=long_ago(1200), direction="in")
    Correction.objects.create(
        person=cast.alice, day=long_ago(1200).date(), punch=old, reason="wrong", state="asked"
    )
    report = night()
    assert report[Kind.WORKING_TIME].error == ""
    assert list(Punch.objects.all()) == [old]


def test_events_of_doors_settled_alarms_and_lines_of_terminals_go(cast: Cast) -> None:
    for days in (300, 400):
        DoorEvent.objects.create(
            door=cast.front, reported="open", state="open", taken=long_ago(days), at=long_ago(days)
        )
    seen = alarms.raise_alarm(alarms.Kind.DURESS, cast.front)
    unseen = alarms.raise_alarm(alarms.Kind.FORCED, cast.front)
    aged(seen, acknowledged=long_ago(400), opened=long_ago(400))
    aged(unseen, opened=long_ago(400))
    box = Terminal.objects.create(serial="A1")
    for number, (state, raw) in enumerate((("booked", "7\t2026"), ("unknown_user", "8\t2026"))):
        TerminalLine.objects.create(
            terminal=box, table="ATTLOG", raw=raw, pin="7", identity=bytes([number]) * 32, state=state,
            received=long_ago(100),
        )  # fmt: skip
    night()
    assert DoorEvent.objects.count() == 1
    assert list(Alarm.objects.all()) == [unseen]
    assert list(TerminalLine.objects.order_by("identity").values_list("raw", "pin")) == [
        ("", ""),
        ("8\t2026", "7"),
    ]


def test_ended_consents_and_old_invitations_go(cast: Cast) -> None:
    people.withdraw_consent(cast.alice)
    Consent.objects.filter(person=cast.alice).update(withdrawn=long_ago(1100))
    invitations.invite(cast.bob)
    Invitation.objects.update(expires=long_ago(31))
    night()
    assert not Consent.objects.filter(person=cast.alice).exists()
    assert Consent.objects.filter(person=cast.bob).exists()
    assert not Invitation.objects.exists()


# --- The guards -----------------------------------------------------------------------------------


def say(kind: str) -> None:
    """What the job says in its transaction, said by somebody else in the test's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lintel.retention', %s, true)", [kind])


@pytest.mark.parametrize(
    ("named", "days"), [("", 400), ("decisions", 10), ("working_time", 400), ("decisions; --", 400)]
)
def test_nobody_else_deletes_a_fact_and_the_job_none_that_is_not_due(
    cast: Cast, named: str, days: int
) -> None:
    retention.fill_in()
    decided(cast, days)
    say(named)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Decision.objects.all().delete()
    assert Decision.objects.exists()


def test_a_punch_is_safe_for_as_long_as_the_table_says(cast: Cast) -> None:
    retention.fill_in()
    note_punch(cast.alice, at=long_ago(1000), direction="in")
    say("working_time")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Punch.objects.all().delete()


def test_a_fact_is_never_changed_not_even_by_the_job(cast: Cast) -> None:
    decided(cast, 400)
    say("decisions")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Decision.objects.update(granted=False)


def test_the_defaults_of_the_database_are_those_of_the_code(django_db_blocker: Any, cast: Cast) -> None:
    from importlib import import_module

    names = ("0029_retention", "0038_pictures_of_passages")
    first, later = (import_module(f"access.migrations.{name}") for name in names)
    assert {kind.value: SPANS[kind].days for kind in Kind} == first.DEFAULTS | later.DEFAULTS


@pytest.mark.parametrize("kind", list(Kind))
def test_only_what_the_law_and_prudence_allow_is_accepted(kind: Kind) -> None:
    span = SPANS[kind]
    for days in (span.least, span.most):
        Retention(kind=kind, days=days).clean()
    for days in (span.least - 1, span.most + 1, None):
        if days is None and span.days is None:
            continue
        with pytest.raises(ValidationError):
            Retention(kind=kind, days=days).clean()
