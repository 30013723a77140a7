"""The secret turn: it keeps every resemblance, tells nothing without its key, and can be changed."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from access import gallery, vault
from access.models import AuditEntry, Faceprint, Turn
from recognition import Sighting
from tests import factories
from tests.factories import Cast
from workers import identify, turning

DIMENSION = 128
RECORDED = [-0.40926602721, -0.644777044901, -0.61148250823, -0.207009718298]
secrets = st.binary(min_size=32, max_size=32)


def faces(count: int, seed: int = 0, dimension: int = DIMENSION) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


# --- The arithmetic -------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(secrets, st.sampled_from([2, 8, 128]))
def test_the_matrix_is_orthogonal_and_the_same_each_time(secret: bytes, dimension: int) -> None:
    made = turning.matrix(secret, dimension)
    assert np.allclose(made @ made.T, np.eye(dimension), atol=1e-12)
    turning.matrix.cache_clear()
    assert np.array_equal(turning.matrix(secret, dimension), made)


def test_another_secret_is_another_matrix() -> None:
    one, other = turning.matrix(b"a" * 32, 8), turning.matrix(b"b" * 32, 8)
    assert not np.allclose(one, other, atol=0.1)


def test_the_same_secret_gives_the_same_matrix_on_every_machine() -> None:
    """Recorded once: a database must still be searchable after an upgrade of whatever computes this."""
    corner = turning.matrix(bytes(range(32)), 4)[0]
    assert corner == pytest.approx(RECORDED, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(secrets, st.integers(0, 1000))
def test_resemblances_are_kept(secret: bytes, seed: int) -> None:
    plain = faces(6, seed)
    turned = np.array([turning.turn(face, secret) for face in plain])
    assert np.abs(turned @ turned.T - plain.astype(np.float64) @ plain.T).max() < 1e-5


def test_a_turned_face_resembles_its_plain_self_no_more_than_a_stranger_does() -> None:
    plain = faces(300)
    turned = np.array([turning.turn(face, b"s" * 32) for face in plain])
    with_itself = np.einsum("nd,nd->n", plain, turned)
    # Cosines of unrelated directions have variance 1/D; four standard errors of their mean and spread.
    assert abs(with_itself.mean()) < 4 / np.sqrt(300 * DIMENSION)
    assert with_itself.std() == pytest.approx(1 / np.sqrt(DIMENSION), rel=0.2)


@settings(max_examples=15, deadline=None)
@given(secrets, secrets)
def test_turning_again_equals_turning_by_the_new_secret(old: bytes, new: bytes) -> None:
    plain = faces(5)
    stored = np.array([turning.turn(face, old) for face in plain])
    expected = np.array([turning.turn(face, new) for face in plain])
    assert np.abs(turning.turn_again(stored, old, new) - expected).max() < 1e-6


def test_many_rotations_of_rounded_vectors_do_not_add_up() -> None:
    plain = faces(20)
    secret = b"0" * 32
    stored = np.array([turning.turn(face, secret) for face in plain], np.float16)
    for number in range(1, 30):
        after = str(number).rjust(32).encode()
        stored = turning.turn_again(stored.astype(np.float32), secret, after).astype(np.float16)
        secret = after
    turned = np.array([turning.turn(face, secret) for face in plain])
    assert np.einsum("nd,nd->n", turned, stored.astype(np.float64)).min() > 0.999


# --- The command ----------------------------------------------------------------------------------


def neighbours(cast: Cast, face: np.ndarray[Any, Any]) -> list[tuple[int, float]]:
    sighting = Sighting(100, 120, "test-model", vector=face)
    return [(near.person, near.score) for near in identify.nearest(sighting, site=cast.site.pk).neighbours]


@pytest.mark.django_db
def test_after_a_rotation_the_neighbours_are_the_same_and_the_old_secret_is_gone(cast: Cast) -> None:
    enrolled = faces(12, dimension=8)
    for face in enrolled:
        person = factories.person()
        cast.crew.people.add(person)
        factories.faceprint(person, tuple(face))
    factories.faceprint(cast.bob, tuple(faces(1, dimension=16)[0]), model="long-model")
    asked = [face / np.linalg.norm(face) for face in enrolled + 0.05 * faces(12, seed=9, dimension=8)]
    before = [neighbours(cast, face) for face in asked]
    old_key, old_secret = gallery.current_turn()
    rows = {row.pk: list(row.vector) for row in Faceprint.objects.all()}

    call_command("rotate_faceprints", verbosity=0)
    after = [neighbours(cast, face) for face in asked]
    for one, other in zip(before, after, strict=True):
        assert one[0][0] == other[0][0]
        assert [score for _p, score in other] == pytest.approx([score for _p, score in one], abs=4e-3)
    new_key, new_secret = gallery.current_turn()
    assert new_secret != old_secret
    assert list(Turn.objects.values_list("pk", flat=True)) == [new_key] != [old_key]
    assert all(list(row.vector) != rows[row.pk] for row in Faceprint.objects.all())
    assert AuditEntry.objects.get(action="faceprints.rotated").details == {"count": len(rows)}


@pytest.mark.django_db
def test_rotating_an_empty_table_is_no_fault() -> None:
    call_command("rotate_faceprints", verbosity=0)
    assert Turn.objects.filter(current=True).count() == 1


@pytest.mark.django_db
def test_a_rotation_that_fails_changes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [list(row.vector) for row in Faceprint.objects.order_by("pk")], gallery.current_turn()

    def fail(*_: object) -> None:
        raise vault.Sealed("lost")

    monkeypatch.setattr(turning, "turn_again", fail)
    with pytest.raises(vault.Sealed):
        call_command("rotate_faceprints", verbosity=0)
    assert before == ([list(row.vector) for row in Faceprint.objects.order_by("pk")], gallery.current_turn())


@pytest.mark.django_db(transaction=True)
def test_a_search_during_rotations_never_misses(cast: Cast) -> None:
    face = np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float32)
    ended, found = threading.Event(), []

    def ask() -> None:
        try:
            while not ended.is_set():
                found.append(neighbours(cast, face)[:1])
        finally:
            connection.close()

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for _rotation in range(8):
        call_command("rotate_faceprints", verbosity=0)
        time.sleep(0.02)
    ended.set()
    for thread in asking:
        thread.join(20)
    assert len(found) > 20
    assert {person for [(person, _score)] in found} == {cast.alice.pk}
