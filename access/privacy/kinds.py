"""What is kept of people, kind by kind: how long unless somebody decides otherwise, and what is due.

Promise: `due` finds only what nobody may need any more: nothing that a worker or a member of staff still
has to look at. The defaults are the strictest that a site can live with; each says where it is from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import DateTimeField, Exists, F, Min, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from access import kept
from access.attendance import Punch
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.doors.alarms import Kind as Stands
from access.doors.contacts import DoorEvent
from access.doors.drivers import DoorCommand
from access.enrolment import Enrolment, Photograph
from access.gallery import Faceprint
from access.hours.corrections import Correction, OvertimeApproval
from access.hours.leave import Leave
from access.hours.payroll import Adjustment
from access.hours.proposals import Proposal
from access.hours.requests import State as Asked
from access.hours.shifts import RosterEntry
from access.hours.workdays import WorkDay
from access.kept import KeptPicture
from access.payroll.exports import PayrollExport
from access.people import Consent, Person, PersonKey
from access.privacy.invitations import Invitation
from access.snapshots import Snapshot
from access.terminals.pushes import DOUBTFUL, State, TerminalLine


class Kind(StrEnum):
    """What is kept, by the name it has in the table, in the trail and in the words of the notice."""

    WITHDRAWN_FACES = "withdrawn_faces"
    LEAVERS_FACES = "leavers_faces"
    IDLE_FACES = "idle_faces"
    USED_PHOTOGRAPHS = "used_photographs"
    REFUSED_PHOTOGRAPHS = "refused_photographs"
    PASSAGE_PICTURES = kept.KIND
    INVITATIONS = "invitations"
    DECISIONS = "decisions"
    DOOR_EVENTS = "door_events"
    TERMINAL_LINES = "terminal_lines"
    WORKING_TIME = "working_time"
    CONSENTS = "consents"


@dataclass(frozen=True)
class Span:
    """How long a kind is kept unless somebody decides otherwise (`days`; None: as long as the consent
    stands), and what may be decided."""

    words: Any
    days: int | None
    least: int
    most: int


# Most are caps from the law or the authorities: faces go 30 days after somebody left and never outlive three
# years without a visit (BIPA, 740 ILCS 14/15); movements are kept three months (CNIL); working time three
# years, which satisfies most of Europe's labour law. The least keeps a thief with the right to change this
# from erasing last week's traces by the next morning.
SPANS: dict[Kind, Span] = {
    Kind.WITHDRAWN_FACES: Span(_("Faces after consent was withdrawn"), 0, 0, 0),
    Kind.LEAVERS_FACES: Span(_("Faces of people who left or are suspended"), 30, 0, 365),
    Kind.IDLE_FACES: Span(_("Faces of people who never came again"), 1095, 30, 1095),
    Kind.USED_PHOTOGRAPHS: Span(_("Photographs whose faceprints are in use"), None, 0, 1095),
    Kind.REFUSED_PHOTOGRAPHS: Span(_("Photographs that were refused"), 30, 0, 365),
    # Nothing unless somebody asks for it; a month is what the longest enquiry into an incident takes.
    Kind.PASSAGE_PICTURES: Span(_("Pictures of passages, of people who agreed"), 0, 0, 30),
    Kind.INVITATIONS: Span(_("Invitations, after their end"), 30, 1, 365),
    Kind.DECISIONS: Span(_("Decisions, with what was said of them"), 90, 30, 3650),
    Kind.DOOR_EVENTS: Span(_("Events, orders and settled alarms of doors"), 365, 30, 3650),
    Kind.TERMINAL_LINES: Span(_("Lines of terminals, as they were sent"), 90, 30, 3650),
    Kind.WORKING_TIME: Span(_("Punches, working days, leave, corrections, payroll files"), 1095, 365, 3650),
    Kind.CONSENTS: Span(_("Consents, after their end"), 1095, 365, 3650),
}


@dataclass(frozen=True)
class Part:
    """Rows of one table that are due, and how they go."""

    rows: QuerySet[Any]
    delete: Callable[[QuerySet[Any]], int]


def _rows(rows: QuerySet[Any]) -> int:
    """How many rows of this very table went, those that hang on them not counted."""
    _all, by_table = rows.delete()
    return int(by_table.get(rows.model._meta.label, 0))


def _pictures(rows: QuerySet[Photograph]) -> int:
    return _rows(rows.defer("sealed"))  # nobody need load a picture to delete it


def parts(kind: Kind, days: int | None, now: datetime) -> list[Part]:
    """What is due of a kind, in the order in which it may go. Empty where it is kept with the consent."""
    if days is None:
        return []
    before = now - timedelta(days=days)
    return _PARTS[kind](before)


def oldest(kind: Kind) -> datetime | None:
    """The moment of the oldest that is there of a kind, due or not; None where there is nothing."""
    rows, moment = _OLDEST[kind]
    return rows.objects.aggregate(oldest=Min(moment))["oldest"]


# --- Faces ----------------------------------------------------------------------------------------


def _faces(of: QuerySet[Person]) -> list[Part]:
    """All that was made of the faces of these people: enrolments with their photographs, faceprints, key.

    What a worker is still to look at is left to it: without consent it refuses by itself.
    """
    waiting = Enrolment.objects.filter(person=OuterRef("person"), state=Enrolment.State.WAITING)
    calm = ~Exists(waiting)
    enrolments = Enrolment.objects.filter(calm, person__in=of)
    return [
        Part(Photograph.objects.filter(calm, person__in=of), _pictures),
        Part(Faceprint.objects.filter(calm, person__in=of), _rows),
        Part(enrolments, _rows),
        Part(KeptPicture.objects.filter(person__in=of), _rows),
        # With the key a copy in an old backup becomes noise.
        Part(PersonKey.objects.filter(calm, person__in=of), _rows),
    ]


def _withdrawn_faces(before: datetime) -> list[Part]:
    consenting = Exists(Consent.objects.filter(person=OuterRef("pk"), withdrawn=None))
    return _faces(Person.objects.filter(~consenting))


def _leavers_faces(before: datetime) -> list[Part]:
    since = Coalesce(F("suspended"), F("created"), output_field=DateTimeField())
    gone = Q(active=False, since__lt=before) | Q(valid_until__lt=before.date())
    return _faces(Person.objects.annotate(since=since).filter(gone))


def _idle_faces(before: datetime) -> list[Part]:
    punched = Exists(Punch.objects.filter(person=OuterRef("pk"), at__gte=before))
    enrolled = Exists(Enrolment.objects.filter(person=OuterRef("pk"), submitted__gte=before))
    unseen = Q(last_seen=None) | Q(last_seen__lt=before.date())
    return _faces(Person.objects.filter(unseen, ~punched, ~enrolled, created__lt=before))


def _used_photographs(before: datetime) -> list[Part]:
    rows = Photograph.objects.filter(
        state=Photograph.State.ACCEPTED, enrolment__state=Enrolment.State.DONE, enrolment__finished__lt=before
    )
    return [Part(rows, _without_faceprint)]


def _without_faceprint(rows: QuerySet[Photograph]) -> int:
    """The faceprint stays in use without its photograph; a new model asks for new ones."""
    Faceprint.objects.filter(photograph__in=rows).update(photograph=None)
    return _pictures(rows)


def _refused_photographs(before: datetime) -> list[Part]:
    refused = Q(state=Photograph.State.REFUSED) | Q(enrolment__state=Enrolment.State.REFUSED)
    rows = Photograph.objects.filter(refused, enrolment__finished__lt=before)
    return [Part(rows, _pictures)]


def _passage_pictures(before: datetime) -> list[Part]:
    return [Part(KeptPicture.objects.filter(at__lt=before).defer("sealed"), _rows)]


def _invitations(before: datetime) -> list[Part]:
    ended = Coalesce("used", "revoked", "expires")
    return [Part(Invitation.objects.annotate(ended=ended).filter(ended__lt=before), _rows)]


# --- Facts ----------------------------------------------------------------------------------------


def _decisions(before: datetime) -> list[Part]:
    """The snapshot of a punch stays, bare, as long as the punch: it says where and when, as that does."""
    bare = Snapshot.objects.filter(received__lt=before, decision=None, picture=None, punch=None)
    return [
        Part(Decision.objects.filter(at__lt=before), _with_snapshots),
        Part(bare, _rows),
    ]


def _with_snapshots(rows: QuerySet[Decision]) -> int:
    """With the orders, remarks and disputes that hang on them; counted are the decisions."""
    snapshots = list(rows.values_list("pk", flat=True))
    count = _rows(rows)
    Snapshot.objects.filter(pk__in=snapshots, punch=None).delete()
    return count


def _door_events(before: datetime) -> list[Part]:
    settled = Alarm.objects.filter(acknowledged__lt=before).exclude(ended=None, kind__in=_GOING_ON)
    orders = DoorCommand.objects.filter(decision=None, made__lt=before)
    return [
        Part(DoorEvent.objects.filter(at__lt=before), _rows),
        Part(orders, _rows),
        Part(settled, _rows),
    ]


# Alarms that stand until something is right again; deleted while they stand they would be raised anew.
_GOING_ON = [
    Stands.KIOSK_SILENT.value,
    Stands.CHAIN_BROKEN.value,
    Stands.CHAIN_BEHIND.value,
    Stands.RETENTION.value,
    Stands.HELD.value,
]


def _terminal_lines(before: datetime) -> list[Part]:
    open_states = [State.RECEIVED, State.UNAPPROVED, *DOUBTFUL]
    rows = TerminalLine.objects.filter(received__lt=before).exclude(state__in=open_states).exclude(raw="")
    return [Part(rows, _emptied)]


def _emptied(rows: QuerySet[TerminalLine]) -> int:
    """The salted digest stays, or the terminal's repeat would be taken for news."""
    return rows.update(raw="", pin="")


def _working_time(before: datetime) -> list[Part]:
    """What was worked out goes before what it was worked out from: nothing is proposed of days half gone."""
    day = before.date()
    return [
        Part(Adjustment.objects.filter(day__lt=day), _rows),
        Part(WorkDay.objects.filter(day__lt=day, adjustments=None), _rows),
        Part(Proposal.objects.filter(decided__lt=before), _rows),
        Part(Correction.objects.filter(day__lt=day).exclude(state=Asked.ASKED), _rows),
        Part(Leave.objects.filter(last__lt=day).exclude(state=Asked.ASKED), _rows),
        Part(OvertimeApproval.objects.filter(day__lt=day), _rows),
        Part(RosterEntry.objects.filter(day__lt=day), _rows),
        Part(PayrollExport.objects.filter(made__lt=before), _rows),
        # One that a correction still asks about waits for the answer.
        Part(Punch.objects.filter(at__lt=before, corrections=None), _rows),
    ]


def _consents(before: datetime) -> list[Part]:
    return [Part(Consent.objects.filter(withdrawn__lt=before), _rows)]


_PARTS: dict[Kind, Callable[[datetime], list[Part]]] = {
    Kind.WITHDRAWN_FACES: _withdrawn_faces,
    Kind.LEAVERS_FACES: _leavers_faces,
    Kind.IDLE_FACES: _idle_faces,
    Kind.USED_PHOTOGRAPHS: _used_photographs,
    Kind.REFUSED_PHOTOGRAPHS: _refused_photographs,
    Kind.PASSAGE_PICTURES: _passage_pictures,
    Kind.INVITATIONS: _invitations,
    Kind.DECISIONS: _decisions,
    Kind.DOOR_EVENTS: _door_events,
    Kind.TERMINAL_LINES: _terminal_lines,
    Kind.WORKING_TIME: _working_time,
    Kind.CONSENTS: _consents,
}


_OLDEST: dict[Kind, tuple[type[Model], str]] = {
    Kind.WITHDRAWN_FACES: (Photograph, "enrolment__submitted"),
    Kind.LEAVERS_FACES: (Photograph, "enrolment__submitted"),
    Kind.IDLE_FACES: (Faceprint, "created"),
    Kind.USED_PHOTOGRAPHS: (Photograph, "enrolment__submitted"),
    Kind.REFUSED_PHOTOGRAPHS: (Photograph, "enrolment__submitted"),
    Kind.PASSAGE_PICTURES: (KeptPicture, "at"),
    Kind.INVITATIONS: (Invitation, "made"),
    Kind.DECISIONS: (Decision, "at"),
    Kind.DOOR_EVENTS: (DoorEvent, "at"),
    Kind.TERMINAL_LINES: (TerminalLine, "received"),
    Kind.WORKING_TIME: (Punch, "at"),
    Kind.CONSENTS: (Consent, "given"),
}
