"""What is taken in, and what is not."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from access import enrolment, pictures
from access.enrolment import Enrolment, Photograph
from access.fates import ADVICE, Fate
from access.models import AuditEntry, Staff
from tests import factories


@pytest.mark.parametrize("fate", list(Fate))
def test_every_fate_has_advice_one_can_act_on(fate: Fate) -> None:
    assert str(ADVICE[fate]).count(" ") > 4
    assert set(ADVICE) == set(Fate)


@pytest.mark.django_db
def test_photographs_are_taken_in_sealed_and_noted() -> None:
    person = factories.person()
    ada = Staff.objects.create(username="ada")
    data = factories.picture(150, 110)
    made = enrolment.submit(person, [("folder/" + "x" * 300 + ".jpg", data)], by=ada)
    photograph = made.photographs.get()
    assert (made.state, made.submitted_by) == ("waiting", ada)
    assert (photograph.width, photograph.height, photograph.state) == (150, 110, "waiting")
    assert bytes(photograph.digest) == hashlib.sha256(data).digest()
    assert len(photograph.file_name) == 200
    assert enrolment.open_photograph(photograph) == data
    assert data[:64] not in bytes(photograph.sealed)
    entry = AuditEntry.objects.get(action="enrolment.submitted")
    assert (entry.staff, entry.details) == (ada, {"person": person.pk, "photographs": 1})


@pytest.mark.django_db
def test_without_consent_nothing_is_taken_in() -> None:
    with pytest.raises(enrolment.NoConsent):
        enrolment.submit(factories.person(consented=False), [("a.jpg", factories.picture())])
    assert not Enrolment.objects.exists()


@pytest.mark.django_db
def test_one_bad_file_refuses_the_set_before_anything_is_stored() -> None:
    with pytest.raises(pictures.Unacceptable):
        enrolment.submit(factories.person(), [("a.jpg", factories.picture()), ("b.txt", b"text")])
    assert not Photograph.objects.exists()


@pytest.mark.django_db
def test_an_enrolment_without_photographs_is_a_fault() -> None:
    with pytest.raises(ValueError, match="at least one"):
        enrolment.submit(factories.person(), [])


@pytest.mark.django_db
def test_one_worker_holds_an_enrolment_until_its_lease_ends() -> None:
    made = enrolment.submit(factories.person(), [("a.jpg", factories.picture())])
    assert enrolment.claim(made.pk) == made
    assert enrolment.claim(made.pk) is None
    Enrolment.objects.update(claimed_until=timezone.now() - timedelta(milliseconds=1))
    held = enrolment.claim(made.pk)
    assert held is not None
    enrolment.release(held)
    assert enrolment.claim(made.pk) == made
    assert enrolment.claim(10**9) is None


@pytest.mark.django_db
def test_what_the_queue_forgot_is_listed_after_a_while_oldest_first() -> None:
    made = [enrolment.submit(factories.person(), [("a.jpg", factories.picture())]) for _ in range(3)]
    assert enrolment.forgotten() == []
    for number, one in enumerate(made):
        Enrolment.objects.filter(pk=one.pk).update(submitted=timezone.now() - timedelta(seconds=60 + number))
    Enrolment.objects.filter(pk=made[1].pk).update(claimed_until=timezone.now() + timedelta(seconds=5))
    assert enrolment.forgotten() == [made[2].pk, made[0].pk]


@pytest.mark.django_db
def test_a_finished_enrolment_stays_finished() -> None:
    made = enrolment.submit(factories.person(), [("a.jpg", factories.picture())])
    enrolment.refuse(made)
    enrolment.complete(made)
    enrolment.ask_review(made, made.person_id, 0.5)
    made.refresh_from_db()
    assert (made.state, made.lookalike) == ("refused", None)
    assert AuditEntry.objects.filter(action__startswith="enrolment.").count() == 2
