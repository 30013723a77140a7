"""Where events go: an address, what it wants to hear, and its secret, sealed and shown once."""

import base64
import secrets
import zoneinfo
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from access import audit, vault
from access.places import check_zone

SECRET_BYTES = 32
PREFIX = "whsec_"


class Kind(StrEnum):
    """What listens at the address."""

    WEBHOOK = "webhook"
    FRAPPE = "frappe"
    ODOO = "odoo"


class Event(StrEnum):
    """What may be told. Part of the API: an event never changes its string. The triggers name them, too."""

    DECISION = "decision.made"
    PUNCH = "punch.noted"
    ALARM = "alarm.raised"
    ACKNOWLEDGED = "alarm.acknowledged"


EVENT_WORDS = {
    Event.DECISION: _("Decisions at doors"),
    Event.PUNCH: _("Punches"),
    Event.ALARM: _("Alarms"),
    Event.ACKNOWLEDGED: _("Alarms that somebody took note of"),
}
KIND_WORDS = {
    Kind.WEBHOOK: _("Webhook"),
    Kind.FRAPPE: _("Frappe HR: employee check-ins"),
    Kind.ODOO: _("Odoo: attendances"),
}


def check_address(url: str) -> None:
    """Refuse what could not be posted to: https without a login in it; http only where private is allowed."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    schemes = {"https", "http"} if settings.HOOKS_PRIVATE else {"https"}
    if parts.scheme not in schemes or not parts.hostname or not port_fits or not url.isascii():
        raise ValidationError(_("An address such as https://hr.example.org/hooks is needed."))
    if parts.username or parts.password or parts.fragment:
        raise ValidationError(
            _("No login and no # in the address: secrets belong into the field of their own.")
        )


class Endpoint(models.Model):
    """No personal data. The secret is sealed under a key of its own, wrapped by the master key."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    # Text without choices: the lists are Kind and Event.
    kind = models.CharField(_("kind"), max_length=10, default=Kind.WEBHOOK.value)
    url = models.CharField(_("address"), max_length=500, validators=[check_address])
    events = ArrayField(models.CharField(max_length=30), verbose_name=_("tells of"), default=list, blank=True)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Off: what happens from now on is not told, not even later.")
    )
    names = models.BooleanField(
        _("with badge numbers and names"),
        default=False,
        help_text=_("Otherwise people are named by their key alone."),
    )
    account = models.CharField(
        _("account"), max_length=160, blank=True, help_text=_("Frappe: the API key. Odoo: the login.")
    )
    database = models.CharField(_("database"), max_length=120, blank=True, help_text=_("Odoo only."))
    employee_field = models.CharField(
        _("employee field"),
        max_length=80,
        blank=True,
        help_text=_(
            "Which field of an employee holds the badge number. Empty: attendance_device_id (Frappe), "
            "barcode (Odoo)."
        ),
    )
    zone = models.CharField(
        _("its time zone"),
        max_length=60,
        default="UTC",
        validators=[check_zone],
        help_text=_("Frappe only: times are told in the zone of its system settings."),
    )
    sealed = models.BinaryField(null=True, editable=False)
    wrapped = models.BinaryField(null=True, editable=False)
    disabled = models.DateTimeField(_("disabled itself"), null=True, editable=False)
    made = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind != Kind.WEBHOOK:
            self.events = [Event.PUNCH.value]
        if self.kind != Kind.WEBHOOK and not self.account:
            raise ValidationError({"account": _("A connector needs an account there.")})
        if self.kind == Kind.ODOO and not self.database:
            raise ValidationError({"database": _("Odoo needs the name of its database.")})

    @property
    def timezone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.zone)


@transaction.atomic
def set_secret(endpoint: Endpoint, secret: str, *, by: object = None) -> None:
    """Seal the secret; what was there before opens nothing any more."""
    endpoint.wrapped = vault.new_wrapped_key()
    endpoint.sealed = vault.seal(secret.encode(), wrapped_key=endpoint.wrapped, about=audit.name_of(endpoint))
    endpoint.save(update_fields=["wrapped", "sealed"])
    audit.record("endpoint.secret_set", endpoint, by=by)


def issue_secret(endpoint: Endpoint, *, by: object = None) -> str:
    """A new secret for signing, readable here and never again."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")
    set_secret(endpoint, secret, by=by)
    return secret


def secret_of(endpoint: Endpoint) -> str:
    """The secret; empty where none was set. Raises vault.Sealed if no master key opens it."""
    if endpoint.sealed is None or endpoint.wrapped is None:
        return ""
    opened = vault.unseal(endpoint.sealed, wrapped_key=endpoint.wrapped, about=audit.name_of(endpoint))
    return opened.decode()
