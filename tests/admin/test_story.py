"""One decision from the picture to the working day, every number beside its limit, for whoever may see it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access import decisions, snapshots
from access.admin import story
from access.doors import contacts
from access.doors.contacts import State
from access.doors.drivers import Fate
from access.hours import ledger
from access.models import Assignment, Decision, Department, DoorCommand, RuleSet, RuleVersion, Staff
from access.policy import Evidence, Reason
from tests import factories
from tests.access.hours.test_plans import shift
from tests.factories import Cast

pytestmark = pytest.mark.django_db
FACTS = {
    "model": "test-model",
    "faces": 1,
    "score": 0.7123,
    "threshold": 0.4321,
    "rate": 0.003,
    "lead": 0.2101,
    "margin": 0.05,
    "gallery": 3,
    "quality": {"sharpness": 0.654, "yaw": -33.2, "burnt_out": 0.5},
    "limits": {"sharpness": 0.13, "yaw": 50, "burnt_out": 0.35},
    "milliseconds": {"detect": 12.3, "embed": 6.1},
}


def decided(cast: Cast, **evidence: object) -> Decision:
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, Evidence(**evidence))


def page(client: Client, decision: Decision) -> str:
    return client.get(f"/admin/access/decision/{decision.pk}/change/").content.decode()


def named(cast: Cast, **more: object) -> Decision:
    near = [(cast.alice.pk, 0.7123), (cast.bob.pk, 0.5022)]
    return decided(cast, person=cast.alice.pk, facts=FACTS | {"nearest": near} | more)


def test_each_number_of_the_face_stands_beside_its_limit(office: Client, cast: Cast) -> None:
    measures = {str(one.name): one for one in story.quality(FACTS)}
    sharp, turned, burnt = (measures[name] for name in measures)
    assert (sharp.limit, sharp.kept) == ("≥ 0.13", True)
    assert (turned.limit, turned.kept) == ("≤ 50", True), "33° to the left are not 50"
    assert (burnt.limit, burnt.kept) == ("≤ 0.35", False)
    shown = page(office, named(cast))
    for part in ("0.654", "≥ 0.13", "≤ 0.35", "missed"):
        assert part in shown, part


def test_an_old_decision_without_limits_still_shows_its_numbers() -> None:
    old = story.quality({"quality": {"sharpness": 0.5}})
    assert [(one.value, one.limit, one.kept) for one in old] == [(0.5, "", None)]


def test_the_match_is_for_those_with_a_right_of_their_own(
    office: Client, cast: Cast, login_with: Callable[..., Client]
) -> None:
    decision = named(cast)
    shown = page(office, decision)
    for part in ("0.7123", "0.4321", "0.2101", "0.05", "1 stranger in 333", "Bob Best", "0.5022"):
        assert part in shown, part
    guard = page(login_with("view_decision", "view_person"), decision)
    for part in ("0.7123", "0.4321", "0.2101", "Bob Best", "0.5022"):
        assert part not in guard, part
    assert "right of their own" in guard


def test_of_the_nearest_only_those_are_named_whom_the_login_reaches(cast: Cast) -> None:
    yard = Department.objects.create(name="Yard")
    auditor = Staff.objects.create_user("a", password=None, is_staff=True)
    rights = ("view_decision", "view_person", "see_match")
    auditor.user_permissions.set(Permission.objects.filter(codename__in=rights))
    yard.managers.add(auditor)
    cast.alice.department = yard
    cast.alice.save()
    client = Client()
    client.force_login(auditor)
    shown = page(client, named(cast))
    assert "Alice Able" in shown
    assert "Bob Best" not in shown
    assert "One person whom your login does not reach" in shown


def test_the_door_s_answer_and_contact_are_told(office: Client, cast: Cast) -> None:
    decision = named(cast)
    order = DoorCommand.objects.get(decision=decision)
    contacts.report(cast.front, State.OPEN, taken=decision.at + timedelta(milliseconds=900))
    told = story.door(decision, Staff.objects.get(username="office"))
    assert told["order"] == order
    assert [(state, after) for state, after in told["events"]] == [("open", 900)]
    assert "carried out" in page(office, decision)


def test_a_refusal_told_the_door_nothing_and_punched_nobody(office: Client, cast: Cast) -> None:
    shown = page(office, decided(cast, problem=Reason.NO_FACE))
    assert "It was told nothing." in shown
    assert "Nobody was punched in or out." in shown
    assert "No face was compared." in shown


def test_the_effect_on_attendance_leads_to_the_punch_and_the_day(office: Client, cast: Cast) -> None:
    decision = named(cast)
    punch = decision.snapshot.punch
    day = punch.at.date()
    rules = RuleSet.objects.create(name="House rules")
    RuleVersion.objects.create(rule_set=rules, valid_from=day - timedelta(days=60))
    Assignment.objects.create(
        person=cast.alice,
        site=cast.site,
        rules=rules,
        shift=shift("D", (0, 24)),
        first=day - timedelta(days=9),
    )
    ledger.refresh([cast.alice.pk], day - timedelta(days=1), day + timedelta(days=1))
    shown = page(office, decision)
    assert f"/admin/access/punch/{punch.pk}/change/" in shown
    assert f"/admin/access/workday/day/{cast.alice.pk}/" in shown
    back = office.get(f"/admin/access/workday/day/{cast.alice.pk}/{day.isoformat()}/").content.decode()
    assert f"/admin/access/decision/{decision.pk}/change/" in back


def test_without_the_right_to_punches_the_page_says_so(cast: Cast, login_with: Callable[..., Client]) -> None:
    shown = page(login_with("view_decision"), named(cast))
    assert "Your login does not see attendance." in shown


@pytest.mark.parametrize("milliseconds", [5, 18.4, 40])
def test_the_stretches_add_up_to_the_time_it_took(cast: Cast, milliseconds: float) -> None:
    """Also where the stages are longer than what our clocks say."""
    decision = named(cast)
    decision.at = decision.snapshot.received + timedelta(milliseconds=milliseconds)
    told = story.moments(decision, None)
    assert sum(one.length for one in told["spans"]) == pytest.approx(max(told["took"], 18.4))
    assert [one.kind for one in told["spans"]] == ["look", "look-odd", "rest"]
    assert all(begin + width <= 101 for _span, begin, width in told["bars"])


def test_from_a_person_one_click_leads_to_their_decisions_and_punches(office: Client, cast: Cast) -> None:
    decision = named(cast)
    decided(cast, problem=Reason.NO_FACE)
    shown = office.get(f"/admin/access/person/{cast.alice.pk}/change/").content.decode()
    for table in ("decision", "punch"):
        link = f"/admin/access/{table}/?person__id__exact={cast.alice.pk}"
        assert link in shown
        rows = office.get(link).context["cl"].result_list
        assert [row.person for row in rows] == [cast.alice], table
    assert (
        f"/admin/access/decision/{decision.pk}/change/"
        in office.get(f"/admin/access/decision/?person__id__exact={cast.alice.pk}").content.decode()
    )


def test_a_decision_that_carries_on_leads_to_the_one_before(office: Client, cast: Cast) -> None:
    first = decided(cast, problem=Reason.NO_FACE)
    second = decided(cast, person=cast.alice.pk)
    second.snapshot.after_id = first.pk
    second.snapshot.save(update_fields=["after"])
    assert f"/admin/access/decision/{first.pk}/change/" in page(office, second)
    assert f"/admin/access/decision/{second.pk}/change/" in page(office, first)


def test_every_kind_of_order_has_words() -> None:
    assert set(story.FATES) == set(Fate)
