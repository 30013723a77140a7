"""Cards, QR codes and PINs: what opens a door beside a face, or in its place.

Promise: nothing here can be read back. Card numbers are kept as keyed digests, PINs as slow salted hashes of
keyed digests, the key is wrapped by the master key, and every answer to a wrong one takes the same time.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from access.people import Person


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


class Card(models.Model):
    """Personal data: that somebody holds a card or QR code, and until when. Deleted by erasure."""

    class Kind(models.TextChoices):
        CARD = "card", _("card")
        QR = "qr", _("QR code")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="cards"
    )
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(_("ends with"), max_length=4)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True)
    issued = models.DateTimeField(_("issued"), auto_now_add=True)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering = ["-issued"]

    def __str__(self) -> str:
        return f"…{self.hint}"


class Pin(models.Model):
    """Personal data: a person's PINs, as hashes that nobody can turn back. Deleted by erasure."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="pin")
    digest = models.CharField(max_length=200)
    # Opens as the other does, and raises an alarm that nobody at the door sees.
    duress = models.CharField(max_length=200, blank=True)
    changed = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("PIN")
        verbose_name_plural = _("PINs")

    def __str__(self) -> str:
        return f"PIN of person:{self.person_id}"


class PinTries(models.Model):
    """Personal data: failed tries under a keyed digest of a badge number, or at a kiosk. Gone in a day."""

    # "kiosk:3", or "badge:" and a keyed digest: of badges that nobody has too, so that a lock tells nothing.
    subject = models.CharField(primary_key=True, max_length=80)
    failures = models.PositiveIntegerField(default=0)
    last = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("PIN tries")
        verbose_name_plural = _("PIN tries")
        indexes = [models.Index(fields=["last"], name="pin_tries_by_time")]

    def __str__(self) -> str:
        return self.subject.split(":")[0]
