"""The first page: this moment, for whoever may see it, and by itself anew."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import decisions, policy, snapshots
from access.doors import alarms
from access.models import Kiosk, Staff
from access.policy import Reason
from tests import factories
from tests.admin.conftest import IN_A_BROWSER
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_roll_of_another_test() -> None:
    cache.clear()


def pass_by(cast: Cast, **evidence: Any) -> Any:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, policy.Evidence(**evidence))


def page(client: Client) -> str:
    return client.get(reverse("live")).content.decode()


def test_it_shows_doors_passages_alarms_and_who_is_in(office: Client, cast: Cast) -> None:
    pass_by(cast, person=cast.alice.pk)
    pass_by(cast, problem=Reason.NO_FACE)
    alarms.raise_alarm(alarms.Kind.HELD, cast.front, door=cast.front)
    shown = office.get(reverse("live")).context
    assert shown["roll"]["inside"] == 1
    assert shown["alarms"]["count"] == 1
    assert shown["speed"]["count"] == 2
    assert shown["arrivals"]["total"] == 1
    front = next(one for one in shown["doors"] if one["door"] == cast.front)
    assert front["last"].reason == Reason.NO_FACE
    text = page(office)
    assert "Alice Able" in text
    assert "Door held open" in text


def test_each_part_needs_the_right_to_its_table(cast: Cast, login_with: Callable[..., Client]) -> None:
    pass_by(cast, person=cast.alice.pk)
    parts = {
        "view_decision": {"latest", "reasons", "speed"},
        "view_alarm": {"alarms"},
        "view_kiosk": {"kiosks"},
        "view_punch": {"arrivals"},
    }
    for right, visible in parts.items():
        shown = login_with(right).get(reverse("live")).context
        names = ("roll", "alarms", "doors", "latest", "reasons", "speed", "arrivals", "kiosks")
        assert {name for name in names if shown[name] is not None} == visible, right


def test_a_manager_s_roll_has_their_own_people_only(cast: Cast) -> None:
    from access.models import Department

    yard = Department.objects.create(name="Yard")
    manager = Staff.objects.create_user("m", password=None, is_staff=True, roles=["manager"])
    yard.managers.add(manager)
    factories.person("Yolanda Yard", department=yard)
    pass_by(cast, person=cast.alice.pk)
    client = Client()
    client.force_login(manager)
    shown = client.get(reverse("live")).context
    assert (shown["roll"]["people"], shown["roll"]["inside"], shown["arrivals"]["total"]) == (1, 0, 0)


def test_kiosks_that_need_a_look_come_first(office: Client, cast: Cast) -> None:
    Kiosk.objects.update(last_seen=timezone.now())
    quiet, _key = factories.kiosk(cast.front)
    Kiosk.objects.filter(pk=quiet.pk).update(name="Quiet", last_seen=timezone.now() - timedelta(hours=1))
    wrong, _key = factories.kiosk(cast.front)
    Kiosk.objects.filter(pk=wrong.pk).update(
        name="Wrong clock", last_seen=timezone.now(), clock_offset_ms=5000
    )
    kiosks = office.get(reverse("live")).context["kiosks"]
    assert [one["kiosk"].name for one in kiosks if one["look"]] == ["Quiet", "Wrong clock"]
    assert "clock off by 5.0 s" in page(office)


def test_a_lockdown_is_seen_at_every_door(office: Client, cast: Cast) -> None:
    from access.doors import modes

    modes.lock_down(cast.site)
    assert all(
        one["alarming"]
        for one in office.get(reverse("live")).context["doors"]
        if one["door"].site == cast.site
    )


def test_whoever_is_not_signed_in_gets_nothing(client: Client, cast: Cast) -> None:
    assert client.get(reverse("live")).status_code == 403


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    def test_a_passage_appears_without_a_reload(self, page: Any, cast: Cast) -> None:
        page.goto("/admin/")
        page.wait_for_selector("text=No door has been asked yet.")
        pass_by(cast, person=cast.alice.pk)
        page.wait_for_selector(".lintel-passages >> text=Alice Able", timeout=15_000)
