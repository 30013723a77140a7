"""Pictures of passages, where they are kept: of people who agreed, for the days that retention says.

Promise: nothing is kept unless somebody asked for it (the period is 0 at first), and never the picture of
somebody who is not known or did not agree. Each stays sealed as it came, with a key of its own.
"""

import uuid

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from access import vault
from access.people import Person
from access.snapshots import Snapshot

# Its period in the table of access/privacy/retention.py, which asks this module and not the other way round.
KIND = "passage_pictures"


class KeptPicture(models.Model):
    """Personal data: biometric source, of a known person who agreed. Sealed with a key of its own; deleted by
    retention, with the consent, and by erasure."""

    snapshot = models.OneToOneField(
        Snapshot, primary_key=True, on_delete=models.CASCADE, related_name="kept_picture"
    )
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="kept_pictures"
    )
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()
    at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("picture of a passage")
        verbose_name_plural = _("pictures of passages")

    def __str__(self) -> str:
        return f"kept picture of snapshot:{self.pk}"


_KEEP = """
    INSERT INTO access_keptpicture (snapshot_id, person_id, wrapped_key, sealed, at)
    SELECT p.snapshot_id, %(person)s, p.wrapped_key, p.sealed, now()
    FROM access_snapshotpicture p
    WHERE p.snapshot_id = %(snapshot)s
    AND (SELECT days FROM access_retention WHERE kind = %(kind)s) > 0
    AND EXISTS (SELECT 1 FROM access_consent c WHERE c.person_id = %(person)s AND c.withdrawn IS NULL)
"""


def keep(snapshot: Snapshot, person: Person | None) -> None:
    """In the decision's transaction, before its picture goes: it stays, if it may, without being read."""
    if person is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"snapshot": snapshot.pk, "person": person.pk, "kind": KIND})


def open_picture(snapshot_id: uuid.UUID) -> bytes | None:
    """The picture as the kiosk sent it; None where none is kept. Raises vault.Sealed."""
    row = KeptPicture.objects.filter(pk=snapshot_id).first()
    if row is None:
        return None
    return vault.unseal(row.sealed, wrapped_key=row.wrapped_key, about=f"snapshot:{snapshot_id}")
