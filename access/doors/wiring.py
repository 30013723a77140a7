"""What hangs on a door: the driver that opens it and its contact. A door without a row has a simulated lock.

The driver's secret is sealed by a key of its own under the master key, and never shown again.
"""

from enum import StrEnum

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from access import vault
from access.places import Door

OPEN_SECONDS = 5
HELD_SECONDS = 30


class Driver(StrEnum):
    """How a door is told to open."""

    SIMULATED = "simulated"
    HTTP = "http"
    MQTT = "mqtt"


class Wiring(models.Model):
    """No personal data."""

    door = models.OneToOneField(
        Door, verbose_name=_("door"), primary_key=True, on_delete=models.CASCADE, related_name="wiring"
    )
    # Text without choices: the list is Driver.
    driver = models.CharField(_("driver"), max_length=20, default=Driver.SIMULATED.value)
    address = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        help_text=_(
            "HTTP relay: https://relay.example/open. MQTT: mqtts://user@broker:8883/lintel/front-door, where "
            "the path begins the names of the topics."
        ),
    )
    sealed = models.BinaryField(_("secret, sealed"), null=True, editable=False)
    wrapped = models.BinaryField(_("key of the secret, wrapped"), null=True, editable=False)
    open_seconds = models.PositiveIntegerField(
        _("unlocked for (s)"),
        default=OPEN_SECONDS,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("How long the lock is released by one grant."),
    )
    has_contact = models.BooleanField(
        _("has a contact that tells whether it was forced"),
        default=False,
        help_text=_(
            "Only with a contact that also knows those who leave by button or handle; else every exit would "
            "raise an alarm."
        ),
    )
    held_seconds = models.PositiveIntegerField(
        _("may stay open for (s)"),
        default=HELD_SECONDS,
        validators=[MinValueValidator(5), MaxValueValidator(3600)],
        help_text=_("Longer than that raises the alarm “held open”."),
    )

    class Meta:
        verbose_name = _("wiring of a door")
        verbose_name_plural = _("wiring of doors")

    def __str__(self) -> str:
        return f"wiring of door:{self.door_id}"

    @property
    def secret(self) -> str:
        """The relay's signing key or the broker's password; empty where none is. Raises vault.Sealed."""
        if not self.sealed or not self.wrapped:
            return ""
        return vault.unseal(self.sealed, wrapped_key=self.wrapped, about=self._about).decode()

    def keep_secret(self, secret: str) -> None:
        """Seal it into this row, unsaved; an empty one is forgotten."""
        self.sealed = self.wrapped = None
        if secret:
            self.wrapped = vault.new_wrapped_key()
            self.sealed = vault.seal(secret.encode(), wrapped_key=self.wrapped, about=self._about)

    @property
    def _about(self) -> str:
        return f"secret of door:{self.door_id}"


def of(door: Door) -> Wiring:
    """The door's wiring; one with the defaults, not stored, where nobody configured any."""
    found = Wiring.objects.filter(door=door).first()
    return found if found is not None else Wiring(door=door)
