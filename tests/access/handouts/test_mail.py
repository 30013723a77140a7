"""E-mails against a real mail server: what they hold, who gets them, once, and what becomes of failures."""

import email
import email.policy
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone

from access.handouts import mail, making, schedules
from access.handouts.files import ReportFile
from access.handouts.schedules import ReportMail, ReportSchedule
from access.models import Department, Staff
from tests.access.handouts.test_files import punched
from tests.access.handouts.test_schedules import planned, recipient
from tests.access.racing import at_once
from tests.factories import Cast

pytestmark = pytest.mark.django_db


class Mailbox:
    """A mail server's memory. `refuse`: what it answers instead of taking a message."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        self.messages.append(email.message_from_bytes(data, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 taken"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL, settings.MAIL_DOMAIN = "Lintel <lintel@example.org>", "example.org"
    settings.MAIL_SITE = "https://lintel.example.org"
    yield box
    server.stop()


@pytest.fixture
def erika(db: None) -> Staff:
    return recipient()


def fallen_due(*recipients: Staff, **fields: Any) -> ReportSchedule:
    """A schedule whose e-mails wait to be sent."""
    given = {"first": "2026-03-01", "last": "2026-03-31"}
    row = planned(*recipients, **({"given": given} | fields))
    schedules.send_now(row, by=row.owner)
    return row


def delivered(now: datetime | None = None) -> int:
    """All steps up to the sending: ask, make, send."""
    mail.work_round(now)
    for row in ReportFile.objects.filter(state="waiting"):
        making.make(row.pk)
    return mail.work_round((now or timezone.now()) + mail.WAIT)


def states() -> list[tuple[str, str]]:
    return list(ReportMail.objects.order_by("recipient__username").values_list("state", "error"))


def body(message: EmailMessage) -> str:
    part = message.get_body()
    assert part is not None
    return str(part.get_content())


def test_an_e_mail_holds_a_link_and_no_figure(cast: Cast, erika: Staff, mailbox: Mailbox) -> None:
    punched(cast, 3)
    fallen_due(erika)
    assert delivered() == 1
    (message,) = mailbox.messages
    assert (message["To"], message["Subject"]) == ("erika@example.org", "Late arrivals")
    assert message["From"] == "Lintel <lintel@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "https://lintel.example.org/admin/access/reportfile/" in body(message)
    assert "Alice" not in message.as_string()
    assert list(message.iter_attachments()) == []
    assert states() == [("sent", "")]
    file = ReportFile.objects.get()
    assert (file.asked_by, file.state) == (erika, "ready")


@pytest.mark.parametrize(
    ("allowed", "wanted", "parts"), [(True, True, 1), (True, False, 0), (False, True, 0)]
)
def test_a_file_is_attached_only_where_both_say_so(
    cast: Cast,
    erika: Staff,
    mailbox: Mailbox,
    settings: Any,
    allowed: bool,
    wanted: bool,
    parts: int,
) -> None:
    punched(cast, 3)
    settings.MAIL_ATTACH = allowed
    fallen_due(erika, attached=wanted)
    delivered()
    (message,) = mailbox.messages
    attached = list(message.iter_attachments())
    assert len(attached) == parts
    if attached:
        assert attached[0].get_filename() == "punches-2026-03-01-2026-03-31.csv"
        assert "Alice Able" in attached[0].get_content()


def test_each_gets_what_they_may_see_themselves(
    cast: Cast, erika: Staff, mailbox: Mailbox, settings: Any
) -> None:
    punched(cast, 4)
    settings.MAIL_ATTACH = True
    yard = Department.objects.create(name="Yard")
    manager = recipient("manager", roles=["manager"])
    yard.managers.add(manager)
    cast.bob.department = yard
    cast.bob.save()
    fallen_due(erika, manager, attached=True)
    assert delivered() == 2
    texts = {str(one["To"]): next(iter(one.iter_attachments())).get_content() for one in mailbox.messages}
    assert "Alice" in texts["erika@example.org"]
    assert "Alice" not in texts["manager@example.org"]
    assert "Bob" in texts["manager@example.org"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"roles": ["enroller"]}, ("refused", "this login may not open the report")),
        ({"is_active": False}, ("refused", "this login may not open the report")),
        ({"email": ""}, ("failed", "this login has no e-mail address")),
    ],
)
def test_rights_are_asked_again_when_it_is_sent(
    cast: Cast, erika: Staff, mailbox: Mailbox, fields: dict[str, object], expected: tuple[str, str]
) -> None:
    """Taken away after the file was made, before the e-mail left."""
    fallen_due(erika)
    mail.work_round()
    making.make(ReportFile.objects.get().pk)
    Staff.objects.filter(pk=erika.pk).update(**fields)
    assert mail.work_round(timezone.now() + mail.WAIT) == 0
    assert states() == [expected]
    assert mailbox.messages == []


def test_a_refused_message_is_tried_later_and_later_and_then_given_up(
    cast: Cast, erika: Staff, mailbox: Mailbox
) -> None:
    mailbox.refuse = "451 come back later"
    fallen_due(erika)
    now = timezone.now()
    delivered(now)
    row = ReportMail.objects.get()
    assert (row.state, row.tries, row.error) == ("pending", 1, "SMTPDataError (451)")
    pauses = []
    while row.state == "pending":
        pauses.append(round((row.next_try - now).total_seconds() / 60))
        now = row.next_try
        mail.work_round(now)
        row.refresh_from_db()
    assert pauses[:7] == [1, 5, 15, 60, 180, 360, 360]
    assert (row.state, row.error) == ("failed", "SMTPDataError (451)")
    mailbox.refuse = ""
    assert schedules.again(ReportMail.objects.all(), by=erika) == 1
    assert delivered() == 1
    assert states() == [("sent", "")]


def test_the_same_message_keeps_its_name_at_every_try(cast: Cast, erika: Staff, mailbox: Mailbox) -> None:
    """Whoever sends it twice after a crash sends the same Message-ID."""
    fallen_due(erika)
    delivered()
    ReportMail.objects.update(state="pending")
    mail.work_round(timezone.now() + timedelta(minutes=1))
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert str(first["Message-ID"]).endswith("@example.org>")


def test_without_a_mail_server_it_fails_and_says_so(cast: Cast, erika: Staff) -> None:
    fallen_due(erika)
    delivered()
    assert states() == [("failed", "no mail server is set up: see LINTEL_SMTP_HOST")]


def test_a_server_that_is_away_is_tried_again(
    cast: Cast, erika: Staff, mailbox: Mailbox, settings: Any
) -> None:
    settings.EMAIL_PORT = 1
    fallen_due(erika)
    delivered()
    assert states() == [("pending", "ConnectionRefusedError")]


def test_a_report_that_fails_says_so(cast: Cast, erika: Staff, mailbox: Mailbox) -> None:
    fallen_due(erika, layout={"file": "csv", "separator": "none"})
    delivered()
    assert states() == [("failed", "failed (KeyError)")]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_e_mail_once(cast: Cast, mailbox: Mailbox) -> None:
    fallen_due(*(recipient(f"r{number}") for number in range(6)))
    mail.work_round()
    for row in ReportFile.objects.all():
        making.make(row.pk)
    later = timezone.now() + mail.WAIT
    assert sum(at_once(*[lambda: mail.work_round(later)] * 4)) == 6
    assert sorted(str(one["To"]) for one in mailbox.messages) == [f"r{n}@example.org" for n in range(6)]
