"""Whoever rewrites the audit trail is found out, and nobody who did not is accused."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access import audit, chain, erasure
from access.chain import Anchor, AuditCheck, AuditPending, AuditSeal, Tampering
from access.models import AuditEntry
from tests.access.racing import at_once
from tests.factories import Cast

WRITERS = 128
ENTRIES_EACH = 40


@contextmanager
def no_guards() -> Iterator[Callable[..., None]]:
    """The owner of the tables, or a superuser: they switch the triggers off, and none stops them."""
    tables = ("access_auditentry", "access_auditseal", "access_auditpending")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor.execute
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def written(count: int) -> list[int]:
    """Keys of so many entries, sealed."""
    rows = [audit.record("site.renamed", f"site:{n}", by="command", field="name", n=n) for n in range(count)]
    chain.seal_all()
    return [row.pk for row in rows]


def kinds(**options: object) -> set[Tampering]:
    return {finding.kind for finding in chain.verify(**options).findings}


def rewrite(since: int) -> None:
    """Seal everything from a number on anew, as our own code would: the perfect forger."""
    with no_guards() as do:
        do(
            "INSERT INTO access_auditpending (entry)"
            " SELECT entry_id FROM access_auditseal WHERE number >= %s",
            [since],
        )
        do("DELETE FROM access_auditseal WHERE number >= %s", [since])
    chain.seal_all()


@pytest.mark.django_db
def test_an_untouched_trail_is_whole(cast: Cast) -> None:
    keys = written(12)
    report = chain.verify()
    assert (report.findings, report.head) == ([], chain.head())
    assert report.checked == AuditEntry.objects.count() >= len(keys)
    assert not AuditPending.objects.exists()


@pytest.mark.django_db
def test_what_waits_for_its_seal_is_no_finding(cast: Cast) -> None:
    written(3)
    audit.record("site.renamed", "site:99", text="ümlaut ✓", number=1e22, nothing=None)
    assert chain.verify().findings == []
    assert chain.unsealed()[0] == 1
    chain.seal_all()
    assert chain.verify().findings == []


@pytest.mark.django_db
def test_sealing_goes_on_in_batches_where_it_left_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 4)
    monkeypatch.setattr(chain, "CHUNK", 3)
    written(10)
    assert [seal.number for seal in AuditSeal.objects.all()] == list(range(1, 11))
    assert chain.verify().findings == []


@pytest.mark.django_db
def test_erasing_a_person_leaves_the_chain_whole(cast: Cast) -> None:
    chain.seal_all()
    erasure.erase(cast.alice)
    chain.seal_all()
    assert chain.verify().findings == []


# --- Tampering, with all rights and no trigger in the way ------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "action = 'nothing.happened'", "subject = 'site:7'", "actor = 'kiosk:1'", "staff_id = 42",
        "at = at + interval '1 microsecond'", "details = details || '{\"n\": 5.0}'", "details = '{}'",
    ],
)  # fmt: skip
def test_a_changed_entry_is_named(change: str) -> None:
    keys = written(8)
    with no_guards() as do:
        do(f"UPDATE access_auditentry SET {change} WHERE id = %s", [keys[4]])
    [finding] = chain.verify().findings
    assert (finding.kind, finding.entry, finding.seal) == (Tampering.CHANGED, keys[4], 5)


@pytest.mark.django_db
def test_a_deleted_entry_is_named_whether_its_seal_went_with_it_or_not() -> None:
    keys = written(8)
    with no_guards() as do:
        do("DELETE FROM access_auditentry WHERE id = %s", [keys[2]])
    [finding] = chain.verify().findings
    assert (finding.kind, finding.entry) == (Tampering.DELETED, keys[2])
    with no_guards() as do:
        do("DELETE FROM access_auditseal WHERE entry_id = %s", [keys[2]])
    [finding] = chain.verify().findings
    assert (finding.kind, finding.seal) == (Tampering.DELETED, 3)
    assert "3 to 3 are missing" in finding.text


@pytest.mark.django_db
def test_an_entry_deleted_before_it_was_sealed_is_missed() -> None:
    written(2)
    entry = audit.record("site.renamed", "site:9")
    with no_guards() as do:
        do("DELETE FROM access_auditentry WHERE id = %s", [entry.pk])
    chain.seal_all()
    [finding] = chain.verify().findings
    assert (finding.kind, finding.entry) == (Tampering.DELETED, entry.pk)


@pytest.mark.django_db
def test_an_entry_put_in_past_the_chain_is_named() -> None:
    keys = written(4)
    with no_guards() as do:
        do(
            "INSERT INTO access_auditentry (at, actor, action, subject, details)"
            " SELECT at, actor, action, subject, details FROM access_auditentry WHERE id = %s",
            [keys[1]],
        )
    [finding] = chain.verify().findings
    assert finding.kind is Tampering.INSERTED
    assert finding.entry == AuditEntry.objects.order_by("-id").values_list("id", flat=True)[0]


@pytest.mark.django_db
def test_entries_that_changed_places_are_named() -> None:
    keys = written(6)
    with no_guards() as do:
        for old, new in ((keys[1], -1), (keys[4], keys[1]), (-1, keys[4])):
            do("UPDATE access_auditentry SET id = %s WHERE id = %s", [new, old])
    findings = chain.verify().findings
    assert [(one.kind, one.entry) for one in findings] == [
        (Tampering.REORDERED, keys[1]),
        (Tampering.REORDERED, keys[4]),
    ]


@pytest.mark.django_db
def test_seals_that_changed_places_are_found() -> None:
    written(6)
    with no_guards() as do:
        for old, new in ((2, -1), (5, 2), (-1, 5)):
            do("UPDATE access_auditseal SET number = %s WHERE number = %s", [new, old])
    assert Tampering.REORDERED in kinds()


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["digest", "prev", "hash"])
def test_a_changed_seal_is_found(column: str) -> None:
    written(6)
    with no_guards() as do:
        do(f"UPDATE access_auditseal SET {column} = sha256({column}) WHERE number = 3")
    assert kinds() >= {Tampering.CHANGED}


def truncated(keys: list[int]) -> None:
    with no_guards() as do:
        do("DELETE FROM access_auditseal WHERE entry_id = ANY(%s)", [keys])
        do("DELETE FROM access_auditentry WHERE id = ANY(%s)", [keys])


def anchored() -> list[Anchor]:
    return chain.anchors_from(json.dumps(chain.head().as_json()), source="head.json")


@pytest.mark.django_db
def test_a_truncated_tail_shows_against_a_head_kept_elsewhere() -> None:
    keys = written(8)
    anchors = anchored()
    truncated(keys[6:])
    assert kinds() == set()  # a chain alone cannot know where it ended
    [finding] = chain.verify(anchors=anchors).findings
    assert (finding.kind, finding.seal) == (Tampering.TRUNCATED, 8)
    written(5)  # grown beyond it again, by others
    assert kinds(anchors=anchors) == {Tampering.RESEALED}


@pytest.mark.django_db
def test_a_trail_sealed_anew_shows_against_a_head_kept_elsewhere() -> None:
    keys = written(8)
    anchors = anchored()
    with no_guards() as do:
        do("UPDATE access_auditentry SET action = 'nothing.happened' WHERE id = %s", [keys[3]])
    rewrite(since=4)
    assert kinds() == set()
    [finding] = chain.verify(anchors=anchors).findings
    assert (finding.kind, finding.seal) == (Tampering.RESEALED, 8)


@pytest.mark.django_db
@pytest.mark.parametrize("forge", ["truncate", "rewrite"])
def test_the_head_of_the_last_check_shows_it_too_to_whoever_forgot_it(forge: str) -> None:
    keys = written(8)
    assert finished_check().findings == []
    if forge == "truncate":
        truncated(keys[6:])
    else:
        with no_guards() as do:
            do("UPDATE access_auditentry SET action = 'nothing.happened' WHERE id = %s", [keys[3]])
        rewrite(since=4)
    assert kinds() == {Tampering.TRUNCATED if forge == "truncate" else Tampering.RESEALED}


@pytest.mark.django_db
def test_several_faults_are_told_one_by_one() -> None:
    keys = written(30)
    with no_guards() as do:
        do("UPDATE access_auditentry SET actor = 'x' WHERE id = ANY(%s)", [[keys[3], keys[17]]])
        do("DELETE FROM access_auditentry WHERE id = %s", [keys[9]])
    assert {(one.kind, one.entry) for one in chain.verify().findings} == {
        (Tampering.CHANGED, keys[3]),
        (Tampering.CHANGED, keys[17]),
        (Tampering.DELETED, keys[9]),
    }


@pytest.mark.django_db
def test_since_checks_the_newer_part_alone() -> None:
    old = written(5)
    moment = timezone.now()
    new = written(5)
    with no_guards() as do:
        do("UPDATE access_auditentry SET actor = 'x' WHERE id = ANY(%s)", [[old[1], new[1]]])
    report = chain.verify(since=moment)
    assert (report.checked, [one.entry for one in report.findings]) == (5, [new[1]])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_auditseal SET number = number + 100",
        "DELETE FROM access_auditseal",
        "DELETE FROM access_auditpending",
        "UPDATE access_auditpending SET since = now()",
    ],
)
def test_without_all_rights_nobody_touches_a_seal_or_steals_an_entry_from_the_line(change: str) -> None:
    written(2)
    audit.record("site.renamed", "site:9")
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.django_db
def test_no_seal_has_two_successors() -> None:
    written(3)
    last = AuditSeal.objects.get(number=3)
    entry = audit.record("site.renamed", "site:9")
    fork = AuditSeal(
        number=99, entry=entry, digest=last.digest, prev=last.prev, hash=last.hash, sealed=last.sealed
    )
    with pytest.raises(DatabaseError, match="prev"), transaction.atomic():
        fork.save(force_insert=True)


# --- Many at once ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_entry_committed_late_is_sealed_late_and_leaves_no_gap() -> None:
    """A transaction that took its number first and commits last: what breaks chains that follow numbers."""
    early, done = threading.Event(), threading.Event()

    def slow() -> int:
        try:
            with transaction.atomic():
                entry = audit.record("site.renamed", "site:1")
                early.set()
                assert done.wait(20)
            return entry.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow)
        assert early.wait(20)
        quick = [audit.record("site.renamed", f"site:{n}").pk for n in range(2, 5)]
        chain.seal_all()
        assert list(AuditSeal.objects.values_list("entry_id", flat=True)) == quick
        assert chain.verify().findings == []
        done.set()
        late = running.result(20)
    chain.seal_all()
    assert list(AuditSeal.objects.values_list("entry_id", flat=True)) == [*quick, late]
    assert late < min(quick)
    assert chain.verify().findings == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_128_threads_writing_beside_sealers_and_checkers_make_one_chain_and_no_false_alarm() -> None:
    """Some transactions are rolled back, some write several entries, some commit late."""
    ends, alarms, sealed = threading.Event(), [], []
    slots = threading.Semaphore(40)  # connections of the test's server; the threads are all there at once

    def write(seed: int) -> int:
        chance, committed = random.Random(seed), 0
        left = ENTRIES_EACH
        while left > 0:
            with slots:
                try:
                    with transaction.atomic():
                        size = min(left, chance.choice((1, 1, 1, 3)))
                        for n in range(size):
                            audit.record("site.renamed", f"site:{seed}", by=f"kiosk:{seed}", n=n, left=left)
                        left -= size
                        if chance.random() < 0.1:
                            raise Undone
                    committed += size
                except Undone:
                    pass
                finally:
                    connection.close()
        return committed

    def keep(action: Callable[[], object], found: list[object]) -> None:
        try:
            while not ends.is_set():
                found.append(action())
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS + 5) as pool:
        others = [pool.submit(keep, chain.seal, sealed) for _ in range(4)]
        others.append(pool.submit(keep, lambda: chain.verify().findings, alarms))
        writers = [pool.submit(write, seed) for seed in range(WRITERS)]
        committed = sum(writer.result(200) for writer in writers)
        ends.set()
        for other in others:
            other.result(60)
    chain.seal_all()
    assert [found for found in alarms if found] == []
    assert len(alarms) > 0
    report = chain.verify()
    assert (report.findings, report.checked) == ([], committed)
    numbers = list(AuditSeal.objects.values_list("number", flat=True))
    assert numbers == list(range(1, committed + 1))
    assert AuditSeal.objects.values("prev").distinct().count() == committed
    assert AuditEntry.objects.count() == committed


class Undone(Exception):
    pass


@pytest.mark.django_db(transaction=True)
def test_sealers_at_once_leave_it_to_one() -> None:
    for n in range(50):
        audit.record("site.renamed", f"site:{n}")
    assert sum(at_once(*[chain.seal] * 12)) == 50
    assert chain.verify().findings == []


# --- The daily check ------------------------------------------------------------------------------


def finished_check() -> AuditCheck:
    for _ in range(100):
        if done := chain.check_a_little():
            return done
    raise AssertionError("the check does not come to an end")


@pytest.mark.django_db
def test_a_check_goes_in_small_steps_and_comes_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CHUNK", 4)
    written(10)
    assert [chain.check_a_little() for _ in range(3)] == [None, None, None]  # begun, and twice four seals
    audit.record("site.renamed", "site:11")
    chain.seal_all()
    done = chain.check_a_little()
    assert done is not None
    assert (done.number, done.findings, chain.last_check()) == (10, [], done)
    assert chain.check_a_little() is None
    assert AuditCheck.objects.count() == 1
    AuditCheck.objects.update(started=timezone.now() - timedelta(hours=25))
    assert finished_check().number == 11


@pytest.mark.django_db
def test_a_check_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CHUNK", 4)
    keys = written(10)
    with no_guards() as do:
        do("UPDATE access_auditentry SET actor = 'x' WHERE id = ANY(%s)", [[keys[1], keys[8]]])
    assert [(one["kind"], one["entry"]) for one in finished_check().findings] == [
        ("changed", keys[1]),
        ("changed", keys[8]),
    ]


@pytest.mark.django_db
def test_a_check_of_an_empty_trail_ends() -> None:
    assert finished_check().findings == []


# --- The command ----------------------------------------------------------------------------------


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_audit", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_says_that_all_is_well_and_prints_a_head(tmp_path: Path) -> None:
    written(3)
    audit.record("site.renamed", "site:4")  # sealed by the command itself
    assert "4 entries checked; the trail is whole" in said()
    head = tmp_path / "head.json"
    head.write_text(said("--head"))
    assert json.loads(head.read_text())["number"] == 4
    written(2)
    assert "the trail is whole" in said("--anchor", str(head))
    assert json.loads(said("--json"))["findings"] == []


@pytest.mark.django_db
def test_the_command_names_what_is_wrong_and_fails(tmp_path: Path) -> None:
    keys = written(6)
    log = tmp_path / "worker.log"
    log.write_text(
        f'not json\n{{"message": "else"}}\n{json.dumps(chain.head().as_json() | {"message": "head"})}\n'
    )
    with no_guards() as do:
        do("UPDATE access_auditentry SET actor = 'x' WHERE id = %s", [keys[1]])
    truncated(keys[4:])
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--anchor", str(log), stdout=out)
    assert ended.value.code == 1
    assert f"changed: Entry {keys[1]} was changed." in out.getvalue()
    assert "truncated: The chain ends at seal 4, but worker.log knows seal 6." in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "nonsense", '{"number": 3}', '{"number": 3, "hash": "zz"}'])
def test_a_file_without_a_head_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "head.json").write_text(text)
    with pytest.raises(CommandError, match="holds no head"):
        said("--anchor", str(tmp_path / "head.json"))
    with pytest.raises(CommandError, match="cannot be read"):
        said("--anchor", str(tmp_path / "nowhere.json"))
