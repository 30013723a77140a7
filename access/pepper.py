"""The secret in every digest of a card, a badge number or a PIN.

Promise: a stolen table alone does not let anybody try out numbers, however few digits they have.
"""

import hashlib
import hmac

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from access import vault


class Pepper(models.Model):
    """The secret in every digest of a card, badge or PIN, wrapped by the master key. No personal data."""

    wrapped = models.BinaryField()
    only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("pepper")
        verbose_name_plural = _("peppers")
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="one_pepper")]

    def __str__(self) -> str:
        return f"pepper:{self.pk}"


def digest(kind: str, text: str) -> bytes:
    """A keyed digest: the same for the same text, and without the pepper nobody can try numbers out."""
    return hmac.new(_secret(), f"{kind}:{text}".encode(), hashlib.sha256).digest()


def _secret() -> bytes:
    """The first call makes it."""
    row = Pepper.objects.first()
    if row is None:
        with transaction.atomic():
            # Two first callers at once: the constraint lets one in, both read the same row.
            Pepper.objects.bulk_create([Pepper(wrapped=vault.new_wrapped_key())], ignore_conflicts=True)
        row = Pepper.objects.get()
    return vault.unwrap(row.wrapped)
