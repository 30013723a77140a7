"""Reports that come by e-mail: which one, how often, to whom; and a row for each one that was due.

Promise: one e-mail a schedule, recipient and time, whoever plans it twice; and each recipient gets what they
may see themselves when it is made, not what the login may that planned it.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, queue
from access.handouts.files import ReportFile
from access.places import Site
from access.staff import Staff

DAY = timedelta(days=1)
KEPT = timedelta(days=90)


class ReportSchedule(models.Model):
    """No personal data but the logins that planned it and receive it, and a name that the filter may hold."""

    class Every(models.TextChoices):
        DAY = "day", _("every day")
        WEEK = "week", _("every week")
        MONTH = "month", _("every month")

    name = models.CharField(_("name"), max_length=80, help_text=_("The subject of the e-mail."))
    report = models.CharField(_("report"), max_length=40)
    given = models.JSONField(default=dict)
    layout = models.JSONField(default=dict)
    every = models.CharField(_("sent"), max_length=5, choices=Every.choices, default=Every.WEEK)
    weekday = models.PositiveSmallIntegerField(
        _("day of the week"),
        default=1,
        choices=[
            (1, _("Monday")),
            (2, _("Tuesday")),
            (3, _("Wednesday")),
            (4, _("Thursday")),
            (5, _("Friday")),
            (6, _("Saturday")),
            (7, _("Sunday")),
        ],
        help_text=_("Of a weekly one."),
    )
    monthday = models.PositiveSmallIntegerField(
        _("day of the month"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("Of a monthly one; in shorter months its last day."),
    )
    hour = models.PositiveSmallIntegerField(
        _("at (hour)"),
        default=6,
        validators=[MaxValueValidator(23)],
        help_text=_("By the clock of the site."),
    )
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="+")
    recipients = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recipients"),
        related_name="+",
        help_text=_("Staff with an e-mail address. Each gets what they may see themselves."),
    )
    attached = models.BooleanField(
        _("attach the file"),
        default=False,
        help_text=_("Otherwise the e-mail has a link, which asks to sign in."),
    )
    active = models.BooleanField(_("active"), default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("planned by"),
        editable=False,
        on_delete=models.CASCADE,
        related_name="+",
    )
    next_due = models.DateTimeField(_("next"), null=True, editable=False, db_index=True)

    class Meta:
        verbose_name = _("scheduled report")
        verbose_name_plural = _("scheduled reports")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.site.zone)

    def due_after(self, now: datetime) -> datetime:
        """The next time after `now`, in UTC. An hour that a change of clocks leaves out is the one after."""
        for day in self._days(now.astimezone(self.zone).date()):
            at = datetime.combine(day, time(self.hour), self.zone).astimezone(UTC)
            if at > now:
                return at
        raise AssertionError("days never end")

    def _days(self, first: date) -> Iterator[date]:
        """Days on which it is due, from the first on."""
        day = first
        while True:
            length = calendar.monthrange(day.year, day.month)[1]
            match self.every:
                case self.Every.WEEK:
                    fits = day.isoweekday() == self.weekday
                case self.Every.MONTH:
                    fits = day.day == min(self.monthday, length)
                case _:
                    fits = True
            if fits:
                yield day
            day += DAY


class ReportMail(models.Model):
    """Personal data: that a login was sent a report, when, and what the mail server said. Deleted after 90
    days."""

    class State(models.TextChoices):
        PENDING = "pending", _("on its way")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("not allowed")
        FAILED = "failed", _("failed")

    schedule = models.ForeignKey(
        ReportSchedule, verbose_name=_("scheduled report"), on_delete=models.CASCADE, related_name="mails"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("recipient"), on_delete=models.CASCADE, related_name="+"
    )
    slot = models.DateTimeField(_("due"))
    file = models.ForeignKey(ReportFile, null=True, on_delete=models.SET_NULL, related_name="mails")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # Since when it is tried: a day later it is given up.
    began = models.DateTimeField(default=timezone.now)
    next_try = models.DateTimeField(_("next try"), default=timezone.now)
    error = models.CharField(_("error"), max_length=200, blank=True)
    finished = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("sent report")
        verbose_name_plural = _("sent reports")
        ordering = ["-slot", "-pk"]
        constraints = [
            models.UniqueConstraint("schedule", "recipient", "slot", name="one_mail_a_recipient_and_time")
        ]
        indexes = [
            models.Index(fields=["next_try"], name="mails_to_send", condition=models.Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.schedule}, {self.slot:%d.%m.%Y %H:%M}"


@transaction.atomic
def keep(schedule: ReportSchedule, *, now: datetime | None = None) -> None:
    """Work out when it is due next; whoever saves a schedule calls this."""
    schedule.next_due = schedule.due_after(now or timezone.now()) if schedule.active else None
    schedule.save(update_fields=["next_due"])


def plan(now: datetime | None = None) -> int:
    """How many e-mails fell due. After an outage the missed times make one e-mail, not one each."""
    moment = now or timezone.now()
    count = 0
    while (made := _plan_one(moment)) is not None:
        count += made
    return count


@transaction.atomic
def _plan_one(now: datetime) -> int | None:
    due = ReportSchedule.objects.filter(active=True, next_due__lte=now).order_by("next_due")
    row = due.select_for_update(skip_locked=True, of=("self",)).select_related("site").first()
    if row is None or row.next_due is None:
        return None
    mails = [
        ReportMail(schedule=row, recipient=one, slot=row.next_due, began=now, next_try=now)
        for one in _recipients(row)
    ]
    ReportMail.objects.bulk_create(mails, ignore_conflicts=True)
    audit.record("reportschedule.due", row, by="worker", slot=row.next_due.isoformat(), mails=len(mails))
    keep(row, now=now)
    return len(mails)


def _recipients(schedule: ReportSchedule) -> models.QuerySet[Staff]:
    return schedule.recipients.order_by("pk")


def tidy(now: datetime) -> int:
    """How many sent reports were old enough to be forgotten."""
    count, _rows = ReportMail.objects.filter(slot__lt=now - KEPT).delete()
    return count


@transaction.atomic
def send_now(schedule: ReportSchedule, *, by: Staff) -> int:
    """How many e-mails are on their way besides those planned."""
    now = timezone.now()
    mails = [
        ReportMail(schedule=schedule, recipient=one, slot=now, next_try=now) for one in _recipients(schedule)
    ]
    ReportMail.objects.bulk_create(mails)
    audit.record("reportschedule.sent_now", schedule, by=by, mails=len(mails))
    queue.send_on_commit(queue.MAKE_REPORTS, "")
    return len(mails)


@transaction.atomic
def again(mails: models.QuerySet[ReportMail], *, by: Staff) -> int:
    """How many of these failed and are tried again, with a fresh file and for another day."""
    now = timezone.now()
    rows = list(ReportMail.objects.filter(pk__in=mails, state=ReportMail.State.FAILED).select_for_update())
    for row in rows:
        row.state, row.file, row.error = ReportMail.State.PENDING, None, ""
        row.tries, row.next_try, row.began, row.finished = 0, now, now, None
        row.save()
        audit.record("reportschedule.sent_again", row.schedule, by=by, mail=row.pk)
    queue.send_on_commit(queue.MAKE_REPORTS, "")
    return len(rows)
