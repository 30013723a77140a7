"""Report files made by workers, scheduled reports and their e-mails."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0035_outages"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportFile",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("report", models.CharField(max_length=40, verbose_name="report")),
                ("given", models.JSONField(default=dict)),
                ("layout", models.JSONField(default=dict)),
                (
                    "asked",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="asked"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a worker"),
                            ("making", "being made"),
                            ("ready", "ready"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("rows_done", models.PositiveBigIntegerField(default=0, verbose_name="rows done")),
                ("rows_all", models.PositiveBigIntegerField(null=True, verbose_name="rows in all")),
                ("size_bytes", models.PositiveBigIntegerField(default=0, verbose_name="bytes")),
                ("file_name", models.CharField(max_length=120, verbose_name="file name")),
                ("wrapped", models.BinaryField(null=True)),
                ("finished", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "report file",
                "verbose_name_plural": "report files",
                "ordering": ["-asked"],
            },
        ),
        migrations.CreateModel(
            name="ReportPiece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("sealed", models.BinaryField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pieces",
                        to="access.reportfile",
                    ),
                ),
            ],
            options={
                "verbose_name": "piece of a report file",
                "verbose_name_plural": "pieces of report files",
            },
        ),
        migrations.CreateModel(
            name="ReportSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The subject of the e-mail.", max_length=80, verbose_name="name"
                    ),
                ),
                ("report", models.CharField(max_length=40, verbose_name="report")),
                ("given", models.JSONField(default=dict)),
                ("layout", models.JSONField(default=dict)),
                (
                    "every",
                    models.CharField(
                        choices=[("day", "every day"), ("week", "every week"), ("month", "every month")],
                        default="week",
                        max_length=5,
                        verbose_name="sent",
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Monday"),
                            (2, "Tuesday"),
                            (3, "Wednesday"),
                            (4, "Thursday"),
                            (5, "Friday"),
                            (6, "Saturday"),
                            (7, "Sunday"),
                        ],
                        default=1,
                        help_text="Of a weekly one.",
                        verbose_name="day of the week",
                    ),
                ),
                (
                    "monthday",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Of a monthly one; in shorter months its last day.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(31),
                        ],
                        verbose_name="day of the month",
                    ),
                ),
                (
                    "hour",
                    models.PositiveSmallIntegerField(
                        default=6,
                        help_text="By the clock of the site.",
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="at (hour)",
                    ),
                ),
                (
                    "attached",
                    models.BooleanField(
                        default=False,
                        help_text="Otherwise the e-mail has a link, which asks to sign in.",
                        verbose_name="attach the file",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "next_due",
                    models.DateTimeField(db_index=True, editable=False, null=True, verbose_name="next"),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="planned by",
                    ),
                ),
                (
                    "recipients",
                    models.ManyToManyField(
                        help_text="Staff with an e-mail address. Each gets what they may see themselves.",
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipients",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "scheduled report",
                "verbose_name_plural": "scheduled reports",
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReportMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.DateTimeField(verbose_name="due")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "on its way"),
                            ("sent", "sent"),
                            ("refused", "not allowed"),
                            ("failed", "failed"),
                        ],
                        default="pending",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("began", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "next_try",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="next try"),
                ),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                ("finished", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "file",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mails",
                        to="access.reportfile",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="access.reportschedule",
                        verbose_name="scheduled report",
                    ),
                ),
            ],
            options={
                "verbose_name": "sent report",
                "verbose_name_plural": "sent reports",
                "ordering": ["-slot", "-pk"],
            },
        ),
        migrations.AddIndex(
            model_name="reportfile",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "making"])),
                fields=["asked"],
                name="report_files_to_make",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportpiece",
            constraint=models.UniqueConstraint(
                models.F("file"), models.F("number"), name="one_piece_a_number"
            ),
        ),
        migrations.AddIndex(
            model_name="reportmail",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_try"], name="mails_to_send"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportmail",
            constraint=models.UniqueConstraint(
                models.F("schedule"),
                models.F("recipient"),
                models.F("slot"),
                name="one_mail_a_recipient_and_time",
            ),
        ),
    ]
