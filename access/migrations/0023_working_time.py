"""Shifts, rules, working days, proposed changes and payroll periods."""

import datetime

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import access.hours.payroll
import access.hours.shifts


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0022_worker_liveness"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pattern",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                (
                    "anchor",
                    models.DateField(
                        help_text="Any date on which day 1 of the cycle falls.",
                        verbose_name="a first day of the cycle",
                    ),
                ),
            ],
            options={
                "verbose_name": "rotating pattern",
                "verbose_name_plural": "rotating patterns",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RuleSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
            ],
            options={
                "verbose_name": "rule set",
                "verbose_name_plural": "rule sets",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Shift",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                (
                    "code",
                    models.CharField(
                        help_text="Short, for rosters and the monthly grid: E, L, N.",
                        max_length=6,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fixed", "fixed: from and to"),
                            ("flexible", "flexible: so many hours a day"),
                        ],
                        default="fixed",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "target_minutes",
                    models.PositiveSmallIntegerField(
                        default=480,
                        help_text="Flexible shifts only; a fixed shift's hours follow from its times.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="hours planned (minutes)",
                    ),
                ),
                (
                    "window_before_minutes",
                    models.PositiveSmallIntegerField(
                        default=240,
                        validators=[django.core.validators.MaxValueValidator(720)],
                        verbose_name="earliest punch before the start (minutes)",
                    ),
                ),
                (
                    "window_after_minutes",
                    models.PositiveSmallIntegerField(
                        default=360,
                        validators=[django.core.validators.MaxValueValidator(720)],
                        verbose_name="latest punch after the end (minutes)",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="offered")),
            ],
            options={
                "verbose_name": "shift",
                "verbose_name_plural": "shifts",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PayrollPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("first", models.DateField(verbose_name="first day")),
                ("last", models.DateField(verbose_name="last day")),
                ("locked", models.DateTimeField(editable=False, null=True, verbose_name="locked")),
                (
                    "locked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="locked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "payroll period",
                "verbose_name_plural": "payroll periods",
                "ordering": ["-first"],
                "permissions": [("lock_payrollperiod", "Can lock payroll periods")],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("made", models.DateTimeField(auto_now_add=True, verbose_name="made")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "to decide"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("replaced", "replaced by a newer one"),
                        ],
                        db_index=True,
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("changes", models.JSONField(default=dict, verbose_name="changes")),
                ("days", models.PositiveIntegerField(verbose_name="days")),
                ("decided", models.DateTimeField(null=True, verbose_name="decided")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "proposed change",
                "verbose_name_plural": "proposed changes",
                "ordering": ["-made", "-pk"],
                "permissions": [("decide_proposal", "Can accept or reject changes of closed days")],
            },
        ),
        migrations.CreateModel(
            name="RuleVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "valid_from",
                    models.DateField(
                        help_text="The first day on which these rules hold.", verbose_name="valid from"
                    ),
                ),
                (
                    "day_cutoff",
                    models.TimeField(
                        default=datetime.time(4, 0),
                        help_text="Punches before this time belong to the day before, where no shift says otherwise.",
                        verbose_name="day cutoff",
                    ),
                ),
                (
                    "duplicate_seconds",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="A second punch within this time of the last one that counts is left out.",
                        validators=[django.core.validators.MaxValueValidator(3600)],
                        verbose_name="duplicate punch interval (seconds)",
                    ),
                ),
                (
                    "directions",
                    models.CharField(
                        choices=[
                            ("in_turn", "in turn: first in, then out, …"),
                            ("given", "as given at the kiosk; in turn where none was given"),
                        ],
                        default="given",
                        max_length=10,
                        verbose_name="directions",
                    ),
                ),
                (
                    "pairing",
                    models.CharField(
                        choices=[
                            ("first_last", "first in to last out"),
                            ("every_pair", "every pair of in and out"),
                        ],
                        default="every_pair",
                        max_length=10,
                        verbose_name="pairing",
                    ),
                ),
                (
                    "missed",
                    models.CharField(
                        choices=[
                            ("nothing", "the pair counts for nothing until it is corrected"),
                            ("planned", "count up to the planned time"),
                            ("half_day", "count half the planned hours"),
                        ],
                        default="nothing",
                        help_text="What a punch without its counterpart is worth until somebody corrects it.",
                        max_length=10,
                        verbose_name="missed punch",
                    ),
                ),
                (
                    "maximum_minutes",
                    models.PositiveSmallIntegerField(
                        default=960,
                        help_text="A longer stay means that a punch was missed, and is treated as one.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="maximum work hours (minutes)",
                    ),
                ),
                (
                    "grace_in_minutes",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Coming this much after the start is not late.",
                        validators=[django.core.validators.MaxValueValidator(240)],
                        verbose_name="grace on arrival (minutes)",
                    ),
                ),
                (
                    "grace_out_minutes",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Leaving this much before the end is not early.",
                        validators=[django.core.validators.MaxValueValidator(240)],
                        verbose_name="grace on leaving (minutes)",
                    ),
                ),
                (
                    "early_counts",
                    models.BooleanField(
                        default=False,
                        help_text="Off: who comes before a fixed shift begins is at work from its start.",
                        verbose_name="time before the start counts",
                    ),
                ),
                (
                    "late_counts",
                    models.BooleanField(
                        default=True,
                        help_text="Off: who stays after a fixed shift ended was at work until its end.",
                        verbose_name="time after the end counts",
                    ),
                ),
                (
                    "round_in_minutes",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="1: arrivals are not rounded.",
                        validators=[django.core.validators.MaxValueValidator(60)],
                        verbose_name="rounding unit in (minutes)",
                    ),
                ),
                (
                    "round_in_way",
                    models.CharField(
                        choices=[
                            ("down", "down, to the earlier time"),
                            ("up", "up, to the later time"),
                            ("nearest", "to the nearest"),
                        ],
                        default="nearest",
                        max_length=7,
                        verbose_name="rounding in",
                    ),
                ),
                (
                    "round_out_minutes",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="1: leaving is not rounded.",
                        validators=[django.core.validators.MaxValueValidator(60)],
                        verbose_name="rounding unit out (minutes)",
                    ),
                ),
                (
                    "round_out_way",
                    models.CharField(
                        choices=[
                            ("down", "down, to the earlier time"),
                            ("up", "up, to the later time"),
                            ("nearest", "to the nearest"),
                        ],
                        default="nearest",
                        max_length=7,
                        verbose_name="rounding out",
                    ),
                ),
                (
                    "breaks",
                    models.CharField(
                        choices=[
                            ("actual", "deduct the break actually taken"),
                            ("excess", "deduct only what exceeds the allowance"),
                            ("allowance", "always deduct the allowance"),
                        ],
                        default="actual",
                        max_length=9,
                        verbose_name="unpaid breaks",
                    ),
                ),
                (
                    "break_minutes",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Where the shift has no break of its own.",
                        validators=[django.core.validators.MaxValueValidator(480)],
                        verbose_name="break allowance (minutes)",
                    ),
                ),
                (
                    "break_after_minutes",
                    models.PositiveSmallIntegerField(
                        default=360,
                        help_text="Shorter days have no break to deduct.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="after this time at work (minutes)",
                    ),
                ),
                (
                    "minimum_minutes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="With less, the day is half. 0: not asked.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="minimum for a whole day (minutes)",
                    ),
                ),
                (
                    "half_day_minutes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="With less, the person is absent. 0: not asked.",
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="minimum for half a day (minutes)",
                    ),
                ),
                (
                    "overtime_daily",
                    models.BooleanField(
                        default=True,
                        help_text="What exceeds the planned hours of the day.",
                        verbose_name="daily overtime",
                    ),
                ),
                (
                    "overtime_after_minutes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Less overtime than this in a day counts for nothing.",
                        validators=[django.core.validators.MaxValueValidator(480)],
                        verbose_name="only from (minutes)",
                    ),
                ),
                (
                    "weekly_minutes",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        default=None,
                        help_text="Work of a week beyond this that is not daily overtime already. Empty: none.",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(10080)],
                        verbose_name="weekly overtime beyond (minutes)",
                    ),
                ),
                (
                    "overtime_rest_day",
                    models.BooleanField(default=True, verbose_name="work on a rest day is overtime"),
                ),
                (
                    "overtime_holiday",
                    models.BooleanField(default=True, verbose_name="work on a holiday is overtime"),
                ),
                (
                    "tier_minutes",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        default=None,
                        help_text="Daily overtime beyond this goes to the second tier. Empty: one tier.",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="second tier beyond (minutes)",
                    ),
                ),
                (
                    "overtime_approval",
                    models.BooleanField(
                        default=False,
                        help_text="Unapproved overtime counts for nothing.",
                        verbose_name="overtime needs approval",
                    ),
                ),
                ("night_begins", models.TimeField(default=datetime.time(23, 0), verbose_name="night from")),
                ("night_ends", models.TimeField(default=datetime.time(6, 0), verbose_name="night to")),
                (
                    "rule_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="access.ruleset",
                        verbose_name="rule set",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of rules",
                "verbose_name_plural": "versions of rules",
                "ordering": ["rule_set__name", "-valid_from"],
            },
        ),
        migrations.CreateModel(
            name="RosterEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roster",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: free on this day.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.shift",
                        verbose_name="shift",
                    ),
                ),
            ],
            options={
                "verbose_name": "roster entry",
                "verbose_name_plural": "roster",
                "ordering": ["-day", "person__name"],
            },
        ),
        migrations.CreateModel(
            name="PatternDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                        verbose_name="day",
                    ),
                ),
                (
                    "pattern",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="days", to="access.pattern"
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.shift",
                        verbose_name="shift",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of the cycle",
                "verbose_name_plural": "days of the cycle",
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=access.hours.shifts.monday_to_friday,
                        help_text="Days of the week on which the shift is worked; the others are free.",
                        size=None,
                        verbose_name="on",
                    ),
                ),
                (
                    "offset",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Crews that work the same pattern one after the other: 0, 7, 14 …",
                        validators=[django.core.validators.MaxValueValidator(366)],
                        verbose_name="days ahead in the pattern",
                    ),
                ),
                ("first", models.DateField(verbose_name="first day")),
                (
                    "last",
                    models.DateField(
                        blank=True,
                        help_text="Empty: until further notice.",
                        null=True,
                        verbose_name="last day",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="access.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        help_text="Its time zone and its holidays hold.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.site",
                        verbose_name="site",
                    ),
                ),
                (
                    "pattern",
                    models.ForeignKey(
                        blank=True,
                        help_text="Instead of a shift.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.pattern",
                        verbose_name="rotating pattern",
                    ),
                ),
                (
                    "rules",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="access.ruleset",
                        verbose_name="rules",
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.shift",
                        verbose_name="shift",
                    ),
                ),
            ],
            options={
                "verbose_name": "assignment",
                "verbose_name_plural": "assignments",
                "ordering": ["-first", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ShiftBreak",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "begins",
                    models.TimeField(
                        blank=True, help_text="Empty: at any time.", null=True, verbose_name="from"
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(480),
                        ],
                        verbose_name="minutes",
                    ),
                ),
                ("paid", models.BooleanField(default=False, verbose_name="paid")),
                (
                    "shift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="breaks", to="access.shift"
                    ),
                ),
            ],
            options={
                "verbose_name": "break",
                "verbose_name_plural": "breaks",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="ShiftPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins", models.TimeField(verbose_name="from")),
                ("ends", models.TimeField(verbose_name="to")),
                (
                    "shift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="access.shift"
                    ),
                ),
            ],
            options={
                "verbose_name": "working time",
                "verbose_name_plural": "working times",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="WorkDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("status", models.CharField(db_index=True, max_length=20, verbose_name="status")),
                ("shift", models.CharField(blank=True, max_length=6, verbose_name="shift")),
                ("figures", models.JSONField(default=dict, verbose_name="figures")),
                ("result", models.JSONField(default=dict, verbose_name="result")),
                ("digest", models.CharField(max_length=64)),
                ("computed", models.DateTimeField(auto_now=True, verbose_name="computed")),
                ("closed", models.DateTimeField(null=True, verbose_name="closed")),
                (
                    "period",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="access.payrollperiod",
                        verbose_name="payroll period",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="workdays",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "rules",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="workdays",
                        to="access.ruleversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "working day",
                "verbose_name_plural": "working days",
                "ordering": ["-day", "person__name"],
            },
        ),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("difference", models.JSONField(default=dict, verbose_name="difference")),
                ("result", models.JSONField(default=dict, verbose_name="result")),
                ("digest", models.CharField(max_length=64)),
                ("made", models.DateTimeField(auto_now_add=True, verbose_name="made")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "paid_in",
                    models.ForeignKey(
                        blank=True,
                        help_text="The next period that is locked.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="access.payrollperiod",
                        verbose_name="paid with",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="adjustments",
                        to="access.proposal",
                    ),
                ),
                (
                    "workday",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="access.workday",
                        verbose_name="working day",
                    ),
                ),
            ],
            options={
                "verbose_name": "adjustment",
                "verbose_name_plural": "adjustments",
                "ordering": ["-made", "-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="payrollperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("last__gte", models.F("first"))), name="a_period_ends_after_it_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="payrollperiod",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[(access.hours.payroll.DateRange("first", "last", models.Value("[]")), "&&")],
                name="payroll_periods_do_not_overlap",
                violation_error_message="Another period has some of these days.",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.UniqueConstraint(
                models.F("person"), condition=models.Q(("state", "open")), name="one_open_proposal_per_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleversion",
            constraint=models.UniqueConstraint(
                models.F("rule_set"), models.F("valid_from"), name="one_version_of_rules_from_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="rosterentry",
            constraint=models.UniqueConstraint(
                models.F("person"), models.F("day"), name="one_roster_entry_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="patternday",
            constraint=models.UniqueConstraint(
                models.F("pattern"), models.F("position"), name="one_shift_per_day_of_a_pattern"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("person__isnull", True), ("department__isnull", True), _connector="XOR"),
                name="an_assignment_is_of_a_person_or_a_department",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("shift__isnull", True), ("pattern__isnull", True), _connector="OR"),
                name="an_assignment_has_a_shift_or_a_pattern",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("last__isnull", True), ("last__gte", models.F("first")), _connector="OR"),
                name="an_assignment_ends_after_it_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="workday",
            index=models.Index(fields=["day", "person"], name="working_days_by_day"),
        ),
        migrations.AddConstraint(
            model_name="workday",
            constraint=models.UniqueConstraint(
                models.F("person"), models.F("day"), name="one_working_day_a_day"
            ),
        ),
        migrations.AddIndex(
            model_name="adjustment",
            index=models.Index(fields=["person", "day"], name="adjustments_of_a_person"),
        ),
    ]
