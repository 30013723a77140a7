"""Whom a face resembles: only those who may be found, each once, by their best faceprint."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from access import audit, erasure, gallery, people, vault
from access.gallery import Neighbour
from access.models import AuditEntry, Faceprint, Gallery, Person, Turn
from tests import factories
from tests.access.racing import at_once
from tests.factories import ALICE, BOB, CHARLIE, Cast
from workers import turning

METHODS = pytest.mark.parametrize("method", ["exact", "hnsw"])


def search(cast: Cast, vector: tuple[float, ...] = ALICE, **options: Any) -> gallery.Search:
    turn, secret = gallery.current_turn()
    unit = np.asarray(vector, np.float32) / np.linalg.norm(vector)
    values = {"model": "test-model", "turn": turn, "site": cast.site.pk} | options
    return gallery.nearest(turning.turn(unit, secret), **values)


def found(cast: Cast, **options: Any) -> set[int]:
    return {near.person for near in search(cast, **options).neighbours}


# --- Who may be found -----------------------------------------------------------------------------


@pytest.mark.django_db
@METHODS
def test_people_of_the_sites_galleries_are_found_and_the_suspended_are_not(cast: Cast, method: str) -> None:
    assert found(cast, method=method) == {cast.alice.pk, cast.bob.pk}
    assert search(cast, method=method).neighbours[0].person == cast.alice.pk


HIDDEN: dict[str, Callable[[Cast], object]] = {
    "suspended": lambda cast: people.suspend(cast.alice),
    "consent withdrawn": lambda cast: people.withdraw_consent(cast.alice),
    "erased": lambda cast: erasure.erase(cast.alice),
    "in no gallery": lambda cast: cast.alice.galleries.clear(),
    "in a gallery of another site": lambda cast: _move(cast),
    "faceprints not in use": lambda cast: Faceprint.objects.filter(person=cast.alice).update(active=False),
    "faceprints of another model": lambda cast: Faceprint.objects.filter(person=cast.alice).update(model="m"),
    "faceprints of another turn": lambda cast: Faceprint.objects.filter(person=cast.alice).update(
        turn=Turn.objects.create(wrapped=vault.new_wrapped_key(), current=False)
    ),
}


def _move(cast: Cast) -> None:
    elsewhere = Gallery.objects.create(name="Elsewhere")
    elsewhere.sites.add(factories.site())
    cast.alice.galleries.set([elsewhere])


@pytest.mark.django_db
@METHODS
@pytest.mark.parametrize("how", list(HIDDEN))
def test_nobody_else_is_found(cast: Cast, how: str, method: str) -> None:
    HIDDEN[how](cast)
    assert found(cast, method=method) == {cast.bob.pk}


@pytest.mark.django_db
@METHODS
def test_a_person_of_two_galleries_of_one_site_is_found_once(cast: Cast, method: str) -> None:
    for named in Gallery.objects.all():
        named.people.add(cast.alice)
    people_found = [near.person for near in search(cast, method=method).neighbours]
    assert people_found.count(cast.alice.pk) == 1


# --- What is compared -----------------------------------------------------------------------------


@pytest.mark.django_db
@METHODS
def test_the_best_faceprint_of_each_person_counts_and_the_runner_up_is_somebody_else(
    cast: Cast, method: str
) -> None:
    for other in ((1, 0.1, 0, 0, 0, 0, 0, 0), (1, 0.2, 0, 0, 0, 0, 0, 0), (1, 0, 0.5, 0, 0, 0, 0, 0)):
        factories.faceprint(cast.alice, other)
    best, runner_up = search(cast, (1, 0.1, 0, 0, 0, 0, 0, 0), limit=2, method=method).neighbours
    assert (best.person, runner_up.person) == (cast.alice.pk, cast.bob.pk)
    assert best.score == pytest.approx(1.0, abs=1e-3)
    assert runner_up.score == pytest.approx(0.1 / np.sqrt(1.01), abs=1e-3)


@pytest.mark.django_db
def test_the_size_counts_the_faceprints_compared_and_no_others(cast: Cast) -> None:
    factories.faceprint(cast.alice, (1, 1, 0, 0, 0, 0, 0, 0))
    factories.faceprint(cast.alice, ALICE, active=False)
    factories.faceprint(cast.bob, BOB, model="another")
    assert search(cast).size == 3
    assert search(cast, limit=1).size == 3
    assert search(cast, model="nothing enrolled by this").size == 0


@pytest.mark.django_db
def test_the_approximate_method_never_counts_fewer_so_its_threshold_is_never_milder(cast: Cast) -> None:
    factories.faceprint(cast.alice, (1, 1, 0, 0, 0, 0, 0, 0))
    assert search(cast, method="hnsw").size >= search(cast, method="exact").size


@pytest.mark.django_db
def test_vectors_of_different_lengths_live_side_by_side(cast: Cast) -> None:
    long = tuple(np.eye(16)[3])
    factories.faceprint(cast.bob, long, model="long-model")
    for method in ("exact", "hnsw"):
        assert found(cast, vector=long, model="long-model", method=method) == {cast.bob.pk}
        assert found(cast, method=method) == {cast.alice.pk, cast.bob.pk}


@pytest.mark.django_db
def test_with_its_index_the_approximate_method_finds_what_the_exact_one_finds(cast: Cast) -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        person = factories.person()
        cast.crew.people.add(person)
        factories.faceprint(person, tuple(rng.normal(size=8)))
    factories.faceprint(cast.bob, tuple(np.eye(16)[0]), model="long-model")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index is not built while rows wait to be checked
        cursor.execute(
            "CREATE INDEX near ON access_faceprint USING hnsw ((vector::halfvec(8)) halfvec_ip_ops) "
            "WHERE active AND model = 'test-model'"
        )
        cursor.execute("SET LOCAL enable_seqscan = off")
    for _ in range(20):
        face = tuple(rng.normal(size=8))
        exact, near = (search(cast, face, method=method).neighbours for method in ("exact", "hnsw"))
        assert near == exact


@pytest.mark.django_db
def test_the_setting_chooses_the_method(cast: Cast, settings: Any) -> None:
    settings.SEARCH = "hnsw"
    assert found(cast) == {cast.alice.pk, cast.bob.pk}


@pytest.mark.django_db
def test_the_nearest_other_is_looked_for_everywhere_but_among_the_erased(cast: Cast) -> None:
    turn, secret = gallery.current_turn()
    nobodys = factories.person(consented=False)  # of no gallery either
    factories.faceprint(nobodys, (0, 0, 0, 1, 0, 0, 0, 0))
    gone = factories.person()
    factories.faceprint(gone, ALICE)
    Person.objects.filter(pk=gone.pk).update(erased=gone.created)
    for vector, expected in (
        (ALICE, None),
        (CHARLIE, cast.charlie.pk),
        ((0, 0, 0, 1, 0, 0, 0, 0), nobodys.pk),
    ):
        turned = turning.turn(np.asarray(vector, np.float32), secret)
        others = gallery.nearest_other(turned, model="test-model", turn=turn, person=cast.alice.pk)
        assert others.size == 3
        assert cast.alice.pk not in {near.person for near in others.neighbours}
        if expected:
            assert others.neighbours[0] == Neighbour(expected, pytest.approx(1.0, abs=1e-3))


# --- What is stored -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_stored_vector_is_not_the_one_the_eyes_saw(cast: Cast) -> None:
    stored = np.asarray(list(Faceprint.objects.get(person=cast.alice).vector), np.float32)
    assert stored.size == 8
    assert np.linalg.norm(stored) == pytest.approx(1.0, abs=1e-3)
    assert float(stored @ np.asarray(ALICE, np.float32)) < 0.99


@pytest.mark.django_db
def test_a_new_faceprint_opens_nothing_until_it_is_switched_on(cast: Cast) -> None:
    turn, _secret = gallery.current_turn()
    added = gallery.add(
        cast.alice, list(ALICE), model="test-model", turn=turn, quality=0.5, photograph_id=None
    )
    assert not added.active


@pytest.mark.django_db
def test_a_vector_that_is_not_a_number_cannot_be_stored(cast: Cast) -> None:
    turn, _secret = gallery.current_turn()
    with pytest.raises(Exception, match="NaN"), transaction.atomic():
        gallery.add(cast.alice, [float("nan")] * 8, model="m", turn=turn, quality=None, photograph_id=None)


@pytest.mark.django_db
def test_retiring_faceprints_is_noted_per_person(cast: Cast) -> None:
    assert gallery.retire(Faceprint.objects.filter(person__in=[cast.alice, cast.bob]), by="command") == 2
    notes = AuditEntry.objects.filter(action="faceprints.deleted").values_list("subject", "actor", "details")
    assert set(map(str, notes)) == {
        str((audit.name_of(person), "command", {"count": 1})) for person in (cast.alice, cast.bob)
    }


# --- The turn -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_first_callers_at_once_share_one_turn() -> None:
    turns = at_once(*[partial(gallery.current_turn)] * 8)
    assert len(set(turns)) == 1
    assert Turn.objects.count() == 1


@pytest.mark.django_db
def test_there_is_one_current_turn_by_constraint() -> None:
    gallery.current_turn()
    with pytest.raises(IntegrityError), transaction.atomic():
        Turn.objects.create(wrapped=vault.new_wrapped_key())


@pytest.mark.django_db
def test_a_turn_in_use_cannot_be_deleted(cast: Cast) -> None:
    with pytest.raises(IntegrityError):
        Turn.objects.all().delete()
