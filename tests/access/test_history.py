"""The rules as they were: each change is kept in the order of commits, and queries read any version."""

import threading
from datetime import date, time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from access import erasure, people
from access.doors import history, levels
from access.doors.history import RULES, RuleChange
from access.doors.levels import AccessLevel, Schedule, ScheduleBar
from access.people import Person
from access.places import Door, Kiosk
from tests import factories
from tests.factories import Cast

MONDAY = factories.at("2026-03-02T10:00+01:00")
# What decides nothing, and what names people.
NOT_RULES = {
    "access_site": {"demo", "false_identification_rate", "kiosk_pin", "lockdown_by_id", "lockdown_why"},
    "access_door": {"mode_set", "mode_by_id", "mode_why"},
    "access_kiosk": {"last_seen", "queued", "version", "clock_offset_ms", "reported"},
    "access_gallery": {"demo"},
    "access_person": {
        "badge",
        "name",
        "department_id",
        "demo",
        "created",
        "manager_id",
        "last_seen",
        "payroll_number",
        "suspended",
    },
    "access_consent": {"given", "noted_by_id", "channel", "ending", "ended_by_id"},
    "access_consenttext": {"language", "body", "published"},
    "access_grant": {"demo"},
}


def committed() -> int:
    """What a commit does to the kept rules, within a test's transaction; the version after it."""
    connection.check_constraints()
    return history.version()


def columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("table", RULES)
def test_every_column_of_a_rule_is_kept_or_known_to_decide_nothing(table: str, db: None) -> None:
    there, kept = columns(table), set(RULES[table].split())
    assert kept <= there
    assert there - kept <= NOT_RULES.get(table, set())


@pytest.mark.parametrize("table", RULES)
def test_the_database_keeps_what_the_list_says(table: str, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgname = 'rules_are_kept'"
            " AND tgrelid = %s::regclass",
            [table],
        )
        (told,) = cursor.fetchone()
    assert [name for name in told.split("\\000") if name] == RULES[table].split()


def test_what_is_changed_and_undone_reads_as_it_was_at_each_version(cast: Cast) -> None:
    versions = [committed()]
    Door.objects.filter(pk=cast.front.pk).update(mode="locked", deadline_ms=900)
    versions.append(committed())
    Door.objects.filter(pk=cast.front.pk).update(mode="normal")
    versions.append(committed())
    assert versions == sorted(set(versions))
    seen = []
    for version in versions:
        with history.as_of(version):
            door = Door.objects.select_related("site").get(pk=cast.front.pk)
            seen.append((door.mode, door.deadline_ms, door.name, door.site.zone))
    site = ("Front door", "Europe/Berlin")
    assert seen == [("normal", 2000, *site), ("locked", 900, *site), ("normal", 900, *site)]


def test_levels_open_by_the_rules_of_the_version(cast: Cast) -> None:
    before = committed()
    week = Schedule.objects.create(name="Office")
    bar = ScheduleBar.objects.create(schedule=week, row=0, start=time(8), end=time(12))
    level = AccessLevel.objects.create(name="Staff", schedule=week, first=date(2026, 3, 1))
    level.doors.add(cast.front)
    level.people.add(cast.bob)
    open_then = committed()
    bar.start = time(11)
    bar.save()
    later = committed()
    level.delete()
    last = committed()
    found = {}
    for name, version in (("before", before), ("open", open_then), ("later", later), ("last", last)):
        with history.as_of(version):
            opening = levels.opening(cast.bob, cast.front, MONDAY)
            found[name] = (opening.admitted, opening.open, opening.level)
    assert found == {
        "before": (False, False, ""),
        "open": (True, True, "Staff"),
        "later": (True, False, "Staff"),
        "last": (False, False, ""),
    }


def test_moments_are_found_by_the_clock_of_the_database(cast: Cast) -> None:
    first = RuleChange.objects.order_by("id").first()
    assert committed()
    first = RuleChange.objects.order_by("id").first()
    last = RuleChange.objects.order_by("id").last()
    assert history.version_at(last.at) == last.pk
    assert history.version_at(first.at) == first.pk
    assert history.version_at(factories.at("2001-01-01T00:00+00:00")) is None


def test_nothing_is_kept_of_changes_that_decide_nothing(cast: Cast) -> None:
    before = committed()
    Kiosk.objects.update(last_seen=MONDAY)
    cast.alice.save()
    Person.objects.filter(pk=cast.alice.pk).update(name="Alice Other")
    assert committed() == before


def test_no_name_of_a_person_is_kept(cast: Cast) -> None:
    committed()
    people.suspend(cast.alice)
    erasure.erase(cast.alice)
    committed()
    kept = str(list(RuleChange.objects.values_list("row", flat=True)))
    assert "Alice" not in kept
    assert cast.alice.badge not in kept


def test_kept_rules_are_never_rewritten(cast: Cast) -> None:
    committed()
    for change in (lambda: RuleChange.objects.update(gone=True), lambda: RuleChange.objects.all().delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()


def test_nothing_is_written_or_locked_under_old_rules(cast: Cast) -> None:
    version = committed()
    attempts: list[Any] = [
        lambda: Person.objects.update(active=True),
        lambda: Person.objects.create(name="New", badge="N1"),
        lambda: cast.bob.cards.all().delete() or cast.alice.delete(),
        lambda: list(Person.objects.select_for_update()),
    ]
    for attempt in attempts:
        with history.as_of(version), pytest.raises(history.ReadOnly):
            attempt()


@pytest.mark.django_db(transaction=True)
def test_a_long_edit_keeps_nobody_waiting_and_versions_come_in_the_order_of_commits() -> None:
    """One edit starts first and commits last: its change is the newer one, and nobody waited for it."""
    cast = factories.cast()
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                Door.objects.filter(pk=cast.front.pk).update(mode="locked")
                started.set()
                assert finish.wait(30)
        finally:
            connection.close()

    edit = threading.Thread(target=slow)
    edit.start()
    assert started.wait(30)
    Door.objects.filter(pk=cast.back.pk).update(mode="free")
    assert RuleChange.objects.first().key == cast.back.pk
    finish.set()
    edit.join(30)
    assert RuleChange.objects.first().key == cast.front.pk
    times = list(RuleChange.objects.order_by("id").values_list("at", flat=True))
    assert times == sorted(times)
