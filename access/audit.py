"""The audit trail: who did what to whom, when.

Append-only in the database itself: a trigger refuses UPDATE, DELETE and TRUNCATE, whoever asks.
Entries name things by key ("person:12"), never by name, so erasing a person leaves the trail whole.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """Personal data: keys of people and staff only. Never deleted."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    # Who acted where no login was involved: "kiosk:3", "worker", "command". Beside a login: the program that
    # acted for it.
    actor = models.CharField(max_length=80, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=80, db_index=True)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


def name_of(row: models.Model) -> str:
    """The key by which logs and the trail name a row: "person:12"."""
    return f"{row._meta.model_name}:{row.pk}"


def record(action: str, subject: models.Model | str, *, by: Any = None, **details: Any) -> AuditEntry:
    """Write one entry, in the caller's transaction: what is rolled back did not happen.

    `by` is a Staff, or a name such as "kiosk:3" where nobody was logged in.
    """
    return AuditEntry.objects.create(
        action=action,
        subject=subject if isinstance(subject, str) else name_of(subject),
        staff=by if isinstance(by, models.Model) else None,
        actor=by if isinstance(by, str) else getattr(by, "acts_by", ""),
        details=details,
    )
