"""From photographs to faceprints in use: agreement, lookalikes, interruptions, and what is stored."""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from access import enrolment, erasure, gallery, people, queue, vault
from access.enrolment import Enrolment, Photograph
from access.fates import Fate
from access.models import AuditEntry, Faceprint, Person, PersonKey
from recognition import Problem, Sighting
from tests import factories
from tests.access.racing import at_once
from tests.conftest import CARD, Eyes
from tests.factories import ALICE, STRANGER, Cast
from workers import enrol, sight, watch

STEP = 24  # of brightness: how a test's album tells its pictures apart, whatever was done to the file


def grey(number: int, **options: Any) -> bytes:
    """Photograph number so-and-so of an album; `exif` may be given."""
    buffer = io.BytesIO()
    shade = 12 + STEP * number
    Image.new("RGB", (200, 240), (shade, shade, shade)).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


class Album(Eyes):
    """Eyes that see another face in each picture of an album."""

    def __init__(self, faces: Sequence[Sequence[float]], see: Callable[..., Sighting]) -> None:
        self.sightings = [see(face) for face in faces]
        super().__init__(self.sightings[0], CARD)

    def look_at(self, pixels: Any, **_: object) -> Sighting:
        return self.sightings[round((float(np.mean(pixels)) - 12) / STEP)]


@pytest.fixture
def album(camera_sees: Callable[..., Sighting], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`album(face, face)`: files of which the first shows the first face, and so on."""

    def make(*faces: Sequence[float]) -> list[tuple[str, bytes]]:
        eyes = Album(faces, camera_sees)
        monkeypatch.setattr(sight, "_recognizer", eyes)
        return [(f"{number}.jpg", grey(number)) for number in range(len(faces))]

    return make


def like(face: Sequence[float], cosine: float, towards: int) -> tuple[float, ...]:
    """A unit vector with this cosine to `face`, leaning in the given direction."""
    made = np.asarray(face, float) * cosine
    made[towards] += np.sqrt(1 - cosine**2)
    return tuple(made)


def fates(done: Enrolment) -> list[str]:
    done.refresh_from_db()
    return [photograph.reason or photograph.state for photograph in done.photographs.all()]


NEWCOMER = (0, 0, 0, 1.0, 0, 0, 0, 0)


# --- The set --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_photographs_that_agree_are_enrolled_and_open_the_door(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    person = factories.person("Dora Dent")
    files = album(NEWCOMER, like(NEWCOMER, 0.8, 4), like(NEWCOMER, 0.7, 5))
    done = enrolment.submit(person, files, by="command")
    assert fates(done) == ["accepted"] * 3
    assert (done.state, done.finished is not None) == ("done", True)
    assert Faceprint.objects.filter(person=person, active=True, model="test-model").count() == 3
    assert [name for name, _key in run_queue] == [queue.ENROL] * 4
    assert AuditEntry.objects.get(action="enrolment.done").details == {"person": person.pk, "faceprints": 3}


@pytest.mark.django_db(transaction=True)
def test_a_stranger_among_friends_is_refused_and_the_friends_are_enrolled(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    person = factories.person()
    done = enrolment.submit(person, album(NEWCOMER, like(NEWCOMER, 0.8, 4), STRANGER, NEWCOMER))
    assert (done.pk, fates(done)) == (done.pk, ["accepted", "accepted", "disagrees", "accepted"])
    assert done.state == "done"
    assert Faceprint.objects.filter(person=person).count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "faces",
    [(NEWCOMER, STRANGER), (NEWCOMER, NEWCOMER, STRANGER, STRANGER), (NEWCOMER, STRANGER, ALICE)],
    ids=["two strangers", "two pairs", "three strangers"],
)
def test_without_a_majority_nobody_is_enrolled(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any], faces: Sequence[Any]
) -> None:
    person = factories.person()
    done = enrolment.submit(person, album(*faces))
    assert (fates(done), done.state) == (["disagrees"] * len(faces), "refused")
    assert not Faceprint.objects.filter(person=person).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_photographs_of_somebody_else_do_not_outvote_the_face_already_in_use(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any], count: int
) -> None:
    done = enrolment.submit(cast.alice, album(*[NEWCOMER] * count))
    assert (fates(done), done.state) == (["disagrees"] * count, "refused")
    assert Faceprint.objects.filter(person=cast.alice).count() == 1


@pytest.mark.django_db(transaction=True)
def test_more_photographs_of_somebody_enrolled_join_those_in_use(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    done = enrolment.submit(cast.alice, album(like(ALICE, 0.8, 5)))
    assert (fates(done), done.state) == (["accepted"], "done")
    assert Faceprint.objects.filter(person=cast.alice, active=True).count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_of_a_picture_becomes_a_fate_with_advice(
    cast: Cast, run_queue: list[Any], camera_sees: Callable[..., Any], problem: Problem
) -> None:
    camera_sees(problem=problem)
    done = enrolment.submit(factories.person(), [("a.jpg", grey(1))])
    assert (fates(done), done.state) == ([problem.value], "refused")
    assert done.photographs.get().advice.endswith((".", "?"))


@pytest.mark.django_db(transaction=True)
def test_the_same_photograph_twice_is_known_by_its_content_and_harmless(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    person = factories.person()
    [(name, data)] = album(NEWCOMER)
    assert not enrolment.already_handed_in(person, data)
    done = enrolment.submit(person, [(name, data), ("copy.jpg", data)])
    assert (fates(done), done.state) == (["accepted", "accepted"], "done")
    assert enrolment.already_handed_in(person, data)
    assert not enrolment.already_handed_in(cast.bob, data)


@pytest.mark.django_db(transaction=True)
def test_without_a_calibration_sets_are_refused_and_no_two_people_are_taken_for_different(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = album(NEWCOMER, NEWCOMER)
    monkeypatch.setattr(sight._recognizer, "card", replace(CARD, calibration=None))
    assert fates(enrolment.submit(factories.person(), files)) == ["disagrees", "disagrees"]
    single = enrolment.submit(factories.person(), files[:1])
    assert (fates(single), single.state) == (["accepted"], "review")


# --- Somebody else? -------------------------------------------------------------------------------


def lookalike_of_alice(album: Callable[..., Any]) -> Enrolment:
    done = enrolment.submit(factories.person("Alice's Twin"), album(like(ALICE, 0.6, 6)))
    done.refresh_from_db()
    return done


@pytest.mark.django_db(transaction=True)
def test_a_face_enrolled_as_somebody_else_waits_for_a_human_and_opens_nothing(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    held = lookalike_of_alice(album)
    assert (held.state, held.lookalike) == ("review", cast.alice)
    assert held.lookalike_score == pytest.approx(0.6, abs=2e-3)
    assert list(Faceprint.objects.filter(person=held.person).values_list("active", flat=True)) == [False]
    entry = AuditEntry.objects.get(action="enrolment.to_review")
    assert entry.details == {"person": held.person_id, "lookalike": cast.alice.pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("different", "state", "in_use"), [(True, "done", [True]), (False, "refused", [])])
def test_staff_settle_the_doubt_once(
    cast: Cast,
    run_queue: list[Any],
    album: Callable[..., Any],
    different: bool,
    state: str,
    in_use: list[bool],
) -> None:
    held = lookalike_of_alice(album)
    enrolment.settle_review(held, different=different, by="command")
    held.refresh_from_db()
    assert held.state == state
    assert list(Faceprint.objects.filter(person=held.person).values_list("active", flat=True)) == in_use
    assert AuditEntry.objects.get(action="enrolment.reviewed").details["different"] is different
    with pytest.raises(ValueError, match="not waiting"):
        enrolment.settle_review(held, different=not different, by="command")


@pytest.mark.django_db(transaction=True)
def test_a_doubt_settled_after_consent_ended_puts_nothing_to_use(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    held = lookalike_of_alice(album)
    people.withdraw_consent(held.person)
    enrolment.settle_review(held, different=True, by="command")
    held.refresh_from_db()
    assert (held.state, Faceprint.objects.filter(person=held.person).count()) == ("refused", 0)


# --- Interrupted ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_interrupted_worker_leaves_work_that_another_finishes(
    cast: Cast, album: Callable[..., Any], run_queue: list[Any]
) -> None:
    person = factories.person()
    held = enrolment.submit(person, album(NEWCOMER, NEWCOMER, NEWCOMER))
    first = enrolment.claim(held.pk)
    assert first is not None
    looked_at = enrolment.next_photograph(first)
    assert looked_at is not None
    enrol.judge(looked_at)  # ... and then the machine lost its power
    assert enrolment.claim(held.pk) is None
    Enrolment.objects.update(
        claimed_until=timezone.now() - timedelta(seconds=1), submitted=timezone.now() - timedelta(seconds=9)
    )
    assert watch.look_round() == 1
    assert (fates(held), held.state) == (["accepted"] * 3, "done")
    assert list(held.photographs.values_list("tries", flat=True)) == [1, 1, 1]
    assert Faceprint.objects.filter(person=person).count() == 3


@pytest.mark.django_db
def test_a_photograph_that_kills_its_workers_is_refused_and_the_others_are_enrolled(
    cast: Cast, album: Callable[..., Any], run_queue: list[Any]
) -> None:
    held = enrolment.submit(factories.person(), album(NEWCOMER, NEWCOMER))
    for attempt in (1, 2, 3):
        claimed = enrolment.claim(held.pk)
        assert claimed is not None
        photograph = enrolment.next_photograph(claimed)
        assert photograph is not None
        assert (photograph.file_name, photograph.tries) == ("0.jpg", attempt)
        Enrolment.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    enrol.enrol(str(held.pk))
    assert (fates(held), held.state) == (["worker_failed", "accepted"], "done")


@pytest.mark.django_db
def test_a_finished_enrolment_is_not_looked_at_again(
    cast: Cast, album: Callable[..., Any], run_queue: list[Any]
) -> None:
    held = enrolment.submit(factories.person(), album(NEWCOMER))
    enrol.enrol(str(held.pk))
    enrol.enrol(str(held.pk))
    before = Faceprint.objects.get(person=held.person).pk
    enrol.enrol(str(held.pk))
    assert Faceprint.objects.get(person=held.person).pk == before
    assert AuditEntry.objects.filter(action="enrolment.done").count() == 1


@pytest.mark.django_db
def test_consent_withdrawn_while_the_worker_looks_ends_the_enrolment(
    cast: Cast, album: Callable[..., Any], run_queue: list[Any]
) -> None:
    person = factories.person()
    held = enrolment.submit(person, album(NEWCOMER))
    people.withdraw_consent(person)
    for _step in range(2):
        enrol.enrol(str(held.pk))
    held.refresh_from_db()
    assert (held.state, Faceprint.objects.filter(person=person).count()) == ("refused", 0)


@pytest.mark.django_db(transaction=True)
def test_erasing_somebody_whose_photograph_is_being_accepted_ends_well_either_way(
    cast: Cast, album: Callable[..., Any]
) -> None:
    files = album(NEWCOMER)
    for _round in range(20):
        person = factories.person()
        held = enrolment.submit(person, files)
        claimed = enrolment.claim(held.pk)
        assert claimed is not None
        photograph = enrolment.next_photograph(claimed)
        assert photograph is not None

        def judge(seen: Photograph = photograph) -> None:
            try:
                enrol.judge(seen)
            except Exception as error:
                assert "did not affect any rows" in str(error) or "does not exist" in str(error)  # noqa: PT017

        at_once(judge, partial(erasure.erase, person))
        assert not Faceprint.objects.filter(person=person).exists()
        assert not Photograph.objects.filter(person=person).exists()
        assert not PersonKey.objects.filter(person=person).exists()


@pytest.mark.django_db(transaction=True)
def test_erasing_somebody_under_review_at_the_same_moment_ends_well_either_way(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    for _round in range(10):
        held = lookalike_of_alice(album)

        def review(seen: Enrolment = held) -> None:
            with suppress(Enrolment.DoesNotExist, Person.DoesNotExist):
                enrolment.settle_review(seen, different=True, by="command")

        at_once(review, partial(erasure.erase, held.person))
        assert not Faceprint.objects.filter(person=held.person).exists()


@pytest.mark.django_db(transaction=True)
def test_one_face_under_two_badges_at_the_same_moment_is_put_to_use_once(
    db: None, album: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "send", lambda *_args, **_options: True)
    for _round in range(5):
        files = album(NEWCOMER)
        twins = [enrolment.submit(factories.person(), files) for _number in range(2)]
        held = [claimed for twin in twins if (claimed := enrolment.claim(twin.pk))]
        for claimed in held:
            photograph = enrolment.next_photograph(claimed)
            assert photograph is not None
            enrol.judge(photograph)
        at_once(*(partial(enrol.settle, claimed) for claimed in held))
        states = sorted(
            Enrolment.objects.filter(pk__in=[twin.pk for twin in twins]).values_list("state", flat=True)
        )
        assert states == ["done", "review"]
        for twin in twins:
            erasure.erase(twin.person)


# --- What is stored -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_stored_picture_has_lost_the_place_where_it_was_taken(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    album(NEWCOMER)
    exif = Image.Exif()
    exif[0x010E] = "canary-description"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    file = grey(0, exif=exif, comment=b"canary-comment")
    assert b"canary-description" in file
    done = enrolment.submit(factories.person(), [("a.jpg", file)])
    stored = enrolment.open_photograph(done.photographs.get())
    with Image.open(io.BytesIO(stored)) as picture:
        assert (picture.format, dict(picture.getexif())) == ("JPEG", {})
        assert picture.size == (200, 240)
    assert b"canary" not in stored


@pytest.mark.django_db(transaction=True)
def test_photographs_are_sealed_by_their_persons_key(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    done = enrolment.submit(factories.person(), album(NEWCOMER))
    photograph = done.photographs.get()
    assert b"JFIF" not in bytes(photograph.sealed)
    PersonKey.objects.filter(person=done.person).delete()
    with pytest.raises(vault.Sealed):
        enrolment.open_photograph(photograph)


@pytest.mark.django_db(transaction=True)
def test_the_stored_vector_is_turned(cast: Cast, run_queue: list[Any], album: Callable[..., Any]) -> None:
    enrolment.submit(cast.alice, album(ALICE))
    for stored in Faceprint.objects.filter(person=cast.alice):
        assert float(np.asarray(list(stored.vector)) @ np.asarray(ALICE)) < 0.99
    [(turn, _secret)] = [gallery.current_turn()]
    assert set(Faceprint.objects.values_list("turn", flat=True)) == {turn}


@pytest.mark.django_db(transaction=True)
def test_the_place_of_the_face_is_kept_as_shares_of_the_picture(
    cast: Cast, run_queue: list[Any], album: Callable[..., Any]
) -> None:
    done = enrolment.submit(factories.person(), album(NEWCOMER))
    assert done.photographs.get().box == [0.1, 0.0833, 0.9, 0.9167]


def test_every_problem_of_a_picture_is_a_fate() -> None:
    assert {problem.value for problem in Problem} <= {fate.value for fate in Fate}


# --- Odd ones out, for any set --------------------------------------------------------------------


def pairs(groups: Sequence[int], same: float, other: float, in_use: int = 0) -> list[tuple[int, int, float]]:
    """Resemblances of photographs 0, 1, 2 … showing person `groups[n]`; person 0 may be in use already."""
    found = []
    for one, shown in enumerate(groups):
        found += [(one, two, same if shown == of else other) for two, of in enumerate(groups) if two != one]
        found += [(one, -key - 1, same if shown == 0 else other) for key in range(in_use)]
    return found


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=9),
    st.floats(0.31, 1),
    st.floats(-1, 0.29),
    st.integers(0, 3),
)
def test_those_left_show_one_person_and_are_the_majority_or_vouched_for(
    groups: list[int], same: float, other: float, in_use: int
) -> None:
    resemblances = pairs(groups, same, other, in_use)
    odd = enrol.odd_ones_out(resemblances, 0.3)
    left = [shown for number, shown in enumerate(groups) if number not in odd]
    assert len(odd) == len(set(odd))
    assert len(set(left)) <= 1
    if in_use:
        assert left == [shown for shown in groups if shown == 0]
    else:
        most = max(groups.count(shown) for shown in groups)
        assert len(left) == (most if most > len(groups) / 2 else 0)


@given(st.permutations([0, 0, 0, 1, 2]), st.randoms())
def test_the_order_in_which_photographs_are_handed_in_does_not_matter(groups: list[int], random: Any) -> None:
    resemblances = pairs(groups, 0.7, 0.1)
    random.shuffle(resemblances)
    left = [shown for n, shown in enumerate(groups) if n not in enrol.odd_ones_out(resemblances, 0.3)]
    assert left == [0, 0, 0]


def test_a_single_photograph_has_nothing_to_disagree_with() -> None:
    assert enrol.odd_ones_out([], 0.3) == []
