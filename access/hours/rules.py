"""Rules of working time, versioned by date: which version holds on a day never changes behind anybody's back.

A version that days were computed with is not edited any more; a new version from a date takes its place, and
what it changes of closed days is proposed.
"""

import datetime as dt

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

DAY = 24 * 60
UNITS = [(unit, _("%(unit)d minutes") % {"unit": unit}) for unit in (5, 6, 10, 15, 30, 60)]


def minutes(label: object, default: int | None, most: int, text: object, **options: object) -> models.Field:
    """A field of whole minutes."""
    return models.PositiveSmallIntegerField(
        label, default=default, validators=[MaxValueValidator(most)], help_text=text, **options
    )


class RuleSet(models.Model):
    """No personal data."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """No personal data."""

    class Directions(models.TextChoices):
        IN_TURN = "in_turn", _("in turn: first in, then out, …")
        GIVEN = "given", _("as given at the kiosk; in turn where none was given")

    class Pairing(models.TextChoices):
        FIRST_LAST = "first_last", _("first in to last out")
        EVERY_PAIR = "every_pair", _("every pair of in and out")

    class Rounding(models.TextChoices):
        DOWN = "down", _("down, to the earlier time")
        UP = "up", _("up, to the later time")
        NEAREST = "nearest", _("to the nearest")

    class Breaks(models.TextChoices):
        ACTUAL = "actual", _("deduct the break actually taken")
        EXCESS = "excess", _("deduct only what exceeds the allowance")
        ALLOWANCE = "allowance", _("always deduct the allowance")

    class Missed(models.TextChoices):
        NOTHING = "nothing", _("the pair counts for nothing until it is corrected")
        PLANNED = "planned", _("count up to the planned time")
        HALF_DAY = "half_day", _("count half the planned hours")

    rule_set = models.ForeignKey(
        RuleSet, verbose_name=_("rule set"), on_delete=models.CASCADE, related_name="versions"
    )
    valid_from = models.DateField(_("valid from"), help_text=_("The first day on which these rules hold."))

    # --- Punches -----------------------------------------------------------------------------------
    day_cutoff = models.TimeField(
        _("day cutoff"),
        default=dt.time(4),
        help_text=_("Punches before this time belong to the day before, where no shift says otherwise."),
    )
    duplicate_seconds = models.PositiveSmallIntegerField(
        _("duplicate punch interval (seconds)"),
        default=60,
        validators=[MaxValueValidator(3600)],
        help_text=_("A second punch within this time of the last one that counts is left out."),
    )
    directions = models.CharField(
        _("directions"), max_length=10, choices=Directions.choices, default=Directions.GIVEN
    )
    pairing = models.CharField(
        _("pairing"), max_length=10, choices=Pairing.choices, default=Pairing.EVERY_PAIR
    )
    missed = models.CharField(
        _("missed punch"),
        max_length=10,
        choices=Missed.choices,
        default=Missed.NOTHING,
        help_text=_("What a punch without its counterpart is worth until somebody corrects it."),
    )
    maximum_minutes = minutes(
        _("maximum work hours (minutes)"),
        16 * 60,
        DAY,
        _("A longer stay means that a punch was missed, and is treated as one."),
    )

    # --- Late, early, rounded ----------------------------------------------------------------------
    grace_in_minutes = minutes(
        _("grace on arrival (minutes)"), 5, 240, _("Coming this much after the start is not late.")
    )
    grace_out_minutes = minutes(
        _("grace on leaving (minutes)"), 5, 240, _("Leaving this much before the end is not early.")
    )
    early_counts = models.BooleanField(
        _("time before the start counts"),
        default=False,
        help_text=_("Off: who comes before a fixed shift begins is at work from its start."),
    )
    late_counts = models.BooleanField(
        _("time after the end counts"),
        default=True,
        help_text=_("Off: who stays after a fixed shift ended was at work until its end."),
    )
    round_in_minutes = minutes(_("rounding unit in (minutes)"), 1, 60, _("1: arrivals are not rounded."))
    round_in_way = models.CharField(
        _("rounding in"), max_length=7, choices=Rounding.choices, default=Rounding.NEAREST
    )
    round_out_minutes = minutes(_("rounding unit out (minutes)"), 1, 60, _("1: leaving is not rounded."))
    round_out_way = models.CharField(
        _("rounding out"), max_length=7, choices=Rounding.choices, default=Rounding.NEAREST
    )

    # --- Breaks ------------------------------------------------------------------------------------
    breaks = models.CharField(_("unpaid breaks"), max_length=9, choices=Breaks.choices, default=Breaks.ACTUAL)
    break_minutes = minutes(
        _("break allowance (minutes)"), 30, 480, _("Where the shift has no break of its own.")
    )
    break_after_minutes = minutes(
        _("after this time at work (minutes)"), 360, DAY, _("Shorter days have no break to deduct.")
    )

    # --- Whole and half days -----------------------------------------------------------------------
    minimum_minutes = minutes(
        _("minimum for a whole day (minutes)"), 0, DAY, _("With less, the day is half. 0: not asked.")
    )
    half_day_minutes = minutes(
        _("minimum for half a day (minutes)"), 0, DAY, _("With less, the person is absent. 0: not asked.")
    )

    # --- Overtime ----------------------------------------------------------------------------------
    overtime_daily = models.BooleanField(
        _("daily overtime"), default=True, help_text=_("What exceeds the planned hours of the day.")
    )
    overtime_after_minutes = minutes(
        _("only from (minutes)"), 0, 480, _("Less overtime than this in a day counts for nothing.")
    )
    weekly_minutes = minutes(
        _("weekly overtime beyond (minutes)"),
        None,
        7 * DAY,
        _("Work of a week beyond this that is not daily overtime already. Empty: none."),
        null=True,
        blank=True,
    )
    overtime_rest_day = models.BooleanField(_("work on a rest day is overtime"), default=True)
    overtime_holiday = models.BooleanField(_("work on a holiday is overtime"), default=True)
    tier_minutes = minutes(
        _("second tier beyond (minutes)"),
        None,
        DAY,
        _("Daily overtime beyond this goes to the second tier. Empty: one tier."),
        null=True,
        blank=True,
    )
    overtime_approval = models.BooleanField(
        _("overtime needs approval"), default=False, help_text=_("Unapproved overtime counts for nothing.")
    )

    # --- Night -------------------------------------------------------------------------------------
    night_begins = models.TimeField(_("night from"), default=dt.time(23))
    night_ends = models.TimeField(_("night to"), default=dt.time(6))

    class Meta:
        verbose_name = _("version of rules")
        verbose_name_plural = _("versions of rules")
        ordering = ["rule_set__name", "-valid_from"]
        constraints = [
            models.UniqueConstraint("rule_set", "valid_from", name="one_version_of_rules_from_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.rule_set}, {self.valid_from:%d.%m.%Y}"


def used(version: RuleVersion) -> bool:
    """Whether days were computed with it; from then on it is not edited."""
    return version.workdays.exists()
