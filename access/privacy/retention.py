"""Retention: how long each kind is kept, and the nightly job that deletes the rest and says so.

Promise: facts that the database refuses to lose go by this path alone, and only once their time is over:
its triggers ask the same table (migration 0029). Each run leaves a row per kind: how much went, what is left.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.privacy import kinds
from access.privacy.kinds import SPANS, Kind

# Rows of one slice: a fraction of a second, so that doors are decided in between.
SLICE = 200
# The job runs every night; two nights missed mean that nobody deletes (requirements PRV-04).
OVERDUE = timedelta(hours=50)
# What each run reports of this long ago is history.
REPORTS_KEPT = timedelta(days=400)

logger = logging.getLogger(__name__)


class Retention(models.Model):
    """How long one kind is kept. No personal data."""

    # Text without choices: the list is kinds.Kind.
    kind = models.CharField(_("kind"), primary_key=True, max_length=30, editable=False)
    days = models.PositiveIntegerField(
        _("days"), null=True, blank=True, help_text=_("Empty: as long as the consent stands.")
    )
    since = models.DateTimeField(_("since"), auto_now=True)

    class Meta:
        verbose_name = _("retention")
        verbose_name_plural = _("retention")
        ordering = ["kind"]

    def __str__(self) -> str:
        return str(self.span.words)

    @property
    def span(self) -> kinds.Span:
        return SPANS[Kind(self.kind)]

    def clean(self) -> None:
        """Only what the law and prudence allow, see SPANS."""
        if self.days is None:
            if self.span.days is not None:
                raise ValidationError({"days": _("Say how many days.")})
        elif not self.span.least <= self.days <= self.span.most:
            raise ValidationError(
                {
                    "days": _("From %(least)d to %(most)d days.")
                    % {"least": self.span.least, "most": self.span.most}
                }
            )


class Sweep(models.Model):
    """What one run of the nightly job did about one kind. No personal data: counts. Kept for 400 days."""

    # When the run began, which is its name.
    run = models.DateTimeField(_("run"), db_index=True)
    kind = models.CharField(_("kind"), max_length=30)
    days = models.PositiveIntegerField(_("days"), null=True)
    deleted = models.PositiveIntegerField(_("deleted"), default=0)
    oldest_left = models.DateTimeField(_("oldest left"), null=True)
    finished = models.DateTimeField(_("finished"), null=True)
    error = models.CharField(_("error"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("nightly deletion")
        verbose_name_plural = _("nightly deletions")
        ordering = ["-run", "id"]
        constraints = [models.UniqueConstraint("run", "kind", name="one_sweep_per_run_and_kind")]

    def __str__(self) -> str:
        return f"sweep:{self.pk}"


def periods() -> dict[Kind, int | None]:
    """How long each kind is kept now, in the order of Kind. What has no row yet keeps its default."""
    decided = {one.kind: one.days for one in Retention.objects.all()}
    return {kind: decided.get(kind.value, SPANS[kind].days) for kind in Kind}


def fill_in() -> None:
    """A row for every kind that this version knows: the triggers and the admin read them."""
    rows = [Retention(kind=kind.value, days=days) for kind, days in periods().items()]
    Retention.objects.bulk_create(rows, ignore_conflicts=True)


@dataclass(frozen=True)
class Due:
    """What of a kind the job would delete now, and how old the oldest is that is there."""

    kind: Kind
    words: Any
    days: int | None
    count: int
    oldest: datetime | None


def preview(now: datetime | None = None) -> list[Due]:
    """What would be deleted tonight, kind by kind."""
    now = now or timezone.now()
    return [
        Due(
            kind,
            SPANS[kind].words,
            days,
            sum(part.rows.count() for part in kinds.parts(kind, days, now)),
            kinds.oldest(kind),
        )
        for kind, days in periods().items()
    ]


def begin() -> datetime:
    """A new run, with a row for each kind to be done; its name."""
    fill_in()
    run = timezone.now()
    Sweep.objects.filter(run__lt=run - REPORTS_KEPT).delete()
    Sweep.objects.bulk_create(
        [Sweep(run=run, kind=kind.value, days=days) for kind, days in periods().items()]
    )
    return run


def sweep_slice(run: datetime) -> bool:
    """One slice of the run; False when nothing is left to do. Safe to repeat, and to run beside itself.

    A kind that fails is noted with its error and left to the next night; the others have their turn.
    """
    sweep = Sweep.objects.filter(run=run, finished=None).order_by("id").first()
    if sweep is None:
        return False
    try:
        _one_slice(sweep)
    except (DatabaseError, models.ProtectedError) as error:
        logger.exception("deleting failed", extra={"kind": sweep.kind})
        Sweep.objects.filter(pk=sweep.pk).update(finished=timezone.now(), error=type(error).__name__)
    return True


@transaction.atomic
def _one_slice(sweep: Sweep) -> None:
    kind = Kind(sweep.kind)
    held = Sweep.objects.select_for_update().get(pk=sweep.pk)
    with connection.cursor() as cursor:
        # What lets the triggers ask whether a row's time is over; ends with this transaction.
        cursor.execute("SELECT set_config('lintel.retention', %s, true)", [kind.value])
    for part in kinds.parts(kind, held.days, timezone.now()):
        keys = list(part.rows.order_by("pk").values_list("pk", flat=True)[:SLICE])
        if keys:
            held.deleted += part.delete(part.rows.model._default_manager.filter(pk__in=keys))
            held.save(update_fields=["deleted"])
            return
    held.finished, held.oldest_left = timezone.now(), kinds.oldest(kind)
    held.save(update_fields=["finished", "oldest_left"])
    if held.deleted:
        audit.record(
            "retention.deleted", f"retention:{kind.value}", by="worker", count=held.deleted, days=held.days
        )


def overdue(now: datetime | None = None) -> bool:
    """True if no run has come to its end, without an error, for two nights."""
    now = now or timezone.now()
    whole = (
        Sweep.objects.values("run")
        .annotate(bad=models.Count("pk", filter=models.Q(finished=None) | ~models.Q(error="")))
        .filter(bad=0)
        .aggregate(latest=models.Max("run"))["latest"]
    )
    # A fresh install has had no night yet.
    since = whole or Retention.objects.aggregate(first=models.Min("since"))["first"]
    return since is not None and now - since > OVERDUE
