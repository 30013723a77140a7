"""The words of the public pages, in the languages of words/*.json. English stands in for what is missing."""

import json
from functools import cache
from pathlib import Path

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

FOLDER = Path(__file__).parent / "words"
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français"}


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every word of a language that there is."""
    return dict(json.loads((FOLDER / f"{language}.json").read_text("utf-8")))


def say(language: str, word: str, **values: object) -> str:
    return catalogue(language)[word].format(**values)


def wanted(request: HttpRequest) -> str:
    """The language that was tapped (`?language=de`), else the first of the browser's that we speak."""
    chosen = request.GET.get("language", "")
    if chosen in LANGUAGES:
        return chosen
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    return next((name[:2] for name, _weight in asked if name[:2] in LANGUAGES), "en")


def period(language: str, days: int) -> str:
    """So many days as people say it."""
    if days == 0:
        return say(language, "days.next_night")
    years, rest = divmod(days, 365)
    if rest == 0:
        return say(language, "days.year" if years == 1 else "days.years", n=years)
    return say(language, "days.one" if days == 1 else "days.many", n=days)
