"""Somebody at a door: faces, cards and PINs shown to a kiosk, each with the decision that came of it."""

import uuid
from typing import Any

from access import decisions, snapshots
from access.decisions import Decision
from access.places import Kiosk
from access.policy import Evidence
from access.snapshots import Credentials
from tests import factories


def show_face(kiosk: Kiosk, person: int | None, *, direction: str | None = None, **given: str) -> Decision:
    """The decision about this face (by key; None is a stranger's), with a card, badge or PIN beside it."""
    sent = factories.sent(direction=direction, credentials=Credentials(**given))
    snapshot, _new = snapshots.receive(_fresh(kiosk), sent)
    return decisions.settle(snapshot.pk, Evidence(person=person))


def show(
    kiosk: Kiosk, *, direction: str | None = None, after: uuid.UUID | None = None, **given: str
) -> Decision:
    """The decision about a card, badge or PIN without a picture."""
    fields: dict[str, Any] = {"image": None, "kind": "pass", "after": after, "direction": direction}
    return decisions.reach(_fresh(kiosk), factories.sent(**fields, credentials=Credentials(**given)))


def _fresh(kiosk: Kiosk) -> Kiosk:
    """As a request finds it: with its door and site as they are now."""
    return Kiosk.objects.select_related("door__site").get(pk=kiosk.pk)
