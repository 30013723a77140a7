"""The kiosk page as the browser gets it: one document, its service worker, its manifest.

Promise: no login is read here, nothing inline runs, and nothing is loaded from elsewhere.
"""

import hashlib
import io
import json
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

FILES = Path(__file__).resolve().parent.parent / "static" / "access" / "kiosk"
# Brought in by the one build step (deploy/kiosk/); without it the server finds the face.
EYES = "vendor/ort.wasm.bundle.min.mjs"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS = (
    "camera=(self), fullscreen=(self), screen-wake-lock=(self), "
    "microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"
)

View = Callable[..., HttpResponseBase]


def guarded(view: View) -> View:
    """The strict headers of these pages."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        response["Permissions-Policy"] = PERMISSIONS
        response["Cross-Origin-Opener-Policy"] = "same-origin"
        response["Referrer-Policy"] = "no-referrer"
        response.setdefault("Cache-Control", "no-cache")
        return response

    return answer


@cache
def files() -> tuple[str, ...]:
    """Every file of the page, relative to its folder, in one order."""
    found = (path for path in FILES.rglob("*") if path.is_file() and not path.name.startswith("."))
    return tuple(sorted(path.relative_to(FILES).as_posix() for path in found))


@cache
def version() -> str:
    """Twelve letters that change with any file of the page."""
    sha = hashlib.sha256()
    for name in files():
        sha.update(name.encode() + b"\0" + hashlib.sha256((FILES / name).read_bytes()).digest())
    return sha.hexdigest()[:12]


def _address(name: str) -> str:
    """Files keep their plain names: modules import each other by them, and the worker renews them as one."""
    return f"{settings.STATIC_URL}access/kiosk/{name}"


@require_GET
@guarded
def page(request: HttpRequest) -> HttpResponse:
    context = {
        "version": version(),
        "eyes": EYES in files(),
        "script": _address("main.js"),
        "style": _address("kiosk.css"),
        "icon": static("access/icon.svg"),
    }
    return render(request, "access/kiosk/page.html", context)


@require_GET
@guarded
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, with the list of what it keeps; another version is another file."""
    pages = ("page", "finder", "manifest", "notice_code")
    kept = [reverse(f"kiosk:{name}") for name in pages]
    kept += [_address(name) for name in files()]
    source = (FILES / "service-worker.js").read_text("utf-8")
    head = f"const VERSION = {json.dumps(version())};\nconst KEPT = {json.dumps(kept)};\n"
    return HttpResponse(head + source, content_type="text/javascript; charset=utf-8")


@require_GET
@guarded
def finder(request: HttpRequest) -> HttpResponse:
    """The worker that finds faces. From here, because a worker obeys the policy it came with."""
    return HttpResponse(
        f'import "{_address("finder-worker.js")}";\n', content_type="text/javascript; charset=utf-8"
    )


@require_GET
@guarded
def manifest(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "id": reverse("kiosk:page"),
            "name": _("Lintel kiosk"),
            "short_name": "Lintel",
            "start_url": reverse("kiosk:page"),
            "scope": reverse("kiosk:page"),
            "display": "fullscreen",
            "orientation": "any",
            "background_color": "#0b1620",
            "theme_color": "#0b1620",
            "icons": [
                {"src": _address(f"icon-{side}.png"), "sizes": f"{side}x{side}", "type": "image/png"}
                for side in (192, 512)
            ],
        },
        content_type="application/manifest+json",
    )


@csrf_exempt
@require_POST
@guarded
def forget_login(request: HttpRequest) -> HttpResponse:
    """End whatever login this browser has: a tablet on a wall has none. Nobody can be harmed by asking."""
    if request.session.session_key:
        request.session.flush()
    return HttpResponse(status=204)


def code(text: str) -> bytes:
    """A QR code as SVG, black on white, with the quiet zone of the standard."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", scale=8, border=4, light="#fff")
    return out.getvalue()


@require_GET
@guarded
def notice_code(request: HttpRequest) -> HttpResponse:
    """Where the notice is, for a phone's camera."""
    address = request.build_absolute_uri(reverse("privacy"))
    return HttpResponse(code(address), content_type="image/svg+xml")
