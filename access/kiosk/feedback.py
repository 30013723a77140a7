"""What a person says about an answer on the kiosk's screen: this is not me, or why I go at this hour.

Promise: it never changes the decision or the punch, which are facts; it stands beside them.
"""

from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.decisions import Decision
from access.places import Kiosk

# The answer is on the screen for seconds; a slow network and a slow hand get a minute more.
TIME_TO_SAY = timedelta(seconds=90)


class Dispute(models.Model):
    """Personal data: that somebody said a decision named the wrong person. Kept with its decision."""

    decision = models.OneToOneField(
        Decision,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="dispute",
        verbose_name=_("decision"),
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    settled = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("settled by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
    )

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"dispute of decision:{self.decision_id}"


class Remark(models.Model):
    """Personal data: why somebody came or went, in a word of a closed list. Kept with its decision."""

    class Why(models.TextChoices):
        BUSINESS = "business", _("on business")
        MEDICAL = "medical", _("doctor")
        TRAINING = "training", _("training")
        PRIVATE = "private", _("private")
        FORGOTTEN = "forgotten", _("forgot to punch")
        OTHER = "other", _("other")

    decision = models.OneToOneField(
        Decision,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="remark",
        verbose_name=_("decision"),
    )
    why = models.CharField(_("reason"), max_length=10, choices=Why.choices)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"remark to decision:{self.decision_id}"


def _said_now(kiosk: Kiosk, decision: object) -> Decision | None:
    """The grant that this kiosk shows at this moment."""
    since = timezone.now() - TIME_TO_SAY
    return (
        Decision.objects.filter(pk=decision, snapshot__kiosk=kiosk, granted=True, at__gte=since)
        .select_related("snapshot")
        .first()
    )


@transaction.atomic
def dispute(kiosk: Kiosk, decision: object) -> bool:
    """Note that the person before this kiosk is not who was named. False if it shows no such grant now."""
    found = _said_now(kiosk, decision)
    if found is None:
        return False
    _dispute, new = Dispute.objects.get_or_create(decision=found)
    if new:
        audit.record("decision.disputed", found.snapshot, by=f"kiosk:{kiosk.pk}", person=found.person_id)
    return True


@transaction.atomic
def settle(dispute: Dispute, *, by: object) -> None:
    """Somebody looked into it. The decision stays; what follows from it (a correction) is made elsewhere."""
    if Dispute.objects.filter(pk=dispute.pk, settled=None).update(settled=timezone.now(), settled_by=by):
        audit.record("decision.dispute_settled", f"snapshot:{dispute.pk}", by=by)


@transaction.atomic
def remark(kiosk: Kiosk, decision: object, why: str) -> bool:
    """Note why; said again, the last word counts. False if the kiosk shows no such grant now."""
    found = _said_now(kiosk, decision)
    if found is None:
        return False
    Remark.objects.update_or_create(decision=found, defaults={"why": why, "at": timezone.now()})
    return True
