"""What a person says to an answer, and what staff may do with a PIN."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access import decisions, policy, snapshots
from access.kiosk import feedback, unlocking
from access.models import AuditEntry, Decision, Dispute, Punch, Remark, UnlockTries
from tests import factories
from tests.factories import Cast
from tests.kiosk.tablet import paired


def grant(cast: Cast) -> Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk))


def say(client: Client, cast: Cast, decision: object, word: str, **values: Any) -> Any:
    return client.post(
        f"/api/v1/decisions/{decision}/{word}/",
        values,
        content_type="application/json",
        headers={"Authorization": f"Kiosk {cast.key}"},
    )


def test_not_me_is_noted_once_and_undoes_nothing(client: Client, cast: Cast) -> None:
    decision = grant(cast)
    for _again in range(2):
        assert say(client, cast, decision.pk, "not-me").status_code == 200
    assert Dispute.objects.get().decision == decision
    assert AuditEntry.objects.get(action="decision.disputed").details == {"person": cast.alice.pk}
    assert Punch.objects.count() == 1


def test_a_remark_is_kept_and_the_last_word_counts(client: Client, cast: Cast) -> None:
    decision = grant(cast)
    for why in ("medical", "business"):
        assert say(client, cast, decision.pk, "remark", why=why).status_code == 200
    assert Remark.objects.get().why == "business"
    assert say(client, cast, decision.pk, "remark", why="because").status_code == 400


@pytest.mark.parametrize("word", ["not-me", "remark"])
def test_nothing_can_be_said_of_what_is_not_on_this_screen_now(
    client: Client, cast: Cast, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = grant(cast)
    other, key = factories.kiosk(cast.back)
    response = client.post(
        f"/api/v1/decisions/{decision.pk}/{word}/",
        {"why": "other"},
        content_type="application/json",
        headers={"Authorization": f"Kiosk {key}"},
    )
    assert (other.door, response.status_code) == (cast.back, 404)
    assert say(client, cast, uuid.uuid4(), word, why="other").status_code == 404
    refused = decisions.settle(snapshots.receive(cast.kiosk, factories.sent())[0].pk, policy.Evidence())
    assert say(client, cast, refused.pk, word, why="other").status_code == 404
    monkeypatch.setattr(feedback, "TIME_TO_SAY", timedelta(0))
    assert say(client, cast, decision.pk, word, why="other").status_code == 404


def test_the_sites_pin_unlocks_and_every_wrong_one_past_the_third_costs_a_wait(
    client: Client, cast: Cast
) -> None:
    tablet = paired(client, cast.kiosk)

    def enter(pin: str) -> Any:
        return tablet.post("/api/v1/kiosk/unlock/", {"pin": pin}).json()

    assert enter("000000") == {"unlocked": False, "after": None}  # no PIN is right where none is set
    UnlockTries.objects.all().delete()
    unlocking.set_pin(cast.site, "270419")
    cast.site.refresh_from_db()
    assert "270419" not in cast.site.kiosk_pin
    assert enter("270419")["unlocked"] is True
    assert [enter("111111")["after"] for _ in range(2)] == [None, None]
    assert enter("111111")["after"] is not None
    assert enter("270419")["unlocked"] is False  # right, but too early
    UnlockTries.objects.update(after=timezone.now())
    assert enter("270419")["unlocked"] is True
    assert UnlockTries.objects.get().failures == 0
    assert "270419" not in str(list(AuditEntry.objects.values_list("details", flat=True)))


@pytest.mark.parametrize("pin", ["", "12345", "abcdef", "١٢٣٤٥٦"])
def test_a_pin_for_staff_has_six_digits(cast: Cast, pin: str) -> None:
    with pytest.raises(ValueError, match="6 digits"):
        unlocking.set_pin(cast.site, pin)
