"""Logins of every kind, and photographs handed in through the real form."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.urls import reverse

from access import signin
from access.models import Person, Staff
from tests import factories

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


def signed_in(staff: Staff) -> Client:
    """A client whose password was given just now."""
    client = Client()
    client.force_login(staff)
    session = client.session
    session[signin.AGAIN] = int(time.time())
    session.save()
    return client


@pytest.fixture
def office(db: None) -> Client:
    """Somebody who may do everything."""
    return signed_in(Staff.objects.create_superuser("office", password=None))


@pytest.fixture
def login_with(db: None) -> Callable[..., Client]:
    """`login_with("view_person")`: a member of staff who reaches everybody, with these permissions."""

    def login(*permissions: str) -> Client:
        staff = Staff.objects.create_user(f"clerk{Staff.objects.count()}", password=None, is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=[*permissions, "reach_everybody"]))
        return signed_in(staff)

    return login


def photograph(name: str = "face.jpg", *, seed: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, factories.picture(seed=seed), "image/jpeg")


@pytest.fixture
def fill_in(django_capture_on_commit_callbacks: Any, run_queue: list[Any]) -> Callable[..., Any]:
    """Post the form of a person; what the website asks of the workers is done before this returns."""

    def post(client: Client, person: Person | None = None, **fields: Any) -> Any:
        values: dict[str, Any] = {"name": "Erika Muster", "badge": "00042", "active": "on"}
        if person is not None:
            values |= {"name": person.name, "badge": person.badge}
            values["galleries"] = list(person.galleries.values_list("pk", flat=True))
        address = (
            reverse("admin:access_person_change", args=[person.pk])
            if person is not None
            else reverse("admin:access_person_add")
        )
        values = {key: value for key, value in (values | fields).items() if value is not None}
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(address, values)

    return post


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Chromium itself. Its driver keeps an event loop in this thread, which Django takes for its own."""
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
        connections.close_all()  # made under that event loop, they would be found by nobody later


@pytest.fixture
def page(browser: Any, live_server: Any) -> Any:
    """A logged-in page; any error of a script fails the test that caused it."""
    client = Client()
    client.force_login(Staff.objects.create_superuser("office", password=None))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    opened = context.new_page()
    opened.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    return opened
