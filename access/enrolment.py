"""Enrolment: photographs handed in for a person, and what became of each.

Promise: a faceprint is used only after its whole set was looked at, agrees with itself, and looks like
nobody else; or after a member of staff settled the doubt. Every refusal has a reason one can act on.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, gallery, people, pictures, queue, vault
from access.fates import ADVICE, Fate
from access.gallery import Faceprint
from access.people import Person

MOST_TRIES = 3
# One photograph takes well under a second; a claim this old belongs to a worker that died.
LEASE = timedelta(seconds=5)
# An enrolment that waited this long without a worker was forgotten by the queue.
FORGOTTEN = timedelta(seconds=2)


class NoConsent(Exception):
    """No consent is on file: the photographs were not taken in."""


class Enrolment(models.Model):
    """Personal data: that photographs were handed in, when and by whom. Deleted at erasure."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        REVIEW = "review", _("to review")
        APPROVE = "approve", _("to approve")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="enrolments"
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.WAITING, db_index=True
    )
    submitted = models.DateTimeField(_("submitted"), auto_now_add=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("submitted by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    finished = models.DateTimeField(_("finished"), null=True)
    # Whom the face resembles, where that needs a human eye; and how much, for the auditor.
    lookalike = models.ForeignKey(
        Person, verbose_name=_("resembles"), null=True, on_delete=models.SET_NULL, related_name="resembled_by"
    )
    lookalike_score = models.FloatField(null=True)
    # Handed in by the person themselves: a member of staff looks before a door does.
    invitation = models.ForeignKey(
        "access.Invitation", null=True, on_delete=models.SET_NULL, related_name="enrolments"
    )
    needs_approval = models.BooleanField(default=False)
    # Why a member of staff refused it.
    answer = models.CharField(_("answer"), max_length=200, blank=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ["-submitted"]

    def __str__(self) -> str:
        return f"enrolment:{self.pk}"


class Photograph(models.Model):
    """Personal data: biometric source, sealed with the person's key. Deleted at erasure."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="photographs")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="photographs")
    file_name = models.CharField(_("file"), max_length=200)
    # The same file handed in again is recognised by this, without opening the sealed one.
    digest = models.BinaryField(max_length=32)
    sealed = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    # Left, top, right, bottom of the face as shares of width and height, for drawing at any size.
    box = models.JSONField(null=True)
    quality = models.JSONField(default=dict)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("photograph")
        verbose_name_plural = _("photographs")
        ordering = ["id"]
        indexes = [models.Index(fields=["person", "digest"], name="photographs_by_content")]

    def __str__(self) -> str:
        return f"photograph:{self.pk}"

    @property
    def advice(self) -> str:
        """What to do about a refusal, in a sentence; empty if there is nothing to do."""
        return str(ADVICE[Fate(self.reason)]) if self.reason else ""


def submit(
    person: Person,
    files: Sequence[tuple[str, bytes]],
    *,
    by: object = None,
    invitation: models.Model | None = None,
) -> Enrolment:
    """Take in photographs as (file name, bytes) and have them looked at.

    Those that come by an invitation wait for `approve` before they count. Raises NoConsent without consent
    on file, and pictures.Unacceptable for a file that cannot be a photograph; then nothing is taken in.
    """
    if not files:
        raise ValueError("An enrolment needs at least one photograph.")
    sizes = [pictures.measure(data, pictures.PHOTOGRAPH) for _name, data in files]
    with transaction.atomic():
        held = Person.objects.select_for_update().get(pk=person.pk)
        if held.erased or not people.has_consent(held):
            raise NoConsent
        enrolment = Enrolment.objects.create(
            person=person,
            submitted_by=by if isinstance(by, models.Model) else None,
            invitation=invitation,
            needs_approval=invitation is not None,
        )
        for (name, data), (width, height) in zip(files, sizes, strict=True):
            Photograph.objects.create(
                enrolment=enrolment,
                person=person,
                file_name=name[-200:],
                digest=hashlib.sha256(data).digest(),
                sealed=_sealed(person, data),
                width=width,
                height=height,
            )
        audit.record("enrolment.submitted", enrolment, by=by, person=person.pk, photographs=len(files))
        queue.send_on_commit(queue.ENROL, enrolment.pk)
    return enrolment


def _sealed(person: Person, data: bytes) -> bytes:
    return vault.seal(data, wrapped_key=people.key_of(person), about=f"photograph of person:{person.pk}")


def open_photograph(photograph: Photograph) -> bytes:
    """The picture. Raises vault.Sealed when its key is gone: then the person was erased."""
    key = people.PersonKey.objects.filter(person=photograph.person_id).first()
    if key is None:
        raise vault.Sealed(f"photograph:{photograph.pk} has lost its key.")
    return vault.unseal(
        photograph.sealed,
        wrapped_key=bytes(key.wrapped),
        about=f"photograph of person:{photograph.person_id}",
    )


def already_handed_in(person: Person, data: bytes) -> bool:
    return Photograph.objects.filter(person=person, digest=hashlib.sha256(data).digest()).exists()


# --- What a worker does, one photograph at a time -------------------------------------------------


def claim(enrolment_id: object) -> Enrolment | None:
    """The enrolment, held for a few seconds; None if it is finished or another worker has it."""
    now = timezone.now()
    free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
    held = Enrolment.objects.filter(free, pk=enrolment_id, state=Enrolment.State.WAITING).update(
        claimed_until=now + LEASE
    )
    return Enrolment.objects.select_related("person").get(pk=enrolment_id) if held else None


def release(enrolment: Enrolment) -> None:
    Enrolment.objects.filter(pk=enrolment.pk).update(claimed_until=None)


def forgotten() -> list[int]:
    """Waiting enrolments nobody holds, although the queue had time to deliver them."""
    now = timezone.now()
    free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
    waiting = Enrolment.objects.filter(free, state=Enrolment.State.WAITING, submitted__lt=now - FORGOTTEN)
    return list(waiting.order_by("submitted").values_list("pk", flat=True)[:10])


def next_photograph(enrolment: Enrolment) -> Photograph | None:
    """The next one to look at, its try counted before the look; None when all have been judged.

    One that has been tried too often is refused here, so it cannot stop a fourth worker.
    """
    while photograph := enrolment.photographs.filter(state=Photograph.State.WAITING).first():
        if photograph.tries >= MOST_TRIES:
            refuse_photograph(photograph, Fate.WORKER_FAILED)
            continue
        photograph.tries += 1
        photograph.save(update_fields=["tries"])
        return photograph
    return None


def refuse_photograph(
    photograph: Photograph, fate: Fate, *, box: object = None, quality: object = None
) -> None:
    photograph.state, photograph.reason = Photograph.State.REFUSED, fate.value
    photograph.box, photograph.quality = box or photograph.box, quality or photograph.quality
    photograph.save(update_fields=["state", "reason", "box", "quality"])
    Faceprint.objects.filter(photograph=photograph).delete()


@transaction.atomic
def accept_photograph(
    photograph: Photograph,
    vector: Sequence[float],
    *,
    model: str,
    turn: int,
    box: Sequence[float],
    quality: dict[str, float],
    sharp: float | None,
    stored: bytes,
) -> None:
    """The face is good: keep its turned vector (not yet in use) and the picture freed of its metadata.

    The person's row comes first, here as in every function that takes several locks: erasure holds it
    while it deletes, and two that begin at different ends would stop each other.
    """
    Person.objects.select_for_update(no_key=True).get(pk=photograph.person_id)
    photograph.state, photograph.reason = Photograph.State.ACCEPTED, ""
    photograph.box, photograph.quality = list(box), quality
    photograph.sealed = _sealed(photograph.person, stored)
    photograph.save(update_fields=["state", "reason", "box", "quality", "sealed"])
    Faceprint.objects.filter(photograph=photograph).delete()
    gallery.add(photograph.person, vector, model=model, turn=turn, quality=sharp, photograph_id=photograph.pk)


def resemblances(enrolment: Enrolment) -> list[tuple[int, int, float]]:
    """(photograph, other, cosine) of each new faceprint with every other one of the same person.

    `other` is a photograph of the same enrolment, or minus the key of a faceprint already in use.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.photograph_id,
                   CASE WHEN q.enrolment_id = %(enrolment)s THEN b.photograph_id ELSE -b.id END,
                   -(a.vector <#> b.vector)
            FROM access_faceprint a
            JOIN access_photograph p ON p.id = a.photograph_id AND p.enrolment_id = %(enrolment)s
            JOIN access_faceprint b ON b.person_id = a.person_id AND b.id <> a.id
                 AND b.model = a.model AND b.turn_id = a.turn_id
            LEFT JOIN access_photograph q ON q.id = b.photograph_id
            WHERE b.active OR q.enrolment_id = %(enrolment)s
            """,
            {"enrolment": enrolment.pk},
        )
        return [(photograph, other, float(score)) for photograph, other, score in cursor.fetchall()]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A transaction that no other settling of an enrolment overlaps, in any worker.

    Otherwise one face handed in under two badges at the same moment would be put to use twice: each
    search would still find the other's faceprints out of use.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lintel enrolment'))")
        yield


def new_faceprints(enrolment: Enrolment) -> list[Faceprint]:
    return list(Faceprint.objects.filter(photograph__enrolment=enrolment).select_related("photograph"))


@transaction.atomic
def refuse(enrolment: Enrolment) -> None:
    """No photograph of this set can be used; each says why."""
    if _finish(enrolment, Enrolment.State.REFUSED):
        Faceprint.objects.filter(photograph__enrolment=enrolment).delete()
        fates = list(enrolment.photographs.values_list("reason", flat=True))
        audit.record("enrolment.refused", enrolment, by="worker", person=enrolment.person_id, reasons=fates)


@transaction.atomic
def ask_review(enrolment: Enrolment, lookalike: int, score: float) -> None:
    """The face may already be enrolled as somebody else: a human decides, until then it opens nothing."""
    both = Person.objects.filter(pk__in=[enrolment.person_id, lookalike]).order_by("pk")
    list(both.select_for_update(no_key=True))  # before the enrolment's row, as everywhere
    enrolment.lookalike_id, enrolment.lookalike_score = lookalike, score
    if _finish(enrolment, Enrolment.State.REVIEW):
        audit.record(
            "enrolment.to_review", enrolment, by="worker", person=enrolment.person_id, lookalike=lookalike
        )


@transaction.atomic
def complete(enrolment: Enrolment, *, by: object = "worker") -> None:
    """Put the faceprints to use, if the person may still be enrolled at this moment and nobody has yet to
    approve."""
    person = Person.objects.select_for_update().get(pk=enrolment.person_id)
    if person.erased or not people.has_consent(person):
        refuse(enrolment)
        return
    if enrolment.needs_approval:
        if _finish(enrolment, Enrolment.State.APPROVE):
            audit.record("enrolment.to_approve", enrolment, by=by, person=person.pk)
        return
    if _finish(enrolment, Enrolment.State.DONE):
        count = Faceprint.objects.filter(photograph__enrolment=enrolment).update(active=True)
        audit.record("enrolment.done", enrolment, by=by, person=person.pk, faceprints=count)


def _finish(enrolment: Enrolment, state: str) -> bool:
    """True for whoever finishes it; the second of two workers changes nothing."""
    enrolment.state, enrolment.finished = state, timezone.now()
    open_states = [Enrolment.State.WAITING, Enrolment.State.REVIEW, Enrolment.State.APPROVE]
    return bool(
        Enrolment.objects.filter(pk=enrolment.pk, state__in=open_states).update(
            state=state,
            finished=enrolment.finished,
            lookalike=enrolment.lookalike_id,
            lookalike_score=enrolment.lookalike_score,
            claimed_until=None,
        )
    )


@transaction.atomic
def remove_photograph(photograph: Photograph, *, by: object) -> None:
    """The picture and its faceprint are gone. Raises ValueError while a worker may be looking at it."""
    held = Enrolment.objects.select_for_update().get(pk=photograph.enrolment_id)
    if held.state == Enrolment.State.WAITING:
        raise ValueError("This photograph is still being looked at.")
    audit.record("photograph.deleted", f"person:{photograph.person_id}", by=by, photograph=photograph.pk)
    gallery.retire(Faceprint.objects.filter(photograph=photograph), by=by)
    photograph.delete()


# --- What a member of staff does about a doubt ----------------------------------------------------


@transaction.atomic
def settle_review(enrolment: Enrolment, *, different: bool, by: object) -> None:
    """Different people who look alike: the faceprints are used. The same person: they are deleted."""
    Person.objects.select_for_update().get(pk=enrolment.person_id)
    held = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    if held.state != Enrolment.State.REVIEW:
        raise ValueError("This enrolment is not waiting for a review.")
    audit.record(
        "enrolment.reviewed",
        held,
        by=by,
        person=held.person_id,
        lookalike=held.lookalike_id,
        different=different,
    )
    if different:
        complete(held, by=by)
        return
    _finish(held, Enrolment.State.REFUSED)
    Faceprint.objects.filter(photograph__enrolment=held).delete()


@transaction.atomic
def approve(enrolment: Enrolment, *, by: object) -> None:
    """These photographs show this person: the faceprints are used. Raises ValueError if nobody was asked."""
    held = _held_for_approval(enrolment)
    audit.record("enrolment.approved", held, by=by, person=held.person_id)
    Enrolment.objects.filter(pk=held.pk).update(needs_approval=False)
    held.needs_approval = False
    complete(held, by=by)


@transaction.atomic
def reject(enrolment: Enrolment, why: str, *, by: object) -> None:
    """These photographs are not used, for this reason, and are deleted: nobody knows whom they show.

    Raises ValueError if nobody was asked.
    """
    held = _held_for_approval(enrolment)
    audit.record("enrolment.rejected", held, by=by, person=held.person_id)
    _finish(held, Enrolment.State.REFUSED)
    Enrolment.objects.filter(pk=held.pk).update(answer=why.strip()[:200])
    held.photographs.all().delete()  # with their faceprints


def _held_for_approval(enrolment: Enrolment) -> Enrolment:
    Person.objects.select_for_update().get(pk=enrolment.person_id)
    held = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    if held.state != Enrolment.State.APPROVE:
        raise ValueError("This enrolment does not wait for approval.")
    return held
