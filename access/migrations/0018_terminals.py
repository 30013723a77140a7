"""Terminals that push, what they sent, whose PINs they know, and what they are asked to do."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import access.terminals.devices


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0017_rules_are_kept"),
    ]

    operations = [
        migrations.CreateModel(
            name="Terminal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "serial",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9_.\\-]{1,40}\\Z",
                                "As the terminal shows it: letters, digits, . - _",
                            )
                        ],
                        verbose_name="serial number",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                (
                    "standing",
                    models.CharField(
                        default="waiting", editable=False, max_length=10, verbose_name="standing"
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        blank=True,
                        help_text="An address or network such as 192.168.7.0/24. Whoever knows a serial number can send punches in its name: fill this in. Empty: from anywhere.",
                        max_length=50,
                        validators=[access.terminals.devices.check_network],
                        verbose_name="speaks from",
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(
                        blank=True, editable=False, null=True, verbose_name="last address"
                    ),
                ),
                ("first_seen", models.DateTimeField(editable=False, null=True, verbose_name="first seen")),
                ("last_seen", models.DateTimeField(editable=False, null=True, verbose_name="last seen")),
                (
                    "clock_ahead",
                    models.DurationField(editable=False, null=True, verbose_name="clock ahead by"),
                ),
                ("stamp", models.CharField(default="0", editable=False, max_length=40)),
                (
                    "firmware",
                    models.CharField(
                        blank=True, editable=False, max_length=200, verbose_name="says of itself"
                    ),
                ),
                ("biometrics_discarded", models.PositiveIntegerField(default=0, editable=False)),
                ("salt", models.BinaryField(default=access.terminals.devices.new_salt)),
                ("minute", models.DateTimeField(editable=False, null=True)),
                ("requests", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "door",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terminals",
                        to="access.door",
                        verbose_name="door",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        help_text="Its wall clock is read in this site's time zone.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terminals",
                        to="access.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "terminal",
                "verbose_name_plural": "terminals",
                "ordering": ["serial"],
                "permissions": [("settle_terminal", "Can approve terminals and settle what they sent")],
            },
        ),
        migrations.CreateModel(
            name="TerminalCommand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=10, verbose_name="order")),
                ("state", models.CharField(default="pending", max_length=10, verbose_name="state")),
                ("answer", models.CharField(blank=True, max_length=40, verbose_name="answer")),
                ("made", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("sent", models.DateTimeField(null=True, verbose_name="sent")),
                ("finished", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="commands",
                        to="access.terminal",
                        verbose_name="terminal",
                    ),
                ),
            ],
            options={
                "verbose_name": "terminal command",
                "verbose_name_plural": "terminal commands",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="TerminalLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=20, verbose_name="table")),
                ("raw", models.CharField(max_length=500, verbose_name="line")),
                ("identity", models.BinaryField(max_length=32)),
                (
                    "state",
                    models.CharField(db_index=True, default="received", max_length=14, verbose_name="state"),
                ),
                ("pin", models.CharField(blank=True, max_length=24, verbose_name="PIN")),
                ("verify", models.CharField(blank=True, max_length=6, verbose_name="proof")),
                ("at", models.DateTimeField(null=True, verbose_name="at")),
                ("flag", models.CharField(blank=True, max_length=8, verbose_name="change of the clock")),
                ("trusted", models.BooleanField(default=False)),
                (
                    "received",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="received"),
                ),
                ("times", models.PositiveIntegerField(default=1, verbose_name="times sent")),
                (
                    "punch",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="terminal_line",
                        to="access.punch",
                        verbose_name="punch",
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="access.terminal",
                        verbose_name="terminal",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a terminal",
                "verbose_name_plural": "lines of terminals",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="TerminalUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("pin", models.CharField(max_length=24, verbose_name="PIN")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="terminal_users",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="users",
                        to="access.terminal",
                        verbose_name="terminal",
                    ),
                ),
            ],
            options={
                "verbose_name": "user of a terminal",
                "verbose_name_plural": "users of terminals",
                "ordering": ["terminal", "pin"],
            },
        ),
        migrations.AddConstraint(
            model_name="terminal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", "approved"), _negated=True),
                    ("site__isnull", False),
                    _connector="OR",
                ),
                name="approved_terminals_have_a_site",
            ),
        ),
        migrations.AddIndex(
            model_name="terminalline",
            index=models.Index(
                condition=models.Q(("state", "received")), fields=["id"], name="lines_to_book"
            ),
        ),
        migrations.AddConstraint(
            model_name="terminalline",
            constraint=models.UniqueConstraint(
                models.F("terminal"), models.F("identity"), name="a_line_is_kept_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="terminaluser",
            constraint=models.UniqueConstraint(
                models.F("terminal"), models.F("pin"), name="one_person_per_pin_of_a_terminal"
            ),
        ),
    ]
