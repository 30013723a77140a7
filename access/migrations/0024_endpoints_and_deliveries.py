"""Where events are told, and the outbox of what is to be told."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import access.hooks.endpoints
import access.places


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0023_working_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True, verbose_name="name")),
                ("kind", models.CharField(default="webhook", max_length=10, verbose_name="kind")),
                (
                    "url",
                    models.CharField(
                        max_length=500,
                        validators=[access.hooks.endpoints.check_address],
                        verbose_name="address",
                    ),
                ),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="tells of",
                    ),
                ),
                (
                    "active",
                    models.BooleanField(
                        default=True,
                        help_text="Off: what happens from now on is not told, not even later.",
                        verbose_name="active",
                    ),
                ),
                (
                    "names",
                    models.BooleanField(
                        default=False,
                        help_text="Otherwise people are named by their key alone.",
                        verbose_name="with badge numbers and names",
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        blank=True,
                        help_text="Frappe: the API key. Odoo: the login.",
                        max_length=160,
                        verbose_name="account",
                    ),
                ),
                (
                    "database",
                    models.CharField(
                        blank=True, help_text="Odoo only.", max_length=120, verbose_name="database"
                    ),
                ),
                (
                    "employee_field",
                    models.CharField(
                        blank=True,
                        help_text="Which field of an employee holds the badge number. Empty: attendance_device_id (Frappe), barcode (Odoo).",
                        max_length=80,
                        verbose_name="employee field",
                    ),
                ),
                (
                    "zone",
                    models.CharField(
                        default="UTC",
                        help_text="Frappe only: times are told in the zone of its system settings.",
                        max_length=60,
                        validators=[access.places.check_zone],
                        verbose_name="its time zone",
                    ),
                ),
                ("sealed", models.BinaryField(null=True)),
                ("wrapped", models.BinaryField(null=True)),
                ("disabled", models.DateTimeField(editable=False, null=True, verbose_name="disabled itself")),
                ("made", models.DateTimeField(auto_now_add=True, verbose_name="made")),
            ],
            options={
                "verbose_name": "endpoint",
                "verbose_name_plural": "endpoints",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("event", models.CharField(max_length=30, verbose_name="event")),
                ("key", models.CharField(max_length=40, verbose_name="about")),
                ("made", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("state", models.CharField(default="pending", max_length=10, verbose_name="state")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                (
                    "next_try",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="next try"),
                ),
                ("finished", models.DateTimeField(null=True, verbose_name="finished")),
                ("status", models.PositiveIntegerField(null=True, verbose_name="HTTP status")),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="error")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="access.endpoint",
                        verbose_name="endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-made"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["endpoint", "next_try"],
                        name="deliveries_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("endpoint"),
                        models.F("event"),
                        models.F("key"),
                        name="one_delivery_per_event_and_endpoint",
                    )
                ],
            },
        ),
    ]
