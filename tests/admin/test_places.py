"""Sites, doors and kiosks; a kiosk's key is shown once."""

from typing import Any

import pytest
from django.test import Client

from access import places, snapshots
from access.models import AuditEntry, Door, Gallery, Kiosk, KioskKey, Site
from tests import factories
from tests.factories import Cast


def key_in(response: Any) -> str:
    return str(response.context["key"])


def test_a_new_key_opens_and_is_shown_on_no_later_page(office: Client, cast: Cast) -> None:
    response = office.post(f"/admin/access/kiosk/{cast.kiosk.pk}/issue/")
    key = key_in(response)
    assert key in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert places.kiosk_for(key) == cast.kiosk
    for page in (f"{cast.kiosk.pk}/change/", f"{cast.kiosk.pk}/history/", ""):
        assert key not in office.get(f"/admin/access/kiosk/{page}").content.decode()
    assert all(key not in str(entry.details) for entry in AuditEntry.objects.all())


def test_asking_for_a_key_makes_none(office: Client, cast: Cast) -> None:
    before = KioskKey.objects.count()
    for page in ("issue", "roll", "revoke"):
        assert office.get(f"/admin/access/kiosk/{cast.kiosk.pk}/{page}/").status_code == 200
    assert KioskKey.objects.count() == before
    assert places.kiosk_for(cast.key) == cast.kiosk


@pytest.mark.parametrize(("overlap", "old_one_opens"), [("0", False), ("1", True)])
def test_rolling_ends_the_old_key_as_chosen(
    office: Client, cast: Cast, overlap: str, old_one_opens: bool
) -> None:
    response = office.post(f"/admin/access/kiosk/{cast.kiosk.pk}/roll/", {"overlap": overlap})
    assert places.kiosk_for(key_in(response)) == cast.kiosk
    assert (places.kiosk_for(cast.key) is not None) is old_one_opens


def test_revoking_locks_the_kiosk_out(office: Client, cast: Cast) -> None:
    office.post(f"/admin/access/kiosk/{cast.kiosk.pk}/revoke/")
    assert places.kiosk_for(cast.key) is None


def test_keys_need_rights_of_their_own(cast: Cast, login_with: Any) -> None:
    clerk = login_with("view_kiosk", "change_kiosk")
    for page in ("issue", "roll", "revoke"):
        assert clerk.post(f"/admin/access/kiosk/{cast.kiosk.pk}/{page}/").status_code == 403
    assert places.kiosk_for(cast.key) == cast.kiosk


def test_a_site_a_door_and_a_kiosk_are_set_up_on_record(office: Client) -> None:
    crew = Gallery.objects.create(name="Crew")
    office.post("/admin/access/site/add/", {"name": "Works", "zone": "Europe/Berlin"})
    site = Site.objects.get()
    office.post(
        "/admin/access/door/add/",
        {
            "site": site.pk,
            "name": "Gate",
            "admits": [crew.pk],
            "deadline_ms": 2000,
            "freshness_seconds": 30,
        },
    )
    door = Door.objects.get()
    office.post(
        "/admin/access/kiosk/add/",
        {"door": door.pk, "name": "Left", "direction": "auto", "faces": "one", "active": "on"}
        | {f"keys-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")},
    )
    assert list(door.admits.all()) == [crew]
    assert Kiosk.objects.get().door == door
    recorded = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"site.added", "door.added", "kiosk.added"} <= recorded


def test_a_place_where_something_was_decided_is_kept(office: Client, cast: Cast) -> None:
    spare = factories.door(cast.site, "Spare")
    snapshots.receive(cast.kiosk, factories.sent())
    for model, row in (("site", cast.site), ("door", cast.front), ("kiosk", cast.kiosk)):
        assert office.post(f"/admin/access/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    office.post(f"/admin/access/door/{spare.pk}/delete/", {"post": "yes"})
    assert not Door.objects.filter(pk=spare.pk).exists()
    assert AuditEntry.objects.filter(action="door.deleted", subject=f"door:{spare.pk}").exists()


def test_a_text_somebody_agreed_to_is_never_reworded(office: Client) -> None:
    text = factories.consent_text()
    address = f"/admin/access/consenttext/{text.pk}/change/"
    office.post(address, {"version": text.version, "language": "en", "body": "I agree, I think."})
    factories.person()
    response = office.post(address, {"version": text.version, "language": "en", "body": "Everything."})
    text.refresh_from_db()
    assert (response.status_code, text.body) == (403, "I agree, I think.")
