"""Erasing a person: the key, the vectors and the pictures go; what the law keeps names only a bare key.

Promise: all or nothing, in one transaction, and a receipt that lists every place. Backups made before
still hold what they held: they have to go within the time that was promised (deploy/README.md).
"""

from dataclasses import asdict, dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone

from access import audit, people
from access.attendance import Punch
from access.decisions import Decision
from access.doors import levels
from access.doors.alarms import Alarm
from access.doors.credentials import Card, Pin
from access.doors.modes import DoorMemory
from access.doors.passback import Presence
from access.enrolment import Enrolment, Photograph
from access.gallery import Faceprint
from access.handouts import files
from access.hours import keeping
from access.kept import KeptPicture
from access.kiosk.feedback import Remark
from access.people import Consent, Person, PersonKey
from access.places import KioskKey
from access.terminals import quarantine


@dataclass(frozen=True)
class Receipt:
    """What was destroyed, and what stays without a name, by count."""

    person: int
    erased: str
    keys_destroyed: int
    faceprints_deleted: int
    photographs_deleted: int
    enrolments_deleted: int
    gallery_memberships_deleted: int
    consents_kept: int
    punches_kept: int
    decisions_kept: int
    # Receipts written before there were cards, PINs, leave and access levels lack these.
    cards_deleted: int = 0
    pins_deleted: int = 0
    leave_balances_deleted: int = 0
    leave_kept: int = 0
    corrections_kept: int = 0
    plans_deleted: int = 0
    working_days_kept: int = 0
    terminal_lines_emptied: int = 0
    access_levels_left: int = 0
    grants_deleted: int = 0
    # Nor had they these before there were invitations.
    invitations_deleted: int = 0
    remarks_deleted: int = 0
    alarms_kept: int = 0
    # Tablets that may still know a badge number, a first name and hashes, until their data end: within a day,
    # and with the next contact at the latest.
    kiosks_with_offline_data: int = 0
    report_files_deleted: int = 0
    passage_pictures_deleted: int = 0

    def lines(self) -> list[str]:
        return [f"{name.replace('_', ' ')}: {value}" for name, value in asdict(self).items()]


@transaction.atomic
def erase(person: Person, *, by: object = None) -> Receipt:
    """The receipt; also written into the audit trail. Erasing twice destroys nothing more."""
    held = Person.objects.select_for_update().get(pk=person.pk)
    people.withdraw_consent(held, by=by)
    memberships = held.galleries.count()
    held.galleries.clear()
    counts = {
        "faceprints_deleted": Faceprint.objects.filter(person=held).count(),
        "photographs_deleted": Photograph.objects.filter(person=held).count(),
        "enrolments_deleted": Enrolment.objects.filter(person=held).count(),
    }
    counts["passage_pictures_deleted"] = KeptPicture.objects.filter(person=held).delete()[0]
    counts |= {
        "cards_deleted": Card.objects.filter(person=held).delete()[0],
        "pins_deleted": Pin.objects.filter(person=held).delete()[0],
    }
    counts |= dict(zip(("access_levels_left", "grants_deleted"), levels.forget(held), strict=True))
    counts["invitations_deleted"] = held.invitations.all().delete()[0]
    counts["remarks_deleted"] = Remark.objects.filter(decision__person=held).delete()[0]
    counts["alarms_kept"] = Alarm.objects.filter(person=held).update(note="")
    counts["kiosks_with_offline_data"] = KioskKey.objects.filter(
        revoked=None, bundle_until__gt=timezone.now(), bundle_people__gt=0
    ).count()
    Presence.objects.filter(person=held).delete()
    DoorMemory.objects.filter(waiting=held).update(waiting=None, waiting_since=None, waiting_snapshot=None)
    counts["terminal_lines_emptied"] = quarantine.forget(held)
    Enrolment.objects.filter(lookalike=held).update(lookalike_score=None)
    Enrolment.objects.filter(person=held).delete()  # with photographs and their faceprints
    Faceprint.objects.filter(person=held).delete()
    counts |= keeping.forget(held)
    counts["report_files_deleted"] = files.forget()
    _forget_in_admin_history(held)
    keys, _rows = PersonKey.objects.filter(person=held).delete()
    held.name, held.badge, held.payroll_number = "Erased person", f"erased-{held.pk}", ""
    held.valid_from = held.valid_until = held.last_seen = held.suspended = None
    held.manager = None
    held.department, held.active, held.erased = None, False, held.erased or timezone.now()
    held.save()
    receipt = Receipt(
        person=held.pk,
        erased=held.erased.isoformat(),
        keys_destroyed=keys,
        gallery_memberships_deleted=memberships,
        consents_kept=Consent.objects.filter(person=held).count(),
        punches_kept=Punch.objects.filter(person=held).count(),
        decisions_kept=Decision.objects.filter(person=held).count(),
        **counts,
    )
    audit.record("person.erased", held, by=by, **asdict(receipt))
    return receipt


def _forget_in_admin_history(person: Person) -> None:
    """The admin's own history repeats the name with every change; the entries stay, the name goes."""
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Person), object_id=str(person.pk)
    ).update(object_repr=audit.name_of(person), change_message="")
