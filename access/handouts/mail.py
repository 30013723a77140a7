"""E-mails with reports: the file asked for in the recipient's name, then one message, tried until it is sent.

Promise: rights are asked again at the moment of sending. An e-mail holds a link that asks to sign in; the
file itself only where both the schedule and LINTEL_MAIL_ATTACH say so.
"""

import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from access import reports
from access.handouts import asking, files
from access.handouts.files import ReportFile
from access.handouts.schedules import ReportMail
from access.reports.exports import MEDIA_TYPES, Layout
from access.reports.filters import Wrong

# Between tries: greylisting lets in after some minutes, a server that is down takes hours.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360)]
GIVE_UP_AFTER = timedelta(hours=24)
# While the file is being made it is asked for again soon; that is no try.
WAIT = timedelta(seconds=20)
MOST_ATTACHED_BYTES = 10 * 1024 * 1024

logger = logging.getLogger(__name__)


def work_round(now: datetime | None = None) -> int:
    """Take a step with each e-mail that waits; how many were sent. Safe to run beside itself."""
    sent = 0
    moment = now or timezone.now()
    while (step := _step(moment)) is not None:
        sent += step
    return sent


@transaction.atomic
def _step(now: datetime) -> int | None:
    """One e-mail taken further, its row held: nobody else sends it meanwhile. None: nothing is left to do.

    A process that dies between the server's answer and the commit lets the next one send it again, under the
    same Message-ID: mail servers and readers know that as the same message.
    """
    waiting = ReportMail.objects.filter(state=ReportMail.State.PENDING, next_try__lte=now).order_by(
        "next_try"
    )
    row = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return None
    if not settings.EMAIL_HOST:
        return _end(row, ReportMail.State.FAILED, _("no mail server is set up: see LINTEL_SMTP_HOST"))
    report = reports.REPORTS.get(row.schedule.report)
    if report is None or not report.may(row.recipient):
        return _end(row, ReportMail.State.REFUSED, _("this login may not open the report"))
    if not row.recipient.email:
        return _end(row, ReportMail.State.FAILED, _("this login has no e-mail address"))
    if row.file is None:
        return _ask(row, now)
    match row.file.state:
        case ReportFile.State.READY:
            return _send(row, row.file, now)
        case ReportFile.State.WAITING | ReportFile.State.MAKING:
            return _wait(row, now)
    return _end(row, ReportMail.State.FAILED, row.file.error or row.file.get_state_display())


def _ask(row: ReportMail, now: datetime) -> int:
    schedule = row.schedule
    try:
        row.file = asking.ask(
            schedule.report, schedule.given, Layout(**schedule.layout), by=row.recipient, limited=False
        )
    except asking.NotAllowed:
        return _end(row, ReportMail.State.REFUSED, _("this login may not open the report"))
    except Wrong as error:
        return _end(row, ReportMail.State.REFUSED, str(error))
    return _wait(row, now)


def _wait(row: ReportMail, now: datetime) -> int:
    row.next_try = now + WAIT
    row.save(update_fields=["file", "next_try"])
    return 0


def _end(row: ReportMail, state: "ReportMail.State", error: str = "") -> int:
    row.state, row.error, row.finished = state, error[:200], timezone.now()
    row.save(update_fields=["state", "error", "finished"])
    return int(state == ReportMail.State.SENT)


def _send(row: ReportMail, file: ReportFile, now: datetime) -> int:
    row.tries += 1
    row.save(update_fields=["tries"])
    try:
        message(row, file).send()
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("an e-mail was not sent", extra={"mail": row.pk, "error": type(error).__name__})
        return _later(row, said(error), now)
    return _end(row, ReportMail.State.SENT)


def said(error: Exception) -> str:
    """What the server said, in a few words, without addresses."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({str(code) for code, _text in error.recipients.values()})
        return f"the recipient was refused ({', '.join(codes)})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} ({error.smtp_code})"
    return type(error).__name__


def _later(row: ReportMail, error: str, now: datetime) -> int:
    if now > row.began + GIVE_UP_AFTER:
        return _end(row, ReportMail.State.FAILED, error)
    row.error, row.next_try = error, now + PAUSES[min(row.tries, len(PAUSES)) - 1]
    row.save(update_fields=["error", "next_try"])
    return 0


def message(row: ReportMail, file: ReportFile) -> EmailMessage:
    """The e-mail: what it is, where to fetch it, until when. No names and no figures of people."""
    attached = settings.MAIL_ATTACH and row.schedule.attached and file.size_bytes <= MOST_ATTACHED_BYTES
    link = f"{settings.MAIL_SITE}{reverse('admin:access_reportfile_changelist')}"
    lines = [
        _("%(name)s: the report is ready.") % {"name": row.schedule.name},
        _("It is attached.") if attached else _("Fetch it after signing in:"),
        "" if attached else link,
        _("It stays there until %(day)s.") % {"day": date_format(file.expires, "j F Y")},
        "",
        _("You get this because somebody planned it for you in Lintel."),
    ]
    made = EmailMessage(
        subject=row.schedule.name,
        body="\n".join(lines),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[row.recipient.email],
        headers={
            # The same at every try, and Auto-Submitted so that no absence note answers (RFC 3834).
            "Message-ID": f"<report-{row.pk}-{row.slot:%Y%m%d%H%M}@{settings.MAIL_DOMAIN}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    if attached:
        made.attach(
            file.file_name, b"".join(files.content(file)), MEDIA_TYPES[file.layout["file"]].split(";")[0]
        )
    return made
