"""Pictures of passages: kept only if asked for, of people who agreed, for as long as was said."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access import decisions, erasure, kept, people, snapshots
from access.models import AuditEntry, Decision, KeptPicture, Retention, SnapshotPicture
from access.policy import Evidence
from access.privacy import disclosure, kinds, notices, retention
from access.privacy.kinds import Kind
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def week(db: None) -> None:
    """Pictures of passages are kept for a week."""
    retention.fill_in()
    Retention.objects.filter(kind=kept.KIND).update(days=7)


def passed(cast: Cast, **evidence: object) -> Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, Evidence(**evidence))


def test_at_first_nothing_is_kept(cast: Cast) -> None:
    retention.fill_in()
    passed(cast, person=cast.alice.pk)
    assert not KeptPicture.objects.exists()
    assert not SnapshotPicture.objects.exists()


def test_the_picture_of_somebody_who_agreed_is_kept_as_it_came(cast: Cast, week: None) -> None:
    decision = passed(cast, person=cast.alice.pk)
    assert kept.open_picture(decision.pk) == factories.picture()
    assert bytes(KeptPicture.objects.get().sealed) != factories.picture()
    assert not SnapshotPicture.objects.exists()


def test_strangers_and_those_who_did_not_agree_are_never_kept(cast: Cast, week: None) -> None:
    people.withdraw_consent(cast.alice)
    passed(cast, person=cast.alice.pk)
    passed(cast)
    assert not KeptPicture.objects.exists()


def test_its_time_ends_at_night(cast: Cast, week: None) -> None:
    old, new = (passed(cast, person=cast.alice.pk) for _number in range(2))
    KeptPicture.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=8))
    run = retention.begin()
    while retention.sweep_slice(run):
        pass
    assert list(KeptPicture.objects.values_list("pk", flat=True)) == [new.pk]


def test_withdrawn_consent_takes_the_pictures_along(cast: Cast, week: None) -> None:
    passed(cast, person=cast.alice.pk)
    people.withdraw_consent(cast.alice)
    due = kinds.parts(Kind.WITHDRAWN_FACES, 0, timezone.now())
    assert any(part.rows.model is KeptPicture and part.rows.count() == 1 for part in due)


def test_erasing_a_person_says_how_many_went(cast: Cast, week: None) -> None:
    passed(cast, person=cast.alice.pk)
    assert erasure.erase(cast.alice).passage_pictures_deleted == 1
    assert not KeptPicture.objects.exists()


def test_a_person_s_own_data_holds_them_and_nobody_else_s_likeness(cast: Cast, week: None) -> None:
    near = [(cast.alice.pk, 0.9), (cast.bob.pk, 0.5)]
    decision = passed(cast, person=cast.alice.pk, facts={"nearest": near, "score": 0.9})
    handed = dict(disclosure._files(cast.alice))
    assert b"".join(handed[f"pictures_of_passages/{decision.pk}.jpg"]) == factories.picture()
    told = b"".join(handed["decisions.json"]).decode()
    assert "0.9" in told
    assert "nearest" not in told


def test_the_notice_says_what_is_true(cast: Cast, week: None) -> None:
    told = {one.what: one.long for one in notices.kept("en")}
    assert [long for what, long in told.items() if "of people who agreed" in what] == ["7 days"]
    Retention.objects.filter(kind=kept.KIND).update(days=0)
    told = {one.what: one.long for one in notices.kept("en")}
    assert not [what for what in told if "of people who agreed" in what]
    assert told["Pictures that a kiosk took"] == "seconds, until the decision"


def test_whoever_looks_is_on_record_and_whoever_may_not_sees_none(
    office: Client,
    cast: Cast,
    week: None,
    login_with: Callable[..., Client],
) -> None:
    decision = passed(cast, person=cast.alice.pk)
    address = f"/admin/access/decision/{decision.pk}/picture/"
    assert address in office.get(f"/admin/access/decision/{decision.pk}/change/").content.decode()
    assert address in office.get("/admin/").content.decode()
    for _twice in range(2):
        shown = office.get(address)
    assert shown.content == factories.picture()
    assert "no-store" in shown["Cache-Control"]
    looks = AuditEntry.objects.filter(action="picture.viewed", subject=f"snapshot:{decision.pk}")
    assert [entry.staff.username for entry in looks] == ["office"], "once in ten minutes"
    guard = login_with("view_decision")
    assert guard.get(address).status_code == 403
    assert address not in guard.get(f"/admin/access/decision/{decision.pk}/change/").content.decode()
    assert address not in guard.get("/admin/").content.decode()
