"""System checks: a wrong setting stops the start with its fix, instead of failing at night."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.database)
def requests_are_not_atomic(**_: Any) -> list[CheckMessage]:
    """A worker cannot see an uncommitted snapshot, so every door would time out."""
    if settings.DATABASES["default"].get("ATOMIC_REQUESTS"):
        return [
            Error("ATOMIC_REQUESTS is on.", hint="Remove it: every door would time out.", id="access.E001")
        ]
    return []


@register(Tags.security)
def master_keys_are_keys(**_: Any) -> list[CheckMessage]:
    """A key that is not one would surface at the first enrolment."""
    try:
        for key in settings.MASTER_KEYS:
            Fernet(key)
    except ValueError:
        return [
            Error(
                "LINTEL_MASTER_KEYS holds something that is not a key.",
                hint="Make one with `manage.py new_master_key`; newest first, separated by commas.",
                id="access.E002",
            )
        ]
    return []


@register(Tags.compatibility)
def time_is_utc(**_: Any) -> list[CheckMessage]:
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        return [
            Error("The server's zone must be UTC.", hint="Sites carry their own zones.", id="access.E003")
        ]
    return []
