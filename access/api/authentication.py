"""Who is asking: a kiosk by its key or signature, a member of staff by the session of the admin, or a program
by its token."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from access import places, programs
from access.api.errors import Problem
from access.kiosk import pairing, signing
from access.places import Kiosk
from access.programs import Program
from access.reports import REPORTS
from access.staff import Staff

# The largest thing a kiosk posts: a picture or a burst, with its frame. Nothing longer is read for a check.
MOST_SIGNED_BYTES = 3 * 1024 * 1024


class KioskKey(authentication.BaseAuthentication):
    """`Authorization: Kiosk <key>`, or `Kiosk-Signed …` of a paired kiosk (access/kiosk/signing.py).

    `request.auth` is the kiosk; there is no user behind it. A key unknown, expired, revoked or of a kiosk
    switched off gives the same answer in the same time.
    """

    def authenticate(self, request: Request) -> tuple[None, Kiosk] | None:
        scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == signing.SCHEME:
            return None, self._signed(request, given)
        if scheme.lower() != "kiosk":
            return None
        kiosk = places.kiosk_for(given.strip()) if given.strip().isascii() else None
        if kiosk is None:
            raise exceptions.AuthenticationFailed(signing.UNKNOWN.detail, code=signing.UNKNOWN.code)
        return None, kiosk

    def _signed(self, request: Request, given: str) -> Kiosk:
        length = request.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()) or int(length[:12]) > MOST_SIGNED_BYTES:
            raise Problem(413, "too-large", "At most 3 MB.")
        plain = request._request  # the body as it came; Django keeps it for the parser
        verified = signing.verify(
            given, method=plain.method or "", path=plain.get_full_path(), body=plain.body
        )
        if isinstance(verified, signing.Refusal):
            raise exceptions.AuthenticationFailed(verified.detail, code=verified.code)
        verified.kiosk.paired = verified
        return verified.kiosk

    def authenticate_header(self, request: Request) -> str:
        return "Kiosk"


class PairingCode(authentication.BaseAuthentication):
    """`Authorization: Pairing <code>`. `request.auth` is the code; it is spent by what it asks for."""

    def authenticate(self, request: Request) -> tuple[None, str] | None:
        scheme, _space, code = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "pairing":
            return None
        if pairing.kiosk_of(code) is None:
            raise exceptions.AuthenticationFailed(
                "This code is wrong, was used, or has ended. Make a new one in the admin.",
                code="unknown-code",
            )
        return None, code

    def authenticate_header(self, request: Request) -> str:
        return "Pairing"


class ProgramToken(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`. `request.user` is the login that the program acts for, narrowed to the
    program's roles. A token unknown, ended or revoked gives the same answer in the same time."""

    def authenticate(self, request: Request) -> tuple[Staff, Program] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = programs.acting(token.strip()) if token.isascii() else None
        if found is None:
            unknown = "This token is unknown, has ended or was revoked. Issue a new one in the admin."
            refusal = Problem(401, "unknown-token", unknown)
            refusal.auth_header = "Bearer"  # type: ignore[attr-defined]
            raise refusal
        return found


# For whatever staff may ask: in the browser by the session of the admin, or by a program's token.
STAFF = [authentication.SessionAuthentication, ProgramToken]


class MayUse(permissions.BasePermission):
    """A member of staff who holds all the `rights` that the view names."""

    message = "Your login may not do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        return bool(user and user.is_staff and user.has_perms(view.rights))  # type: ignore[attr-defined]


class IsPairing(permissions.BasePermission):
    message = "Only a tablet with a pairing code may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.successful_authenticator, PairingCode)


class IsPaired(permissions.BasePermission):
    """A kiosk that signs: what is made for it can be encrypted to it."""

    message = "Only a paired kiosk may do this; a kiosk with a key for programs may not."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Kiosk) and request.auth.paired is not None


class IsKiosk(permissions.BasePermission):
    message = "Only a kiosk may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Kiosk)


class MayReadAttendance(permissions.BasePermission):
    message = "Your login may not read attendance."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_staff and request.user.has_perm("access.view_punch"))


class MayReadReport(permissions.BasePermission):
    """A login of staff; of one report, with a right that opens it. What is no report is not found."""

    message = "Your login may not read this report."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not (request.user and request.user.is_staff and request.user.is_active):
            return False
        report = REPORTS.get(view.kwargs.get("report", ""))
        return report is None or report.may(request.user)


class MayReadAlarms(permissions.BasePermission):
    message = "Your login may not read alarms."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_staff and request.user.has_perm("access.view_alarm"))


class MayAcknowledgeAlarms(MayReadAlarms):
    message = "Your login may not acknowledge alarms."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and request.user.has_perm("access.acknowledge_alarm")


class KioskKeyScheme(OpenApiAuthenticationExtension):
    target_class = KioskKey
    name = "KioskKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": (
                "`Kiosk <key>`, with the key shown once when the kiosk was issued one. A paired kiosk sends "
                '`Kiosk-Signed key="…", time="…", nonce="…", signature="…"` instead: ECDSA (P-256, SHA-256) '
                "over method, path, time, nonce and the body's SHA-256."
            ),
        }


class PairingCodeScheme(OpenApiAuthenticationExtension):
    target_class = PairingCode
    name = "PairingCode"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Pairing <code>`, with the code shown in the admin; valid once, for ten minutes.",
        }


class ProgramTokenScheme(OpenApiAuthenticationExtension):
    target_class = ProgramToken
    name = "ProgramToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A program's token, shown once when it was issued (admin, Connections, Programs).",
        }
