"""What the database itself refuses: nobody rewrites the trail, a decision or a punch."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, models, transaction

from access import audit, decisions, snapshots
from access.models import AuditEntry, Decision, Door, Gallery, Kiosk, Person, Punch, Site, Snapshot
from access.policy import Evidence
from tests import factories
from tests.factories import Cast

FACTS: list[tuple[type[models.Model], dict[str, object]]] = [
    (AuditEntry, {"action": "nothing happened"}),
    (Decision, {"granted": False}),
    (Punch, {"direction": "out"}),
]
TRIGGERS = {AuditEntry: "audit", Decision: "decision", Punch: "punch"}


@pytest.fixture
def punched(cast: Cast) -> Cast:
    """Alice went in: there is one decision, one punch and a trail."""
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    decisions.settle(snapshot.pk, Evidence(person=cast.alice.pk))
    return cast


def refused(action: Callable[[], object]) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        action()
    return str(caught.value)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "change"), FACTS)
def test_a_fact_is_never_changed(punched: Cast, model: type[models.Model], change: dict[str, object]) -> None:
    assert "UPDATE refused" in refused(lambda: model._default_manager.update(**change))


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "change"), FACTS)
def test_a_fact_is_never_deleted(punched: Cast, model: type[models.Model], change: dict[str, object]) -> None:
    before = model._default_manager.count()
    assert "DELETE refused" in refused(lambda: model._default_manager.all()._raw_delete("default"))
    assert model._default_manager.count() == before > 0


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "change"), FACTS)
def test_facts_are_never_swept_away(
    punched: Cast, model: type[models.Model], change: dict[str, object]
) -> None:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        # Off in tests, so that they can empty the tables (tests/conftest.py); as migrated here.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {TRIGGERS[model]}_no_truncate")
        assert "TRUNCATE refused" in refused(lambda: cursor.execute(f"TRUNCATE {table} CASCADE"))


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Snapshot, Kiosk, Door, Site])
def test_no_detour_deletes_a_fact(punched: Cast, model: type[models.Model]) -> None:
    refused(lambda: model._default_manager.all().delete())
    assert (Decision.objects.count(), Punch.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_somebody_with_facts_can_be_erased_but_not_deleted(punched: Cast) -> None:
    with pytest.raises((models.ProtectedError, models.RestrictedError)):
        punched.alice.delete()
    assert Person.objects.filter(pk=punched.alice.pk).exists()


@pytest.mark.django_db
def test_a_demo_sites_facts_may_be_deleted_but_not_changed() -> None:
    door = factories.door(factories.site(demo=True))
    crew = Gallery.objects.create(name="Crew")
    door.admits.add(crew)
    person = factories.person()
    crew.people.add(person)
    kiosk, _key = factories.kiosk(door)
    snapshot, _new = snapshots.receive(kiosk, factories.sent())
    assert decisions.settle(snapshot.pk, Evidence(person=person.pk)).granted
    refused(lambda: Punch.objects.update(direction="out"))
    refused(lambda: Decision.objects.update(granted=False))
    Punch.objects.all().delete()
    Decision.objects.all().delete()
    assert (Decision.objects.count(), Punch.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_the_trail_of_a_demo_stays() -> None:
    kiosk, _key = factories.kiosk(factories.door(factories.site(demo=True)))
    refused(lambda: AuditEntry.objects.filter(subject=audit.name_of(kiosk)).delete())


@pytest.mark.django_db
def test_an_entry_says_who_did_what_to_whom(django_user_model: type[models.Model]) -> None:
    site = factories.site()
    staff = django_user_model._default_manager.create(username="ada")
    by_staff = audit.record("site.renamed", site, by=staff, field="name")
    by_machine = audit.record("site.renamed", "site:99", by="command")
    by_nobody = audit.record("site.renamed", site)
    assert (by_staff.staff, by_staff.actor, by_staff.subject) == (staff, "", f"site:{site.pk}")
    assert by_staff.details == {"field": "name"}
    assert (by_machine.staff, by_machine.actor, by_machine.subject) == (None, "command", "site:99")
    assert (by_nobody.staff, by_nobody.actor) == (None, "")


@pytest.mark.django_db
def test_the_trail_outlives_the_staff_it_names(django_user_model: type[models.Model]) -> None:
    staff = django_user_model._default_manager.create(username="ada")
    entry = audit.record("site.renamed", "site:1", by=staff)
    key = staff.pk
    staff.delete()
    entry.refresh_from_db()
    assert entry.staff_id == key


@pytest.mark.django_db
def test_what_is_rolled_back_was_not_done() -> None:
    with transaction.atomic():
        audit.record("site.renamed", "site:1")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_rows_are_named_by_key_and_never_by_name(cast: Cast) -> None:
    assert audit.name_of(cast.alice) == f"person:{cast.alice.pk}"
    trail = [f"{entry.subject} {entry.details} {entry}" for entry in AuditEntry.objects.all()]
    assert trail
    assert not any("Alice" in line or "00017" in line for line in trail)
