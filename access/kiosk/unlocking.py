"""The PIN that lets staff leave the kiosk page or open its settings: of the site, stored as a password is.

Promise: guessing gets slower with every wrong try, per kiosk, and locks nobody out elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import models, transaction
from django.utils import timezone

from access import audit
from access.places import Kiosk, Site

FREE_TRIES = 3
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
LEAST_DIGITS = 6


class UnlockTries(models.Model):
    """No personal data. Wrong PINs in a row at one kiosk; emptied by a right one."""

    kiosk = models.OneToOneField(Kiosk, primary_key=True, on_delete=models.CASCADE, related_name="+")
    failures = models.PositiveSmallIntegerField(default=0)
    after = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"tries at kiosk:{self.kiosk_id}"


@dataclass(frozen=True)
class Answer:
    """`unlocked`, or when to try again (`after`, None: at once)."""

    unlocked: bool
    after: datetime | None = None


@transaction.atomic
def set_pin(site: Site, pin: str, *, by: object = None) -> None:
    """Raises ValueError for a PIN that is not six digits or more."""
    if not (pin.isascii() and pin.isdigit() and len(pin) >= LEAST_DIGITS):
        raise ValueError(f"The PIN must be {LEAST_DIGITS} digits or more.")
    Site.objects.filter(pk=site.pk).update(kiosk_pin=make_password(pin))
    audit.record("site.kiosk_pin_set", site, by=by)


@transaction.atomic
def unlock(kiosk: Kiosk, pin: str) -> Answer:
    """Is this the site's PIN? Where none was set, no PIN is right. Tries at one kiosk wait for each other."""
    UnlockTries.objects.bulk_create([UnlockTries(kiosk=kiosk)], ignore_conflicts=True)
    tries = UnlockTries.objects.select_for_update().get(kiosk=kiosk)
    now = timezone.now()
    if tries.after is not None and tries.after > now:
        return Answer(False, tries.after)
    digest = Site.objects.values_list("kiosk_pin", flat=True).get(pk=kiosk.door.site_id)
    if digest and check_password(pin, digest):
        tries.failures, tries.after = 0, None
        tries.save()
        audit.record("kiosk.unlocked", kiosk, by=f"kiosk:{kiosk.pk}")
        return Answer(True)
    tries.failures = min(tries.failures + 1, 30_000)
    beyond = tries.failures - FREE_TRIES
    tries.after = None if beyond < 0 else now + min(FIRST_PAUSE * 2 ** min(beyond, 10), LONGEST_PAUSE)
    tries.save()
    audit.record("kiosk.unlock_refused", kiosk, by=f"kiosk:{kiosk.pk}", failures=tries.failures)
    return Answer(False, tries.after)
