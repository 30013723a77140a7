"""Who manages whom, and what is asked of them: leave and corrections. Punches that are told late."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_door_events_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeaveType",
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
                        help_text="Up to four letters, shown in the monthly grid.",
                        max_length=4,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                (
                    "paid",
                    models.BooleanField(
                        default=True,
                        help_text="Paid leave counts as the planned hours of its days.",
                        verbose_name="paid",
                    ),
                ),
                (
                    "counted",
                    models.BooleanField(
                        default=True,
                        help_text="Switch off for sickness and the like.",
                        verbose_name="taken from a balance",
                    ),
                ),
            ],
            options={
                "verbose_name": "type of leave",
                "verbose_name_plural": "types of leave",
                "ordering": ["name"],
            },
        ),
        migrations.AlterModelOptions(
            name="person",
            options={
                "ordering": ["name", "badge"],
                "permissions": [
                    ("reach_everybody", "Can see the working time of everybody, in all departments")
                ],
                "verbose_name": "person",
                "verbose_name_plural": "people",
            },
        ),
        migrations.AddField(
            model_name="department",
            name="managers",
            field=models.ManyToManyField(
                blank=True,
                help_text="They see the working time of this department and decide what is asked for in it.",
                related_name="manages",
                to=settings.AUTH_USER_MODEL,
                verbose_name="managers",
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="manager",
            field=models.ForeignKey(
                blank=True,
                help_text="Decides on leave and corrections of this person, besides the department's managers.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reports",
                to=settings.AUTH_USER_MODEL,
                verbose_name="manager",
            ),
        ),
        migrations.AddField(
            model_name="punch",
            name="clock_ahead",
            field=models.DurationField(blank=True, null=True, verbose_name="clock ahead by"),
        ),
        migrations.AddField(
            model_name="punch",
            name="suspect",
            field=models.BooleanField(default=False, verbose_name="clock not to be trusted"),
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked for"),
                            ("approved", "approved"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        db_index=True,
                        default="asked",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "asked",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="asked"
                    ),
                ),
                ("decided", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
                (
                    "answer",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="answer"),
                ),
                ("day", models.DateField(verbose_name="working day")),
                (
                    "at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty: nothing is added.",
                        null=True,
                        verbose_name="punch to add",
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("in", "in"),
                            ("out", "out"),
                            ("break_out", "to a break"),
                            ("break_in", "back from a break"),
                        ],
                        help_text="Of the new punch.",
                        max_length=9,
                        verbose_name="direction",
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("asked_at", models.CharField(blank=True, editable=False, max_length=80)),
                (
                    "asked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="entered by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="correction",
                        to="access.decision",
                    ),
                ),
                (
                    "made",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="made_by",
                        to="access.punch",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "punch",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: nothing is taken away.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="access.punch",
                        verbose_name="punch that counts no more",
                    ),
                ),
            ],
            options={
                "verbose_name": "correction",
                "verbose_name_plural": "corrections",
                "ordering": ["-asked", "-pk"],
                "permissions": [("approve_correction", "Can decide on corrections")],
                "indexes": [models.Index(fields=["person", "day"], name="corrections_of_a_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("punch__isnull", False), ("at__isnull", False), _connector="OR"),
                        name="a_correction_changes_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("at__isnull", True), models.Q(("direction", ""), _negated=True), _connector="OR"
                        ),
                        name="a_punch_by_hand_has_a_direction",
                    ),
                    models.UniqueConstraint(
                        models.F("punch"),
                        condition=models.Q(("state", "approved")),
                        name="a_punch_is_corrected_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LeaveBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="year")),
                (
                    "days",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=5,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="days",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leave_balances",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        to="access.leavetype",
                        verbose_name="type",
                    ),
                ),
            ],
            options={
                "verbose_name": "balance of leave",
                "verbose_name_plural": "balances of leave",
                "ordering": ["-year", "person__name", "type__name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("person"), models.F("type"), models.F("year"), name="one_balance_a_year"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Leave",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked for"),
                            ("approved", "approved"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        db_index=True,
                        default="asked",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "asked",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="asked"
                    ),
                ),
                ("decided", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
                (
                    "answer",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="answer"),
                ),
                ("first", models.DateField(verbose_name="first day")),
                ("last", models.DateField(verbose_name="last day")),
                (
                    "part",
                    models.CharField(
                        choices=[
                            ("whole", "whole days"),
                            ("first_half", "first half of the day"),
                            ("second_half", "second half of the day"),
                        ],
                        default="whole",
                        max_length=12,
                        verbose_name="part",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
                (
                    "asked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="entered by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        editable=False,
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
                        related_name="leaves",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        to="access.leavetype",
                        verbose_name="type",
                    ),
                ),
            ],
            options={
                "verbose_name": "leave",
                "verbose_name_plural": "leave",
                "ordering": ["-first", "-pk"],
                "permissions": [("approve_leave", "Can decide on leave")],
                "indexes": [models.Index(fields=["person", "first"], name="leave_of_a_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", models.F("first"))),
                        name="leave_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("part", "whole"), ("last", models.F("first")), _connector="OR"),
                        name="half_a_day_of_leave_is_one_day",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OvertimeApproval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="working day")),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        help_text="Overtime beyond this counts for nothing where rules ask for approval.",
                        verbose_name="minutes",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
                ("at", models.DateTimeField(auto_now=True, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overtime_approvals",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval of overtime",
                "verbose_name_plural": "approvals of overtime",
                "ordering": ["-day"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("person"), models.F("day"), name="overtime_is_approved_once_a_day"
                    )
                ],
            },
        ),
    ]
