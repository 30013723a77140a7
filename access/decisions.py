"""One snapshot, one decision: made by whoever comes first, worker or deadline, and never changed."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import attendance, audit, people, policy, snapshots
from access.doorbell import DECIDED, expecting, ring
from access.doors import drivers
from access.people import Person
from access.places import Direction, Door, Kiosk
from access.snapshots import Sent, Snapshot, SnapshotPicture

# How often a waiting request looks for itself, in case the bell was not heard.
LOOK_SECONDS = 0.25


class Decision(models.Model):
    """Personal data: who was where. Never changed; erasure leaves a bare key."""

    snapshot = models.OneToOneField(
        Snapshot, primary_key=True, on_delete=models.CASCADE, related_name="decision"
    )
    granted = models.BooleanField(_("granted"))
    # Text without choices: the list is policy.Reason, and a new reason needs no migration.
    reason = models.CharField(_("reason"), max_length=40, db_index=True)
    person = models.ForeignKey(
        Person,
        verbose_name=_("person"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decisions",
    )
    direction = models.CharField(_("direction"), max_length=4, blank=True)
    at = models.DateTimeField(_("at"), db_index=True)
    # The numbers behind it, for the auditor: model, score, threshold, rate, lead, liveness, quality,
    # milliseconds.
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{'granted' if self.granted else 'refused'}: {self.reason}"

    @property
    def message(self) -> str:
        return policy.MESSAGES[policy.Reason(self.reason)]


@transaction.atomic
def settle(snapshot_id: object, evidence: policy.Evidence | None) -> Decision:
    """Turn evidence into the one decision for this snapshot, and write it down.

    The worker calls this with what it saw; the website calls it with None when the deadline has come.
    Whoever holds the row first decides and the other is handed that decision unchanged, so a late
    worker can never open a door.
    """
    snapshot = (
        Snapshot.objects.select_for_update(of=("self",))
        .select_related("kiosk__door__site")
        .get(pk=snapshot_id)
    )
    if decided := Decision.objects.filter(pk=snapshot.pk).first():
        return decided

    if evidence is None and snapshot.tries >= snapshots.MOST_TRIES:
        # Not merely late: its picture stopped every worker that looked at it. An admin should know.
        evidence = policy.Evidence(problem=policy.Reason.WORKER_FAILED)
    person = _person(evidence)
    moment = _moment(snapshot)
    verdict = policy.decide(moment, evidence, _standing(person, snapshot.kiosk.door))
    direction = ""
    if verdict.granted and person is not None:
        direction = snapshot.direction
        if direction == Direction.AUTO:
            direction = attendance.next_direction(person, snapshot.received)
    decision = Decision.objects.create(
        snapshot=snapshot,
        granted=verdict.granted,
        reason=verdict.reason.value,
        person=person,
        direction=direction,
        at=timezone.now(),
        facts=_facts(evidence, snapshot, moment),
    )
    if verdict.granted and person is not None:
        attendance.note_punch(
            person,
            at=snapshot.received,
            direction=direction,
            explicit=snapshot.direction != Direction.AUTO,
            kiosk=snapshot.kiosk,
            snapshot_id=snapshot.pk,
        )
    audit.record(
        "decision.granted" if verdict.granted else "decision.refused",
        snapshot,
        by=f"kiosk:{snapshot.kiosk_id}",
        reason=verdict.reason.value,
        person=person.pk if person else None,
    )
    SnapshotPicture.objects.filter(pk=snapshot.pk).delete()
    drivers.command(decision)
    ring(DECIDED, snapshot.pk)
    return decision


def _facts(evidence: policy.Evidence | None, snapshot: Snapshot, moment: policy.Moment) -> dict[str, object]:
    demanded = {"demanded": snapshot.kiosk.door.liveness} if moment.must_live else {}
    return (evidence.facts if evidence else {}) | {"tries": snapshot.tries} | demanded


def reach(kiosk: Kiosk, sent: Sent) -> Decision:
    """The decision for what a kiosk posted, by the door's deadline. A repeat gets the first answer.

    Raises snapshots.NonceReused. A picture that its moment already refuses is not looked at: after an
    outage the kiosks' old pictures must not keep the workers from the person who stands there now.
    """
    snapshot, new = snapshots.receive(kiosk, sent)
    if new and not policy.timely(_moment(snapshot)):
        return settle(snapshot.pk, None)
    if new:
        snapshots.tell_workers(snapshot)
    return wait_for(snapshot)


def _moment(snapshot: Snapshot) -> policy.Moment:
    """Read with the row locked, so that waiting for the lock counts."""
    return policy.Moment(
        taken=snapshot.taken,
        received=snapshot.received,
        now=timezone.now(),
        deadline=snapshot.deadline,
        freshness=timedelta(seconds=snapshot.kiosk.door.freshness_seconds),
        must_live=snapshot.kiosk.door.liveness != Door.Liveness.NOTHING,
    )


def _person(evidence: policy.Evidence | None) -> Person | None:
    """The person named, locked: their punches alternate one at a time, and erasure waits for us."""
    if evidence is None or evidence.person is None:
        return None
    return Person.objects.select_for_update(no_key=True).filter(pk=evidence.person, erased=None).first()


def _standing(person: Person | None, door: Door) -> policy.Standing | None:
    if person is None:
        return None
    return policy.Standing(
        active=person.active,
        consented=people.has_consent(person),
        admitted=door.admits.filter(people=person).exists(),
    )


def wait_for(snapshot: Snapshot) -> Decision:
    """The decision, as soon as there is one; at the deadline, the refusal made here and now."""
    # All that an answer tells, in one query.
    decided = Decision.objects.select_related("person", "snapshot__punch").filter(pk=snapshot.pk)
    with expecting(snapshot.pk) as bell:
        while (left := (snapshot.deadline - timezone.now()).total_seconds()) > 0:
            if decision := decided.first():
                return decision
            _give_connection_back()
            bell.wait(min(left, LOOK_SECONDS))
    return settle(snapshot.pk, None)


def _give_connection_back() -> None:
    """While a request waits, its connection serves others: few connections carry many kiosks."""
    if settings.DATABASE_POOL and not connection.in_atomic_block:
        connection.close()
