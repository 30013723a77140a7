"""The public pages: the privacy notice, and enrolling oneself by an invitation.

Promise: no login is read or made here, nothing inline runs, and nothing is shown of anybody but whoever
holds the link. Every link that does not hold gets the same page, and guessing gets slower.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import backoff, people, pictures, signin
from access.enrolment import NoConsent
from access.kiosk import pages as kiosk
from access.people import ConsentText
from access.privacy import invitations, notices, verdicts, words
from access.privacy.invitations import Invitation

STYLE = f"{settings.STATIC_URL}access/enrol/"
MOST_FILES = 20
# Tries with links that do not hold, from one address.
FREE_TRIES = 30
# As for the kiosk page; its forms come back to us.
POLICY = kiosk.POLICY.replace("form-action 'none'", "form-action 'self'")


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The kiosk page's strict headers, on a page with forms whose address is a secret."""
    strict = kiosk.guarded(never_cache(view))

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = strict(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        # Other sites are not told the link. With no-referrer browsers would send forms without an origin.
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex"
        return response

    return answer


def camera(language: str, *, send: str, done: str) -> dict[str, Any]:
    """What access/enrol/camera.html needs; `words` are its own, `words_json` those of its script."""
    said = words.catalogue(language)
    spoken = {key: text for key, text in said.items() if key.split(".")[0] in {"hint", "angle", "fate"}}
    return {
        "eyes": kiosk.EYES in kiosk.files(),
        "enough": verdicts.ENOUGH,
        "send": send,
        "done": done,
        "words_json": json.dumps(spoken),
        "angles": [(name, said[f"angle.{name}"]) for name in verdicts.ANGLES],
        "camera": {
            "title": said["enrol.title"],
            "start": said["enrol.start"],
            "again": said["hint.again"],
            "done": said["hint.done"],
        },
        "camera_style": f"{STYLE}enrol.css",
        "camera_script": f"{STYLE}enrol.js",
    }


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    language = words.wanted(request)
    frame = {
        "language": language,
        "languages": words.LANGUAGES,
        "say": {key.replace(".", "_"): text for key, text in words.catalogue(language).items()},
        "icon": static("access/icon.svg"),
        "style": f"{settings.STATIC_URL}access/kiosk/notice.css",
    }
    return render(request, template, frame | context, status=status)


@require_GET
@kiosk.guarded
def privacy(request: HttpRequest) -> HttpResponse:
    """The notice, in the language that is tapped or that the browser asks for."""
    language = words.wanted(request)
    notice = notices.of(language)
    contact = words.say(language, "notice.contact", contact=notice.contact) if notice else ""
    response = _page(
        request,
        "access/privacy.html",
        notice=notice,
        contact=contact,
        purposes=notices.purposes(language),
        kept=notices.kept(language),
        texts=[
            (text, words.say(language, "notice.version", version=text.version))
            for text in notices.agreed_to(language)
        ],
    )
    response["Vary"] = "Accept-Language"
    return response


# --- Enrolling oneself ----------------------------------------------------------------------------


def _ended(request: HttpRequest) -> HttpResponse:
    """One page for every link that does not hold, and a wait for whoever tries many."""
    wait = backoff.attempt("invitation", signin.address_of(request), free=FREE_TRIES)
    word = "enrol_wait" if wait else "enrol_ended_text"
    return _page(request, "access/enrol/ended.html", status=429 if wait else 404, word=word)


def _address(request: HttpRequest, name: str, token: str) -> str:
    """An address below the link, in the language that was tapped."""
    chosen = request.GET.get("language", "")
    return reverse(name, args=[token]) + (f"?language={chosen}" if chosen in words.LANGUAGES else "")


@require_http_methods(["GET", "POST"])
@guarded
def enrol(request: HttpRequest, token: str) -> HttpResponse:
    """First the words to agree to; once they are agreed to, the camera and the files."""
    try:
        invitation = invitations.open_for(token)
    except invitations.Refused:
        return _ended(request)
    here = _address(request, "enrol", token)
    text = people.words_to_agree_to(words.wanted(request))
    if request.method == "POST":
        return _agree(request, token, here, invitation, text)
    if invitation.agreed is None or not people.has_consent(invitation.person):
        return _first(request, invitation, text)
    return _second(request, token, invitation)


def _first(request: HttpRequest, invitation: Invitation, text: ConsentText | None, wrong: str = "") -> Any:
    greeting = words.say(words.wanted(request), "enrol.hello", name=invitation.person.first_name)
    return _page(request, "access/enrol/agree.html", text=text, greeting=greeting, wrong=wrong)


def _agree(
    request: HttpRequest, token: str, here: str, invitation: Invitation, text: ConsentText | None
) -> HttpResponse:
    """Only the very words that were on the page count: meanwhile newer ones may have been published."""
    shown = str(text.pk) if text else ""
    if text is None or not request.POST.get("agree") or request.POST.get("text") != shown:
        return _first(request, invitation, text, words.say(words.wanted(request), "enrol.must_agree"))
    try:
        invitations.agree(token, text)
    except invitations.Refused:
        return _ended(request)
    return HttpResponseRedirect(here)


def _second(request: HttpRequest, token: str, invitation: Invitation, wrong: str = "") -> HttpResponse:
    send = _address(request, "enrol_send", token)
    return _page(
        request,
        "access/enrol/pictures.html",
        status=400 if wrong else 200,
        greeting=words.say(words.wanted(request), "enrol.hello", name=invitation.person.first_name),
        wrong=wrong,
        **camera(words.wanted(request), send=send, done=reverse("enrol_thanks")),
    )


class Unfit(Exception):
    """What was sent is not what was asked for; the text is for the person."""


def photographs(request: HttpRequest, language: str) -> list[tuple[str, bytes]]:
    """The photographs of a request as (file name, bytes). Raises Unfit."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
        raise Unfit(words.say(language, "enrol.too_much", most=most))
    files = [(file.name or "", file.read()) for file in request.FILES.getlist("photographs")[:MOST_FILES]]
    if not files:
        raise Unfit(words.say(language, "enrol.none"))
    unfit = [name for name, data in files if not _fits(data)]
    if unfit:
        raise Unfit(words.say(language, "enrol.unfit", names=", ".join(unfit)))
    return files


def _fits(data: bytes) -> bool:
    try:
        pictures.measure(data, pictures.PHOTOGRAPH)
    except pictures.Unacceptable:
        return False
    return True


@require_POST
@guarded
def send(request: HttpRequest, token: str) -> HttpResponse:
    """The photographs, from the camera (answered as JSON) or from the form; the link is spent."""
    language = words.wanted(request)
    by_script = "application/json" in request.headers.get("Accept", "")
    try:
        invitation = invitations.open_for(token)
        files = photographs(request, language)
        _invitation, ticket = invitations.hand_in(token, files)
    except invitations.Refused:
        return _ended(request)
    except (Unfit, NoConsent) as error:
        said = str(error) or words.say(language, "enrol.withdrawn")
        if by_script:
            return JsonResponse({"error": said}, status=400)
        return _second(request, token, invitation, said)
    if by_script:
        more, result = (f"{reverse(name)}?ticket={ticket}" for name in ("enrol_more", "enrol_result"))
        return JsonResponse({"result": result, "more": more})
    return HttpResponseRedirect(reverse("enrol_thanks"))


@require_POST
@guarded
def more(request: HttpRequest) -> JsonResponse:
    """Photographs in place of refused ones, by the ticket that handing in gave."""
    ticket = request.GET.get("ticket", "")
    try:
        invitations.hand_in_more(ticket, photographs(request, words.wanted(request)))
    except invitations.Refused:
        return JsonResponse({"error": words.say(words.wanted(request), "enrol.ended")}, status=404)
    except (Unfit, NoConsent) as error:
        said = str(error) or words.say(words.wanted(request), "enrol.withdrawn")
        return JsonResponse({"error": said}, status=400)
    return JsonResponse({"result": f"{reverse('enrol_result')}?ticket={ticket}"})


@require_GET
@guarded
def result(request: HttpRequest) -> JsonResponse:
    """What became of the photographs, by the same ticket."""
    try:
        invitation = invitations.holder(request.GET.get("ticket", ""))
    except invitations.Refused:
        return JsonResponse({"error": words.say(words.wanted(request), "enrol.ended")}, status=404)
    return JsonResponse(verdicts.told(invitation.enrolments.all()))


@require_GET
@guarded
def thanks(request: HttpRequest) -> HttpResponse:
    return _page(request, "access/enrol/thanks.html")
