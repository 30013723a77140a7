"""One snapshot, one decision: made by whoever comes first, worker or deadline, and never changed."""

from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import attendance, audit, cases, kept, people, policy, snapshots
from access.attendance import Punch
from access.cases import Gathered
from access.doorbell import DECIDED, expecting, ring
from access.doors import alarms, drivers, history, modes, passback
from access.people import Person
from access.places import Direction, Kiosk
from access.policy import Evidence, Proof, Reason, Verdict
from access.snapshots import Credentials, Sent, Snapshot, SnapshotPicture

# How often a waiting request looks for itself, in case the bell was not heard.
LOOK_SECONDS = 0.25
# So many suspicious refusals in a row at one kiosk, within this time, raise an alarm.
REFUSALS, REFUSALS_WITHIN = 3, timedelta(minutes=5)


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
    # What it was made from, for the auditor: the numbers of the eyes (model, score, threshold, rate, lead,
    # liveness, quality, milliseconds), what was shown, and the explanation. Nobody's name, card or PIN.
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-at"]
        permissions = [("see_match", "Can see whom a face resembled, and how nearly")]

    def __str__(self) -> str:
        return f"{'granted' if self.granted else 'refused'}: {self.reason}"

    @property
    def message(self) -> str:
        return policy.MESSAGES[policy.Reason(self.reason)]

    @property
    def explanation(self) -> str:
        """Why, in one sentence with the facts of that moment, in the reader's language. For staff."""
        kept = self.facts.get("explanation")
        return gettext(kept["words"]) % kept["values"] if kept else ""

    @property
    def tells_who(self) -> bool:
        """Whether the kiosk may be told whose face, card or PIN it was."""
        passed = self.granted or self.reason == policy.Reason.NOTED
        return passed and self.person_id is not None and bool(self.facts.get("proven", True))

    @property
    def needs(self) -> list[str]:
        """What would do next, any one of them: face, card, pin, badge_pin."""
        return list(self.facts.get("needs", []))

    @property
    def step(self) -> object | None:
        """What a following pass names in `after`, so that nobody is photographed twice."""
        seen = "face" in self.facts.get("shown", [])
        return self.pk if self.needs and seen and not self.granted else None


@transaction.atomic
def settle(snapshot_id: object, evidence: Evidence | None, *, given: Credentials | None = None) -> Decision:
    """Turn evidence into the one decision for this snapshot, and write it down.

    The worker calls this with what it saw; the website calls it with None when the deadline has come.
    Whoever holds the row first decides and the other is handed that decision unchanged, so a late
    worker can never open a door. `given` is what was shown without a picture; beside one it lies sealed.
    """
    rules = history.version()
    snapshot = (
        Snapshot.objects.select_for_update(of=("self",))
        .select_related("kiosk__door__site", "picture")
        .defer("picture__sealed", "picture__frames")
        .get(pk=snapshot_id)
    )
    if decided := Decision.objects.filter(pk=snapshot.pk).first():
        return decided

    if evidence is None and snapshot.tries >= snapshots.MOST_TRIES:
        # Not merely late: its picture stopped every worker that looked at it. An admin should know.
        evidence = Evidence(problem=Reason.WORKER_FAILED)
    if given is None:
        given = snapshots.credentials_of(getattr(snapshot, "picture", None))
    step_age = None
    if snapshot.after_id is not None:
        evidence, step_age = _step(snapshot)
    gathered = cases.gather(snapshot, evidence, given, step_age=step_age, rules=rules)
    decision = _write_down(snapshot, gathered, policy.decide(gathered.case))
    if getattr(snapshot, "picture", None) is not None:
        kept.keep(snapshot, decision.person)
        SnapshotPicture.objects.filter(pk=snapshot.pk).delete()
    drivers.command(decision)
    ring(DECIDED, snapshot.pk)
    return decision


def _step(snapshot: Snapshot) -> tuple[Evidence | None, timedelta]:
    """The face of the decision that this one carries on from, and how old it is; too old if it cannot be."""
    before = Decision.objects.filter(pk=snapshot.after_id).first()
    used = Decision.objects.filter(snapshot__after=snapshot.after_id, granted=True).exists()
    if before is None or before.step is None or used:
        return None, timedelta.max
    judged = before.facts.get("liveness") or {}
    live, by = judged.get("live"), judged.get("method", "")
    age = snapshot.received - before.at
    if before.reason == Reason.AMBIGUOUS:
        people = tuple(before.facts.get("people", ()))
        doubt = Evidence(Reason.AMBIGUOUS, live=live, judged_by=by, people=people)
        return replace(doubt, facts={"people": people}), age
    return Evidence(person=before.person_id, live=live, judged_by=by), age


def _write_down(snapshot: Snapshot, gathered: Gathered, verdict: Verdict) -> Decision:
    person, now = gathered.person, timezone.now()
    passed = verdict.granted or verdict.reason is Reason.NOTED
    direction = cases.direction(person, snapshot) if passed and verdict.proven and person else ""
    decision = Decision.objects.create(
        snapshot=snapshot,
        granted=verdict.granted,
        reason=verdict.reason.value,
        person=person,
        direction=direction,
        at=now,
        facts=_facts(snapshot, gathered, verdict),
    )
    if passed and verdict.punch and person is not None:
        _punch(person, snapshot, direction, _source(gathered.case.shown))
    if verdict.granted and verdict.proven and person is not None:
        passback.move(person, snapshot.kiosk.door, direction, now=now)
        people.note_seen(person, now)
    if verdict.granted and gathered.companion is not None:
        _let_companion_in(gathered)
    if gathered.memory is not None:
        modes.remember(gathered.memory, verdict, person=person, snapshot=snapshot.pk, now=now)
    audit.record(
        "decision.granted" if verdict.granted else "decision.refused",
        snapshot,
        by=f"kiosk:{snapshot.kiosk_id}",
        reason=verdict.reason.value,
        person=person.pk if person else None,
    )
    _raise_alarms(decision, gathered, verdict)
    return decision


def _punch(person: Person, snapshot: Snapshot, direction: str, source: str) -> None:
    attendance.note_punch(
        person,
        at=snapshot.received,
        direction=direction,
        explicit=snapshot.direction != Direction.AUTO,
        source=source,
        kiosk=snapshot.kiosk,
        snapshot_id=snapshot.pk,
    )


def _source(shown: policy.Shown) -> str:
    if shown.picture:
        return Punch.Source.KIOSK
    return Punch.Source.CARD if shown.card is not None else Punch.Source.PIN


def _let_companion_in(gathered: Gathered) -> None:
    """The first of two people goes through with the second: in the zone, and in the timesheet if they may."""
    memory, companion = gathered.memory, gathered.companion
    if memory is None or companion is None or memory.waiting_since is None:
        return
    first = Decision.objects.select_related("snapshot__kiosk__door__site").get(pk=memory.waiting_snapshot)
    direction = cases.direction(companion, first.snapshot)
    if first.facts.get("punch"):
        _punch(companion, first.snapshot, direction, first.facts["source"])
    passback.move(companion, first.snapshot.kiosk.door, direction, now=timezone.now())


def _facts(snapshot: Snapshot, gathered: Gathered, verdict: Verdict) -> dict[str, object]:
    case = gathered.case
    shown = [("face", case.shown.picture), ("card", case.shown.card), ("badge", case.shown.badge)]
    shown.append(("pin", case.shown.pin))
    explained = policy.explain(case, verdict)
    found: dict[str, object] = {
        "tries": snapshot.tries,
        "shown": [name for name, there in shown if there],
        "proven": verdict.proven,
        "explanation": {"words": explained.words, "values": explained.values},
        "source": _source(case.shown),
        "case": policy.note(case, gathered.at),
        "rules": gathered.rules,
    }
    optional = {
        "demanded": case.moment.live_by or None,
        "card": gathered.card.pk if gathered.card else None,
        "needs": list(verdict.needs),
        "noticed": verdict.noticed,
        "punch": verdict.punch,
        "companion": gathered.companion.pk if gathered.companion and verdict.granted else None,
    }
    seen = case.evidence.facts if case.evidence else {}
    return seen | found | {name: value for name, value in optional.items() if value}


def _raise_alarms(decision: Decision, gathered: Gathered, verdict: Verdict) -> None:
    kiosk, person = decision.snapshot.kiosk, gathered.person
    where = {"door": kiosk.door, "kiosk": kiosk}
    if gathered.case.shown.pin is Proof.DURESS and person is not None:
        # Whatever the rule says: somebody who was refused is under duress all the same.
        alarms.raise_alarm(
            alarms.Kind.DURESS, person, person=person, silent=True, decision=str(decision.pk), **where
        )
    if gathered.card is not None and gathered.card.ended == gathered.card.Ended.LOST:
        lost = gathered.card
        alarms.raise_alarm(
            alarms.Kind.LOST_CARD, lost, person=lost.person, decision=str(decision.pk), **where
        )
    if verdict.reason is Reason.TOO_MANY_TRIES:
        alarms.raise_alarm(alarms.Kind.PIN_GUESSING, kiosk, decision=str(decision.pk), **where)
    if verdict.reason in policy.SUSPICIOUS and (run := _refusals(decision)) % REFUSALS == 0:
        alarms.raise_alarm(alarms.Kind.REFUSALS, kiosk, refusals=run, decision=str(decision.pk), **where)


def _refusals(decision: Decision) -> int:
    """How many suspicious refusals this one ends at its kiosk without anything else between."""
    since = decision.at - REFUSALS_WITHIN
    latest = Decision.objects.filter(snapshot__kiosk=decision.snapshot.kiosk_id, at__gt=since)
    run = 0
    for reason in latest.order_by("-at").values_list("reason", flat=True)[:60]:
        if reason not in policy.SUSPICIOUS:
            break
        run += 1
    return run


def reach(kiosk: Kiosk, sent: Sent) -> Decision:
    """The decision for what a kiosk posted, by the door's deadline. A repeat gets the first answer.

    Raises snapshots.NonceReused and UnknownStep. A picture that its moment already refuses is not looked at:
    after an outage the kiosks' old pictures must not keep the workers from the person who stands there now.
    """
    if sent.image is None:
        return _reach_without_picture(kiosk, sent)
    snapshot, new = snapshots.receive(kiosk, sent)
    if new and not (policy.timely(cases.moment(snapshot)) and _in_use(snapshot)):
        return settle(snapshot.pk, None)
    if new:
        snapshots.tell_workers(snapshot)
    return wait_for(snapshot)


@transaction.atomic
def _reach_without_picture(kiosk: Kiosk, sent: Sent) -> Decision:
    """Decided here and now: nobody has to look. Post and decision are committed together or not at all."""
    snapshot, _new = snapshots.receive(kiosk, sent)
    return settle(snapshot.pk, None, given=sent.credentials)


def _in_use(snapshot: Snapshot) -> bool:
    """A picture that can have no effect is not looked at."""
    site = snapshot.kiosk.door.site
    return site.keeps_access or site.keeps_attendance


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
