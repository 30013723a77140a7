"""When a kiosk was silent: whom their shifts made expect there, and punches for them, asked for all at once.

Promise: nothing is booked silently. Each punch is a correction with the one reason; it counts once somebody
else than who asked approves, and stays marked as a repair.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import timesheet
from access.doors.alarms import Alarm, Kind
from access.hours import corrections, reach, requests
from access.hours.corrections import Correction
from access.hours.loading import Facts
from access.hours.requests import Request, State
from access.people import Person
from access.places import Kiosk
from access.staff import Staff
from access.timesheet.clock import moment
from access.timesheet.facts import ARRIVING, IN, OUT

LONGEST = timedelta(days=7)
# How far back silences are offered; what is older was closed and paid.
LOOK_BACK = timedelta(days=45)
PEOPLE_AT_ONCE = 500
ONE_DAY = timedelta(days=1)


class Outage(Request):
    """No personal data but who asked and decided; the punches asked for are its corrections."""

    kiosk = models.ForeignKey(
        Kiosk, verbose_name=_("kiosk"), on_delete=models.PROTECT, related_name="outages"
    )
    begins = models.DateTimeField(_("silent from"))
    ends = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=300)

    decided_with = "access.approve_correction"

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["-begins", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(ends__gt=F("begins")), name="an_outage_takes_time")]

    def __str__(self) -> str:
        return f"{self.kiosk} · {self.begins:%d.%m.%Y %H:%M} UTC"

    def reached_by(self, staff: Staff) -> bool:
        """Only who reaches everybody in it decides: it is one decision."""
        people = Person.objects.filter(corrections__outage=self)
        return not people.exclude(pk__in=reach.people_for(staff)).exists()

    def about(self) -> dict[str, object]:
        return {"kiosk": self.kiosk_id, "punches": self.corrections.count()}


@dataclass(frozen=True)
class Silence:
    """A stretch in which a kiosk was not heard, from its alarm. `ends` None: it still is."""

    kiosk: Kiosk
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True)
class Expected:
    """A punch that a shift made expect and that is not there. `nearest`: what the person punched instead."""

    person: Person
    day: date
    direction: str
    at: datetime
    nearest: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.person.pk}-{self.day}-{self.direction}"


def silences(now: datetime | None = None) -> list[Silence]:
    """The silences of the last weeks, newest first."""
    since = (now or timezone.now()) - LOOK_BACK
    told = Alarm.objects.filter(kind=Kind.KIOSK_SILENT.value, opened__gt=since).exclude(kiosk=None)
    return [
        Silence(
            alarm.kiosk,
            datetime.fromisoformat(alarm.details["last_seen"])
            if alarm.details.get("last_seen")
            else alarm.opened,
            alarm.ended,
        )
        for alarm in told.select_related("kiosk__door__site").order_by("-opened")
        if alarm.kiosk
    ]


def expected(kiosk: Kiosk, begins: datetime, ends: datetime, *, staff: Staff) -> list[Expected]:
    """Arrivals and departures by fixed shifts of the kiosk's site in this time that nobody punched.

    Of people this login reaches; without those on leave, on a holiday, or asked for already.
    """
    people = reach.people_for(staff).filter(erased=None, active=True).select_related("department")
    found: list[Expected] = []
    everybody = list(people.order_by("name", "pk"))
    for start in range(0, len(everybody), PEOPLE_AT_ONCE):
        found += _of(everybody[start : start + PEOPLE_AT_ONCE], kiosk, begins, ends)
    return sorted(found, key=lambda one: (one.at, one.person.name.casefold(), one.person.pk))


def _of(people: Sequence[Person], kiosk: Kiosk, begins: datetime, ends: datetime) -> Iterable[Expected]:
    keys = [person.pk for person in people]
    first, last = (begins - ONE_DAY).date(), (ends + ONE_DAY).date()
    facts = Facts(keys, first, last)
    asked = _asked(keys, begins, ends)
    for person in people:
        plans = facts.of(person.pk)
        mine = timesheet.by_day(facts.punches[person.pk], plans)
        for day, plan in plans.items():
            site = facts.plans.of(person.pk, day).site
            if site is None or site.pk != kiosk.door.site_id or not _works(plan):
                continue
            for one in _missing(person, day, plan, mine[day], begins, ends):
                if (person.pk, one.direction) not in asked:
                    yield one


def _works(plan: timesheet.Plan) -> bool:
    """Somebody with a fixed shift and no day off: half a day of leave moves the hours, so it is by hand."""
    return plan.shift is not None and plan.shift.fixed and not plan.leave and not plan.holiday


def _missing(
    person: Person,
    day: date,
    plan: timesheet.Plan,
    made: list[timesheet.Punch],
    begins: datetime,
    ends: datetime,
) -> Iterable[Expected]:
    earlier = None  # when the part before ended
    for start, end in plan.shift.parts if plan.shift else ():
        arrives, leaves = moment(day, start, plan.zone), moment(day, end, plan.zone)
        mine = [one for one in made if earlier is None or one.at >= earlier]
        before = [one for one in mine if one.at < begins]
        came = any(one.at <= ends and (one.direction in ARRIVING or not one.explicit) for one in mine)
        missed = begins <= arrives <= ends and not came
        if missed:
            later = min((one.at for one in mine if one.at > ends and one.direction in ARRIVING), default=None)
            yield Expected(person, day, IN, arrives, later)
        left = any(one.at >= begins and one.direction not in ARRIVING for one in mine)
        inside = before[-1].direction in ARRIVING if before else missed
        if begins <= leaves <= ends and inside and not left:
            yield Expected(person, day, OUT, leaves, before[-1].at if before else None)
        earlier = leaves


def _asked(people: list[int], begins: datetime, ends: datetime) -> set[tuple[int, str]]:
    rows = Correction.objects.filter(person__in=people, at__gte=begins, at__lte=ends, state=State.ASKED)
    return set(rows.values_list("person_id", "direction"))


@transaction.atomic
def ask(outage: Outage, punches: Iterable[Expected], *, by: Staff) -> Outage:
    """File the outage with a correction for each punch; nothing counts until somebody else approves."""
    outage.save()
    for one in punches:
        asked = Correction(
            person=one.person,
            day=one.day,
            at=one.at,
            direction=one.direction,
            reason=outage.reason,
            outage=outage,
        )
        corrections.ask(asked, by=by)
    return requests.ask(outage, by=by)


@transaction.atomic
def decide(outage: Outage, state: State, *, by: Staff, answer: str = "") -> Outage:
    """Decide on all its punches at once; those that were decided on by themselves stay as they are.

    Raises corrections.OwnRequest, requests.NotYours and requests.AlreadyDecided.
    """
    if state == State.APPROVED and outage.asked_by_id == by.pk:
        raise corrections.OwnRequest
    held = requests.decide(outage, state, by=by, answer=answer)
    open_to = [State.ASKED, State.APPROVED] if state == State.WITHDRAWN else [State.ASKED]
    for one in held.corrections.filter(state__in=open_to).order_by("pk"):
        corrections.decide(one, state, by=by, answer=answer)
    return held
