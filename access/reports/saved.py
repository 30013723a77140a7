"""Questions that somebody asks again and again, kept by name; shared ones are everybody's to ask.

What is kept is the question and never the answer: each reader gets from it what they reach themselves.
"""

from collections.abc import Mapping

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from access import audit
from access.staff import Staff


class SavedFilter(models.Model):
    """Personal data: a login's name for a question, and the key or name of a person if it asks for one. Goes
    with the login."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_filters",
        verbose_name=_("owner"),
    )
    # A key of reports.REPORTS, without choices: a new report needs no migration.
    report = models.CharField(_("report"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    # As it was typed, by name of field; "last month" stays last month.
    given = models.JSONField(_("filters"), default=dict)
    shared = models.BooleanField(_("for everybody"), default=False)
    made = models.DateTimeField(_("made"), auto_now=True)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint("owner", "report", "name", name="one_saved_filter_per_name_and_owner")
        ]

    def __str__(self) -> str:
        return self.name


def for_reader(staff: Staff) -> QuerySet[SavedFilter]:
    """Their own and the shared ones; which reports they may open is asked elsewhere."""
    return SavedFilter.objects.filter(Q(owner=staff) | Q(shared=True)).select_related("owner")


@transaction.atomic
def save(report: str, name: str, given: Mapping[str, str], *, shared: bool, by: Staff) -> SavedFilter:
    """The question under this name; what had the name before is replaced."""
    kept, _new = SavedFilter.objects.update_or_create(
        owner=by, report=report, name=name, defaults={"given": dict(given), "shared": shared}
    )
    audit.record("savedfilter.saved", kept, by=by, report=report, shared=shared)
    return kept


@transaction.atomic
def forget(kept: SavedFilter, *, by: Staff) -> None:
    audit.record("savedfilter.forgotten", kept, by=by, report=kept.report)
    kept.delete()
