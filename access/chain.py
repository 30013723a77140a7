"""The chain of seals over the audit trail: whoever rewrites an entry, even with all rights, is found out.

Promise: every committed entry is sealed once, in a chain that cannot fork, and writing an entry never
waits for sealing. Seals hold digests and keys only, so erasing a person leaves the chain whole.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.audit import AuditEntry

# The hash before the first seal.
GENESIS = bytes(32)
# Names the form of what is hashed; another form gets another name.
FORM = b"lintel audit 1"
# Postgres' advisory locks are numbers; this one stands for the chain and for nothing else here.
LOCK = 0x6C696E74656C
BATCH = 1000
CHUNK = 10_000
# Sealing takes a second; an entry that waits for a minute means that no worker seals.
LONGEST_WAIT = timedelta(minutes=1)
CHECK_EVERY = timedelta(hours=24)
MOST_FINDINGS = 100


class AuditSeal(models.Model):
    """No personal data: digests and keys of entries. Never changed, never deleted."""

    number = models.BigIntegerField(_("number"), primary_key=True)
    # Without a constraint: it would touch every entry again, and neither row can ever be deleted.
    entry = models.OneToOneField(
        AuditEntry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="seal"
    )
    digest = models.BinaryField(max_length=32)
    # The hash of the seal before. Unique: whatever happens at once, no seal has two successors.
    prev = models.BinaryField(max_length=32, unique=True)
    hash = models.BinaryField(max_length=32)
    sealed = models.DateTimeField(_("sealed"))

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class AuditPending(models.Model):
    """An entry that waits for its seal; written by a trigger with the entry itself. No personal data."""

    entry = models.BigIntegerField(primary_key=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("unsealed audit entry")
        verbose_name_plural = _("unsealed audit entries")

    def __str__(self) -> str:
        return f"unsealed auditentry:{self.entry}"


class AuditCheck(models.Model):
    """One check of the whole chain, under way or finished. No personal data."""

    started = models.DateTimeField(_("started"), default=timezone.now)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)
    # How far it came, and the hash there: the next check must meet the same hash at the same number.
    number = models.BigIntegerField(_("seals checked"), default=0)
    hash = models.BinaryField(max_length=32, default=GENESIS)
    # Where it ends: seals made since are for the next one.
    until = models.BigIntegerField()
    findings = models.JSONField(_("findings"), default=list)

    class Meta:
        verbose_name = _("check of the audit trail")
        verbose_name_plural = _("checks of the audit trail")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"check {self.pk}"


# --- What is hashed -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """An entry as it is hashed. `details` is Postgres' own text of the JSON, so no number is rounded."""

    at: datetime
    staff: int | None
    actor: str
    action: str
    subject: str
    details: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of all fields, each with its length before it, the time in microseconds UTC."""
        staff = b"" if self.staff is None else str(self.staff).encode()
        texts = (self.actor, self.action, self.subject, self.details)
        return _sha256(_micro(self.at), staff, *(text.encode() for text in texts))


def _micro(moment: datetime) -> bytes:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return str(since // timedelta(microseconds=1)).encode()


def _sha256(*parts: bytes) -> bytes:
    joined = b"".join(len(part).to_bytes(4, "big") + part for part in (FORM, *parts))
    return hashlib.sha256(joined).digest()


def hash_of(number: int, entry: int, digest: bytes, prev: bytes, sealed: datetime) -> bytes:
    return _sha256(prev, str(number).encode(), str(entry).encode(), digest, _micro(sealed))


# --- Sealing --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The end of the chain: how many seals, the entry and hash of the last, and when it was made."""

    number: int = 0
    entry: int | None = None
    hash: bytes = GENESIS
    sealed: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """For anchoring outside; `anchors_from` reads it back."""
        return {
            "number": self.number,
            "entry": self.entry,
            "hash": self.hash.hex(),
            "sealed": self.sealed.isoformat() if self.sealed else None,
        }


def head() -> Head:
    last = AuditSeal.objects.order_by("-number").first()
    if last is None:
        return Head()
    return Head(last.number, last.entry_id, bytes(last.hash), last.sealed)


def seal(*, wait: bool = False) -> int:
    """How many entries were sealed: the oldest that wait, at most a batch.

    Only committed entries are seen, and one that is committed late is sealed late: the chain follows the
    order of sealing, so no transaction under way can leave a gap or be overtaken. One seals at a time,
    by a lock that no writer ever takes; without `wait`, whoever finds it taken leaves it to the other.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # In a statement of its own, so that the next ones see what the last holder committed.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s)" if wait else "SELECT pg_try_advisory_xact_lock(%s)", [LOCK]
        )
        if cursor.fetchone() == (False,):
            return 0
        cursor.execute(
            f"SELECT {_ENTRY} FROM access_auditpending p JOIN access_auditentry e ON e.id = p.entry "  # noqa: S608
            "ORDER BY p.entry LIMIT %s",
            [BATCH],
        )
        waiting = cursor.fetchall()
        if not waiting:
            return 0
        _append(head(), waiting)
        cursor.execute("DELETE FROM access_auditpending WHERE entry = ANY(%s)", [[row[0] for row in waiting]])
    return len(waiting)


_ENTRY = "e.id, e.at, e.staff_id, e.actor, e.action, e.subject, e.details::text"


def _append(last: Head, waiting: list[tuple[Any, ...]]) -> None:
    now, number, prev, seals = timezone.now(), last.number, last.hash, []
    for entry, *content in waiting:
        number += 1
        digest = Content(*content).digest
        found = hash_of(number, entry, digest, prev, now)
        seals.append(
            AuditSeal(number=number, entry_id=entry, digest=digest, prev=prev, hash=found, sealed=now)
        )
        prev = found
    AuditSeal.objects.bulk_create(seals)


def seal_all() -> int:
    """Seal whatever waits now; how many entries that were."""
    total = 0
    while sealed := seal(wait=True):
        total += sealed
    return total


def unsealed() -> tuple[int, float]:
    """How many entries wait for their seal, and for how many seconds the oldest has waited."""
    [(count, oldest)] = _query(
        "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)"
        " FROM access_auditpending"
    )
    return int(count), max(float(oldest), 0.0)


# --- Checking -------------------------------------------------------------------------------------


class Tampering(StrEnum):
    """What was done to the trail."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    RESEALED = "resealed"


@dataclass(frozen=True)
class Finding:
    """What is wrong and where; entry and seal where they are known."""

    kind: Tampering
    text: str
    entry: int | None = None
    seal: int | None = None

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind.value, "text": self.text, "entry": self.entry, "seal": self.seal}


@dataclass(frozen=True)
class Anchor:
    """A head as it was exported; where from, for the message."""

    number: int
    hash: bytes
    source: str


@dataclass
class Pass:
    """A walk along the chain: how far it came, the hash there, and what it found."""

    number: int = 0
    prev: bytes = GENESIS
    anchors: dict[int, list[Anchor]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    # Entries that are not what was sealed: the digest they should have, and the one they have.
    changed: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)

    def find(self, kind: Tampering, text: str, *, entry: int | None = None, seal: int | None = None) -> None:
        self.findings.append(Finding(kind, text, entry, seal))

    def step(self, row: tuple[Any, ...]) -> None:
        """Judge one seal with its entry; goes on from what stands there, so that each fault is told once."""
        number, entry, digest, prev, stored, sealed, here, *content = row
        digest, prev, stored = bytes(digest), bytes(prev), bytes(stored)
        if number != self.number + 1:
            self.find(
                Tampering.DELETED,
                f"The seals {self.number + 1} to {number - 1} are missing, with what they sealed.",
                seal=self.number + 1,
            )
        elif prev != self.prev:
            self.find(
                Tampering.REORDERED,
                f"Seal {number} (entry {entry}) does not continue the one before it.",
                entry=entry,
                seal=number,
            )
        if hash_of(number, entry, digest, prev, sealed) != stored:
            self.find(
                Tampering.CHANGED, f"Seal {number} (entry {entry}) was changed.", entry=entry, seal=number
            )
        if here is None:
            self.find(Tampering.DELETED, f"Entry {entry} was deleted.", entry=entry, seal=number)
        elif (found := Content(*content).digest) != digest:
            self.changed.append((entry, number, digest, found))
        for anchor in self.anchors.get(number, ()):
            if anchor.hash != stored:
                self.find(
                    Tampering.RESEALED,
                    f"Seal {number} is not the one anchored in {anchor.source}: "
                    "the trail was written anew before it.",
                    entry=entry,
                    seal=number,
                )
        self.number, self.prev = number, stored

    def settle_changes(self) -> None:
        """Entries that hold what another one should hold changed places; the others were changed."""
        owners = {expected: entry for entry, _seal, expected, _found in self.changed}
        for entry, number, _expected, found in self.changed:
            other = owners.get(found)
            if other is not None and other != entry:
                text = f"Entry {entry} stands where entry {other} stood."
                self.find(Tampering.REORDERED, text, entry=entry, seal=number)
            else:
                self.find(Tampering.CHANGED, f"Entry {entry} was changed.", entry=entry, seal=number)
        self.changed.clear()

    def end(self) -> None:
        """Anchors beyond the end of the chain: what they sealed is gone."""
        for number in sorted(self.anchors):
            if number > self.number:
                [anchor, *_more] = self.anchors[number]
                self.find(
                    Tampering.TRUNCATED,
                    f"The chain ends at seal {self.number}, but {anchor.source} knows seal {number}.",
                    seal=number,
                )


@dataclass(frozen=True)
class Report:
    """What a check found: nothing if the trail is whole."""

    checked: int
    findings: list[Finding]
    head: Head


def verify(
    *,
    anchors: Iterable[Anchor] = (),
    since: datetime | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Check every seal and entry, or those sealed since a moment, against anchors as well.

    Runs beside the doors: what is added meanwhile is for the next time. Nothing is written.
    """
    end = head()
    walk = Pass(anchors=_by_number([*anchors, *_own_anchors()]))
    if since is not None:
        _start(walk, since)
    first = walk.number
    while walk.number < end.number and (rows := _rows(walk.number, min(walk.number + CHUNK, end.number))):
        for row in rows:
            walk.step(row)
        progress(walk.number - first, end.number - first)
    walk.settle_changes()
    walk.end()
    walk.findings += unsealed_without_reason(since)
    return Report(walk.number - first, walk.findings, end)


def _start(walk: Pass, since: datetime) -> None:
    """Begin at the first seal made since then, trusting the one before it."""
    before = AuditSeal.objects.filter(sealed__lt=since).order_by("-number").first()
    if before is not None:
        walk.number, walk.prev = before.number, bytes(before.hash)
        walk.anchors = {number: held for number, held in walk.anchors.items() if number > before.number}


def _rows(after: int, until: int) -> list[tuple[Any, ...]]:
    """Seals in order, each with its entry; by number, so that no long transaction is needed.

    `after` may lie in a hole that somebody made: the next seals there are come all the same.
    """
    return _query(
        "SELECT s.number, s.entry_id, s.digest, s.prev, s.hash, s.sealed, "  # noqa: S608
        f"{_ENTRY} FROM access_auditseal s LEFT JOIN access_auditentry e ON e.id = s.entry_id "
        "WHERE s.number > %s ORDER BY s.number LIMIT %s",
        [after, until - after],
    )


def unsealed_without_reason(since: datetime | None = None) -> list[Finding]:
    """Entries that are neither sealed nor wait for it, and waiting ones that are gone.

    Each is one statement, so it sees one moment: an entry changes from waiting to sealed in one commit.
    """
    found = _query(
        "SELECT e.id FROM access_auditentry e WHERE (%s::timestamptz IS NULL OR e.at >= %s)"
        " AND NOT EXISTS (SELECT 1 FROM access_auditseal s WHERE s.entry_id = e.id)"
        " AND NOT EXISTS (SELECT 1 FROM access_auditpending p WHERE p.entry = e.id) ORDER BY e.id LIMIT %s",
        [since, since, MOST_FINDINGS],
    )
    gone = _query(
        "SELECT p.entry FROM access_auditpending p"
        " WHERE NOT EXISTS (SELECT 1 FROM access_auditentry e WHERE e.id = p.entry)"
        " ORDER BY p.entry LIMIT %s",
        [MOST_FINDINGS],
    )
    return [
        *(
            Finding(Tampering.INSERTED, f"Entry {key} was put in past the chain: it has no seal.", key)
            for (key,) in found
        ),
        *(
            Finding(Tampering.DELETED, f"Entry {key} was deleted before it was sealed.", key)
            for (key,) in gone
        ),
    ]


# --- Anchors --------------------------------------------------------------------------------------


class NoAnchor(ValueError):
    """The file holds no head of a chain."""


def anchors_from(text: str, *, source: str) -> list[Anchor]:
    """Heads in a file: one JSON object, or one a line among others, as in a log. Raises NoAnchor."""
    try:
        found = json.loads(text)
        objects = found if isinstance(found, list) else [found]
    except ValueError:
        objects = list(_objects(text))
    anchors = [
        Anchor(one["number"], bytes.fromhex(one["hash"]), source)
        for one in objects
        if isinstance(one, dict) and isinstance(one.get("number"), int) and _is_hash(one.get("hash"))
    ]
    if not anchors:
        raise NoAnchor(f"{source} holds no head of the chain, as `verify_audit --head` prints it.")
    return [anchor for anchor in anchors if anchor.number > 0]


def _objects(text: str) -> Iterator[object]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _is_hash(value: object) -> bool:
    try:
        return isinstance(value, str) and len(bytes.fromhex(value)) == 32
    except ValueError:
        return False


def _own_anchors() -> list[Anchor]:
    """The heads of earlier checks. Whoever rewrites the chain may rewrite these too, if they think of it."""
    checks = AuditCheck.objects.exclude(finished=None).filter(number__gt=0)
    return [
        Anchor(check.number, bytes(check.hash), f"the check of {check.finished:%Y-%m-%d %H:%M} UTC")
        for check in checks
    ]


def _by_number(anchors: Iterable[Anchor]) -> dict[int, list[Anchor]]:
    found: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        found.setdefault(anchor.number, []).append(anchor)
    return found


# --- The daily check, in small steps ---------------------------------------------------------------


def check_a_little() -> AuditCheck | None:
    """Go on with the check under way, or begin one when a day has passed; the one that this call finished.

    Small steps, because a worker has doors to serve; one worker at a time, because the row is locked.
    """
    with transaction.atomic():
        under_way = AuditCheck.objects.filter(finished=None)
        check = under_way.select_for_update(skip_locked=True).first()
        if check is None:
            if not under_way.exists() and _due():
                AuditCheck.objects.create(until=head().number)
            return None
        walk = Pass(check.number, bytes(check.hash), _by_number(_own_anchors()))
        rows = (
            _rows(check.number, min(check.number + CHUNK, check.until)) if check.number < check.until else []
        )
        for row in rows:
            walk.step(row)
        walk.settle_changes()
        if not rows or walk.number >= check.until:
            check.finished = timezone.now()
            walk.end()
            walk.findings += unsealed_without_reason()
        check.number, check.hash = walk.number, walk.prev
        check.findings = [*check.findings, *(one.as_json() for one in walk.findings)][:MOST_FINDINGS]
        check.save()
        return check if check.finished else None


def _due() -> bool:
    return not AuditCheck.objects.filter(started__gt=timezone.now() - CHECK_EVERY).exists()


def last_check() -> AuditCheck | None:
    return AuditCheck.objects.exclude(finished=None).first()


def _query(sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
