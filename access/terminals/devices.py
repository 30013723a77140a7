"""Terminals by serial number, who approved them, and which person stands behind a PIN of theirs.

A serial number is no secret: approve by hand, and name the network a terminal must speak from.
"""

import ipaddress
import secrets
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.people import Person
from access.places import Door, Site

SERIAL = r"[A-Za-z0-9_.\-]{1,40}"
# Strangers at most; one more is turned away, and nothing of it is kept.
MOST_WAITING = 20
# A terminal polls every few seconds and pushes what happened; ten a second is no terminal at work.
MOST_REQUESTS_A_MINUTE = 600


class Standing(StrEnum):
    """Whether we listen to a terminal."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


def check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(
            _("%(text)s is not an address or network such as 192.168.7.0/24."), params={"text": text}
        ) from error


def new_salt() -> bytes:
    return secrets.token_bytes(16)


class Terminal(models.Model):
    """No personal data."""

    serial = models.CharField(
        _("serial number"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(rf"^{SERIAL}\Z", _("As the terminal shows it: letters, digits, . - _"))],
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    # Text without choices: the list is Standing.
    standing = models.CharField(_("standing"), max_length=10, default=Standing.WAITING.value, editable=False)
    site = models.ForeignKey(
        Site,
        verbose_name=_("site"),
        null=True,
        on_delete=models.PROTECT,
        related_name="terminals",
        help_text=_("Its wall clock is read in this site's time zone."),
    )
    door = models.ForeignKey(
        Door,
        verbose_name=_("door"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="terminals",
    )
    network = models.CharField(
        _("speaks from"),
        max_length=50,
        blank=True,
        validators=[check_network],
        help_text=_(
            "An address or network such as 192.168.7.0/24. Whoever knows a serial number can send punches in "
            "its name: fill this in. Empty: from anywhere."
        ),
    )
    address = models.GenericIPAddressField(_("last address"), null=True, blank=True, editable=False)
    first_seen = models.DateTimeField(_("first seen"), null=True, editable=False)
    last_seen = models.DateTimeField(_("last seen"), null=True, editable=False)
    # Of the newest line of the latest push: its time by the terminal's clock less our time.
    clock_ahead = models.DurationField(_("clock ahead by"), null=True, editable=False)
    # Where the terminal's log was read up to, in its own counting.
    stamp = models.CharField(max_length=40, default="0", editable=False)
    firmware = models.CharField(_("says of itself"), max_length=200, blank=True, editable=False)
    # Fingerprints, faces and photographs that it sent and nobody kept.
    biometrics_discarded = models.PositiveIntegerField(default=0, editable=False)
    salt = models.BinaryField(default=new_salt, editable=False)
    minute = models.DateTimeField(null=True, editable=False)
    requests = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        ordering = ["serial"]
        permissions = [("settle_terminal", "Can approve terminals and settle what they sent")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(standing="approved") | models.Q(site__isnull=False),
                name="approved_terminals_have_a_site",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.serial

    def clean(self) -> None:
        if self.door and self.site and self.door.site_id != self.site_id:
            raise ValidationError({"door": _("This door is at another site.")})


class TerminalUser(models.Model):
    """Personal data: which PIN of a terminal is whose. Deleted by erasure."""

    terminal = models.ForeignKey(
        Terminal, verbose_name=_("terminal"), on_delete=models.CASCADE, related_name="users"
    )
    pin = models.CharField(_("PIN"), max_length=24)
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="terminal_users"
    )

    class Meta:
        verbose_name = _("user of a terminal")
        verbose_name_plural = _("users of terminals")
        ordering = ["terminal", "pin"]
        constraints = [models.UniqueConstraint("terminal", "pin", name="one_person_per_pin_of_a_terminal")]

    def __str__(self) -> str:
        return f"terminal:{self.terminal_id} person:{self.person_id}"


def listening() -> bool:
    """Closed by default: whether anybody is expected to push here."""
    return settings.TERMINALS or Terminal.objects.filter(standing=Standing.APPROVED.value).exists()


@transaction.atomic
def heard(serial: str, address: str | None) -> Terminal | None:
    """The terminal of this serial number, signed in as seen; None if it is refused or may not speak now.

    A stranger is noted and waits for a human, at most MOST_WAITING of them.
    """
    terminal = Terminal.objects.select_for_update(no_key=True).filter(serial=serial).first()
    now = timezone.now()
    if terminal is None:
        if Terminal.objects.filter(standing=Standing.WAITING.value).count() >= MOST_WAITING:
            return None
        try:
            with transaction.atomic():
                terminal = Terminal.objects.create(serial=serial, first_seen=now)
        except IntegrityError:  # two of its requests at once: the other one noted it
            terminal = Terminal.objects.select_for_update(no_key=True).get(serial=serial)
        else:
            audit.record("terminal.appeared", terminal, by=f"terminal:{terminal.pk}")
    if terminal.standing == Standing.REFUSED or not _from_here(terminal, address):
        return None
    terminal.first_seen = terminal.first_seen or now
    terminal.last_seen, terminal.address = now, address
    if terminal.minute is None or now - terminal.minute >= timedelta(minutes=1):
        terminal.minute, terminal.requests = now, 0
    terminal.requests += 1
    terminal.save(update_fields=["first_seen", "last_seen", "address", "minute", "requests"])
    return terminal


def hurried(terminal: Terminal) -> bool:
    """True if it asked more often within this minute than any terminal does."""
    return terminal.requests > MOST_REQUESTS_A_MINUTE


def _from_here(terminal: Terminal, address: str | None) -> bool:
    if not terminal.network:
        return True
    if address is None:
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(terminal.network)


def person_behind(terminal: Terminal, pin: str) -> Person | None:
    """Whose PIN this is: assigned by hand, else the badge number, else the one badge that differs by leading
    zeros, which many terminals drop. None where nobody or several people could be meant."""
    given = TerminalUser.objects.select_related("person").filter(terminal=terminal, pin=pin).first()
    if given is not None:
        return given.person
    living = Person.objects.filter(erased=None)
    if exact := living.filter(badge__iexact=pin).first():
        return exact
    bare = pin.lstrip("0")
    if not (bare.isascii() and bare.isdigit()):
        return None
    similar = list(living.filter(badge__iregex=rf"^0*{bare}$")[:2])
    return similar[0] if len(similar) == 1 else None
