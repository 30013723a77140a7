"""Alarms: what a human must look at, until somebody has.

Promise: one open alarm for one thing that is wrong. Repeats are counted on it; whether it is over and
whether somebody took note are two questions, and only a member of staff answers the second.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit
from access.people import Person
from access.places import Door, Kiosk

# Rows are committed in another order than they are numbered and timed; who asks for what is new asks for
# a little that is old as well. No transaction of ours lasts nearly as long.
OVERLAP = timedelta(minutes=1)


class Kind(StrEnum):
    """Why somebody should look. Part of the API: a kind never changes its string."""

    DURESS = "duress"
    FORCED = "forced"
    HELD = "held"
    REFUSALS = "refusals"
    PIN_GUESSING = "pin_guessing"
    COMMAND_FAILED = "command_failed"
    KIOSK_SILENT = "kiosk_silent"
    CLOCK = "clock"
    OFFLINE_CONFLICT = "offline_conflict"
    MISSING_EVENTS = "missing_events"
    LOCKDOWN = "lockdown"
    LOST_CARD = "lost_card"
    CHAIN_BROKEN = "chain_broken"
    CHAIN_BEHIND = "chain_behind"
    RETENTION = "retention"


WORDS = {
    Kind.DURESS: _("Duress: somebody was forced to open"),
    Kind.FORCED: _("Door forced open"),
    Kind.HELD: _("Door held open"),
    Kind.REFUSALS: _("Several refusals in a row"),
    Kind.PIN_GUESSING: _("PINs are being guessed"),
    Kind.COMMAND_FAILED: _("Door did not obey"),
    Kind.KIOSK_SILENT: _("Kiosk silent"),
    Kind.CLOCK: _("Clock not to be trusted"),
    Kind.OFFLINE_CONFLICT: _("Opened without the network for somebody who might not pass"),
    Kind.MISSING_EVENTS: _("Events of a kiosk are missing"),
    Kind.LOCKDOWN: _("Lockdown"),
    Kind.LOST_CARD: _("A card that was reported lost was shown"),
    Kind.CHAIN_BROKEN: _("Audit trail tampered with"),
    Kind.CHAIN_BEHIND: _("Audit trail not being sealed"),
    Kind.RETENTION: _("Nothing was deleted for two nights"),
}


class Alarm(models.Model):
    """Personal data: the key of a person, where one is concerned. Kept; erasure leaves a bare key."""

    # Text without choices: the list is Kind, and a new kind needs no migration.
    kind = models.CharField(_("kind"), max_length=40, db_index=True)
    # What it is about, by key ("door:3"): with the kind, what makes two alarms the same one.
    subject = models.CharField(_("about"), max_length=80)
    door = models.ForeignKey(
        Door, verbose_name=_("door"), null=True, blank=True, on_delete=models.CASCADE, related_name="alarms"
    )
    kiosk = models.ForeignKey(
        Kiosk, verbose_name=_("kiosk"), null=True, blank=True, on_delete=models.CASCADE, related_name="alarms"
    )
    person = models.ForeignKey(
        Person, verbose_name=_("person"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Nobody at the door may see or hear that it was raised; the pages of the staff show it like any other.
    silent = models.BooleanField(_("silent"), default=False)
    opened = models.DateTimeField(_("opened"), default=timezone.now, db_index=True)
    # The latest repeat, and how often it came in all.
    latest = models.DateTimeField(_("latest"), default=timezone.now)
    times = models.PositiveIntegerField(_("times"), default=1)
    # When what was wrong was right again; nobody need have seen it.
    ended = models.DateTimeField(_("ended"), null=True, blank=True)
    # Changed by every raise, repeat, end and acknowledgement: what a reader asks by.
    changed = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    details = models.JSONField(_("details"), default=dict)
    acknowledged = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acknowledged by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ["-id"]
        permissions = [("acknowledge_alarm", "Can acknowledge alarms")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(acknowledged=None),
                name="one_open_alarm_per_kind_and_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.words} ({self.subject})"

    @property
    def words(self) -> str:
        """The kind as people say it; one that this version does not know keeps its own name."""
        return str(WORDS.get(self.kind, self.kind))  # type: ignore[call-overload]


@transaction.atomic
def raise_alarm(
    kind: Kind,
    subject: models.Model | str,
    *,
    door: Door | None = None,
    kiosk: Kiosk | None = None,
    person: Person | None = None,
    silent: bool = False,
    **details: Any,
) -> Alarm:
    """The open alarm of this kind about this subject: a new one, or the one there is, counted once more.

    In the caller's transaction: what is rolled back was not wrong. `details` name rows by key, never by
    name. A repeat brings its own details, keeps the first one's person and stays silent only if both are.
    """
    about = subject if isinstance(subject, str) else audit.name_of(subject)
    now = timezone.now()
    mine = {"door": door, "kiosk": kiosk, "person": person, "silent": silent, "details": details}
    while True:
        if repeat := _open(kind, about):
            repeat.times += 1
            repeat.latest = repeat.changed = now
            repeat.ended = None
            repeat.details = details
            repeat.silent = repeat.silent and silent
            repeat.save(update_fields=["times", "latest", "changed", "ended", "details", "silent"])
            return repeat
        try:
            with transaction.atomic():
                alarm = Alarm.objects.create(
                    kind=kind.value, subject=about, opened=now, latest=now, changed=now, **mine
                )
        except IntegrityError:
            if _open(kind, about) is None:
                raise  # not a race for the same alarm, but a fault of the caller
            continue
        audit.record(
            "alarm.raised",
            alarm,
            kind=kind.value,
            about=about,
            person=person.pk if person else None,
        )
        return alarm


def _open(kind: Kind, about: str) -> Alarm | None:
    return (
        Alarm.objects.select_for_update(no_key=True)
        .filter(kind=kind.value, subject=about, acknowledged=None)
        .first()
    )


@transaction.atomic
def end(kind: Kind, subject: models.Model | str) -> bool:
    """True if such an alarm was going on: now it is over. It stays until somebody took note."""
    about = subject if isinstance(subject, str) else audit.name_of(subject)
    now = timezone.now()
    going_on = Alarm.objects.filter(kind=kind.value, subject=about, ended=None)
    return bool(going_on.update(ended=now, changed=now))


def stands_or_falls(kind: Kind, subject: models.Model | str, *, wrong: bool, **details: Any) -> None:
    """An alarm for as long as something is wrong, for whoever asks again and again: raised once, then ended.

    Whoever acknowledges it while it goes on is not told again until it was right in between.
    """
    about = subject if isinstance(subject, str) else audit.name_of(subject)
    if not wrong:
        end(kind, about)
    elif not Alarm.objects.filter(kind=kind.value, subject=about, ended=None).exists():
        raise_alarm(kind, about, **details)


@transaction.atomic
def acknowledge(alarm_id: int, *, by: Any, note: str = "") -> Alarm:
    """The alarm, noted by a member of staff. Whoever was first stays; raises Alarm.DoesNotExist."""
    alarm = Alarm.objects.select_for_update().get(pk=alarm_id)
    if alarm.acknowledged is None:
        alarm.acknowledged = alarm.changed = timezone.now()
        alarm.acknowledged_by, alarm.note = by, note.strip()
        alarm.save(update_fields=["acknowledged", "changed", "acknowledged_by", "note"])
        # The words of the note stay on the alarm: somebody may write a name there.
        audit.record("alarm.acknowledged", alarm, by=by, kind=alarm.kind, about=alarm.subject)
    return alarm


def unacknowledged() -> models.QuerySet[Alarm]:
    """What a human has yet to look at, newest first."""
    return Alarm.objects.filter(acknowledged=None)


def changed_since(moment: datetime) -> models.QuerySet[Alarm]:
    """Alarms raised, repeated, ended or acknowledged since then, oldest first, and a minute's worth before.

    The overlap is for transactions that were under way at that moment. Tell what you have seen by the
    pair of `id` and `changed`.
    """
    return Alarm.objects.filter(changed__gt=moment - OVERLAP).order_by("changed", "id")
