"""A kiosk that was alone tells what it did: in order, then shuffled, split and told again and again.

`python -m tests.load offline --events 5000 --replays 5`. Everything is made in transactions that are rolled
back, through the API's own views; what both tellings leave behind must be the same.
"""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.test import Client, override_settings

from access.models import Alarm, AuditEntry, Decision, Door, OfflineEvent, Presence, Punch
from tests import factories
from tests.kiosk.tablet import Alone, paired, results

BATCH = 500


def run(events: int, replays: int, seed: int = 0) -> dict[str, Any]:
    """Seconds, counts, and whether the state was the same both times."""
    with transaction.atomic(), override_settings(ALLOWED_HOSTS=["testserver"]):
        alone, told = _story(events, random.Random(seed))
        begin = time.perf_counter()
        once = undone(lambda: _in_order(alone, told))
        middle = time.perf_counter()
        again = undone(lambda: replay(alone, told, random.Random(seed + 1), replays=replays, most=BATCH))
        end = time.perf_counter()
        transaction.set_rollback(True)
    return {
        "events": events,
        "replays": replays,
        "decisions": len(once["decisions"]),
        "punches": len(once["punches"]),
        "conflicts": sum(row[-1] is not None for row in once["events"]),
        "seconds_in_order": round(middle - begin, 1),
        "seconds_shuffled": round(end - middle, 1),
        "equal": once == again,
        "differs": [name for name in once if once[name] != again[name]],
    }


def _story(events: int, chance: random.Random) -> tuple[Alone, list[dict[str, Any]]]:
    """Twenty people, one more who may not pass, and a wrong PIN now and then. Nobody's PIN is on file, so
    that each grant is a conflict with its alarm: the most work there can be. A punch each millisecond, so
    that all of them lie after the rules, which the database dates by its own clock."""
    site = factories.site("Offline load")
    door = factories.door(site, "Load door", offline=Door.Offline.ALLOW_CACHED)
    crew = factories.Gallery.objects.create(name="Offline load")
    door.admits.add(crew)
    people = [factories.person(badge=f"LOAD-{n}") for n in range(21)]
    crew.people.add(*people[:20])
    kiosk, _key = factories.kiosk(door)
    connection.check_constraints()  # what a commit does to the kept rules
    time.sleep(1 + events / 1000)
    alone = Alone(paired(Client(), kiosk))
    told = []
    for n in range(events):
        if chance.random() < 0.1:
            no = {"granted": False, "reason": "credential_refused", "direction": "", "credential": ""}
            told.append(alone.event(events - n, **no))
            continue
        who, way = chance.choice(people).pk, chance.choice(["in", "out"])
        told.append(alone.event(events - n, person=who, direction=way))
    return alone, told


def _in_order(alone: Alone, told: list[dict[str, Any]]) -> None:
    for first in range(0, len(told), BATCH):
        batch = told[first : first + BATCH]
        _progress("in order", first + len(batch), len(told))
        results(alone.tell(batch, left=len(told) - first - len(batch)))


def replay(
    alone: Alone, told: list[dict[str, Any]], chance: random.Random, *, replays: int = 5, most: int = 25
) -> None:
    """All of it so many times, each time in another order and in other pieces."""
    for number in range(replays):
        order = chance.sample(told, len(told))
        while order:
            size = min(len(order), chance.randint(1, most))
            batch, order = order[:size], order[size:]
            if most == BATCH:
                _progress(f"shuffled, {number + 1} of {replays}", len(told) - len(order), len(told))
            results(alone.tell(batch, left=len(order) if number == 0 else 0))


def _progress(what: str, done: int, of: int) -> None:
    print(f"{what}: {done} of {of}", file=sys.stderr, flush=True)


def undone(tell: Callable[[], object]) -> dict[str, Any]:
    """What telling leaves behind; afterwards nothing of it is there."""
    with transaction.atomic():
        tell()
        found = state()
        transaction.set_rollback(True)
    return found


def state() -> dict[str, Any]:
    """All that events leave behind, without what only the telling decides: keys, and when it was told."""
    events = OfflineEvent.objects.order_by("line", "seq")
    # As a list: Postgres has no statistics of rows that nobody has committed, and would join them one by one.
    nonces = list(events.values_list("snapshot__nonce", flat=True))
    decisions = Decision.objects.filter(snapshot__nonce__in=nonces).order_by("snapshot__nonce")
    punches = Punch.objects.filter(snapshot__nonce__in=nonces).order_by("origin")
    granted = AuditEntry.objects.filter(action__startswith="decision.", action__endswith="_offline")
    return {
        "decisions": list(
            decisions.values_list("snapshot__nonce", "granted", "reason", "person", "direction", "at")
        ),
        "punches": list(punches.values_list("origin", "person", "at", "direction", "explicit", "suspect")),
        "events": list(events.values_list("seq", "snapshot__nonce", "clock", "conflict")),
        "alarms": sorted(Alarm.objects.filter(ended=None).values_list("kind", "times")),
        "inside": list(Presence.objects.order_by("person").values_list("zone", "person", "since")),
        "trail": granted.count(),
    }
