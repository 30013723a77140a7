"""Logins of every kind, and photographs handed in through the real form."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from access.models import Person, Staff
from tests import factories


@pytest.fixture
def office(db: None) -> Client:
    """Somebody who may do everything."""
    client = Client()
    client.force_login(Staff.objects.create_superuser("office", password=None))
    return client


@pytest.fixture
def login_with(db: None) -> Callable[..., Client]:
    """`login_with("view_person")`: a member of staff with exactly these permissions."""

    def login(*permissions: str) -> Client:
        staff = Staff.objects.create_user(f"clerk{Staff.objects.count()}", password=None, is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(staff)
        return client

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
