"""Files of reports that a worker makes: asked for, made in pieces, fetched by who asked, gone after a week.

Promise: one maker at a time. Who dies is replaced and the file begun anew; who was replaced, or whose file
was cancelled, stops at the next piece. The content is sealed, piece by piece, under a key of its own.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, vault
from access.staff import Staff

KEPT = timedelta(days=7)
# Renewed with each piece; a maker that has not written for so long is taken for dead.
LEASE = timedelta(minutes=2)
MOST_TRIES = 3


class ReportFile(models.Model):
    """Personal data: all that the report holds, sealed under a key of its own. Deleted after a week, and when
    anybody is erased."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for a worker")
        MAKING = "making", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.CharField(_("report"), max_length=40)
    # What was asked of it, and the form of the file.
    given = models.JSONField(default=dict)
    layout = models.JSONField(default=dict)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.CASCADE, related_name="+"
    )
    asked = models.DateTimeField(_("asked"), default=timezone.now, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    error = models.CharField(_("error"), max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    rows_done = models.PositiveBigIntegerField(_("rows done"), default=0)
    rows_all = models.PositiveBigIntegerField(_("rows in all"), null=True)
    size_bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    file_name = models.CharField(_("file name"), max_length=120)
    wrapped = models.BinaryField(null=True)
    finished = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("report file")
        verbose_name_plural = _("report files")
        ordering = ["-asked"]
        indexes = [
            models.Index(
                fields=["asked"],
                name="report_files_to_make",
                condition=Q(state__in=["waiting", "making"]),
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def expires(self) -> datetime:
        return (self.finished or self.asked) + KEPT

    @property
    def share(self) -> int | None:
        """Of a hundred; None while nobody knows."""
        if self.state == self.State.READY:
            return 100
        return min(100 * self.rows_done // self.rows_all, 99) if self.rows_all else None


class ReportPiece(models.Model):
    """Personal data: a piece of a report file, sealed. Deleted with it."""

    file = models.ForeignKey(ReportFile, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        verbose_name = _("piece of a report file")
        verbose_name_plural = _("pieces of report files")
        constraints = [models.UniqueConstraint("file", "number", name="one_piece_a_number")]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.number}"


def new_key() -> bytes:
    """The key of one file, wrapped: it goes with the row, and what was copied of the pieces is noise."""
    return vault.new_wrapped_key()


class Superseded(Exception):
    """Another maker has the file now, or nobody wants it any more."""


def due() -> models.QuerySet[ReportFile]:
    """Files that nobody makes now, oldest first."""
    left = Q(state=ReportFile.State.MAKING, claimed_until__lt=timezone.now())
    return ReportFile.objects.filter(Q(state=ReportFile.State.WAITING) | left).order_by("asked")


@transaction.atomic
def claim(key: object) -> ReportFile | None:
    """The file, ours to make from its beginning; None if somebody else makes it or nobody wants it."""
    row = due().select_for_update(skip_locked=True).filter(pk=key).first()
    if row is None:
        return None
    row.pieces.all().delete()
    if row.tries >= MOST_TRIES:
        row.state, row.finished = ReportFile.State.FAILED, timezone.now()
        row.error = "its makers died; ask for fewer rows"
        row.save(update_fields=["state", "finished", "error"])
        return None
    row.state, row.tries, row.claimed_until = ReportFile.State.MAKING, row.tries + 1, timezone.now() + LEASE
    row.rows_done, row.size_bytes = 0, 0
    row.save(update_fields=["state", "tries", "claimed_until", "rows_done", "size_bytes"])
    return row


def progress(row: ReportFile, **values: Any) -> None:
    """Write down how far the file is, and keep it ours. Raises Superseded."""
    mine = ReportFile.objects.filter(pk=row.pk, tries=row.tries, state=ReportFile.State.MAKING)
    if not mine.update(claimed_until=timezone.now() + LEASE, **values):
        raise Superseded


@transaction.atomic
def add(row: ReportFile, number: int, piece: bytes) -> None:
    """Keep a piece, sealed. Raises Superseded."""
    progress(row, size_bytes=F("size_bytes") + len(piece))
    ReportPiece.objects.create(file=row, number=number, sealed=_seal(row, number, piece))


def _about(row: ReportFile, number: int) -> str:
    return f"{audit.name_of(row)}:{number}"


def _seal(row: ReportFile, number: int, piece: bytes) -> bytes:
    return vault.seal(piece, wrapped_key=bytes(row.wrapped or b""), about=_about(row, number))


@transaction.atomic
def finish(row: ReportFile, state: "ReportFile.State", error: str = "") -> None:
    """Ready or failed; a failed one keeps no pieces. Raises Superseded."""
    done = {"rows_done": F("rows_all")} if state == ReportFile.State.READY else {}
    progress(row, state=state, error=error[:200], finished=timezone.now(), **done)
    if state != ReportFile.State.READY:
        row.pieces.all().delete()


@transaction.atomic
def cancel(row: ReportFile, *, by: Staff) -> bool:
    """True if it was not finished yet: nobody makes it any further."""
    open_to = [ReportFile.State.WAITING, ReportFile.State.MAKING]
    found = ReportFile.objects.filter(pk=row.pk, state__in=open_to)
    if not found.update(state=ReportFile.State.CANCELLED, finished=timezone.now()):
        return False
    row.pieces.all().delete()
    audit.record("reportfile.cancelled", row, by=by)
    return True


def of(staff: Staff) -> models.QuerySet[ReportFile]:
    """The files of this login: whoever asked, nobody else, not even an administrator."""
    return ReportFile.objects.filter(asked_by=staff)


def content(row: ReportFile) -> Iterator[bytes]:
    """The pieces in order, each read and unsealed when it is its turn."""
    numbers = list(row.pieces.order_by("number").values_list("number", flat=True))
    for number in numbers:
        sealed = row.pieces.values_list("sealed", flat=True).get(number=number)
        yield vault.unseal(sealed, wrapped_key=bytes(row.wrapped or b""), about=_about(row, number))


def tidy(now: datetime) -> int:
    """How many files were old enough to go, with their pieces."""
    old = Q(finished__lt=now - KEPT) | Q(finished=None, asked__lt=now - 2 * KEPT)
    rows = ReportFile.objects.filter(old)
    count = rows.count()
    rows.delete()
    return count


def forget() -> int:
    """All of them, where somebody is erased: each may hold their name. Who still wants one asks again."""
    count = ReportFile.objects.count()
    ReportFile.objects.all().delete()
    return count
