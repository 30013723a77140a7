"""What the first page shows of this moment, asked again every few seconds while somebody looks.

Promise: each part only for whoever may see its table, and of people only those whom the login reaches.
"""

import zoneinfo
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.admin import lockdown
from access.admin.days import at_site
from access.attendance import Punch
from access.decisions import Decision
from access.doors import alarms
from access.doors.contacts import DoorEvent, State
from access.doors.reasons import reason_words
from access.hours import reach, roll
from access.kept import KeptPicture
from access.places import Door, Kiosk, Site

LATEST = 10
DAY = timedelta(hours=24)
MOST_ALARMS = 6
MOST_DOORS = 12
MOST_KIOSKS = 12
MOST_SITES = 12
MOST_NAMES = 8
# The roll of a thousand people takes a moment: it is called at most this often for one login.
ROLL_SECONDS = 30
# A kiosk silent for this long is worth a look; a clock off by more is.
KIOSK_SILENCE = timedelta(minutes=15)
CLOCK_OFF_MS = 2000
STATES = {
    State.OPEN: _("open"),
    State.CLOSED: _("closed"),
    State.HELD: _("held open"),
    State.FORCED: _("forced"),
}


def live(request: HttpRequest) -> HttpResponse:
    """The part of the first page that changes by itself."""
    if not admin.site.has_permission(request):
        return HttpResponse(status=403)
    return TemplateResponse(request, "access/live.html", shown(request))


def shown(request: HttpRequest) -> dict[str, Any]:
    """All parts that this login may see; None for the others."""
    now = timezone.now()
    may = request.user.has_perm
    return {
        "now": now,
        "roll": today(request, now) if may("access.view_punch") and may("access.view_person") else None,
        "alarms": open_alarms(request) if may("access.view_alarm") else None,
        "may_acknowledge": may("access.acknowledge_alarm"),
        "sites": lockdowns() if may(lockdown.RIGHT) and may("access.view_site") else None,
        "doors": doors(request, now) if may("access.view_door") and may("access.view_decision") else None,
        "latest": latest(request) if may("access.view_decision") else None,
        "reasons": reasons(request, now) if may("access.view_decision") else None,
        "speed": speed(now) if may("access.view_decision") else None,
        "arrivals": arrivals(request, now) if may("access.view_punch") else None,
        "kiosks": kiosks(now) if may("access.view_kiosk") else None,
    }


def today(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """How many are in, late, missing and on leave, and the names of those somebody should look after."""

    def called() -> dict[str, Any]:
        people = list(reach.people_for(request.user).filter(active=True, erased=None).order_by("name"))
        calls = roll.call(people, now)
        states = Counter(one.state for one in calls)
        names = {
            state: [(one.person.pk, one.person.name) for one in calls if one.state == state]
            for state in ("late", "missing", "leave")
        }
        return {
            "inside": sum(one.inside for one in calls),
            "people": len(calls),
            **{state: states[state] for state in ("late", "missing", "leave")},
            "names": {state: found[:MOST_NAMES] for state, found in names.items()},
            "more": {state: max(len(found) - MOST_NAMES, 0) for state, found in names.items()},
        }

    return cache.get_or_set(f"roll:{request.user.pk}", called, ROLL_SECONDS)  # type: ignore[no-any-return]


def open_alarms(request: HttpRequest) -> dict[str, Any]:
    found = waiting_alarms(request).select_related("door__site", "kiosk__door__site", "person")
    rows = list(found[: MOST_ALARMS + 1])
    return {"rows": rows[:MOST_ALARMS], "count": found.count() if len(rows) > MOST_ALARMS else len(rows)}


def waiting_alarms(request: HttpRequest) -> QuerySet[Any]:
    """Those about nobody, and about people whom the login reaches."""
    return reach.within(request.user, alarms.unacknowledged(), nobody=True)


def doors(request: HttpRequest, now: datetime) -> list[dict[str, Any]]:
    """Doors with what they are and the last passage, in two queries."""
    rows = list(Door.objects.select_related("site").order_by("site__name", "name")[:MOST_DOORS])
    keys = [door.pk for door in rows]
    last = {
        decision.snapshot.kiosk.door_id: decision
        for decision in reach.within(request.user, Decision.objects.all())
        .filter(snapshot__kiosk__door__in=keys, at__gt=now - timedelta(days=7))
        .select_related("person", "snapshot__kiosk")
        .order_by("snapshot__kiosk__door_id", "-at")
        .distinct("snapshot__kiosk__door_id")
    }
    contacts = {
        event.door_id: event
        for event in DoorEvent.objects.filter(door__in=keys)
        .exclude(state=State.EXIT.value)
        .order_by("door_id", "-at", "-id")
        .distinct("door_id")
    }
    return [_door(door, last.get(door.pk), contacts.get(door.pk)) for door in rows]


def _door(door: Door, last: Decision | None, event: DoorEvent | None) -> dict[str, Any]:
    state = event.state if event else ""
    locked, mode = door.site.locked_down is not None, door.mode_at(timezone.now())
    return {
        "door": door,
        "mode": _("locked down") if locked else Door.Mode(mode).label,
        "alarming": locked or state in (State.FORCED, State.HELD),
        "normal": not locked and mode == Door.Mode.NORMAL,
        "state": STATES.get(state, "") if state else "",  # type: ignore[call-overload]
        "last": last,
        "when": clock_time(last.at, door.site.zone) if last else "",
        "why": reason_words(last.reason) if last else "",
    }


def lockdowns() -> dict[str, Any]:
    """The sites that are locked down, with since when, by whom and why; and those that can be."""
    rows = list(Site.objects.select_related("lockdown_by")[:MOST_SITES])
    return {
        "down": [(site, lockdown.told(site)) for site in rows if site.locked_down],
        "open": [site for site in rows if not site.locked_down],
    }


def latest(request: HttpRequest) -> list[dict[str, Any]]:
    """The last passages and refusals, newest first."""
    found = reach.within(request.user, Decision.objects.select_related("person"))
    rows = found.select_related("snapshot__kiosk__door__site")[:LATEST]
    pictures: set[Any] = set()
    if request.user.has_perm("access.view_keptpicture"):
        rows = list(rows)
        among = KeptPicture.objects.filter(pk__in=[row.pk for row in rows])
        pictures = set(among.values_list("pk", flat=True))
    return [
        {
            "row": row,
            "picture": row.pk in pictures,
            "door": row.snapshot.kiosk.door,
            "when": clock_time(row.at, row.snapshot.kiosk.door.site.zone),
            "full": at_site(row.at, row.snapshot.kiosk.door.site.zone),
            "short": row.reason.replace("_", " "),
            "why": reason_words(row.reason),
        }
        for row in rows
    ]


def reasons(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The last 24 hours by reason: sites lie in different zones, so "today" would be a different day each."""
    found = reach.within(request.user, Decision.objects.filter(at__gt=now - DAY))
    rows = list(
        found.order_by()
        .values_list("granted", "reason")
        .annotate(n=Count("snapshot"))
        .order_by("-granted", "-n")
    )
    most = max((count for _granted, _reason, count in rows), default=1)
    return {
        "granted": sum(count for granted, _reason, count in rows if granted),
        "refused": sum(count for granted, _reason, count in rows if not granted),
        "lines": [
            {
                "granted": granted,
                "reason": reason,
                "words": reason_words(reason),
                "count": count,
                "share": round(100 * count / most),
            }
            for granted, reason, count in rows
        ],
    }


def speed(now: datetime) -> dict[str, Any] | None:
    """Milliseconds from a picture's receipt to its decision over the last day: half and 95 % of them, whole
    and by the hour as bars of a drawing 96 wide and 40 high; None without any."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('hour', d.at), count(*), percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP"
            " (ORDER BY extract(epoch FROM d.at - s.received))"
            " FROM access_decision d JOIN access_snapshot s ON s.id = d.snapshot_id"
            " WHERE d.at > %s AND s.kind IN ('snapshot', 'crop')"
            " GROUP BY GROUPING SETS ((date_trunc('hour', d.at)), ())",
            [now - DAY],
        )
        rows = {hour: (count, *shares) for hour, count, shares in cursor.fetchall() if count}
    if not rows:
        return None
    count, half, most = rows.pop(None)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    tallest = max(p95 for _count, _p50, p95 in rows.values()) or 1
    bars = [
        {
            "x": 92 - 4 * round((this_hour - hour) / timedelta(hours=1)),
            "p50": round(p50 * 1000),
            "p95": round(p95 * 1000),
            "low": round(40 * p50 / tallest, 1),
            "high": round(40 * p95 / tallest, 1),
            "low_y": round(40 - 40 * p50 / tallest, 1),
            "high_y": round(40 - 40 * p95 / tallest, 1),
            "ago": round((this_hour - hour) / timedelta(hours=1)),
            "count": counted,
        }
        for hour, (counted, p50, p95) in sorted(rows.items())
    ]
    return {"count": count, "p50": round(half * 1000), "p95": round(most * 1000), "bars": bars}


def arrivals(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Arrivals of today by quarter of an hour, in the first site's zone, as bars of a drawing 96 wide."""
    site = Site.objects.order_by("pk").first()
    zone = zoneinfo.ZoneInfo(site.zone if site else "UTC")
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = reach.within(request.user, Punch.objects.filter(at__gte=midnight, direction=Punch.Way.IN))
    quarters = Counter(
        (at.astimezone(zone).hour * 60 + at.astimezone(zone).minute) // 15
        for at in found.order_by().values_list("at", flat=True)
    )
    most = max(quarters.values(), default=0)
    bars = [
        {
            "x": quarter,
            "height": round(40 * count / most, 1),
            "y": round(40 - 40 * count / most, 1),
            "count": count,
            "from": f"{quarter // 4:02}:{quarter % 4 * 15:02}",
        }
        for quarter, count in sorted(quarters.items())
    ]
    return {"bars": bars, "most": most, "total": sum(quarters.values()), "zone": zone.key}


def kiosks(now: datetime) -> list[dict[str, Any]]:
    """Kiosks, those that need a look first."""
    rows = Kiosk.objects.filter(active=True).select_related("door__site")
    found = [_kiosk(kiosk, now) for kiosk in rows]
    return sorted(found, key=lambda one: (not one["look"], one["kiosk"].name))[:MOST_KIOSKS]


def _kiosk(kiosk: Kiosk, now: datetime) -> dict[str, Any]:
    silent = kiosk.last_seen is None or now - kiosk.last_seen > KIOSK_SILENCE
    off = abs(kiosk.clock_offset_ms or 0) > CLOCK_OFF_MS
    return {
        "kiosk": kiosk,
        "silent": silent,
        "look": silent or off or bool(kiosk.queued),
        "seen": at_site(kiosk.last_seen, kiosk.door.site.zone) if kiosk.last_seen else "",
        "clock": round((kiosk.clock_offset_ms or 0) / 1000, 1) if kiosk.clock_offset_ms is not None else None,
        "clock_off": off,
    }


def clock_time(moment: datetime, zone: str) -> str:
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).strftime("%H:%M:%S")
