"""Access levels: which people pass which doors in which hours; the weeks they go by; one-off grants.

Three things admit a person to a door: a gallery that the door admits, at any hour; an access level, by its
schedule and within its days; a one-off grant, from one moment to another. Any one that is open is enough.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from access import holidays, policy
from access.gallery import Gallery
from access.people import Person
from access.places import Door


class Schedule(models.Model):
    """No personal data."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    keeps_holidays = models.BooleanField(
        _("keeps holidays"),
        default=True,
        help_text=_("Off: on a holiday of the site, the hours of its weekday hold."),
    )

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ScheduleBar(models.Model):
    """No personal data."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="bars")
    row = models.PositiveSmallIntegerField(
        _("day"), validators=[MaxValueValidator(policy.Row.SHORT_DAY)]
    )  # policy.Row
    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"), help_text=_("Not later than the start: on the day after."))
    factors = models.CharField(
        _("what must be shown"),
        max_length=10,
        blank=True,
        choices=Door.Factors.choices,
        help_text=_("Empty: what the door asks for."),
    )

    class Meta:
        verbose_name = _("hours")
        verbose_name_plural = _("hours")
        ordering = ["row", "start"]
        constraints = [
            models.UniqueConstraint("schedule", "row", "start", name="one_bar_per_schedule_row_and_start"),
            models.CheckConstraint(
                condition=models.Q(row__lte=int(policy.Row.SHORT_DAY)), name="bar_in_a_row_of_the_week"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start:%H:%M}–{self.end:%H:%M}"


class AccessLevel(models.Model):
    """Personal data: membership. Rows go with the person."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    doors = models.ManyToManyField(Door, verbose_name=_("doors"), blank=True, related_name="levels")
    galleries = models.ManyToManyField(
        Gallery, verbose_name=_("galleries"), blank=True, related_name="levels"
    )
    people = models.ManyToManyField(Person, verbose_name=_("people"), blank=True, related_name="levels")
    schedule = models.ForeignKey(
        Schedule,
        verbose_name=_("schedule"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="levels",
        help_text=_("Empty: at any hour."),
    )
    first = models.DateField(_("first day"), null=True, blank=True)
    last = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("access level")
        verbose_name_plural = _("access levels")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first=None) | models.Q(last=None) | models.Q(last__gte=models.F("first")),
                name="access_level_ends_after_it_begins",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """Personal data: that somebody may pass, where and when. Rows go with the person."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="grants"
    )
    doors = models.ManyToManyField(Door, verbose_name=_("doors"), related_name="grants")
    begins = models.DateTimeField(_("from"))
    ends = models.DateTimeField(_("until"))
    schedule = models.ForeignKey(
        Schedule,
        verbose_name=_("schedule"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="grants",
        help_text=_("Empty: at any hour in between."),
    )
    demo = models.BooleanField(_("demo"), default=False, editable=False)

    class Meta:
        verbose_name = _("one-off grant")
        verbose_name_plural = _("one-off grants")
        ordering = ["-begins"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("begins")), name="grant_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return str(_("one-off grant %(number)s") % {"number": self.pk})


# One query for all that admits; it runs while a kiosk waits. It names tables alone and begins with SELECT, so
# that it reads the rules of another moment as well.
_PERMITS = """
    SELECT permit.person_id, permit.name, permit.first, permit.last, permit.begins, permit.ends,
           s.name, s.keeps_holidays,
           (SELECT json_agg(json_build_array(b."row", b.start, b."end", b.factors) ORDER BY b."row", b.start)
            FROM access_schedulebar b WHERE b.schedule_id = s.id)
    FROM (
        SELECT m.person_id, g.name, NULL::date AS first, NULL::date AS last,
               NULL::timestamptz AS begins, NULL::timestamptz AS ends, NULL::bigint AS schedule_id
        FROM access_door_admits a JOIN access_gallery g ON g.id = a.gallery_id
        JOIN access_gallery_people m ON m.gallery_id = g.id
        WHERE a.door_id = %(door)s
        UNION ALL
        SELECT m.person_id, l.name, l.first, l.last, NULL, NULL, l.schedule_id
        FROM access_accesslevel l JOIN access_accesslevel_doors d ON d.accesslevel_id = l.id
        JOIN (
            SELECT accesslevel_id, person_id FROM access_accesslevel_people
            UNION
            SELECT lg.accesslevel_id, gm.person_id FROM access_accesslevel_galleries lg
            JOIN access_gallery_people gm ON gm.gallery_id = lg.gallery_id
        ) m ON m.accesslevel_id = l.id
        WHERE d.door_id = %(door)s
        UNION ALL
        SELECT o.person_id, '', NULL, NULL, o.begins, o.ends, o.schedule_id
        FROM access_grant o JOIN access_grant_doors d ON d.grant_id = o.id
        WHERE d.door_id = %(door)s
    ) permit LEFT JOIN access_schedule s ON s.id = permit.schedule_id
    WHERE %(person)s IS NULL OR permit.person_id = %(person)s
    ORDER BY permit.name, permit.begins
"""


def opening(person: Person, door: Door, at: datetime) -> policy.Opening:
    """How this door stands open to this person at this moment (with zone). Two queries at most."""
    found = permits(person, door)
    return policy.opening(found, special_days(door, found, at), ZoneInfo(door.site.zone), at)


def special_days(door: Door, found: Iterable[policy.Permit], at: datetime) -> Sequence[policy.Holiday]:
    """The holidays that may matter to these permits around a moment; no query where none does."""
    if not any(permit.week is not None and permit.week.keeps_holidays for permit in found):
        return ()
    today = at.astimezone(ZoneInfo(door.site.zone)).date()
    ahead = policy.HORIZON + timedelta(days=2)
    return holidays.between(door.site_id, today - ahead, today + ahead)


def permits(person: Person, door: Door) -> list[policy.Permit]:
    """All that lets this person through this door, at whatever hour."""
    return _permits(door, person.pk).get(person.pk, [])


def permits_of_all(door: Door) -> dict[int, list[policy.Permit]]:
    """The same of everybody whom anything lets through this door, by key."""
    return _permits(door, None)


def _permits(door: Door, person: int | None) -> dict[int, list[policy.Permit]]:
    found: dict[int, list[policy.Permit]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PERMITS, {"person": person, "door": door.pk})
        for who, name, first, last, begins, ends, week, keeps, bars in cursor.fetchall():
            permit = policy.Permit(
                name or str(_("one-off grant")),
                None if week is None else policy.Week(week, _bars(bars or ()), keeps),
                first,
                last,
                begins,
                ends,
            )
            found.setdefault(who, []).append(permit)
    return found


def _bars(rows: list[tuple[int, str, str, str]]) -> tuple[policy.Bar, ...]:
    return tuple(
        policy.Bar(row, time.fromisoformat(start), time.fromisoformat(end), factors)
        for row, start, end, factors in rows
    )


def week_of(schedule: Schedule) -> list[policy.Bar]:
    return [policy.Bar(bar.row, bar.start, bar.end, bar.factors) for bar in schedule.bars.all()]


@transaction.atomic
def set_week(schedule: Schedule, bars: Iterable[policy.Bar]) -> None:
    """Give a schedule these hours. Rows that stay are left alone: their history tells what changed."""
    wanted = set(bars)
    for row in schedule.bars.select_for_update():
        bar = policy.Bar(row.row, row.start, row.end, row.factors)
        if bar in wanted:
            wanted.remove(bar)
        else:
            row.delete()
    for bar in sorted(wanted, key=lambda one: (one.row, one.start)):
        schedule.bars.create(row=bar.row, start=bar.start, end=bar.end, factors=bar.factors)


def forget(person: Person) -> tuple[int, int]:
    """How many access levels the person was taken out of, and how many grants were deleted."""
    left = AccessLevel.people.through.objects.filter(person=person).delete()[0]
    return left, Grant.objects.filter(person=person).delete()[1].get("access.Grant", 0)
