"""Signing in: a second factor, waits after wrong tries, and an end to every session.

Promise: with a second factor set (or demanded, LINTEL_SECOND_FACTOR), a password alone opens nothing:
until the code is right, the request is anonymous everywhere. A code works once.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, backoff, vault

# OWASP ASVS 7.3: an idle session ends, and every session ends some time.
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# What cannot be undone asks for the password again when it was given longer ago than this.
FRESH = timedelta(minutes=10)
# The session's sign of life is not worth a write a request.
NOTE_SECONDS = 60
# RFC 6238: codes of 30 s; one step either way for clocks that differ.
STEP_SECONDS = 30
RECOVERY_CODES = 10
# Many people may share an address, a guesser has few: tries from one address wait later than tries for one
# login from one address.
FREE_PER_ADDRESS = 30

PROVED, BEGAN, SEEN, AGAIN = "proved", "began", "seen", "again"


class SecondFactor(models.Model):
    """Personal data: the secret of a member of staff's authenticator, sealed. Deleted with the login."""

    staff = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="second_factor"
    )
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()
    confirmed = models.DateTimeField(_("confirmed"), null=True)
    # The last time step whose code was used: a code looked at over a shoulder works no second time.
    last_step = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return f"second factor of staff:{self.staff_id}"


class RecoveryCode(models.Model):
    """No personal data beyond the login it belongs to. SHA-256: the code is 80 random bits."""

    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.BinaryField(max_length=32, unique=True)
    used = models.DateTimeField(_("used"), null=True)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return f"recovery code of staff:{self.staff_id}"


# --- The second factor ----------------------------------------------------------------------------


def has_factor(staff: Any) -> bool:
    return SecondFactor.objects.filter(staff=staff, confirmed__isnull=False).exists()


@transaction.atomic
def begin_factor(staff: Any) -> str:
    """The secret (base32) of a second factor to be confirmed by its first code; an unconfirmed one is kept.

    Raises ValueError if a confirmed one exists: it must be removed first.
    """
    factor = SecondFactor.objects.select_for_update().filter(staff=staff).first()
    if factor and factor.confirmed:
        raise ValueError("There is a second factor already.")
    if factor:
        return _secret(factor)
    secret = pyotp.random_base32()
    wrapped = vault.new_wrapped_key()
    sealed = vault.seal(secret.encode(), wrapped_key=wrapped, about=f"second_factor:{staff.pk}")
    SecondFactor.objects.create(staff=staff, wrapped_key=wrapped, sealed=sealed)
    return secret


def address_for(staff: Any, secret: str) -> str:
    """What an authenticator app reads from the QR code (otpauth://)."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=staff.get_username(), issuer_name="Lintel"
    )


@transaction.atomic
def confirm_factor(staff: Any, code: str) -> list[str] | None:
    """Recovery codes, to be shown once, if the code is right; None if it is not."""
    if not _right_code(staff, code):
        return None
    SecondFactor.objects.filter(staff=staff).update(confirmed=timezone.now())
    RecoveryCode.objects.filter(staff=staff).delete()
    codes = ["-".join((secrets.token_hex(5), secrets.token_hex(5))) for _number in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(staff=staff, digest=_digest(code)) for code in codes)
    audit.record("second_factor.set", staff, by=staff)
    return codes


@transaction.atomic
def remove_factor(staff: Any, *, by: Any) -> None:
    RecoveryCode.objects.filter(staff=staff).delete()
    if SecondFactor.objects.filter(staff=staff).delete()[0]:
        audit.record("second_factor.removed", staff, by=by)


@transaction.atomic
def check_code(staff: Any, code: str) -> bool:
    """True for a fresh code of the authenticator, or an unused recovery code. Either works once."""
    code = code.replace(" ", "")
    if _right_code(staff, code, confirmed=True):
        return True
    used = RecoveryCode.objects.filter(staff=staff, digest=_digest(code.lower()), used=None)
    if used.update(used=timezone.now()):
        audit.record("second_factor.recovery_code_used", staff, by=staff)
        return True
    return False


def _right_code(staff: Any, code: str, *, confirmed: bool = False) -> bool:
    factor = SecondFactor.objects.select_for_update().filter(staff=staff).first()
    if factor is None or (confirmed and factor.confirmed is None):
        return False
    totp = pyotp.TOTP(_secret(factor), interval=STEP_SECONDS)
    now = int(time.time()) // STEP_SECONDS
    for step in (now - 1, now, now + 1):
        if step > factor.last_step and totp.verify(code.replace(" ", ""), for_time=step * STEP_SECONDS):
            factor.last_step = step
            factor.save(update_fields=["last_step"])
            return True
    return False


def _secret(factor: SecondFactor) -> str:
    about = f"second_factor:{factor.staff_id}"
    return vault.unseal(factor.sealed, wrapped_key=factor.wrapped_key, about=about).decode()


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


# --- Waits ----------------------------------------------------------------------------------------


def address_of(request: HttpRequest) -> str:
    """Where a request comes from. Behind our proxy (LINTEL_HTTPS), what the proxy says."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.HTTPS and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def wait_before(request: HttpRequest, login: str) -> timedelta:
    """Count a try at this login from this address; how long to wait if there were too many."""
    address = address_of(request)
    return max(
        backoff.attempt("login", login.lower(), address),
        backoff.attempt("address", address, free=FREE_PER_ADDRESS),
    )


def note_right(request: HttpRequest, login: str) -> None:
    backoff.succeeded("login", login.lower(), address_of(request))


# --- Sessions -------------------------------------------------------------------------------------


def needs_code(request: HttpRequest) -> bool:
    """True while the password was right and the second factor is still to come."""
    staff = getattr(request, "half_signed_in", None) or request.user
    if not staff.is_authenticated or request.session.get(PROVED) == staff.pk:
        return False
    return bool(settings.SECOND_FACTOR == "required" or has_factor(staff))


def note_proved(request: HttpRequest, staff: Any) -> None:
    """The session has shown all that is asked of it. Its key changes, as after every rise in rights."""
    request.session.cycle_key()
    request.session[PROVED] = staff.pk
    request.session[AGAIN] = int(time.time())
    audit.record("staff.signed_in", staff, by=staff)


def is_fresh(request: HttpRequest) -> bool:
    """True if the password was given within the last minutes."""
    return int(time.time()) - int(request.session.get(AGAIN, 0)) < FRESH.total_seconds()


def note_fresh(request: HttpRequest) -> None:
    request.session[AGAIN] = int(time.time())


class Sessions:
    """Middleware: ends sessions that are idle or old, and keeps half a sign-in from being one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.half_signed_in = None  # type: ignore[attr-defined]
        # Without a session's cookie there is nobody to look at: kiosks are not asked for one.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            self.judge(request)
        return self.get_response(request)

    def judge(self, request: HttpRequest) -> None:
        now = int(time.time())
        began = request.session.setdefault(BEGAN, now)
        seen = request.session.get(SEEN, now)
        if now - seen > IDLE.total_seconds() or now - began > LONGEST.total_seconds():
            logout(request)
            request.session_ended = True  # type: ignore[attr-defined]
            return
        if SEEN not in request.session or now - seen >= NOTE_SECONDS:
            request.session[SEEN] = now
        if request.session.get(PROVED) == request.user.pk:
            return
        if needs_code(request):
            request.half_signed_in = request.user  # type: ignore[attr-defined]
            request.user = AnonymousUser()
        else:
            request.session[PROVED] = request.user.pk
