"""Sites, doors and kiosks; a kiosk's key is shown once."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from access import gallery, health, places, snapshots
from access.models import AuditEntry, Door, Faceprint, Gallery, Kiosk, KioskKey, Site, SiteRisk
from tests import factories
from tests.conftest import CARD
from tests.factories import Cast
from workers import identify


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


def test_a_door_that_no_worker_can_judge_for_is_named_on_its_page_and_the_first_one(
    office: Client, cast: Cast
) -> None:
    door = cast.kiosk.door
    address = f"/admin/access/door/{door.pk}/change/"
    health.sign_in("host:1", embedder="e", detector="d")

    def warned() -> list[bool]:
        home, page = (office.get(each).content.decode() for each in ("/admin/", address))
        return ["demand one and refuse every face" in home, "has no liveness model and refuses" in page]

    assert warned() == [False, False]
    Door.objects.filter(pk=door.pk).update(liveness=Door.Liveness.PASSIVE)
    assert warned() == [True, True]
    health.sign_in("host:1", embedder="e", detector="d", liveness="minifasnet")
    assert warned() == [False, False]


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
            "liveness": "passive",
            "factors": "face",
            "offline": "deny",
            "two_person_seconds": 10,
            "interlock_seconds": 10,
        },
    )
    door = Door.objects.get()
    office.post(
        "/admin/access/kiosk/add/",
        {"door": door.pk, "name": "Left", "direction": "auto", "faces": "one", "active": "on"}
        | {f"keys-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")},
    )
    assert (list(door.admits.all()), door.liveness) == ([crew], "passive")
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


# --- What the wanted rate means -------------------------------------------------------------------


def site_page(office: Client, site: Site) -> str:
    return " ".join(office.get(f"/admin/access/site/{site.pk}/change/").content.decode().split())


def test_a_site_s_page_says_what_its_rate_means_in_the_numbers_of_its_door(
    office: Client, cast: Cast
) -> None:
    assert "The next worker to sign in works it out" in site_page(office, cast.site)
    office.post(
        f"/admin/access/site/{cast.site.pk}/change/",
        {"name": "Works", "zone": "Europe/Berlin", "keeps_access": "on", "false_identification_rate": "0.02"},
    )
    cast.site.refresh_from_db()
    assert cast.site.false_identification_rate == 0.02
    identify.publish_risks(CARD)
    # Two faceprints at 1 in 50: one comparison may err with 0.01005, next to the measured (0.01, 0.3).
    assert (
        "With 2 faceprints and test-model, about 1 in 50 unknown people at a kiosk would be taken for "
        "somebody; the score needed is 0.30." in site_page(office, cast.site)
    )
    Site.objects.update(false_identification_rate=0.05)
    assert "The next worker to sign in works it out" in site_page(office, cast.site)


def test_a_site_s_page_says_where_a_score_was_not_measured_and_where_nobody_is_named(
    office: Client, cast: Cast
) -> None:
    Site.objects.update(false_identification_rate=1e-5)
    identify.publish_risks(CARD)
    assert "this one is extrapolated" in site_page(office, cast.site)
    SiteRisk.objects.all().delete()
    identify.publish_risks(replace(CARD, calibration=None))
    assert "test-model has no calibration, so nobody may be named here." in site_page(office, cast.site)
    SiteRisk.objects.all().delete()
    Faceprint.objects.all().delete()
    identify.publish_risks(CARD)
    assert "so everybody is unknown" in site_page(office, cast.site)


@pytest.mark.parametrize("rate", ["0", "0.2", "-0.1", "1e-7", "nan", "inf"])
def test_a_rate_beyond_reason_is_refused(office: Client, cast: Cast, rate: str) -> None:
    form = {"name": "Works", "zone": "Europe/Berlin", "false_identification_rate": rate}
    response = office.post(f"/admin/access/site/{cast.site.pk}/change/", form)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["false_identification_rate"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.update(false_identification_rate=float(rate))


# --- Look-alikes ----------------------------------------------------------------------------------

LOOK_ALIKES = "/admin/access/gallery/look_alikes/"


def alike(cast: Cast) -> None:
    """Dora looks like Alice, Erik a little like Bob, and somebody of another site like both."""
    dora, erik, far = (factories.person(name) for name in ("Dora Dell", "Erik Eden", "Far Away"))
    cast.crew.people.add(dora, erik)
    factories.faceprint(dora, (0.8, 0, 0, 0, 0.6, 0, 0, 0))
    factories.faceprint(dora, (0.6, 0, 0, 0, 0.8, 0, 0, 0))
    factories.faceprint(erik, (0, 0.3, 0, 0, 0, 0.95, 0, 0))
    factories.faceprint(far, (1, 0, 0, 0, 0, 0, 0, 0))


def test_the_people_who_look_most_alike_are_listed_once_with_their_best_score(
    office: Client, cast: Cast
) -> None:
    alike(cast)
    identify.publish_risks(CARD)
    response = office.get(LOOK_ALIKES)
    found = [
        ({first.name, second.name}, round(score, 2), confused)
        for first, second, score, confused in response.context["pairs"]
    ]
    assert found[:2] == [
        ({"Alice Able", "Dora Dell"}, 0.8, True),
        ({"Bob Best", "Erik Eden"}, 0.3, False),
    ]
    assert len(found) == 6  # four people can be found: Charlie is suspended, and one is of another site
    shown = response.content.decode()
    for person in (cast.alice, cast.bob):
        assert f"/admin/access/person/{person.pk}/change/" in shown
    assert shown.count("may be confused") == 1


def test_where_nobody_can_be_compared_the_page_says_so(
    office: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No worker has signed in" in office.get(LOOK_ALIKES).content.decode()
    identify.publish_risks(CARD)
    monkeypatch.setattr(gallery, "MOST_COMPARED", 1)
    assert "More than 1 faceprints" in office.get(LOOK_ALIKES).content.decode()
    monkeypatch.undo()
    Faceprint.objects.filter(person=cast.bob).delete()
    assert "nobody looks like anybody" in office.get(LOOK_ALIKES).content.decode()


def test_another_site_is_chosen_and_one_that_is_not_there_shows_nothing(office: Client, cast: Cast) -> None:
    other = factories.site("Zoo")
    identify.publish_risks(CARD)
    assert office.get(LOOK_ALIKES).context["site"] == cast.site
    assert office.get(f"{LOOK_ALIKES}?site={other.pk}").context["site"] == other
    assert office.get(f"{LOOK_ALIKES}?site=nonsense").context["site"] is None


def test_without_any_site_the_page_still_reads(office: Client) -> None:
    assert office.get(LOOK_ALIKES).status_code == 200


@pytest.mark.parametrize("missing", ["view_gallery", "view_person", "view_faceprint"])
def test_look_alikes_need_the_rights_to_galleries_people_and_faceprints(
    cast: Cast, login_with: Any, missing: str
) -> None:
    rights = {"view_gallery", "view_person", "view_faceprint"}

    def listed(clerk: Client) -> bool:
        menu = clerk.get("/admin/").context["sidebar_navigation"]
        return any(str(item["link"]) == LOOK_ALIKES for group in menu for item in group["items"])

    allowed, other = login_with(*rights), login_with(*rights - {missing})
    assert (allowed.get(LOOK_ALIKES).status_code, listed(allowed)) == (200, True)
    assert (other.get(LOOK_ALIKES).status_code, listed(other)) == (403, False)
