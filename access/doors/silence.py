"""Kiosks that have fallen silent: an alarm for each, once, until they are heard again.

Demo sites are left out: their kiosks are nobody's.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from access.doors import alarms
from access.doors.alarms import Alarm, Kind
from access.places import Kiosk


def find_silent() -> int:
    """How many kiosks are silent now. One that was never heard is not silent but new."""
    limit = timezone.now() - timedelta(seconds=settings.KIOSK_SILENCE_SECONDS)
    silent = list(
        Kiosk.objects.select_related("door").filter(active=True, last_seen__lt=limit, door__site__demo=False)
    )
    for kiosk in silent:
        alarms.stands_or_falls(
            Kind.KIOSK_SILENT,
            kiosk,
            wrong=True,
            door=kiosk.door,
            kiosk=kiosk,
            last_seen=kiosk.last_seen.isoformat() if kiosk.last_seen else None,
        )
    told = Alarm.objects.filter(kind=Kind.KIOSK_SILENT.value, ended=None).exclude(kiosk=None)
    for alarm in told.exclude(kiosk__in=[kiosk.pk for kiosk in silent]):
        alarms.end(Kind.KIOSK_SILENT, alarm.subject)
    return len(silent)
