"""The listener for terminals that push (ADMS, /iclock): plain text in, plain text out.

Promise: nobody is answered OK before what they sent is committed; who is not expected learns nothing.
The shapes follow the vendors' push protocol as public guides and open listeners describe it.
"""

import hashlib
import ipaddress
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from access import queue
from access.terminals import devices, orders, pushes
from access.terminals.devices import SERIAL, Standing, Terminal

MOST_BODY_BYTES = 2 * 1024 * 1024
# What a request books at once; the rest is the workers', so that no terminal waits until it gives up.
BOOKING_SECONDS = 3


def plain(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def address_of(request: HttpRequest) -> str | None:
    """Where the request came from. Behind a TLS proxy (LINTEL_HTTPS) what that proxy saw: the last entry."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
    said = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


@method_decorator(csrf_exempt, name="dispatch")
class Heard(View):
    """Whoever speaks here is a terminal with a serial number, and a body of bounded length."""

    terminal: Terminal

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        serial = request.GET.get("SN", "")
        if not devices.listening() or not re.fullmatch(SERIAL, serial):
            return plain("Not found", 404)
        if request.method == "POST" and (refusal := too_long(request)):
            return refusal
        found = devices.heard(serial, address_of(request))
        if found is None:
            return plain("This terminal is not known here.", 403)
        if devices.hurried(found):
            return plain("Too many requests.", 429)
        self.terminal = found
        return super().dispatch(request, *args, **kwargs)

    def body(self) -> str:
        return self.request.body.decode("utf-8", errors="replace")


def too_long(request: HttpRequest) -> HttpResponse | None:
    length = request.headers.get("Content-Length") or "0"
    if "Transfer-Encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return plain("Send Content-Length.", 411)
    return plain("At most 2 MB.", 413) if len(length) > 12 or int(length) > MOST_BODY_BYTES else None


class CData(Heard):
    """GET: what the server wants to be told. POST: lines of a table."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return plain("\n".join(options(self.terminal, timezone.now())))

    def post(self, request: HttpRequest) -> HttpResponse:
        table = request.GET.get("table", "").strip()
        if not re.fullmatch(r"\w{1,20}", table):
            return plain("ERROR: no table", 400)
        try:
            stored = pushes.store(self.terminal, table, self.body(), stamp=request.GET.get("Stamp", ""))
        except pushes.Full:
            return plain("ERROR: not approved yet, and enough is waiting", 503)
        if stored.new and self.terminal.standing == Standing.APPROVED:
            self.book()
        return plain(f"OK: {stored.lines + stored.discarded}")

    def book(self) -> None:
        until = timezone.now() + timedelta(seconds=BOOKING_SECONDS)
        pushes.book_received(terminal=self.terminal, until=until)
        if pushes.waiting(self.terminal):
            queue.send(queue.BOOK, self.terminal.pk)


def options(terminal: Terminal, now: datetime) -> list[str]:
    """Tell what happened at once, of the attendance log and the events; no fingerprints and no faces."""
    wanted = [
        f"GET OPTION FROM: {terminal.serial}",
        f"ATTLOGStamp={terminal.stamp}",
        "OPERLOGStamp=9999",
        "ATTPHOTOStamp=None",
        "ErrorDelay=30",
        "Delay=10",
        "TransTimes=00:00;12:00",
        "TransInterval=1",
        "TransFlag=TransData AttLog\tOpLog",
        "Realtime=1",
        "Encrypt=None",
    ]
    offset = now.astimezone(ZoneInfo(terminal.site.zone)).utcoffset() if terminal.site else None
    # The terminal reads whole hours only; where the zone has half ones, the order "set the clock" remains.
    if offset is not None and not offset % timedelta(hours=1):
        wanted.append(f"TimeZone={offset // timedelta(hours=1)}")
    return wanted


class GetRequest(Heard):
    """The terminal asks whether there is something to do."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if self.terminal.standing != Standing.APPROVED:
            return plain("OK")
        return plain("\n".join(orders.take(self.terminal)) or "OK")


class DeviceCommand(Heard):
    """What became of an order: lines such as ID=7&Return=0&CMD=INFO."""

    def post(self, request: HttpRequest) -> HttpResponse:
        for number, code in re.findall(r"ID=(\d{1,18})&Return=(-?\d{1,9})", self.body()):
            orders.answered(self.terminal, int(number), code)
        return plain("OK")


class Registry(Heard):
    """Version 3: the terminal says what it is, and gets a code by which it knows this server again."""

    def post(self, request: HttpRequest) -> HttpResponse:
        said = dict(part.partition("=")[::2] for part in re.split(r"[,\n]", self.body()))
        parts = [said.get(name, "").strip() for name in ("~DeviceName", "FirmVer")]
        self.terminal.firmware = " ".join(part for part in parts if part).replace("\x00", "")[:200]
        self.terminal.save(update_fields=["firmware"])
        code = hashlib.sha256(bytes(self.terminal.salt)).hexdigest()[:12]
        return plain(f"RegistryCode={code}")


class Push(Heard):
    """Version 3: the same wishes as of the handshake, in its words."""

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = (
            "ErrorDelay=30",
            "RequestDelay=10",
            "TransTimes=00:00\t12:00",
            "TransInterval=1",
            "Realtime=1",
        )
        return plain("\n".join(("ServerVersion=3.0.1", "ServerName=Lintel", "PushVersion=3.0.1", *wanted)))

    get = post


class Ping(Heard):
    def get(self, request: HttpRequest) -> HttpResponse:
        return plain("OK")


class Photographs(Heard):
    """Photographs of attendance are not wanted: answered, so that they are sent once, and not read."""

    def post(self, request: HttpRequest) -> HttpResponse:
        Terminal.objects.filter(pk=self.terminal.pk).update(
            biometrics_discarded=self.terminal.biometrics_discarded + 1
        )
        return plain("OK")
