"""The outbox: one row per event and endpoint, written by triggers of the database with the event itself.

Promise: nothing is lost and nothing is noted twice. What was sent and not acknowledged is sent again under
the same id; connectors get punches one after the other in the order in which they were written.
"""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, queue, vault
from access.attendance import Punch
from access.hooks import endpoints, events, frappe, odoo, webhook
from access.hooks.endpoints import Endpoint, Kind
from access.hooks.outcome import Fate, Outcome

# After the first failure, the second, …; the last one again and again until GIVE_UP_AFTER.
PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 2 * 3600, 4 * 3600, 6 * 3600)
)
GIVE_UP_AFTER = timedelta(hours=24)
# Longer than any attempt takes: whoever died in the middle of one is followed by another after this.
LEASE = timedelta(seconds=60)
# Failures in a row after which an endpoint is left alone for this round: a dead one must not hold up others.
MOST_MISSES = 3
KEPT = timedelta(days=30)


class State(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


STATE_WORDS = {
    State.PENDING: _("waiting"),
    State.DELIVERED: _("delivered"),
    State.REFUSED: _("refused"),
    State.GIVEN_UP: _("given up"),
}


class Delivery(models.Model):
    """No personal data: the key of a fact. Deleted 30 days after it was settled."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, verbose_name=_("endpoint"), on_delete=models.CASCADE, related_name="deliveries"
    )
    # Text without choices: the lists are endpoints.Event and State.
    event = models.CharField(_("event"), max_length=30)
    key = models.CharField(_("about"), max_length=40)
    made = models.DateTimeField(_("made"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, default=State.PENDING.value)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    next_try = models.DateTimeField(_("next try"), default=timezone.now)
    finished = models.DateTimeField(_("finished"), null=True)
    status = models.PositiveIntegerField(_("HTTP status"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-made"]
        constraints = [
            models.UniqueConstraint("endpoint", "event", "key", name="one_delivery_per_event_and_endpoint")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_try"],
                name="deliveries_due",
                condition=models.Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"delivery:{self.pk}"

    @property
    def message_id(self) -> str:
        return f"msg_{self.pk.hex}"


def try_out(endpoint: Endpoint, *, by: object = None) -> Delivery:
    """A harmless event for a webhook, on its way at once."""
    with transaction.atomic():
        made = Delivery.objects.create(endpoint=endpoint, event=events.TEST, key=uuid.uuid4().hex)
        audit.record("endpoint.tested", endpoint, by=by)
        queue.send_on_commit(queue.DELIVER, endpoint.pk)
    return made


@transaction.atomic
def again(delivery: Delivery, *, by: object = None) -> bool:
    """True if what was refused or given up is on its way again, for another 24 hours."""
    ended = [State.REFUSED.value, State.GIVEN_UP.value]
    now = timezone.now()
    found = Delivery.objects.filter(pk=delivery.pk, state__in=ended)
    if not found.update(state=State.PENDING.value, tries=0, next_try=now, made=now, finished=None):
        return False
    audit.record("endpoint.sent_again", delivery.endpoint, by=by, delivery=str(delivery.pk))
    queue.send_on_commit(queue.DELIVER, delivery.endpoint_id)
    return True


def due() -> models.QuerySet[Endpoint]:
    """Endpoints with something to be sent now."""
    waiting = Delivery.objects.filter(
        endpoint=models.OuterRef("pk"), state=State.PENDING.value, next_try__lte=timezone.now()
    )
    return Endpoint.objects.filter(models.Exists(waiting), active=True)


def work_round() -> int:
    """Send what is due, an endpoint at a time; how many attempts were made. Safe to run beside itself."""
    attempts = 0
    for endpoint in due():
        missed = 0
        while missed < MOST_MISSES and (delivery := claim(endpoint)) is not None:
            outcome = attempt(delivery)
            settle(delivery, outcome)
            attempts += 1
            missed = missed + 1 if outcome.fate in {Fate.AGAIN, Fate.GONE} else 0
    return attempts


@transaction.atomic
def claim(endpoint: Endpoint) -> Delivery | None:
    """The next delivery of this endpoint, ours for LEASE; its try is counted before it is made."""
    held = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk, active=True).first()
    if held is None:
        return None
    now = timezone.now()
    waiting = Delivery.objects.filter(endpoint=held, state=State.PENDING.value)
    if held.kind == Kind.WEBHOOK:
        found = waiting.filter(next_try__lte=now).order_by("next_try").first()
    else:
        # The oldest or nothing: an "out" that overtakes its "in" would find nothing to close.
        found = waiting.order_by("made", "pk").first()
    if found is None or found.next_try > now:
        return None
    found.next_try, found.tries, found.endpoint = now + LEASE, found.tries + 1, held
    found.save(update_fields=["next_try", "tries"])
    return found


def attempt(delivery: Delivery) -> Outcome:
    """One attempt, outside of any transaction."""
    endpoint = delivery.endpoint
    try:
        secret = endpoints.secret_of(endpoint)
    except vault.Sealed:
        return Outcome(Fate.AGAIN, error="its secret does not open: set it anew")
    if endpoint.kind != Kind.WEBHOOK:
        punch = Punch.objects.select_related("person", "kiosk").filter(pk=delivery.key).first()
        if punch is None or punch.person.erased:
            return Outcome(Fate.REFUSED, error="nobody is behind this punch any more")
        return (frappe if endpoint.kind == Kind.FRAPPE else odoo).deliver(endpoint, secret, punch)
    data = events.told(delivery.event, delivery.key, names=endpoint.names)
    if data is None:
        return Outcome(Fate.REFUSED, error="what it told of is gone")
    event = {"type": delivery.event, "timestamp": events.iso(delivery.made), "data": data}
    return webhook.deliver(endpoint, secret, delivery.message_id, event, timezone.now())


@transaction.atomic
def settle(delivery: Delivery, outcome: Outcome) -> None:
    """Write down what an attempt came to, and when the next one is."""
    now = timezone.now()
    delivery.status, delivery.error = outcome.status, outcome.error[:200]
    if outcome.fate is Fate.DELIVERED:
        delivery.state, delivery.finished = State.DELIVERED.value, now
    elif outcome.fate is Fate.REFUSED:
        delivery.state, delivery.finished = State.REFUSED.value, now
    else:
        _later(delivery, now)
    if outcome.fate is Fate.GONE:
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(active=False, disabled=now)
        audit.record("endpoint.disabled", delivery.endpoint, by="worker", status=outcome.status)
    delivery.save(update_fields=["status", "error", "state", "finished", "next_try"])


def _later(delivery: Delivery, now: datetime) -> None:
    pause = PAUSES[min(delivery.tries, len(PAUSES)) - 1]
    if now + pause > delivery.made + GIVE_UP_AFTER:
        delivery.state, delivery.finished = State.GIVEN_UP.value, now
    else:
        delivery.next_try = now + pause


def tidy(now: datetime) -> int:
    """How many settled deliveries were old enough to go."""
    count, _rows = Delivery.objects.filter(finished__lt=now - KEPT).delete()
    return count


def backlog() -> models.QuerySet[Endpoint, dict[str, object]]:
    """Endpoints with how much waits for them (`waiting`) since when (`since`)."""
    pending = models.Q(deliveries__state=State.PENDING.value)
    return Endpoint.objects.annotate(
        waiting=models.Count("deliveries", filter=pending),
        since=models.Min("deliveries__made", filter=pending),
    ).order_by(F("since").asc(nulls_last=True), "name")
