"""Rules about the house itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.views import APIView

ROOT = Path(__file__).resolve().parent.parent
OURS = [model for model in apps.get_app_config("access").get_models() if not model._meta.auto_created]
# Open on purpose: what a machine asks to learn whether we live, and the description of the API.
# Terminals are told apart by what protocol.Heard asks: no login, no session, no cookie.
TERMINALS = {"cdata", "getrequest", "devicecmd", "registry", "push", "ping", "fdata"}
OPEN = TERMINALS | {"home", "icon", "healthz", "readyz", "metrics", "schema", "docs"}
# The kiosk page itself, which shows nothing before it is paired, and the notice for everybody.
OPEN |= {"page", "worker", "finder", "manifest", "notice_code", "forget_login", "privacy"}
# What an invitation opens: its link, or the ticket that handing in gives, is asked for in the view.
OPEN |= {"enrol", "enrol_send", "enrol_more", "enrol_result", "enrol_thanks"}


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_the_import_contracts_hold() -> None:
    # In a process of its own: it sets up logging anew, and that would deafen the tests that listen.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_table_says_what_it_holds_of_people(model: type[models.Model]) -> None:
    said = (model.__doc__ or "").lower()
    assert "personal data" in said, "say Personal data: … and when it goes, or No personal data"


def patterns(found: URLResolver, inside: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in found.url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, f"{inside}{one.pattern}")
        else:
            yield f"{inside}{one.pattern}", one


API = [
    (path, pattern.callback.cls)
    for path, pattern in patterns(get_resolver())
    if issubclass(getattr(pattern.callback, "cls", object), APIView) and pattern.name not in OPEN
]


def test_there_is_an_api() -> None:
    assert {path for path, _view in API} >= {"api/v1/kiosk/", "api/v1/snapshots/", "api/v1/punches/"}


@pytest.mark.parametrize(("path", "view"), API)
def test_every_view_of_the_api_says_itself_who_may_ask(path: str, view: type[APIView]) -> None:
    own: dict[str, Any] = vars(view)
    assert own["authentication_classes"], "an explicit authentication"
    assert own["permission_classes"], "an explicit permission"
    assert all(issubclass(one, BaseAuthentication) for one in own["authentication_classes"])
    assert all(issubclass(one, BasePermission) and one is not AllowAny for one in own["permission_classes"])


def test_every_other_address_is_the_admins_or_open_on_purpose() -> None:
    others = {
        pattern.name
        for path, pattern in patterns(get_resolver())
        if not path.startswith("admin/") and path not in {path for path, _view in API}
    }
    assert others <= OPEN


@pytest.mark.parametrize(
    "path",
    [
        path
        for package in ("access", "workers")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not {"management", "up", "migrations"} & set(path.relative_to(ROOT).parts)
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_module_says_what_it_is_for_and_prints_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    if tree.body:
        docstring = ast.get_docstring(tree)
        assert docstring, "begin with what the module is for"
        assert len(docstring.splitlines()) <= 6
    printed = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printed == []
