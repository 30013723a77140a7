"""Endpoints in the admin: a secret shown once, a test, the log, and another attempt."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from access import attendance
from access.hooks import endpoints
from access.hooks.deliveries import State
from access.models import AuditEntry, Delivery, Endpoint
from tests.factories import Cast, at

ADD = "/admin/access/endpoint/add/"
FIELDS = {
    "name": "HR",
    "kind": "webhook",
    "url": "https://hr.example.org/hook",
    "active": "on",
    "events": ["punch.noted"],
    "zone": "UTC",
}


def test_a_new_webhook_leads_to_its_secret_which_is_shown_once(office: Client) -> None:
    response = office.post(ADD, FIELDS)
    endpoint = Endpoint.objects.get()
    assert (endpoint.events, endpoint.sealed) == (["punch.noted"], None)
    assert "no secret yet" in office.get(reverse("admin:access_endpoint_changelist")).content.decode()
    shown = office.post(response.url)
    endpoint.refresh_from_db()
    secret = endpoints.secret_of(endpoint)
    assert secret.startswith("whsec_")
    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert secret not in office.get(response.url).content.decode()
    assert secret not in office.get(f"/admin/access/endpoint/{endpoint.pk}/change/").content.decode()


@pytest.mark.parametrize("url", ["http://hr.example.org/", "https://u:p@hr.example.org/", "nonsense"])
def test_an_address_that_cannot_be_is_refused(office: Client, url: str) -> None:
    assert office.post(ADD, FIELDS | {"url": url}).status_code == 200
    assert not Endpoint.objects.exists()


def test_a_connector_keeps_its_secret_when_the_field_is_left_empty(office: Client) -> None:
    fields = FIELDS | {"kind": "frappe", "account": "key", "secret": "s3cret-of-hr"}
    assert office.post(ADD, fields).status_code == 302
    endpoint = Endpoint.objects.get()
    page = f"/admin/access/endpoint/{endpoint.pk}/change/"
    assert office.post(page, fields | {"secret": "", "name": "HR 2"}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoints.secret_of(endpoint)) == ("HR 2", "s3cret-of-hr")
    assert "s3cret" not in office.get(page).content.decode()
    assert "s3cret" not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    assert office.post(f"/admin/access/endpoint/{endpoint.pk}/new-secret/").status_code == 403


def test_a_test_and_its_fate_stand_in_the_log(office: Client, settings: LazySettings) -> None:
    endpoint = Endpoint.objects.create(name="HR", url="https://localhost/", events=[])
    endpoints.issue_secret(endpoint)
    response = office.post(f"/admin/access/endpoint/{endpoint.pk}/try-it/")
    delivery = Delivery.objects.get()
    assert delivery.event == "test"
    assert "waiting" in office.get(response.url).content.decode()
    Delivery.objects.update(state=State.GIVEN_UP.value, error="no answer in time")
    assert "no answer in time" in office.get(response.url).content.decode()
    again = f"/admin/access/delivery/{delivery.pk}/again/"
    assert office.get(again).status_code == 200
    office.post(again)
    delivery.refresh_from_db()
    assert delivery.state == State.PENDING


def test_whoever_may_only_look_sends_nothing(cast: Cast, login_with: Any) -> None:
    endpoint = Endpoint.objects.create(name="HR", url="https://hr.example.org/", events=["punch.noted"])
    attendance.note_punch(cast.alice, at=at("2026-03-02T08:00:00+01:00"), direction="in")
    Delivery.objects.update(state=State.REFUSED.value)
    clerk = login_with("view_endpoint", "view_delivery")
    for page in ("new-secret", "try-it"):
        assert clerk.post(f"/admin/access/endpoint/{endpoint.pk}/{page}/").status_code == 403
    assert clerk.post(f"/admin/access/delivery/{Delivery.objects.get().pk}/again/").status_code == 403
    assert clerk.get(f"/admin/access/delivery/{Delivery.objects.get().pk}/change/").status_code == 200
