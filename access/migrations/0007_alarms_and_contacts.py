"""Alarms; what hangs on a door, the commands it is given, and what its contact reports."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_doors"),
    ]

    operations = [
        migrations.CreateModel(
            name="Wiring",
            fields=[
                (
                    "door",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="wiring",
                        serialize=False,
                        to="access.door",
                        verbose_name="door",
                    ),
                ),
                ("driver", models.CharField(default="simulated", max_length=20, verbose_name="driver")),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        help_text="HTTP relay: https://relay.example/open. MQTT: mqtts://user@broker:8883/lintel/front-door, where the path begins the names of the topics.",
                        max_length=500,
                        verbose_name="address",
                    ),
                ),
                ("sealed", models.BinaryField(null=True, verbose_name="secret, sealed")),
                ("wrapped", models.BinaryField(null=True, verbose_name="key of the secret, wrapped")),
                (
                    "open_seconds",
                    models.PositiveIntegerField(
                        default=5,
                        help_text="How long the lock is released by one grant.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="unlocked for (s)",
                    ),
                ),
                (
                    "has_contact",
                    models.BooleanField(
                        default=False,
                        help_text="Only with a contact that also knows those who leave by button or handle; else every exit would raise an alarm.",
                        verbose_name="has a contact that tells whether it was forced",
                    ),
                ),
                (
                    "held_seconds",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="Longer than that raises the alarm “held open”.",
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="may stay open for (s)",
                    ),
                ),
            ],
            options={
                "verbose_name": "wiring of a door",
                "verbose_name_plural": "wiring of doors",
            },
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(db_index=True, max_length=40, verbose_name="kind")),
                ("subject", models.CharField(max_length=80, verbose_name="about")),
                ("silent", models.BooleanField(default=False, verbose_name="silent")),
                (
                    "opened",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="opened"
                    ),
                ),
                ("latest", models.DateTimeField(default=django.utils.timezone.now, verbose_name="latest")),
                ("times", models.PositiveIntegerField(default=1, verbose_name="times")),
                ("ended", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "changed",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False),
                ),
                ("details", models.JSONField(default=dict, verbose_name="details")),
                ("acknowledged", models.DateTimeField(blank=True, null=True, verbose_name="acknowledged")),
                ("note", models.TextField(blank=True, verbose_name="note")),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="acknowledged by",
                    ),
                ),
                (
                    "door",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarms",
                        to="access.door",
                        verbose_name="door",
                    ),
                ),
                (
                    "kiosk",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarms",
                        to="access.kiosk",
                        verbose_name="kiosk",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "alarm",
                "verbose_name_plural": "alarms",
                "ordering": ["-id"],
                "permissions": [("acknowledge_alarm", "Can acknowledge alarms")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("acknowledged", None)),
                        fields=("kind", "subject"),
                        name="one_open_alarm_per_kind_and_subject",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DoorCommand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order", models.CharField(default="open", max_length=10, verbose_name="order")),
                ("driver", models.CharField(max_length=20, verbose_name="driver")),
                ("made", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("deadline", models.DateTimeField(verbose_name="deadline")),
                ("state", models.CharField(default="pending", max_length=10, verbose_name="state")),
                ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                (
                    "decision",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="command",
                        to="access.decision",
                        verbose_name="decision",
                    ),
                ),
                (
                    "door",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="commands",
                        to="access.door",
                        verbose_name="door",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "door command",
                "verbose_name_plural": "door commands",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["door", "-made"], name="commands_of_a_door"),
                    models.Index(
                        condition=models.Q(("state__in", ["pending", "sending"])),
                        fields=["deadline"],
                        name="commands_under_way",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DoorEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.UUIDField(default=uuid.uuid4, verbose_name="event")),
                ("reported", models.CharField(max_length=10, verbose_name="reported")),
                ("state", models.CharField(max_length=10, verbose_name="state")),
                ("taken", models.DateTimeField(verbose_name="taken")),
                (
                    "received",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="received"),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "door",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_events",
                        to="access.door",
                        verbose_name="door",
                    ),
                ),
                (
                    "kiosk",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="access.kiosk",
                        verbose_name="reported by",
                    ),
                ),
            ],
            options={
                "verbose_name": "door event",
                "verbose_name_plural": "door events",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["door", "-at", "-id"], name="events_of_a_door")],
                "constraints": [
                    models.UniqueConstraint(fields=("door", "event"), name="one_row_per_door_and_event")
                ],
            },
        ),
    ]
