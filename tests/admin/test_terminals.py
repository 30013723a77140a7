"""Terminals in the admin: strangers approved in one click, lines settled, orders given."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry, Punch, Terminal, TerminalCommand, TerminalLine
from tests import factories
from tests.access.terminals.test_listener import approved, wall
from tests.access.terminals.virtual import VirtualTerminal, tap
from tests.factories import Cast

PAGE = "/admin/access/terminal"
LINE = "/admin/access/terminalline"


@pytest.fixture
def line(cast: Cast) -> TerminalLine:
    approved(cast)
    VirtualTerminal().push([tap("900", wall(timezone.now() - timedelta(minutes=1)), 0)])
    return TerminalLine.objects.get()


def test_a_stranger_is_approved_and_its_lines_booked(
    office: Client, cast: Cast, settings: LazySettings
) -> None:
    settings.TERMINALS = True
    VirtualTerminal("NEW1").push([tap("17", wall(timezone.now() - timedelta(minutes=1)), 0)])
    stranger = Terminal.objects.get()
    assert "waits for approval" in office.get(f"{PAGE}/").content.decode()
    assert not Punch.objects.exists()
    wrong = office.post(f"{PAGE}/{stranger.pk}/approve/", {"site": "", "door": ""})
    assert wrong.status_code == 200
    office.post(f"{PAGE}/{stranger.pk}/approve/", {"site": cast.site.pk, "door": cast.front.pk})
    assert Punch.objects.get().person == cast.alice
    office.post(f"{PAGE}/{stranger.pk}/refuse/")
    stranger.refresh_from_db()
    assert stranger.standing == "refused"
    trail = set(AuditEntry.objects.filter(subject=f"terminal:{stranger.pk}").values_list("action", flat=True))
    assert {"terminal.appeared", "terminal.approved", "terminal.refused"} <= trail


def test_a_door_of_another_site_is_refused_on_the_page(office: Client, cast: Cast) -> None:
    terminal = Terminal.objects.create(serial="NEW1")
    elsewhere = factories.door(factories.site())
    page = office.post(f"{PAGE}/{terminal.pk}/approve/", {"site": cast.site.pk, "door": elsewhere.pk})
    assert "another site" in page.content.decode()


def test_a_terminal_entered_by_hand_is_expected(office: Client, cast: Cast) -> None:
    fields = {"serial": "BY-HAND", "name": "Gate", "door": "", "network": ""}
    inlines = {
        f"{name}-{field}": "0" for name in ("users", "commands") for field in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    assert office.post(f"{PAGE}/add/", fields | inlines | {"site": ""}).status_code == 200
    assert (
        office.post(f"{PAGE}/add/", fields | inlines | {"site": cast.site.pk, "network": "no"}).status_code
        == 200
    )
    assert office.post(f"{PAGE}/add/", fields | inlines | {"site": cast.site.pk}).status_code == 302
    assert Terminal.objects.get().standing == "approved"


def test_an_unknown_user_is_named_by_badge(office: Client, cast: Cast, line: TerminalLine) -> None:
    assert "Nobody has" in office.post(f"{LINE}/{line.pk}/assign/", {"badge": "4711"}).content.decode()
    office.post(f"{LINE}/{line.pk}/assign/", {"badge": cast.bob.badge})
    assert Punch.objects.get().person == cast.bob
    assert office.post(f"{LINE}/{line.pk}/assign/", {"badge": cast.bob.badge}).status_code == 403


def test_a_line_is_discarded(office: Client, line: TerminalLine) -> None:
    assert office.get(f"{LINE}/{line.pk}/discard/").status_code == 200
    office.post(f"{LINE}/{line.pk}/discard/")
    line.refresh_from_db()
    assert (line.state, line.raw) == ("discarded", "")


def test_a_doubted_clock_is_believed(office: Client, cast: Cast) -> None:
    approved(cast)
    VirtualTerminal().push([tap("17", "2000-01-01 00:00:00", 0)])
    doubted = TerminalLine.objects.get()
    assert "1 Jan 2000" in office.get(f"{LINE}/{doubted.pk}/trust/").content.decode()
    office.post(f"{LINE}/{doubted.pk}/trust/")
    assert Punch.objects.get().suspect


@pytest.mark.parametrize(
    ("page", "kind"), [("ask_info", "info"), ("ask_check", "check"), ("set_clock", "clock")]
)
def test_orders(office: Client, cast: Cast, page: str, kind: str) -> None:
    terminal = approved(cast)
    assert office.get(f"{PAGE}/{terminal.pk}/{page}/").status_code == 200
    assert not TerminalCommand.objects.exists()
    office.post(f"{PAGE}/{terminal.pk}/{page}/")
    assert TerminalCommand.objects.get().kind == kind
    shown = office.get(f"{PAGE}/{terminal.pk}/change/").content.decode()
    shown = shown.replace("&#x27;", "'")
    assert "('pending'" not in shown, "a word, not a pair"
    assert "('approved'" not in shown
    assert office.post(f"{PAGE}/{terminal.pk}/approve/").status_code == 403, "it is approved"


def test_settling_is_a_right_of_its_own(cast: Cast, line: TerminalLine, login_with: Any) -> None:
    clerk = login_with("view_terminal", "change_terminal", "view_terminalline")
    for page in ("assign", "discard"):
        assert clerk.post(f"{LINE}/{line.pk}/{page}/").status_code == 403
    for page in ("approve", "refuse", "ask_info"):
        assert clerk.post(f"{PAGE}/{line.terminal_id}/{page}/").status_code == 403
