"""Report files: made by one maker at a time, begun anew where one died, sealed, fetched by who asked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from access import erasure, vault
from access.handouts import asking, files, making
from access.handouts.files import ReportFile
from access.models import AuditEntry, Department, Punch, ReportPiece, Staff
from access.reports import REPORTS, exports
from access.reports.exports import Layout
from access.reports.filters import Wrong
from tests.access.racing import at_once
from tests.factories import Cast, at

pytestmark = pytest.mark.django_db
MARCH = {"first": "2026-03-01", "last": "2026-03-31"}
State = ReportFile.State


@pytest.fixture
def clerk(db: None) -> Staff:
    return Staff.objects.create_user("clerk", password=None, is_staff=True, roles=["hr"])


@pytest.fixture
def punches(cast: Cast) -> int:
    return punched(cast, 40)


def punched(cast: Cast, count: int) -> int:
    first = at("2026-03-01T08:00:00+01:00")
    Punch.objects.bulk_create(
        Punch(
            person=cast.alice if number % 2 else cast.bob,
            at=first + timedelta(seconds=60 * number),
            direction="in",
            source="kiosk",
            kiosk=cast.kiosk,
            origin=f"test:{number}",
        )
        for number in range(count)
    )
    return count


def asked(by: Staff, **layout: Any) -> ReportFile:
    return asking.ask("punches", MARCH, Layout(**layout), by=by)


def direct(by: Staff, layout: Layout) -> bytes:
    report = REPORTS["punches"]
    return b"".join(exports.content(report, report.ask(MARCH, by), by, layout))


def test_a_file_holds_what_the_download_would(clerk: Staff, punches: int) -> None:
    row = asked(clerk, footer=False)
    assert making.make(row.pk)
    row.refresh_from_db()
    assert (row.state, row.rows_done, row.rows_all, row.share) == ("ready", punches, punches, 100)
    content = b"".join(asking.fetch(row, by=clerk))
    assert content == direct(clerk, Layout(footer=False))
    assert len(content) == row.size_bytes
    told = AuditEntry.objects.filter(action__in=("report.exported", "reportfile.asked", "reportfile.fetched"))
    assert told.count() == 3


def test_a_workbook_is_one_too(clerk: Staff, punches: int) -> None:
    row = asked(clerk, file="xlsx")
    assert making.make(row.pk)
    assert b"".join(asking.fetch(row, by=clerk)).startswith(b"PK")
    assert row.file_name.endswith(".xlsx")


def test_its_content_is_sealed(clerk: Staff, punches: int) -> None:
    row = asked(clerk)
    making.make(row.pk)
    kept = b"".join(bytes(one.sealed) for one in ReportPiece.objects.all())
    assert b"Alice" not in kept
    other = asked(clerk)
    making.make(other.pk)
    swapped = other.pieces.get()
    ReportPiece.objects.filter(pk=swapped.pk).update(sealed=row.pieces.get().sealed)
    with pytest.raises(vault.Sealed):
        list(files.content(other))


def test_nobody_else_fetches_it_and_not_who_lost_the_right(clerk: Staff, punches: int) -> None:
    row = asked(clerk)
    making.make(row.pk)
    chief = Staff.objects.create_superuser("chief", password=None)
    with pytest.raises(asking.NotAllowed):
        asking.fetch(row, by=chief)
    assert not files.of(chief).exists()
    Staff.objects.filter(pk=clerk.pk).update(roles=["enroller"])
    with pytest.raises(asking.NotAllowed):
        asking.fetch(row, by=Staff.objects.get(pk=clerk.pk))


def test_what_may_not_be_asked_is_refused_at_once(clerk: Staff) -> None:
    enroller = Staff.objects.create_user("e", password=None, is_staff=True, roles=["enroller"])
    for report, by in (("punches", enroller), ("nothing", clerk)):
        with pytest.raises(asking.NotAllowed):
            asking.ask(report, MARCH, Layout(), by=by)
    with pytest.raises(Wrong):
        asking.ask("punches", {"first": "2026-03-31", "last": "2026-03-01"}, Layout(), by=clerk)
    for _number in range(asking.MOST_WAITING):
        asked(clerk)
    with pytest.raises(asking.TooMany):
        asked(clerk)


def test_a_right_lost_before_it_was_made_fails_it(clerk: Staff, punches: int) -> None:
    row = asked(clerk)
    Staff.objects.filter(pk=clerk.pk).update(is_active=False)
    assert not making.make(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "not allowed any more")
    assert not row.pieces.exists()


def test_a_manager_gets_their_own_people_only(cast: Cast, punches: int) -> None:
    yard = Department.objects.create(name="Yard")
    manager = Staff.objects.create_user("m", password=None, is_staff=True, roles=["manager"])
    yard.managers.add(manager)
    cast.bob.department = yard
    cast.bob.save()
    row = asked(manager)
    making.make(row.pk)
    text = b"".join(asking.fetch(row, by=manager)).decode()
    assert "Bob Best" in text
    assert "Alice" not in text


def test_a_cancelled_file_is_made_no_further(clerk: Staff, punches: int) -> None:
    """Between two pieces the maker learns that nobody wants it."""
    row = asked(clerk)
    held = files.claim(row.pk)
    assert held is not None
    files.add(held, 0, b"begun")
    assert files.cancel(row, by=clerk)
    with pytest.raises(files.Superseded):
        files.add(held, 1, b"more")
    with pytest.raises(files.Superseded):
        files.finish(held, State.READY)
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert not row.pieces.exists()
    assert not files.cancel(row, by=clerk)
    assert not making.make(row.pk)


def test_who_comes_back_after_their_lease_writes_nothing(clerk: Staff, punches: int) -> None:
    row = asked(clerk)
    late = files.claim(row.pk)
    assert late is not None
    files.add(late, 0, b"half of it")
    assert files.claim(row.pk) is None
    ReportFile.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert making.make(row.pk)
    with pytest.raises(files.Superseded):
        files.add(late, 1, b"the other half")
    assert b"".join(files.content(ReportFile.objects.get())) != b"half of it"


def test_after_three_dead_makers_it_fails(clerk: Staff) -> None:
    row = asked(clerk)
    for _try in range(files.MOST_TRIES):
        assert files.claim(row.pk) is not None
        ReportFile.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert files.claim(row.pk) is None
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "its makers died; ask for fewer rows")


def test_what_breaks_is_said_and_kept_out_of_the_way(clerk: Staff, punches: int) -> None:
    row = asked(clerk)
    ReportFile.objects.update(layout={"file": "csv", "separator": "none of these"})
    assert not making.make(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "failed (KeyError)")


def test_files_go_after_a_week_and_when_somebody_is_erased(clerk: Staff, cast: Cast, punches: int) -> None:
    row = asked(clerk)
    making.make(row.pk)
    now = timezone.now()
    assert files.tidy(now + timedelta(days=6)) == 0
    assert files.tidy(now + timedelta(days=8)) == 1
    assert not ReportPiece.objects.exists()
    making.make(asked(clerk).pk)
    receipt = erasure.erase(cast.alice, by=clerk)
    assert receipt.report_files_deleted == 1
    assert not ReportPiece.objects.exists()


def test_pieces_are_handed_on_before_the_source_is_read_to_its_end() -> None:
    read = 0

    def source() -> Iterator[bytes]:
        nonlocal read
        for _number in range(100):
            read += 1
            yield b"x" * 100_000

    found = making.pieces(source())
    assert len(next(found)) == making.PIECE_BYTES
    assert read == 11
    assert sum(len(one) for one in found) == 10_000_000 - making.PIECE_BYTES
    assert list(making.pieces([])) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_it_once(clerk: Staff, cast: Cast) -> None:
    punched(cast, 500)
    row = asked(clerk)
    assert sorted(at_once(*[lambda: making.make(row.pk)] * 3)) == [False, False, True]
    row.refresh_from_db()
    assert (row.state, row.tries) == ("ready", 1)


@pytest.mark.django_db(transaction=True)
def test_a_maker_killed_in_the_middle_is_replaced(clerk: Staff, cast: Cast) -> None:
    """The real process, killed as soon as a piece is written; the next one begins anew."""
    punched(cast, 25_000)
    row = asked(clerk, footer=False)
    name = connection.settings_dict["NAME"]
    address = os.environ["DATABASE_URL"].replace("/lintel?", f"/{name}?")
    environment = os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "access.settings"}
    maker = subprocess.Popen([sys.executable, "-m", "django", "make_report", str(row.pk)], env=environment)
    end = time.monotonic() + 120
    while not row.pieces.exists() and maker.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    maker.send_signal(signal.SIGKILL)
    assert maker.wait(20) == -signal.SIGKILL
    row.refresh_from_db()
    assert row.state == "making"
    assert not making.make(row.pk)  # its lease holds
    ReportFile.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert making.make(row.pk)
    row.refresh_from_db()
    assert (row.state, row.tries, row.rows_done) == ("ready", 2, 25_000)
    assert b"".join(files.content(row)) == direct(clerk, Layout(footer=False))
    connections.close_all()


def test_other_people_are_not_in_the_trail(clerk: Staff, cast: Cast) -> None:
    asking.ask("punches", MARCH | {"people": "Alice"}, Layout(), by=clerk)
    assert "Alice" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
