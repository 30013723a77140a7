"""A person's own data as one file: a ZIP of readable JSON, and their photographs.

Promise: every table that names a person is in it or is listed in LEFT_OUT with the reason; a test walks all
tables. It is made while it is sent, so that no copy lies anywhere.
"""

import json
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BinaryField, Model, Q, QuerySet

from access import audit, enrolment, kept, vault
from access.attendance import Punch
from access.audit import AuditEntry
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.doors.credentials import Card, Pin
from access.doors.levels import AccessLevel, Grant
from access.doors.modes import DoorMemory
from access.doors.passback import Presence
from access.enrolment import Enrolment, Photograph
from access.gallery import Faceprint, Gallery
from access.hours.corrections import Correction, OvertimeApproval
from access.hours.leave import Leave, LeaveBalance
from access.hours.payroll import Adjustment
from access.hours.proposals import Proposal
from access.hours.shifts import Assignment, RosterEntry
from access.hours.workdays import WorkDay
from access.kept import KeptPicture
from access.kiosk.alone import OfflineEvent
from access.kiosk.feedback import Dispute, Remark
from access.people import Consent, Person, PersonKey
from access.privacy.invitations import Invitation
from access.terminals.devices import TerminalUser
from access.terminals.pushes import TerminalLine

# Tables that name a person and are not in the file, and why.
LEFT_OUT: dict[type[Model], str] = {
    PersonKey: "The key that seals the photographs: they are in this file, opened.",
    DoorMemory: "Who waits at a door for a second person: a state of seconds.",
}
# What no reader needs and nobody may have. Binary fields are never told: they hold ciphertext, digests, keys.
SECRET = frozenset({"digest", "duress", "vector", "raw", "turn"})
README = """This is what Lintel keeps about the person named in person.json.

Each .json file holds one kind of data, as a list; times are in UTC. Photographs are in the folder of that
name. A faceprint is a list of numbers that a model made of a photograph; it is turned by a secret and means
nothing outside this system, so only that it is there is told. PINs and cards are kept as digests, from which
they cannot be told either.
"""


@dataclass(frozen=True)
class Part:
    """One file of the ZIP: the rows of one table that are about a person."""

    file: str
    table: type[Model]
    path: str = "person"

    def rows(self, person: Person) -> QuerySet[Any]:
        return self.table._default_manager.filter(**{self.path: person.pk}).order_by("pk")


PARTS = (
    Part("person", Person, "pk"),
    Part("consents", Consent),
    Part("invitations", Invitation),
    Part("enrolments", Enrolment),
    Part("photographs", Photograph),
    Part("faceprints", Faceprint),
    Part("galleries", Gallery, "people"),
    Part("access_levels", AccessLevel, "people"),
    Part("one_off_grants", Grant),
    Part("cards", Card),
    Part("pins", Pin),
    Part("in_zones", Presence),
    Part("decisions", Decision),
    Part("pictures_of_passages", KeptPicture),
    Part("remarks", Remark, "decision__person"),
    Part("disputes", Dispute, "decision__person"),
    Part("told_later_by_kiosks", OfflineEvent, "snapshot__decision__person"),
    Part("alarms", Alarm),
    Part("punches", Punch),
    Part("users_of_terminals", TerminalUser),
    Part("lines_of_terminals", TerminalLine, "punch__person"),
    Part("working_days", WorkDay),
    Part("adjustments", Adjustment),
    Part("proposed_changes", Proposal),
    Part("leave", Leave),
    Part("balances_of_leave", LeaveBalance),
    Part("corrections", Correction),
    Part("approved_overtime", OvertimeApproval),
    Part("assignments_to_shifts", Assignment),
    Part("roster", RosterEntry),
)


# What a decision keeps of the people whom a face resembled too.
OF_OTHERS = {"nearest", "people"}


def untold(field: Any) -> bool:
    """Secrets, and other people: a look-alike is somebody else's data."""
    return isinstance(field, BinaryField) or field.name in SECRET or field.name.startswith("lookalike")


def told(row: Model) -> dict[str, Any]:
    """The fields of a row as people read them: names in place of keys, nothing secret."""
    found: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if untold(field):
            continue
        value = getattr(row, field.attname)
        if field.name == "facts":
            value = {name: fact for name, fact in value.items() if name not in OF_OTHERS}
        if field.is_relation and value is not None:
            other = getattr(row, field.name)
            value = audit.name_of(other) if isinstance(other, Person) else str(other)
        elif field.choices and value not in (None, ""):
            value = str(dict(field.flatchoices).get(value, value))
        found[field.name] = value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)  # days of leave
    raise TypeError(f"{type(value).__name__} in a disclosure")


def disclose(person: Person, *, by: object) -> Iterator[bytes]:
    """The file, piece by piece. That it was asked for is noted before its first byte."""
    audit.record("person.disclosed", person, by=by)
    audit.record("photograph.viewed", person, by=by)
    return _zipped(_files(person))


def _files(person: Person) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "README.txt", [README.encode()]
    for part in PARTS:
        yield f"{part.file}.json", _listed(told(row) for row in _lean(part.rows(person)))
    yield "trail.json", _listed(_trail(person))
    for photograph in Photograph.objects.filter(person=person).order_by("pk").iterator(chunk_size=5):
        try:
            yield f"photographs/{photograph.pk}.jpg", [enrolment.open_photograph(photograph)]
        except vault.Sealed:
            continue  # its key is gone: nobody can read it any more
    for key in KeptPicture.objects.filter(person=person).order_by("at").values_list("pk", flat=True):
        if picture := kept.open_picture(key):
            yield f"pictures_of_passages/{key}.jpg", [picture]


def _lean(rows: QuerySet[Any]) -> Iterator[Any]:
    """Without ciphertext and vectors; what rows point to comes along where it is named."""
    fields = rows.model._meta.concrete_fields
    heavy = [field.name for field in fields if untold(field) and not field.is_relation]
    joined = [field.name for field in fields if field.is_relation and not untold(field)]
    return rows.defer(*heavy).select_related(*joined).iterator(chunk_size=500)


def _trail(person: Person) -> Iterator[dict[str, Any]]:
    """What was done to or about the person, by number; which login did it is the login's data."""
    enrolments = [f"enrolment:{key}" for key in person.enrolments.values_list("pk", flat=True)]
    about = Q(subject=audit.name_of(person)) | Q(subject__in=enrolments)
    for entry in AuditEntry.objects.filter(about).order_by("pk").iterator(chunk_size=500):
        by = "a member of staff" if entry.staff_id else entry.actor
        yield {"at": entry.at, "what": entry.action, "about": entry.subject, "by": by}


def _listed(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A JSON list, a row at a time."""
    between = "[\n"
    for row in rows:
        yield (between + json.dumps(row, default=_plain, ensure_ascii=False, indent=1)).encode()
        between = ",\n"
    yield ("[]" if between == "[\n" else "\n]").encode() + b"\n"


class _Pipe:
    """A file that cannot be sought: what is written into it is handed on and forgotten."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data, self.pieces = b"".join(self.pieces), []
        return data


def _zipped(files: Iterator[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, pieces in files:
            with archive.open(name, "w") as member:
                for piece in pieces:
                    member.write(piece)
                    if data := pipe.taken():
                        yield data
            if data := pipe.taken():
                yield data
    yield pipe.taken()
