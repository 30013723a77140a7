"""What the kiosk page needs: keys of its own, signed requests, a PIN for staff, and what people say."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_demo_punches"),
    ]

    operations = [
        migrations.CreateModel(
            name="Remark",
            fields=[
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="remark",
                        serialize=False,
                        to="access.decision",
                        verbose_name="decision",
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("business", "on business"),
                            ("medical", "doctor"),
                            ("training", "training"),
                            ("private", "private"),
                            ("forgotten", "forgot to punch"),
                            ("other", "other"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
            ],
            options={
                "verbose_name": "remark",
                "verbose_name_plural": "remarks",
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="UnlockTries",
            fields=[
                (
                    "kiosk",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="access.kiosk",
                    ),
                ),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("after", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="kiosk",
            name="clock_offset_ms",
            field=models.BigIntegerField(editable=False, null=True, verbose_name="clock offset (ms)"),
        ),
        migrations.AddField(
            model_name="kiosk",
            name="queued",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="events waiting"),
        ),
        migrations.AddField(
            model_name="kiosk",
            name="reported",
            field=models.DateTimeField(editable=False, null=True, verbose_name="reported"),
        ),
        migrations.AddField(
            model_name="kiosk",
            name="version",
            field=models.CharField(blank=True, editable=False, max_length=40, verbose_name="version"),
        ),
        migrations.AddField(
            model_name="kioskkey",
            name="agreement",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="kioskkey",
            name="public",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="kioskkey",
            name="wrapped",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="site",
            name="kiosk_pin",
            field=models.CharField(blank=True, editable=False, max_length=128),
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="dispute",
                        serialize=False,
                        to="access.decision",
                        verbose_name="decision",
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
                ("settled", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="settled by",
                    ),
                ),
            ],
            options={
                "verbose_name": "dispute",
                "verbose_name_plural": "disputes",
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="PairingCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires", models.DateTimeField(verbose_name="expires")),
                (
                    "kiosk",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pairing", to="access.kiosk"
                    ),
                ),
            ],
            options={
                "verbose_name": "pairing code",
                "verbose_name_plural": "pairing codes",
            },
        ),
        migrations.CreateModel(
            name="SignatureNonce",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("nonce", models.UUIDField()),
                (
                    "at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="at"),
                ),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="access.kioskkey"
                    ),
                ),
            ],
            options={
                "verbose_name": "signature nonce",
                "verbose_name_plural": "signature nonces",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("key"), models.F("nonce"), name="one_request_per_signature_nonce"
                    )
                ],
            },
        ),
    ]
