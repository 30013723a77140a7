"""Webhooks: every event noted with its fact, signed, sent until it is answered for, and nothing else."""

import base64
import hashlib
import hmac
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from access import attendance, decisions, policy, snapshots
from access.doors import alarms
from access.hooks import deliveries, endpoints, posting, webhook
from access.hooks.deliveries import GIVE_UP_AFTER, PAUSES, State
from access.models import Alarm, AuditEntry, Delivery, Endpoint, Punch, Staff
from tests import factories
from tests.access.hooks.listening import Listener
from tests.access.racing import at_once
from tests.factories import Cast


def punched(cast: Cast, minutes: float = 5, direction: str = "in", **fields: Any) -> Punch:
    at = timezone.now() - timedelta(minutes=minutes)
    return attendance.note_punch(fields.pop("person", cast.alice), at=at, direction=direction, **fields)


def due_again() -> None:
    Delivery.objects.filter(state=State.PENDING.value).update(next_try=timezone.now())


# --- Noted with the fact --------------------------------------------------------------------------


def test_each_fact_is_noted_once_for_each_endpoint_that_wants_it(cast: Cast, hook: Endpoint) -> None:
    Endpoint.objects.create(name="only alarms", url="https://a.example", events=["alarm.raised"])
    Endpoint.objects.create(name="off", url="https://b.example", events=["punch.noted"], active=False)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    alarm = alarms.raise_alarm(alarms.Kind.FORCED, cast.front, door=cast.front)
    alarms.raise_alarm(alarms.Kind.FORCED, cast.front, door=cast.front)  # a repeat, on the open alarm
    alarms.acknowledge(alarm.pk, by=Staff.objects.create_user("guard"))
    noted = Delivery.objects.values_list("endpoint__name", "event", "key")
    assert set(noted) == {
        ("HR", "decision.made", str(snapshot.pk)),
        ("HR", "punch.noted", str(snapshot.punch.pk)),
        ("HR", "alarm.raised", str(alarm.pk)),
        ("only alarms", "alarm.raised", str(alarm.pk)),
        ("HR", "alarm.acknowledged", str(alarm.pk)),
    }
    assert len(noted) == 5


def test_what_is_rolled_back_is_not_told(cast: Cast, hook: Endpoint) -> None:
    with transaction.atomic():
        punched(cast)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_punches_written_in_bulk_are_noted_too_and_known_ones_are_not(cast: Cast, hook: Endpoint) -> None:
    told = {"at": timezone.now(), "origin": "list:1", "clock_ahead": timedelta(0)}
    for _ in range(3):
        attendance.note_late(cast.alice, **told)
    assert Delivery.objects.count() == 1


# --- What is sent ---------------------------------------------------------------------------------


def test_the_receiver_can_check_the_signature(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    secret = endpoints.issue_secret(hook)
    punch = punched(cast)
    assert deliveries.work_round() == 1
    [post] = listener.posts
    assert post.path == "/hook"
    name, stamp = post.headers["webhook-id"], post.headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.new(key, f"{name}.{stamp}.".encode() + post.body, hashlib.sha256).digest()
    assert post.headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()
    assert abs(time.time() - int(stamp)) < 60
    assert (post.json["type"], post.json["data"]["id"]) == ("punch.noted", str(punch.pk))
    assert Delivery.objects.get().state == State.DELIVERED


def test_a_signature_as_the_standard_s_own_example_gives_it() -> None:
    # The worked example of the Standard Webhooks specification's reference libraries.
    found = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("names", [True, False])
def test_names_are_told_only_where_chosen_and_biometrics_never(
    cast: Cast, hook: Endpoint, listener: Listener, names: bool
) -> None:
    Endpoint.objects.update(names=names)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))
    alarms.raise_alarm(alarms.Kind.DURESS, cast.alice, person=cast.alice, silent=True)
    deliveries.work_round()
    assert {post.json["type"] for post in listener.posts} == {"decision.made", "punch.noted", "alarm.raised"}
    for post in listener.posts:
        assert post.json["data"]["person"]["id"] == cast.alice.pk
        assert (b"Alice" in post.body, b"00017" in post.body) == (names, names)
        assert not any(word in post.body for word in (b"score", b"threshold", b"facts", b"image"))


def test_an_erased_person_is_told_without_a_name(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    from access import erasure

    Endpoint.objects.update(names=True)
    punched(cast)
    erasure.erase(cast.alice)
    deliveries.work_round()
    assert b"Alice" not in listener.posts[0].body


# --- Until it is answered for ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 429, 500, 503])
def test_only_2xx_counts_and_no_redirect_is_followed(
    cast: Cast, hook: Endpoint, listener: Listener, status: int
) -> None:
    listener.answer = lambda post: (status, {"Location": f"{listener.url}/elsewhere"}, b"")
    punched(cast)
    before = timezone.now()
    assert deliveries.work_round() == 1
    assert deliveries.work_round() == 0, "not before its pause is over"
    first = Delivery.objects.get()
    assert (first.state, first.tries, first.status) == ("pending", 1, status)
    assert first.next_try - before >= PAUSES[0]
    listener.answer = lambda post: (200, {}, b"")
    due_again()
    deliveries.work_round()
    assert [post.path for post in listener.posts] == ["/hook", "/hook"]
    assert len({post.headers["webhook-id"] for post in listener.posts}) == 1
    assert Delivery.objects.get().state == State.DELIVERED


def test_after_a_day_it_is_given_up_and_can_be_sent_again(
    cast: Cast, hook: Endpoint, listener: Listener
) -> None:
    listener.answer = lambda post: (500, {}, b"")
    punched(cast)
    tries = 0
    while Delivery.objects.get().state == State.PENDING:
        delivery = Delivery.objects.get()
        Delivery.objects.update(  # as if the pause had passed
            made=delivery.made - max(timedelta(0), delivery.next_try - timezone.now()),
            next_try=timezone.now(),
        )
        tries += deliveries.work_round()
    given_up = Delivery.objects.get()
    assert (given_up.state, tries) == (State.GIVEN_UP, given_up.tries)
    assert len(PAUSES) <= tries <= 15
    listener.answer = lambda post: (200, {}, b"")
    assert deliveries.again(given_up, by="test")
    deliveries.work_round()
    assert Delivery.objects.get().state == State.DELIVERED
    assert not deliveries.again(given_up)


def test_the_pauses_spread_over_a_day() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(hours=24) == GIVE_UP_AFTER
    assert sum(PAUSES, timedelta(0)) < GIVE_UP_AFTER


def test_410_switches_the_endpoint_off(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    listener.answer = lambda post: (410, {}, b"")
    punched(cast)
    punched(cast, 4, "out")
    deliveries.work_round()
    hook.refresh_from_db()
    assert (hook.active, hook.disabled is not None, len(listener.posts)) == (False, True, 1)
    assert AuditEntry.objects.filter(action="endpoint.disabled").exists()
    punched(cast, 3)
    assert Delivery.objects.count() == 2, "nothing more is noted for it"


def test_a_dead_endpoint_holds_up_nobody_else(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    dead = Endpoint.objects.create(name="A dead one", url="http://127.0.0.1:9", events=["punch.noted"])
    endpoints.issue_secret(dead)
    for minute in range(10):
        punched(cast, minute)
    assert deliveries.work_round() == 10 + deliveries.MOST_MISSES
    assert len(listener.posts) == 10


@pytest.mark.django_db(transaction=True)
def test_two_rounds_at_once_send_each_event_once(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    for minute in range(8):
        punched(cast, minute)
    attempts = at_once(*(deliveries.work_round for _ in range(3)))
    assert sum(attempts) == 8
    assert len({post.headers["webhook-id"] for post in listener.posts}) == len(listener.posts) == 8


def test_whoever_died_in_an_attempt_is_followed_by_another(
    cast: Cast, hook: Endpoint, listener: Listener
) -> None:
    punched(cast)
    assert deliveries.claim(hook) is not None
    assert deliveries.claim(hook) is None
    Delivery.objects.update(next_try=timezone.now() - timedelta(seconds=1))  # the lease is over
    deliveries.work_round()
    assert Delivery.objects.get().tries == 2


def test_settled_deliveries_go_after_a_month(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    punched(cast)
    deliveries.work_round()
    assert deliveries.tidy(timezone.now() + timedelta(days=29)) == 0
    assert deliveries.tidy(timezone.now() + timedelta(days=31)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_sends_in_a_thread_of_its_own(cast: Cast, hook: Endpoint, listener: Listener) -> None:
    from workers import deliver

    punched(cast)
    deliver.deliver()
    end = time.monotonic() + 20
    while Delivery.objects.get().state == State.PENDING and time.monotonic() < end:
        time.sleep(0.02)
    assert Delivery.objects.get().state == State.DELIVERED
    while deliver._busy.locked():
        time.sleep(0.02)


# --- Where it is sent -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_addresses_inside_are_told_from_public_ones(address: str, public: bool) -> None:
    assert posting.is_public(address) is public


def test_an_address_inside_is_never_connected_to(
    cast: Cast, hook: Endpoint, listener: Listener, settings: LazySettings
) -> None:
    settings.HOOKS_PRIVATE = False
    Endpoint.objects.update(url=listener.url.replace("http:", "https:").replace("127.0.0.1", "localhost"))
    punched(cast)
    deliveries.work_round()
    assert listener.posts == []
    assert "inside" in Delivery.objects.get().error


def test_the_checked_address_is_the_one_connected_to(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that points elsewhere at the second look (DNS rebinding) is not looked at a second time."""
    looks: list[str] = []
    port = int(listener.url.rpartition(":")[2])
    real = posting.socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        if host == "rebind.example":
            looks.append(host)
            return real("127.0.0.1" if len(looks) == 1 else "192.0.2.1", *args, **options)
        return real(host, *args, **options)

    monkeypatch.setattr(posting.socket, "getaddrinfo", look_up)
    assert posting.post(f"http://rebind.example:{port}/x", b"{}", {}).status == 204
    assert looks == ["rebind.example"]
    assert listener.posts[0].headers["host"] == f"rebind.example:{port}"


def test_who_never_finishes_an_answer_is_cut_off(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.3)
    done = threading.Event()

    def dawdle(post: Any) -> Any:
        done.wait(20)
        return 200, {}, b""

    listener.answer = dawdle
    with pytest.raises(posting.Unreachable, match="in time"):
        posting.post(listener.url, b"{}", {})
    done.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://hr.example.org/",
        "ftp://hr.example.org/",
        "https://user:secret@hr.example.org/",
        "https://hr.example.org/#x",
        "https:///nowhere",
        "https://hr.example.org:99999/",
        "javascript:alert(1)",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        endpoints.check_address(url)


def test_the_secret_is_sealed_and_moves_to_a_new_master_key(hook: Endpoint, settings: LazySettings) -> None:
    from cryptography.fernet import Fernet
    from django.core.management import call_command

    secret = endpoints.issue_secret(hook)
    hook.refresh_from_db()
    assert secret.encode() not in bytes(hook.sealed)
    new = Fernet.generate_key().decode()
    settings.MASTER_KEYS = [new, *settings.MASTER_KEYS]
    call_command("rotate_master_key")
    settings.MASTER_KEYS = [new]
    hook.refresh_from_db()
    assert endpoints.secret_of(hook) == secret
    assert secret not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert Alarm.objects.count() == 0
