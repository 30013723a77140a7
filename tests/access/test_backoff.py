"""Waits after wrong tries: counted before they are judged, never lasting."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from access import backoff
from access.backoff import FIRST_WAIT, FREE_TRIES, LONGEST_WAIT, Backoff
from tests.access.racing import at_once

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NONE = timedelta(0)

pytestmark = pytest.mark.django_db


def tries(count: int, *who: object, now: datetime = NOW) -> list[timedelta]:
    return [backoff.attempt(*who, now=now) for _number in range(count)]


def test_the_first_tries_are_free_and_then_one_waits() -> None:
    assert tries(FREE_TRIES + 1, "login", "alice") == [NONE] * FREE_TRIES + [FIRST_WAIT]


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    tries(FREE_TRIES, "alice")
    now, waits = NOW, []
    for _number in range(8):
        wait = backoff.attempt("alice", now=now)
        waits.append(wait)
        now += wait
        assert backoff.attempt("alice", now=now) == NONE
    assert waits[:5] == [FIRST_WAIT * 2**power for power in range(5)]
    assert waits[-1] == LONGEST_WAIT


def test_a_try_during_the_wait_makes_it_no_longer() -> None:
    tries(FREE_TRIES, "alice")
    assert backoff.attempt("alice", now=NOW + FIRST_WAIT / 2) == FIRST_WAIT / 2
    assert backoff.attempt("alice", now=NOW + FIRST_WAIT) == NONE


def test_the_right_answer_starts_anew() -> None:
    tries(FREE_TRIES, "alice")
    backoff.succeeded("alice")
    assert tries(FREE_TRIES, "alice") == [NONE] * FREE_TRIES


def test_one_key_does_not_slow_another() -> None:
    tries(FREE_TRIES + 1, "alice", "203.0.113.5")
    assert backoff.attempt("alice", "203.0.113.6", now=NOW) == NONE
    assert backoff.attempt("alic", "e203.0.113.5", now=NOW) == NONE


def test_a_day_without_a_try_forgets() -> None:
    tries(FREE_TRIES, "alice")
    later = NOW + backoff.FORGET + timedelta(seconds=1)
    assert tries(FREE_TRIES, "alice", now=later) == [NONE] * FREE_TRIES
    assert backoff.forget(later + backoff.FORGET + timedelta(seconds=1)) == 1
    assert not Backoff.objects.exists()


def test_the_table_does_not_name_who_tried() -> None:
    backoff.attempt("login", "alice", "203.0.113.5", now=NOW)
    key = Backoff.objects.get().key
    assert "alice" not in key
    assert len(key) == 64


@given(count=some.integers(1, 40))
def test_no_wait_outlasts_the_longest(count: int) -> None:
    who = ("anyone", uuid4())  # rows outlive an example
    now = NOW
    for _number in range(count):
        wait = backoff.attempt(*who, now=now)
        assert wait <= LONGEST_WAIT
        now += wait


@pytest.mark.django_db(transaction=True)
def test_tries_made_at_once_count_like_tries_made_in_turn() -> None:
    waits = at_once(*[lambda: backoff.attempt("alice", now=NOW)] * 12)
    assert sum(wait == NONE for wait in waits) == FREE_TRIES
