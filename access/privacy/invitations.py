"""Self-enrolment: a link by which one person consents and hands in photographs, once.

Promise: the link is stored as a digest, ends by itself, is spent by the first who hands in, and tells
whoever holds it nothing of anybody else. What it brings counts for nothing until a member of staff approved.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, enrolment, people
from access.enrolment import Enrolment
from access.people import Consent, ConsentText, Person

LIFE = timedelta(days=7)
TOKEN_BYTES = 32
# Whoever handed in sees what became of it, and may replace what was refused, for this long and so often.
AFTERWARDS = timedelta(minutes=30)
MOST_SETS = 4
SALT = "access.invitations"


class Refused(Exception):
    """Nobody can be invited, or the link does not hold (any more). The text is for staff."""


class Invitation(models.Model):
    """Personal data: that somebody was asked to enrol, by whom and when. The link itself is not here, only
    its digest. Deleted at erasure, and by retention after its end."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="invitations"
    )
    digest = models.BinaryField(max_length=32, unique=True)
    made = models.DateTimeField(_("made"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    expires = models.DateTimeField(_("expires"))
    agreed = models.DateTimeField(_("agreed"), null=True)
    used = models.DateTimeField(_("used"), null=True)
    revoked = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-made"]
        constraints = [
            models.UniqueConstraint(
                "person",
                condition=models.Q(used=None, revoked=None),
                name="one_open_invitation_per_person",
            )
        ]

    def __str__(self) -> str:
        return f"invitation:{self.pk}"

    @property
    def state(self) -> str:
        """One word: open, used, revoked or expired."""
        if self.revoked:
            return "revoked"
        if self.used:
            return "used"
        return "open" if self.expires > timezone.now() else "expired"


def _digest(token: str) -> bytes:
    # Plain SHA-256: the token is 256 random bits, so there is nothing to stretch.
    return hashlib.sha256(b"invitation:" + token.encode()).digest()


@transaction.atomic
def invite(person: Person, *, by: object = None) -> tuple[str, datetime]:
    """A new link's token, readable here and never again, and when it ends; an older link ends now.

    Raises Refused for somebody erased or suspended, and where no consent text was published.
    """
    held = Person.objects.select_for_update().get(pk=person.pk)
    if held.erased or not held.active:
        raise Refused("Only active people are invited.")
    if not ConsentText.objects.exists():
        raise Refused("Publish a consent text first: people are asked to agree to it.")
    revoke(held, by=by)
    token, expires = secrets.token_urlsafe(TOKEN_BYTES), timezone.now() + LIFE
    Invitation.objects.create(
        person=held,
        digest=_digest(token),
        expires=expires,
        made_by=by if isinstance(by, models.Model) else None,
    )
    audit.record("invitation.made", held, by=by, expires=expires.isoformat(timespec="seconds"))
    return token, expires


@transaction.atomic
def revoke(person: Person, *, by: object = None) -> bool:
    """True if the person had an open link: it opens nothing from now on."""
    ended = person.invitations.filter(used=None, revoked=None).update(revoked=timezone.now())
    if ended:
        audit.record("invitation.revoked", person, by=by)
    return bool(ended)


def open_for(token: str, *, hold: bool = False) -> Invitation:
    """The invitation of this link while it holds. Raises Refused, for whatever reason, in the same words.

    With `hold` the row is locked: of two who hand in at once the second meets a spent link.
    """
    rows = Invitation.objects.select_related("person")
    if hold:
        rows = rows.select_for_update(of=("self",))
    found = rows.filter(digest=_digest(token), expires__gt=timezone.now(), used=None, revoked=None).first()
    if found is None or found.person.erased or not found.person.active:
        raise Refused("This link does not hold.")
    return found


@transaction.atomic
def agree(token: str, text: ConsentText) -> Invitation:
    """The person agreed to these words. Raises Refused."""
    invitation = open_for(token, hold=True)
    people.note_consent(invitation.person, text, by=_name(invitation), channel=Consent.Channel.SELF)
    invitation.agreed = timezone.now()
    invitation.save(update_fields=["agreed"])
    return invitation


@transaction.atomic
def hand_in(token: str, files: Sequence[tuple[str, bytes]]) -> tuple[Invitation, str]:
    """The link is spent and the photographs wait, first for a worker and then for approval.

    The second answer is a ticket for `holder`. Raises Refused, NoConsent and pictures.Unacceptable; then
    nothing was taken in and the link still holds.
    """
    invitation = open_for(token, hold=True)
    enrolment.submit(invitation.person, files, by=_name(invitation), invitation=invitation)
    invitation.used = timezone.now()
    invitation.save(update_fields=["used"])
    audit.record("invitation.used", invitation.person, by=_name(invitation))
    return invitation, signing.dumps(invitation.pk, salt=SALT)


def holder(ticket: str) -> Invitation:
    """The invitation that this ticket was given for, a while ago at most. Raises Refused."""
    try:
        key = signing.loads(ticket, salt=SALT, max_age=AFTERWARDS)
    except signing.BadSignature as error:
        raise Refused("This ticket does not hold.") from error
    found = Invitation.objects.select_related("person").filter(pk=key, revoked=None).first()
    if found is None or found.person.erased:
        raise Refused("This ticket does not hold.")
    return found


@transaction.atomic
def hand_in_more(ticket: str, files: Sequence[tuple[str, bytes]]) -> Enrolment:
    """Photographs in place of refused ones, in the same browser, a few times. Raises as `hand_in` does."""
    invitation = Invitation.objects.select_for_update().get(pk=holder(ticket).pk)
    if invitation.enrolments.count() >= MOST_SETS:
        raise Refused("Enough was handed in.")
    return enrolment.submit(invitation.person, files, by=_name(invitation), invitation=invitation)


def _name(invitation: Invitation) -> str:
    """Who acted, for the trail: the bearer of a link, whoever that was."""
    return f"invitation:{invitation.pk}"
