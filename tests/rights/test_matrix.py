"""Every address × every role × own and foreign rows: the answer is what the table says, and nothing leaks."""

import logging
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.http import HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.views.generic import RedirectView

from access.kiosk import feedback
from tests.factories import Cast
from tests.rights import world
from tests.rights.table import PAGES, TABLES
from tests.rights.world import EVERYBODY, FOREIGN_MARKS, WITHIN, World

pytestmark = pytest.mark.django_db
STANDARD = re.compile(
    r"admin/\w+/(?P<table>\w+)/(?:<path:object_id>/)?(?P<page>|add/|history/|delete/|change/)$"
)
ACTION = re.compile(r"admin/access/\w+/(?:issue/|<path:object_id>/)")
# Tables that any request may write: its own session, tries that failed, and what was looked at.
NOTES = ("django_session", "access_backoff", "access_auditentry", "access_auditpending")
WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?', re.IGNORECASE)
# What stands for the parameters of an address that are no row's key.
FILLED = {
    "app_label": "access", "content_type_id": "1", "day": str(world.DAY), "month": f"{world.DAY:%Y-%m}",
    "url": "nowhere/", "report": "daily", "token": "made-up",
}  # fmt: skip
# Whose pages are read for rows that they must not show.
WATCHED = {*WITHIN, "n", "o", "k"}


class Address(NamedTuple):
    """One route of the site, with the rows of the table that speak of it: who may read, who may post."""

    route: str
    table: str  # whose rows its parameters name; empty: no row
    get: str
    post: str | None  # None: nothing is posted there that is not posted elsewhere
    people: bool


def routes() -> list[str]:
    """Every route there is, as Django spells them; not those that only lead to another one, which asks."""

    def walk(patterns: Any, before: str = "") -> Iterator[str]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                if getattr(pattern.callback, "view_class", None) is not RedirectView:
                    yield route
            else:
                yield from walk(pattern.url_patterns, route)

    return sorted(set(walk(get_resolver().url_patterns)))


def known(route: str) -> Address | None:
    """What the table says of a route; None if nothing."""
    found = STANDARD.match(route)
    if found and route not in PAGES and (row := TABLES.get(found["table"])):
        page = found["page"].strip("/")
        post = {"add": row.add, "change": row.change, "delete": row.delete}.get(page)
        get = post if page in {"add", "delete"} and post is not None else row.see
        return Address(route, found["table"], get, post, row.people)
    if route not in PAGES and f"POST {route}" not in PAGES:
        return None
    place = re.match(r"admin/access/(\w+)/", route)
    table = "photograph" if "photograph/<" in route else place[1] if place else ""
    # An address of the API names the row by its table: <int:alarm>.
    named = re.match(r"api/.*<\w+:(alarm|decision|person)>", route)
    table = named[1] if named else table
    people = table == "photograph" or (table in TABLES and TABLES[table].people)
    get = PAGES.get(route, "")
    # A page of the admin about one row does something when it is posted to; what else does, the table says.
    acts = get if ACTION.match(route) else None
    return Address(route, table, get, PAGES.get(f"POST {route}", acts), people)


def spelled(address: Address, rows: dict[str, Any]) -> str:
    """The address of this row."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if "<int:key>/photographs/" in address.route:
            name = "person"
        if "payrollexport/<int:key>" in address.route:
            return "0"
        if "admin/reports/" in address.route:
            return {"key": "daily", "site": str(rows["site"])}.get(name, "1")
        return FILLED.get(name) or str(rows.get(name) or rows.get(address.table, "1"))

    plain = re.sub(r"\(\?P<(?P<name>\w+)>[^)]*\)|<(?:\w+:)?(?P<other>\w+)>", _named(value), address.route)
    return "/" + re.sub(r"\^|\$|\(\?:\\\.aspx\)\?/\?", "", plain)


def _named(value: Any) -> Any:
    def replace(match: re.Match[str]) -> str:
        name = match["name"] or match["other"]
        return str(value({"name": name}))

    return replace


def opens(response: HttpResponseBase) -> bool:
    """Whether somebody got in; a form or a body that is not right was at least read."""
    if response.status_code in {301, 302}:
        return response["Location"].split("?")[0] not in {"/admin/", "/admin/login/", "/admin/code/"}
    return response.status_code not in {401, 403, 404, 405}


def may(letters: str, who: str) -> bool:
    return who in letters or (who == "w" and "x" in letters) or (who == "x" and "X" in letters)


class Unrendered:
    """Middleware for those whose pages nobody reads here: they get in or they do not, which is quicker."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_template_response(self, request: Any, response: Any) -> Any:
        if request.headers.get("X-Unread") is None:
            return response
        plain = HttpResponse(status=response.status_code)
        plain.render = lambda: plain
        return plain


class Answer(NamedTuple):
    opened: bool
    status: int
    body: bytes
    wrote: list[str]


def ask(client: Client, method: str, address: str, *, read: bool) -> Answer:
    """The answer, and the tables it wrote; whatever it did is undone."""
    wrote: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if (found := WRITES.match(sql)) and found[1] not in NOTES:
            wrote.append(found[1])
        return execute(sql, params, many, context)

    cookies = client.cookies.copy()
    headers = {} if read else {"X-Unread": "1"}
    with transaction.atomic(), connection.execute_wrapper(watch):
        response = client.generic(
            method, address, b"post=yes", "application/x-www-form-urlencoded", headers=headers
        )
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    client.cookies = cookies
    # A post that lacks the button's word was let in: what is shut says so first.
    opened = opens(response) or (method == "POST" and response.status_code == HTTPStatus.METHOD_NOT_ALLOWED)
    return Answer(opened, response.status_code, body, wrote)


def test_every_address_has_its_row() -> None:
    assert [route for route in routes() if known(route) is None] == []


def test_every_row_has_its_address() -> None:
    there = set(routes())
    assert {row.removeprefix("POST ") for row in PAGES} - there == set()
    assert {name for name in TABLES if not any(f"/{name}/" in route for route in there)} == set()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of refusals, each with its traceback in the log, are no news here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def there(cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    # However long all of this takes, the answer of a moment ago is still on the kiosk's screen.
    monkeypatch.setattr(feedback, "TIME_TO_SAY", timedelta(days=1))
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Unrendered"]
    return world.build(cast)


@pytest.mark.usefixtures("quiet")
@pytest.mark.timeout(1800)
def test_every_answer_is_the_one_in_the_table(there: World, capsys: Any) -> None:
    opened: dict[str, set[str]] = defaultdict(set)
    expected: dict[str, set[str]] = defaultdict(set)
    leaks: list[str] = []
    asked: Counter[str] = Counter()
    for route in routes():
        address = known(route)
        if address is None:
            continue  # the test above says so
        for whose, who, method in questions(address):
            rows = there.own if whose == "own" else there.foreign
            reaches = whose == "own" or who not in WITHIN
            wanted = reaches and may(address.get if method == "GET" else address.post or "", who)
            reads = reaches and may(address.get, who)
            plain = spelled(address, rows)
            if "photograph" in plain:
                plain += f"?ticket={there.ticket(who, rows['person'])}"
            answer = ask(there.clients[who], method, plain, read=who in WATCHED)
            row = f"{method} {route}" + (" (foreign)" if whose == "foreign" else "")
            asked["requests"] += 1
            asked["open" if wanted else "shut"] += 1
            if wanted:
                expected[row].add(who)
            # Whoever may only read is shown the page when posting to it; what counts is that nothing is done.
            if answer.wrote or (answer.opened and (wanted or not reads)):
                opened[row].add(who)
            if answer.status >= 500 and answer.status != HTTPStatus.SERVICE_UNAVAILABLE:  # nobody works here
                leaks.append(f"{row} by {who} broke ({plain})")
            if who in WATCHED and any(mark.encode() in answer.body for mark in FOREIGN_MARKS):
                leaks.append(f"{row} by {who} ({plain})")
    wrong = {
        row: f"{spell(opened[row])} instead of {spell(expected[row])}"
        for row in sorted({*opened, *expected})
        if opened[row] != expected[row]
    }
    with capsys.disabled():
        told = (
            f"{asked['requests']} requests to {len(routes())} addresses by {len(EVERYBODY)} kinds of callers"
        )
        sys.stdout.write(f"\n{told}: {asked['open']} open, {asked['shut']} shut, {len(leaks)} leaks\n")
    assert wrong == {}
    assert leaks == []


def questions(address: Address) -> Iterator[tuple[str, str, str]]:
    """Whose row, who asks, how. Those who reach everybody find foreign rows as they find their own.

    Where the same may read and post, everybody posts, and those read whose pages could show too much.
    """
    both = address.post is not None and address.post != address.get
    for who in EVERYBODY:
        if both or address.post is None or who in WITHIN:
            yield "own", who, "GET"
        if address.post is not None:
            yield "own", who, "POST"
    if address.people and "<" in address.route:
        for who in WITHIN:
            yield "foreign", who, "GET"
            if address.post is not None:
                yield "foreign", who, "POST"


def spell(letters: set[str]) -> str:
    return "".join(letter for letter in EVERYBODY if letter in letters) or "nobody"
