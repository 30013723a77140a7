"""The listener: what terminals are told, what is kept of what they send, and what becomes of it."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access import erasure
from access.models import Alarm, AuditEntry, Punch, Terminal, TerminalLine, TerminalUser
from access.terminals import devices, orders, pushes, quarantine
from access.terminals.devices import Standing
from tests import factories
from tests.access.racing import at_once
from tests.access.terminals.virtual import VirtualTerminal, tap
from tests.factories import Cast

BERLIN = ZoneInfo("Europe/Berlin")


def ago(**span: float) -> datetime:
    return (timezone.now() - timedelta(**span)).replace(microsecond=0)


def wall(at: datetime) -> str:
    return at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")


def approved(cast: Cast, serial: str = "VT0001", **fields: Any) -> Terminal:
    return Terminal.objects.create(serial=serial, site=cast.site, standing=Standing.APPROVED.value, **fields)


@pytest.fixture
def terminal(cast: Cast) -> Terminal:
    return approved(cast)


@pytest.fixture
def box(terminal: Terminal) -> VirtualTerminal:
    return VirtualTerminal(terminal.serial)


def states() -> list[str]:
    return list(TerminalLine.objects.order_by("id").values_list("state", flat=True))


# --- Who is heard ---------------------------------------------------------------------------------


def test_nobody_is_heard_until_somebody_is_expected(cast: Cast, settings: LazySettings) -> None:
    assert VirtualTerminal("STRANGE").get("cdata", options="all").status_code == 404
    assert not Terminal.objects.exists()
    settings.TERMINALS = True
    assert VirtualTerminal("STRANGE").get("cdata", options="all").status_code == 200
    assert Terminal.objects.get().standing == Standing.WAITING


@pytest.mark.parametrize("serial", ["", "a b", "x" * 41, "../../etc", "é"])
def test_a_serial_number_looks_like_one(terminal: Terminal, serial: str) -> None:
    assert VirtualTerminal(serial).get("cdata", options="all").status_code == 404
    assert Terminal.objects.count() == 1


def test_the_handshake_asks_for_the_log_and_for_no_biometrics(box: VirtualTerminal) -> None:
    told = box.shake_hands().splitlines()
    assert told[0] == "GET OPTION FROM: VT0001"
    assert "ATTLOGStamp=0" in told
    assert "TransFlag=TransData AttLog\tOpLog" in told
    assert {"TimeZone=1", "TimeZone=2"} & set(told)
    box.push([], stamp="123")
    assert "ATTLOGStamp=123" in box.shake_hands()


def test_half_an_hour_of_zone_is_not_told_wrong(cast: Cast) -> None:
    cast.site.zone = "Asia/Kolkata"
    cast.site.save()
    approved(cast)
    assert "TimeZone" not in VirtualTerminal().shake_hands()


@pytest.mark.parametrize(
    ("network", "address", "status"),
    [
        ("192.168.7.0/24", "192.168.7.20", 200),
        ("192.168.7.0/24", "192.168.8.20", 403),
        ("192.168.7.0/24", "::ffff:192.168.7.20", 200),
        ("10.0.0.1", "10.0.0.1", 200),
        ("", "203.0.113.5", 200),
    ],
)
def test_a_terminal_speaks_from_its_network(cast: Cast, network: str, address: str, status: int) -> None:
    approved(cast, network=network)
    box = VirtualTerminal(address=address)
    assert box.push([tap("17", wall(ago(minutes=1)))]).status_code == status
    assert Punch.objects.count() == (status == 200)


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(cast: Cast, settings: LazySettings) -> None:
    approved(cast, network="192.168.7.0/24")
    client = Client(headers={"X-Forwarded-For": "192.168.7.9, 203.0.113.5"})
    assert client.get("/iclock/getrequest?SN=VT0001", REMOTE_ADDR="192.168.7.1").status_code == 200
    settings.HTTPS = True
    assert client.get("/iclock/getrequest?SN=VT0001", REMOTE_ADDR="192.168.7.1").status_code == 403


def test_strangers_are_bounded(cast: Cast, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TERMINALS = True
    for number in range(devices.MOST_WAITING):
        assert VirtualTerminal(f"S{number}").get("cdata").status_code == 200
    assert VirtualTerminal("ONEMORE").get("cdata").status_code == 403
    assert Terminal.objects.count() == devices.MOST_WAITING
    monkeypatch.setattr(pushes, "MOST_WAITING_LINES", 3)
    box = VirtualTerminal("S1")
    assert box.push([tap("17", f"2026-03-02 08:00:0{n}") for n in range(3)]).content == b"OK: 3\n"
    refused = box.push([tap("18", "2026-03-02 08:00:00")])
    assert (refused.status_code, TerminalLine.objects.count()) == (503, 3)
    assert b"OK" not in refused.content


def test_a_terminal_in_a_hurry_is_slowed_down(box: VirtualTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MOST_REQUESTS_A_MINUTE", 2)
    assert [box.get("ping").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("length", ["2097153", "9" * 13])
def test_a_body_has_a_bound(box: VirtualTerminal, length: str) -> None:
    page = "/iclock/cdata?SN=VT0001&table=ATTLOG"
    assert box.client.post(page, "x", content_type="text/plain", CONTENT_LENGTH=length).status_code == 413


# --- What is kept and booked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "direction", "explicit"),
    [
        (0, "in", True),
        (1, "out", True),
        (2, "break_out", True),
        (3, "break_in", True),
        (4, "in", True),
        (5, "out", True),
        (255, "in", False),
    ],
)
def test_a_tap_becomes_a_punch(
    box: VirtualTerminal, cast: Cast, status: int, direction: str, explicit: bool
) -> None:
    at = ago(minutes=1)
    assert box.push([tap("00017", wall(at), status, 1)]).content == b"OK: 1\n"
    punch = Punch.objects.get()
    assert (punch.person, punch.at, punch.source) == (cast.alice, at, "terminal")
    assert (punch.direction, punch.explicit, punch.suspect) == (direction, explicit, False)
    line = TerminalLine.objects.get()
    assert (line.state, line.verify, line.raw) == ("booked", "1", tap("00017", wall(at), status, 1))


def test_leading_zeros_that_a_terminal_drops_are_no_other_person(box: VirtualTerminal, cast: Cast) -> None:
    box.push([tap("17", wall(ago(minutes=1)))])
    assert Punch.objects.get().person == cast.alice
    factories.person(badge="017")
    box.push([tap("17", wall(ago(minutes=2)))])
    assert states() == ["booked", "unknown_user"], "00017 or 017: nobody can tell"


def test_what_comes_again_adds_nothing(box: VirtualTerminal) -> None:
    line = tap("17", wall(ago(minutes=1)), 0)
    for _ in range(3):
        assert box.push([line, line]).content == b"OK: 2\n"
    assert Punch.objects.count() == 1
    kept = TerminalLine.objects.get()
    assert (kept.raw, kept.times) == (line, 6)


PEOPLE = ("17", "18", "99")
TAPS = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.integers(1, 40_000), st.sampled_from((0, 1, 2, 3, 255))),
    max_size=25,
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(TAPS, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_leads_to_the_same_punches(
    transactional: Callable[[], Any], taps: list[tuple[str, int, int]], chance: random.Random
) -> None:
    now = ago(seconds=0)
    log = [tap(pin, wall(now - timedelta(minutes=minutes)), status) for pin, minutes, status in taps]
    outcomes = []
    for shuffled in (False, True):
        with transactional():
            box = VirtualTerminal(approved(factories.cast()).serial, log=log)
            if shuffled:
                box.push_all(chance)
            else:
                box.push(log)
            outcomes.append(
                (
                    {
                        (p.person.badge, p.at, p.explicit, p.direction if p.explicit else "", p.suspect)
                        for p in Punch.objects.select_related("person")
                    },
                    set(TerminalLine.objects.values_list("raw", "state")),
                    Punch.objects.count(),
                )
            )
    assert outcomes[0] == outcomes[1]


@pytest.fixture
def transactional(db: None) -> Callable[[], Any]:
    """A block whose writes are gone afterwards."""
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def block() -> Any:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return block


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2000-01-01 00:00:11", "clock"),
        ("2099-01-01 00:00:00", "clock"),
        ("not a time", "unreadable"),
    ],
)
def test_a_time_that_cannot_be_right_waits_for_a_human(box: VirtualTerminal, at: str, state: str) -> None:
    assert box.push([tap("17", at)]).content == b"OK: 1\n"
    assert (states(), Punch.objects.count()) == ([state], 0)
    assert Alarm.objects.filter(kind="clock").exists() is (state == "clock")


@pytest.mark.parametrize(("hour", "suspect"), [("01:30", False), ("02:30", True), ("03:30", False)])
def test_the_hour_that_comes_twice_is_booked_and_marked(
    box: VirtualTerminal, monkeypatch: pytest.MonkeyPatch, hour: str, suspect: bool
) -> None:
    now = datetime(2026, 10, 25, 8, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    box.push([tap("17", f"2026-10-25 {hour}:00", 0)])
    punch = Punch.objects.get()
    assert punch.suspect is suspect
    assert punch.terminal_line.flag == ("overlap" if suspect else "")


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("BIODATA", "BIODATA Pin=1\tNo=0\tIndex=0\tTmp=SECRETFACE"),
        ("OPERLOG", "FP PIN=1\tFID=1\tSize=8\tValid=1\tTMP=SECRETFACE"),
        ("OPERLOG", "FACE PIN=1\tFID=0\tTMP=SECRETFACE"),
        ("OPERLOG", "USER PIN=1\tName=SECRETFACE\tPasswd=SECRETFACE"),
        ("OPERLOG", "BIOPHOTO PIN=1\tContent=SECRETFACE"),
        ("ATTPHOTO", "PIN=20260302080000-1.jpg SECRETFACE"),
    ],
)
def test_no_biometrics_are_taken_from_terminals(
    box: VirtualTerminal, terminal: Terminal, caplog: Any, table: str, line: str
) -> None:
    event = "OPLOG 4\t0\t2026-03-02 08:00:00\t0\t0\t0\t0"
    lines = [line, event] if table == "OPERLOG" else [line]
    assert box.push(lines, table=table).content == f"OK: {len(lines)}\n".encode()
    assert list(TerminalLine.objects.values_list("raw", flat=True)) == lines[1:]
    terminal.refresh_from_db()
    assert terminal.biometrics_discarded == 1
    assert "SECRET" not in caplog.text


def test_where_attendance_is_switched_off_nothing_is_booked(box: VirtualTerminal, cast: Cast) -> None:
    cast.site.keeps_attendance = False
    cast.site.save()
    box.push([tap("17", wall(ago(minutes=1)))])
    assert (states(), Punch.objects.count()) == (["switched_off"], 0)


@pytest.mark.django_db(transaction=True)
def test_one_line_pushed_by_four_connections_at_once_is_one_punch(cast: Cast) -> None:
    approved(cast)
    line = tap("17", wall(ago(minutes=1)), 0)
    answers = at_once(*(lambda: VirtualTerminal().push([line]).content for _ in range(4)))
    assert answers == [b"OK: 1\n"] * 4
    assert (Punch.objects.count(), TerminalLine.objects.get().times) == (1, 4)


def test_what_no_request_booked_the_workers_book(
    box: VirtualTerminal, monkeypatch: pytest.MonkeyPatch, run_queue: list[tuple[str, str]]
) -> None:
    from access.terminals import protocol

    monkeypatch.setattr(protocol, "BOOKING_SECONDS", -1)
    at = ago(hours=1)
    box.push([tap("17", wall(at + timedelta(minutes=minute)), 0) for minute in range(30)])
    assert Punch.objects.count() == 30
    assert run_queue[0] == ("workers.book", str(Terminal.objects.get().pk))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=200), st.sampled_from(["ATTLOG", "OPERLOG", "rtlog"]))
def test_every_line_is_kept_whatever_it_says(transactional: Callable[[], Any], text: str, table: str) -> None:
    with transactional():
        box = VirtualTerminal(approved(factories.cast()).serial)
        response = box.push([text], table=table)
        assert response.status_code == 200
        kept = sum(line.times for line in TerminalLine.objects.all())
        assert response.content == f"OK: {kept + Terminal.objects.get().biometrics_discarded}\n".encode()


# --- Settled by a human ---------------------------------------------------------------------------


def test_a_stranger_s_lines_wait_and_are_booked_on_approval(cast: Cast, settings: LazySettings) -> None:
    settings.TERMINALS = True
    box, at = VirtualTerminal("NEW1"), ago(minutes=3)
    box.push([tap("17", wall(at), 0), tap("77", wall(at), 0)])
    box.push(["OPLOG 4\t0\t2026-03-02 08:00:00\t0\t0\t0\t0"], table="OPERLOG")
    assert (set(states()), Punch.objects.count()) == ({"unapproved"}, 0)
    assert box.get("getrequest").content == b"OK\n"
    stranger = Terminal.objects.get()
    assert quarantine.approve(stranger, site=cast.site, by="test") == 2
    pushes.book_received(terminal=stranger)
    assert states() == ["booked", "unknown_user", "event"]
    assert Punch.objects.get().at == at
    box.push([tap("17", wall(at), 0)])
    assert Punch.objects.count() == 1
    assert AuditEntry.objects.filter(action="terminal.approved").exists()


def test_a_terminal_that_was_refused_is_forgotten_and_not_heard(cast: Cast, settings: LazySettings) -> None:
    settings.TERMINALS = True
    box = VirtualTerminal("NEW1")
    box.push([tap("17", wall(ago(minutes=3)))])
    assert quarantine.refuse(Terminal.objects.get()) == 1
    assert set(TerminalLine.objects.values_list("raw", "pin", "state")) == {("", "", "discarded")}
    assert box.push([tap("17", wall(ago(minutes=2)))]).status_code == 403
    assert TerminalLine.objects.count() == 1


def test_a_pin_assigned_books_what_waited_and_what_comes(
    box: VirtualTerminal, terminal: Terminal, cast: Cast
) -> None:
    box.push([tap("900", wall(ago(minutes=3)), 0), tap("901", wall(ago(minutes=3)), 0)])
    assert states() == ["unknown_user"] * 2
    assert quarantine.assign(terminal, "900", cast.bob, by="test") == 1
    box.push([tap("900", wall(ago(minutes=1)), 1)])
    assert list(Punch.objects.order_by("at").values_list("person", "direction")) == [
        (cast.bob.pk, "in"),
        (cast.bob.pk, "out"),
    ]
    with pytest.raises(quarantine.Settled):
        quarantine.assign(terminal, "900", cast.alice)


def test_a_doubted_time_is_booked_by_hand_and_stays_suspect(box: VirtualTerminal) -> None:
    box.push([tap("17", "2000-01-01 00:00:11", 0)])
    line = TerminalLine.objects.get()
    assert quarantine.trust(line, by="test") is pushes.State.BOOKED
    assert Punch.objects.get().suspect
    with pytest.raises(quarantine.Settled):
        quarantine.trust(line)


def test_what_was_discarded_stays_discarded_when_it_is_sent_again(box: VirtualTerminal) -> None:
    line = tap("900", wall(ago(minutes=3)))
    box.push([line])
    quarantine.discard(TerminalLine.objects.get(), by="test")
    assert box.push([line]).content == b"OK: 1\n"
    assert list(TerminalLine.objects.values_list("raw", "pin", "state", "times")) == [
        ("", "", "discarded", 2)
    ]
    with pytest.raises(quarantine.Settled):
        quarantine.discard(TerminalLine.objects.get())


def test_erasing_a_person_empties_their_lines(box: VirtualTerminal, terminal: Terminal, cast: Cast) -> None:
    TerminalUser.objects.create(terminal=terminal, pin="900", person=cast.alice)
    line = tap("900", wall(ago(minutes=3)), 0)
    box.push([line])
    assert erasure.erase(cast.alice).terminal_lines_emptied == 1
    box.push([line])
    assert list(TerminalLine.objects.values_list("raw", "pin", "state")) == [("", "", "booked")]
    assert (Punch.objects.count(), TerminalUser.objects.count()) == (1, 0)


# --- Orders ---------------------------------------------------------------------------------------


def test_an_order_is_handed_out_once_and_its_answer_noted(box: VirtualTerminal, terminal: Terminal) -> None:
    first = orders.ask(terminal, orders.Kind.INFO, by="test")
    assert orders.ask(terminal, orders.Kind.INFO) == first
    clock = orders.ask(terminal, orders.Kind.CLOCK)
    told = box.get("getrequest").content.decode().splitlines()
    assert told[0] == f"C:{first.pk}:INFO"
    assert told[1].startswith(f"C:{clock.pk}:SET OPTION DateTime=8")
    assert box.get("getrequest").content == b"OK\n"
    box.post("devicecmd", f"ID={first.pk}&Return=0&CMD=INFO\nID={clock.pk}&Return=-1&CMD=SET OPTION")
    assert list(terminal.commands.order_by("id").values_list("state", "answer")) == [
        ("done", "0"),
        ("failed", "-1"),
    ]


def test_another_terminal_s_order_is_not_answered(cast: Cast, terminal: Terminal) -> None:
    order = orders.ask(terminal, orders.Kind.CHECK)
    orders.take(terminal)
    approved(cast, "OTHER")
    VirtualTerminal("OTHER").post("devicecmd", f"ID={order.pk}&Return=0&CMD=CHECK")
    order.refresh_from_db()
    assert order.state == orders.Fate.SENT


def test_version_3_registers_and_is_told_the_same(box: VirtualTerminal, terminal: Terminal) -> None:
    said = box.post("registry", "DeviceType=acc,~DeviceName=Gate 7,FirmVer=8.0.4,IPAddress=10.0.0.9")
    assert said.content.startswith(b"RegistryCode=")
    assert b"Realtime=1" in box.post("push", "").content
    terminal.refresh_from_db()
    assert terminal.firmware == "Gate 7 8.0.4"
    assert box.post("fdata", "PIN=1.jpg").content == b"OK\n"
