"""From working days to a file on record: shown first, acknowledged, numbered, compared with the last one."""

import hashlib
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from access import attendance, erasure
from access.hours import corrections, ledger, proposals
from access.hours.requests import State
from access.models import (
    Assignment,
    AuditEntry,
    Correction,
    Department,
    PayrollExport,
    PayrollPeriod,
    PayrollProfile,
    Person,
    Proposal,
    RuleSet,
    RuleVersion,
    Site,
    Staff,
    WorkDay,
)
from access.payroll import exports, profiles
from access.payroll.exports import Prepared
from tests import factories
from tests.access.hours.test_plans import shift
from tests.access.racing import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
SUNDAY = MONDAY + 6 * DAY


def boss() -> Staff:
    return Staff.objects.get_or_create(username="boss", defaults={"is_superuser": True})[0]


def profile(example: str = "generic", **fields: object) -> PayrollProfile:
    made = profiles.begin(PayrollProfile(name=f"Payroll {PayrollProfile.objects.count()}"), example)
    for name, value in fields.items():
        setattr(made, name, value)
    made.save()
    return made


def worker(badge: str, name: str) -> Person:
    rules, _made = RuleSet.objects.get_or_create(name="House rules")
    RuleVersion.objects.get_or_create(rule_set=rules, valid_from=date(2026, 1, 1))
    person = factories.person(name, badge=badge, consented=False)
    site = Site.objects.first() or factories.site()
    hours = shift(f"S{Assignment.objects.count()}", (8, 16))
    Assignment.objects.create(person=person, site=site, rules=rules, shift=hours, first=date(2026, 1, 1))
    return person


def came(person: Person, day: date, begin: str = "08:00", end: str = "16:00") -> None:
    for clock, way in ((begin, "in"), (end, "out")):
        if clock:
            at = datetime.fromisoformat(f"{day}T{clock}:00+01:00")
            attendance.note_punch(person, at=at, direction=way, explicit=True, origin=f"{person.pk}:{at}")


@pytest.fixture
def week(db: None) -> PayrollPeriod:
    """Alice works Monday to Friday, 8 hours each and on Tuesday 10; Bob comes on Monday only."""
    alice, bob = worker("00017", "Alice Able"), worker("00018", "Bob Best")
    for number in range(5):
        came(alice, MONDAY + number * DAY, end="18:00" if number == 1 else "16:00")
    came(bob, MONDAY)
    ledger.refresh([alice.pk, bob.pk], MONDAY, SUNDAY)
    ledger.close(SUNDAY, [alice.pk, bob.pk])
    return PayrollPeriod.objects.create(name="Week 10", first=MONDAY, last=SUNDAY)


def made(of: PayrollProfile, period: PayrollPeriod) -> PayrollExport:
    period.refresh_from_db()
    seen = exports.prepare(of, period).seen
    return exports.hand_out(of, period, seen=seen, acknowledged=True, by=boss())


def rows(found: Prepared) -> list[list[str]]:
    return [[row[0], *row[6:]] for row in found.file.rows]


def corrected(period: PayrollPeriod, person: Person, day: date, until: str) -> Proposal:
    """The person left later than was known, and that is proposed as a change."""
    at = datetime.fromisoformat(f"{day}T{until}:00+01:00")
    wrong = person.punches.filter(at__date=day, direction="out").get()
    asked = Correction(person=person, day=day, punch=wrong, at=at, direction="out", reason="stayed")
    corrections.decide(corrections.ask(asked, by=boss()), State.APPROVED, by=boss())
    ledger.refresh([person.pk], day, day)
    return Proposal.objects.get(state="open")


def test_the_hours_of_a_week_as_worked_out_by_hand(week: PayrollPeriod) -> None:
    """Alice: 4 × 8 + 10 = 42 hours, 2 of them overtime. Bob: 8."""
    ledger.lock(week, by=boss())
    week.refresh_from_db()
    found = exports.prepare(profile(), week)
    assert rows(found) == [
        ["00017", "40.00", "2.00", "0.00", "0.00", "0.00", "42.00"],
        ["00018", "8.00", "0.00", "0.00", "0.00", "0.00", "8.00"],
    ]
    assert found.problems == []


def test_a_file_is_kept_with_its_digest_and_made_again_byte_for_byte(week: PayrollPeriod) -> None:
    ledger.lock(week, by=boss())
    week.refresh_from_db()
    own = profile()
    found = exports.prepare(own, week)
    row = exports.hand_out(own, week, seen=found.seen, acknowledged=False, by=boss())
    assert (row.draft, row.serial, row.people, row.row_count) == (False, 1, 2, 2)
    assert dict(row.totals)["Paid"] == "50.00"
    assert row.sha256 == hashlib.sha256(found.file.content).hexdigest()
    PayrollProfile.objects.update(mark=",", separator=";")
    assert exports.download(row, by=boss()) == found.file.content
    assert list(
        AuditEntry.objects.filter(subject=f"payrollexport:{row.pk}").values_list("action", flat=True)
    ) == [
        "payrollexport.downloaded",
        "payrollexport.made",
    ]


def test_no_name_is_kept_and_an_erased_person_stays_a_bare_key(week: PayrollPeriod) -> None:
    row = made(profile(), week)
    kept = str([row.accounts, row.problems, row.totals, row.layout])
    assert "Alice" not in kept
    assert "00017" not in kept
    erasure.erase(Person.objects.get(badge="00017"), by=boss())
    with pytest.raises(exports.NotTheSame):
        exports.download(PayrollExport.objects.get(pk=row.pk), by=boss())


def test_what_is_odd_has_to_be_acknowledged(week: PayrollPeriod) -> None:
    bob = Person.objects.get(badge="00018")
    came(bob, MONDAY + 3 * DAY, end="")
    ledger.refresh([bob.pk], MONDAY, SUNDAY)
    own = profile()
    found = exports.prepare(own, week)
    assert {one.kind for one in found.problems} == {"proposed"}
    with pytest.raises(exports.NotAcknowledged):
        exports.hand_out(own, week, seen=found.seen, acknowledged=False, by=boss())
    row = exports.hand_out(own, week, seen=found.seen, acknowledged=True, by=boss())
    assert [one["person"] for one in row.problems] == [bob.pk]
    proposals.accept(Proposal.objects.get(), by=boss())
    assert {one.kind for one in exports.prepare(own, week).problems} == {"missed"}


def test_days_that_are_not_closed_are_told(week: PayrollPeriod) -> None:
    WorkDay.objects.filter(day=MONDAY).update(closed=None)
    found = exports.prepare(profile(), week)
    assert [(one.kind, one.text) for one in found.problems] == [("not_closed", "2 Mar")] * 2


def test_what_changed_while_somebody_looked_is_looked_at_again(week: PayrollPeriod) -> None:
    own = profile()
    seen = exports.prepare(own, week).seen
    WorkDay.objects.filter(day=MONDAY, person__badge="00018").update(figures={"worked": 400, "paid": 400})
    with pytest.raises(exports.Changed):
        exports.hand_out(own, week, seen=seen, acknowledged=True, by=boss())
    assert not PayrollExport.objects.exists()


def test_an_open_period_gives_a_draft(week: PayrollPeriod) -> None:
    row = made(profile("adp", company="ABC"), week)
    assert (row.draft, row.file_name) == (True, "DRAFT-EPIABC01.csv")
    ledger.lock(week, by=boss())
    row = made(PayrollProfile.objects.get(), week)
    assert (row.draft, row.file_name) == (False, "EPIABC02.csv")


def test_a_second_file_says_what_changed_since_person_by_person(week: PayrollPeriod) -> None:
    own = profile()
    first = made(own, week)
    bob = Person.objects.get(badge="00018")
    proposals.accept(corrected(week, bob, MONDAY, "17:30"), by=boss())
    carol = worker("00019", "Carol Cole")
    came(carol, MONDAY)
    ledger.refresh([carol.pk], MONDAY, MONDAY)
    now = exports.as_kept(exports.prepare(own, week).accounts)
    found = exports.changes(first, now)
    assert [(one.person, one.new, one.kinds) for one in found] == [
        (bob.pk, False, {"overtime": (0, 90), "overtime_1": (0, 90), "paid": (480, 570)}),
        (carol.pk, True, {"regular": (0, 480), "paid": (0, 480)}),
    ]
    second = made(own, week)
    assert exports.before(own, week, second.serial) == first
    assert exports.changes(second, second.accounts) == []
    gone = exports.changes(second, second.accounts[:1])
    assert [(one.person, one.gone) for one in gone] == [(bob.pk, True), (carol.pk, True)]


def test_what_changed_after_the_lock_is_paid_with_the_next_period(week: PayrollPeriod) -> None:
    ledger.lock(week, by=boss())
    bob = Person.objects.get(badge="00018")
    proposals.accept(corrected(week, bob, MONDAY, "17:30"), by=boss())
    week.refresh_from_db()
    own = profile()
    assert rows(exports.prepare(own, week))[1][1:3] == ["8.00", "0.00"]
    following = PayrollPeriod.objects.create(name="Week 11", first=MONDAY + 7 * DAY, last=SUNDAY + 7 * DAY)
    for _locked in (False, True):
        found = [row for row in exports.prepare(own, following).file.rows if row[5]]
        assert [(row[0], row[5], row[6:]) for row in found] == [
            ("00018", "2026-03-02", ["0.00", "1.50", "0.00", "0.00", "0.00", "1.50"])
        ]
        if not following.locked:
            ledger.lock(following, by=boss())
        following.refresh_from_db()


def test_a_profile_of_some_departments_has_their_people_only(week: PayrollPeriod) -> None:
    bob = Person.objects.get(badge="00018")
    bob.department = Department.objects.create(name="Works")
    bob.save()
    own = profile()
    own.departments.add(bob.department)
    assert [row[0] for row in exports.prepare(own, week).file.rows] == ["00018"]


def test_a_number_in_payroll_takes_the_place_of_the_badge(week: PayrollPeriod) -> None:
    Person.objects.filter(badge="00018").update(payroll_number="0042")
    own = profile(code_from="payroll_number", code_length=6)
    found = exports.prepare(own, week)
    assert [row[0] for row in found.file.rows] == ["000042"]
    assert [one.kind for one in found.problems] == ["no_code"]


def test_an_export_is_never_changed_or_deleted(week: PayrollPeriod) -> None:
    row = made(profile(), week)
    for refused in (
        lambda: PayrollExport.objects.update(sha256="0" * 64),
        lambda: PayrollExport.objects.filter(pk=row.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            refused()
    boss().delete()
    row.refresh_from_db()
    assert row.made_by is None


def test_more_people_ask_no_more_of_the_database(week: PayrollPeriod) -> None:
    own = profile()

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            exports.prepare(own, week)
        return len(found)

    few = queries()
    people = [worker(f"1{number:04d}", f"Person {number}") for number in range(8)]
    for person in people:
        came(person, MONDAY)
    ledger.refresh([person.pk for person in people], MONDAY, MONDAY)
    assert queries() == few


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_once_get_two_numbers_or_look_again(week: PayrollPeriod) -> None:
    own, by = profile(), boss()
    seen = exports.prepare(own, week).seen

    def clerk() -> str:
        try:
            exports.hand_out(own, week, seen=seen, acknowledged=True, by=by)
        except exports.Changed:
            return "changed"
        return "made"

    found = at_once(*[clerk] * 4)
    serials = list(PayrollExport.objects.order_by("serial").values_list("serial", flat=True))
    assert found.count("made") == len(serials)
    assert serials == list(range(1, len(serials) + 1))
    assert serials
