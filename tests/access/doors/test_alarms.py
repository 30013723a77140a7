"""One open alarm for one thing that is wrong, until somebody took note."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.doors import alarms
from access.doors.alarms import WORDS, Alarm, Kind
from access.models import AuditEntry, Staff
from tests.access.racing import at_once
from tests.factories import Cast


def test_every_kind_has_words() -> None:
    assert set(WORDS) == set(Kind)


@pytest.mark.django_db
def test_a_repeat_is_counted_on_the_alarm_there_is(cast: Cast) -> None:
    first = alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front, at="8 o'clock")
    again = alarms.raise_alarm(Kind.HELD, cast.front, door=cast.front, at="9 o'clock")
    other = alarms.raise_alarm(Kind.HELD, cast.back, door=cast.back)
    assert (first.pk, again.times, again.details) == (again.pk, 2, {"at": "9 o'clock"})
    assert again.opened == first.opened
    assert (other.pk != first.pk, other.times) == (True, 1)
    assert AuditEntry.objects.filter(action="alarm.raised").count() == 2


@pytest.mark.django_db
def test_what_is_over_stays_until_somebody_took_note_and_may_come_back(cast: Cast) -> None:
    raised = alarms.raise_alarm(Kind.KIOSK_SILENT, cast.kiosk, kiosk=cast.kiosk)
    assert alarms.end(Kind.KIOSK_SILENT, cast.kiosk)
    assert not alarms.end(Kind.KIOSK_SILENT, cast.kiosk)
    assert alarms.unacknowledged().get().ended is not None
    again = alarms.raise_alarm(Kind.KIOSK_SILENT, cast.kiosk, kiosk=cast.kiosk)
    assert (again.pk, again.ended) == (raised.pk, None)


@pytest.mark.django_db
def test_whoever_takes_note_first_stays_and_the_next_time_is_a_new_alarm(cast: Cast) -> None:
    ada, bea = (Staff.objects.create_user(name, password=None) for name in ("ada", "bea"))
    raised = alarms.raise_alarm(Kind.DURESS, cast.kiosk, person=cast.alice, silent=True)
    alarms.acknowledge(raised.pk, by=ada, note=" Went there. ")
    noted = alarms.acknowledge(raised.pk, by=bea, note="Me too.")
    assert (noted.acknowledged_by, noted.note, noted.silent) == (ada, "Went there.", True)
    assert not alarms.unacknowledged().exists()
    entry = AuditEntry.objects.get(action="alarm.acknowledged")
    assert (entry.staff, "Went" in str(entry.details)) == (ada, False)
    assert alarms.raise_alarm(Kind.DURESS, cast.kiosk).pk != raised.pk


@pytest.mark.django_db
def test_a_silent_alarm_becomes_loud_with_a_loud_repeat_and_never_the_other_way(cast: Cast) -> None:
    assert alarms.raise_alarm(Kind.REFUSALS, cast.kiosk, silent=True).silent
    assert not alarms.raise_alarm(Kind.REFUSALS, cast.kiosk).silent
    assert not alarms.raise_alarm(Kind.REFUSALS, cast.kiosk, silent=True).silent


@pytest.mark.django_db(transaction=True)
def test_raised_by_many_at_once_it_is_one_alarm() -> None:
    raised = at_once(*[lambda: alarms.raise_alarm(Kind.CHAIN_BROKEN, "audit").pk] * 12)
    assert len(set(raised)) == 1
    assert Alarm.objects.get().times == 12


@pytest.mark.django_db
def test_a_reader_finds_every_change_and_some_of_before(cast: Cast) -> None:
    old = alarms.raise_alarm(Kind.HELD, cast.front)
    Alarm.objects.update(changed=timezone.now() - timedelta(hours=1))
    alarms.raise_alarm(Kind.HELD, cast.back)
    moment = timezone.now()
    assert [alarm.subject for alarm in alarms.changed_since(moment)] == [f"door:{cast.back.pk}"]
    alarms.end(Kind.HELD, cast.front)
    assert [alarm.pk for alarm in alarms.changed_since(moment)][-1] == old.pk


@pytest.mark.django_db
def test_erasing_a_person_leaves_the_alarm_with_a_bare_key(cast: Cast) -> None:
    from access import erasure

    alarms.raise_alarm(Kind.DURESS, cast.kiosk, person=cast.alice)
    erasure.erase(cast.alice)
    alarm = Alarm.objects.get()
    assert alarm.person_id == cast.alice.pk
    assert "Alice" not in f"{alarm.person} {alarm.details}"
