"""Programs that call the API for a login, each by a token of its own.

Promise: a token is readable once, when it is issued, and only its digest is kept; it can never do more than
its roles allow, nor more than the login it acts for may at that moment; and it ends by itself.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, roles
from access.roles import Role
from access.staff import Staff

MOST_DAYS = 366
# When a program last called is written down once a minute at most: a row is not worth a write a request.
NOTED_EVERY = timedelta(minutes=1)


class Unacceptable(Exception):
    """The token cannot be issued; the text says why."""


class Program(models.Model):
    """Personal data: whose login it acts for. Plain SHA-256: the token is 256 random bits, so there is
    nothing to stretch."""

    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acts for"),
        on_delete=models.CASCADE,
        related_name="programs",
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What calls, such as “Night export”."))
    # Without choices in the table, as the roles of staff.
    roles = ArrayField(models.CharField(max_length=20), verbose_name=_("may do what"))
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(_("token begins with"), max_length=12)
    issued = models.DateTimeField(_("issued"), auto_now_add=True)
    expires = models.DateTimeField(_("ends"))
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used = models.DateTimeField(_("last call"), null=True, blank=True)

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        ordering = ["-issued"]

    def __str__(self) -> str:
        return self.name

    @property
    def in_force(self) -> bool:
        return self.revoked is None and self.expires > timezone.now()


def roles_of(staff: Staff) -> list[str]:
    """The roles that a login may hand on to a program: its own."""
    return [role for role in Role.values if staff.is_superuser or role in staff.roles]


@transaction.atomic
def issue(staff: Staff, name: str, held: Iterable[str], *, days: int) -> tuple[Program, str]:
    """A program that acts for this login, and its token, readable here and never again.

    Raises Unacceptable.
    """
    wanted = sorted(set(held))
    if not wanted or not set(wanted) <= set(roles_of(staff)):
        raise Unacceptable(_("A program gets one of your own roles, or several."))
    if not 1 <= days <= MOST_DAYS:
        raise Unacceptable(_("A token is good for 1 to %(most)d days.") % {"most": MOST_DAYS})
    token = f"lp_{secrets.token_urlsafe(32)}"
    made = Program.objects.create(
        staff=staff,
        name=name,
        roles=wanted,
        digest=_digest(token),
        hint=token[:8],
        expires=timezone.now() + timedelta(days=days),
    )
    audit.record("program.issued", made, by=staff, roles=wanted, days=days)
    return made, token


@transaction.atomic
def revoke(program: Program, *, by: object = None) -> bool:
    """True if the token was good until now; its next call is turned away."""
    done = Program.objects.filter(pk=program.pk, revoked=None).update(revoked=timezone.now())
    if done:
        audit.record("program.revoked", program, by=by)
    return bool(done)


def acting(token: str) -> tuple[Staff, Program] | None:
    """The login that the program with this token acts for, narrowed to the program's roles.

    None for a token unknown, ended or revoked, and for a login that is switched off. Found by digest, so the
    time taken tells nothing about how close a guess was.
    """
    program = (
        Program.objects.select_related("staff")
        .filter(digest=_digest(token), revoked=None, expires__gt=Now(), staff__is_active=True)
        .first()
    )
    if program is None:
        return None
    _note_call(program)
    tables = [model._meta.model_name for model in apps.get_app_config("access").get_models()]
    staff: Staff = program.staff
    staff.limited_to = roles.rights_of(program.roles, tables)
    staff.acts_by = audit.name_of(program)
    return staff, program


def _note_call(program: Program) -> None:
    now = timezone.now()
    if program.last_used is None or now - program.last_used > NOTED_EVERY:
        Program.objects.filter(pk=program.pk).update(last_used=now)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
