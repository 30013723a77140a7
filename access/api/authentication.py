"""Who is asking: a kiosk by its key, or a member of staff by the session of the admin."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from access import places
from access.places import Kiosk


class KioskKey(authentication.BaseAuthentication):
    """`Authorization: Kiosk <key>`. `request.auth` is the kiosk; there is no user behind it.

    A key unknown, expired, revoked or of a kiosk switched off gives the same answer in the same time.
    """

    def authenticate(self, request: Request) -> tuple[None, Kiosk] | None:
        scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "kiosk":
            return None
        kiosk = places.kiosk_for(key.strip()) if key.strip().isascii() else None
        if kiosk is None:
            raise exceptions.AuthenticationFailed("This kiosk key is not in force.", code="unknown-kiosk")
        return None, kiosk

    def authenticate_header(self, request: Request) -> str:
        return "Kiosk"


class IsKiosk(permissions.BasePermission):
    message = "Only a kiosk may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Kiosk)


class MayReadAttendance(permissions.BasePermission):
    message = "Your login may not read attendance."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_staff and request.user.has_perm("access.view_punch"))


class KioskKeyScheme(OpenApiAuthenticationExtension):
    target_class = KioskKey
    name = "KioskKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Kiosk <key>`, with the key shown once when the kiosk was issued one.",
        }
