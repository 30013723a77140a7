"""How soon one may try again: counted in Postgres, so that all processes count together.

Promise: a try is counted before it is judged, so tries made at once count like tries made in turn; and
no wait outlasts a quarter of an hour, so that an outsider can slow a person down but never lock them out.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# NIST SP 800-63B asks for a wait of at least 30 s after at most five failures in a row.
FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
# A row without a failure for this long starts anew; the nightly job deletes it.
FORGET = timedelta(hours=24)


class Backoff(models.Model):
    """No readable personal data: a keyed digest of who tried from where, for a day."""

    key = models.CharField(_("key"), primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    until = models.DateTimeField(_("wait until"), null=True)
    last = models.DateTimeField(_("last try"), db_index=True)

    class Meta:
        verbose_name = _("back-off")
        verbose_name_plural = _("back-offs")

    def __str__(self) -> str:
        return f"back-off {self.key[:8]}…"


# One statement, so that no two tries read the same count. A try during a wait is refused and not counted.
_TRY = """
    INSERT INTO access_backoff AS b (key, failures, until, last) VALUES (%(key)s, 1, NULL, %(now)s)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN b.last < %(forget)s THEN 1 ELSE b.failures + 1 END,
        until = CASE WHEN b.last >= %(forget)s AND b.failures + 1 >= %(free)s
            THEN %(now)s + LEAST(%(first)s * power(2, LEAST(b.failures + 1 - %(free)s, 20)), %(longest)s)
            ELSE NULL END,
        last = %(now)s
    WHERE b.until IS NULL OR b.until <= %(now)s
    RETURNING failures
"""


def attempt(*who: object, free: int = FREE_TRIES, now: datetime | None = None) -> timedelta:
    """Count a try by this key. Zero: go ahead. Otherwise how long to wait, and nothing was counted."""
    now = now or timezone.now()
    key = _key(who)
    values = {
        "key": key,
        "now": now,
        "forget": now - FORGET,
        "free": free,
        "first": FIRST_WAIT,
        "longest": LONGEST_WAIT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TRY, values)
        if cursor.fetchone():
            return timedelta(0)
    until = Backoff.objects.filter(pk=key).values_list("until", flat=True).first()
    return max(until - now, timedelta(seconds=1)) if until else timedelta(seconds=1)


def succeeded(*who: object) -> None:
    """The right answer came: the next failure is the first again."""
    Backoff.objects.filter(pk=_key(who)).delete()


def take_back(*who: object) -> None:
    """The try just counted was no failure; those before it still count."""
    Backoff.objects.filter(pk=_key(who)).update(failures=models.F("failures") - 1, until=None)


def forget(now: datetime) -> int:
    """How many rows nobody has tried with for a day; they are gone."""
    deleted, _by_table = Backoff.objects.filter(last__lt=now - FORGET).delete()
    return deleted


def _key(who: tuple[object, ...]) -> str:
    """A keyed digest: the table tells nobody which logins exist."""
    text = "\x1f".join(str(part) for part in who)
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
