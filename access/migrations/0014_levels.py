"""Who passes which door in which hours: schedules, holidays, access levels, one-off grants."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import access.policy.schedule


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0013_audit_sealing"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                (
                    "keeps_holidays",
                    models.BooleanField(
                        default=True,
                        help_text="Off: on a holiday of the site, the hours of its weekday hold.",
                        verbose_name="keeps holidays",
                    ),
                ),
            ],
            options={
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(help_text="In the time of the site.", verbose_name="day")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "short",
                    models.BooleanField(
                        default=False,
                        help_text="A day on which people work, but fewer hours, such as Christmas Eve.",
                        verbose_name="short day",
                    ),
                ),
                (
                    "yearly",
                    models.BooleanField(
                        default=False, help_text="On the same date.", verbose_name="every year"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holidays",
                        to="access.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "holiday",
                "verbose_name_plural": "holidays",
                "ordering": ["day", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("site"), models.F("day"), name="one_holiday_per_site_and_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins", models.DateTimeField(verbose_name="from")),
                ("ends", models.DateTimeField(verbose_name="until")),
                ("demo", models.BooleanField(default=False, editable=False, verbose_name="demo")),
                (
                    "doors",
                    models.ManyToManyField(related_name="grants", to="access.door", verbose_name="doors"),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: at any hour in between.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="access.schedule",
                        verbose_name="schedule",
                    ),
                ),
            ],
            options={
                "verbose_name": "one-off grant",
                "verbose_name_plural": "one-off grants",
                "ordering": ["-begins"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends__gt", models.F("begins"))),
                        name="grant_ends_after_it_begins",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AccessLevel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("first", models.DateField(blank=True, null=True, verbose_name="first day")),
                ("last", models.DateField(blank=True, null=True, verbose_name="last day")),
                (
                    "doors",
                    models.ManyToManyField(
                        blank=True, related_name="levels", to="access.door", verbose_name="doors"
                    ),
                ),
                (
                    "galleries",
                    models.ManyToManyField(
                        blank=True, related_name="levels", to="access.gallery", verbose_name="galleries"
                    ),
                ),
                (
                    "people",
                    models.ManyToManyField(
                        blank=True, related_name="levels", to="access.person", verbose_name="people"
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: at any hour.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="levels",
                        to="access.schedule",
                        verbose_name="schedule",
                    ),
                ),
            ],
            options={
                "verbose_name": "access level",
                "verbose_name_plural": "access levels",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first", None), ("last", None), ("last__gte", models.F("first")), _connector="OR"
                        ),
                        name="access_level_ends_after_it_begins",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduleBar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "row",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MaxValueValidator(access.policy.schedule.Row["SHORT_DAY"])
                        ],
                        verbose_name="day",
                    ),
                ),
                ("start", models.TimeField(verbose_name="from")),
                (
                    "end",
                    models.TimeField(
                        help_text="Not later than the start: on the day after.", verbose_name="until"
                    ),
                ),
                (
                    "factors",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("face", "a face"),
                            ("face_pin", "a face and a PIN"),
                            ("face_card", "a face and a card or QR code"),
                            ("card_pin", "a card or QR code and a PIN"),
                            ("card", "a card or QR code"),
                            ("pin", "a badge number and a PIN"),
                        ],
                        help_text="Empty: what the door asks for.",
                        max_length=10,
                        verbose_name="what must be shown",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bars", to="access.schedule"
                    ),
                ),
            ],
            options={
                "verbose_name": "hours",
                "verbose_name_plural": "hours",
                "ordering": ["row", "start"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("schedule"),
                        models.F("row"),
                        models.F("start"),
                        name="one_bar_per_schedule_row_and_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("row__lte", 8)), name="bar_in_a_row_of_the_week"
                    ),
                ],
            },
        ),
    ]
