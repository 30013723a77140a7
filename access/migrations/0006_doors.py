"""Doors open for more than faces: cards, PINs, zones, modes; and two purposes with a switch each."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_punch_sources"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pin",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="pin",
                        serialize=False,
                        to="access.person",
                    ),
                ),
                ("digest", models.CharField(max_length=200)),
                ("duress", models.CharField(blank=True, max_length=200)),
                ("changed", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "PIN",
                "verbose_name_plural": "PINs",
            },
        ),
        migrations.AlterModelOptions(
            name="site",
            options={
                "ordering": ["name"],
                "permissions": [("lock_down_site", "Can lock down a site, and lift it")],
                "verbose_name": "site",
                "verbose_name_plural": "sites",
            },
        ),
        migrations.AddField(
            model_name="consenttext",
            name="for_access",
            field=models.BooleanField(default=True, verbose_name="covers doors"),
        ),
        migrations.AddField(
            model_name="consenttext",
            name="for_attendance",
            field=models.BooleanField(default=True, verbose_name="covers attendance"),
        ),
        migrations.AddField(
            model_name="door",
            name="factors",
            field=models.CharField(
                choices=[
                    ("face", "a face"),
                    ("face_pin", "a face and a PIN"),
                    ("face_card", "a face and a card or QR code"),
                    ("card_pin", "a card or QR code and a PIN"),
                    ("card", "a card or QR code"),
                    ("pin", "a badge number and a PIN"),
                ],
                default="face",
                help_text="People who pass without a face show their card, or badge number and PIN, in its place; where a second factor is asked, card and PIN. A schedule may ask for something else by the hour.",
                max_length=10,
                verbose_name="what must be shown",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="free_from",
            field=models.TimeField(
                blank=True,
                help_text="Each day, once the first person has come.",
                null=True,
                verbose_name="free from",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="free_until",
            field=models.TimeField(blank=True, null=True, verbose_name="free until"),
        ),
        migrations.AddField(
            model_name="door",
            name="interlock_seconds",
            field=models.PositiveIntegerField(
                default=10,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(120),
                ],
                verbose_name="just opened means within (s)",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="interlocked",
            field=models.ManyToManyField(
                blank=True,
                help_text="This door stays shut while one of these is open or was just opened, and they likewise.",
                to="access.door",
                verbose_name="interlocked with",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="mode",
            field=models.CharField(
                choices=[
                    ("normal", "normal: the rule decides"),
                    ("locked", "locked down: nobody passes"),
                    ("free", "free passage: everybody passes"),
                    ("first_person", "free passage once the first person has come"),
                    ("two_person", "two people, one after the other"),
                ],
                default="normal",
                max_length=12,
                verbose_name="mode",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="offline",
            field=models.CharField(
                choices=[
                    ("deny", "opens for nobody"),
                    ("pin_only", "opens for a PIN known to the kiosk"),
                    ("allow_cached", "opens for whoever the kiosk knows"),
                ],
                default="deny",
                help_text="What a kiosk at this door does by itself while it cannot reach us.",
                max_length=12,
                verbose_name="without the network",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="two_person_seconds",
            field=models.PositiveIntegerField(
                default=10,
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(120),
                ],
                verbose_name="second person within (s)",
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="valid_from",
            field=models.DateField(
                blank=True,
                help_text="First day, in the zone of each site.",
                null=True,
                verbose_name="may pass from",
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="valid_until",
            field=models.DateField(
                blank=True, help_text="Last day.", null=True, verbose_name="may pass until"
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="without_face",
            field=models.BooleanField(
                default=False,
                help_text="A card, or badge number and PIN, in place of the face. Needs no consent.",
                verbose_name="passes without a face",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="keeps_access",
            field=models.BooleanField(
                default=True,
                help_text="Off: no decision opens a door, and whoever is recognised is only punched in or out.",
                verbose_name="doors are opened here",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="keeps_attendance",
            field=models.BooleanField(
                default=True,
                help_text="Off: doors open as before and their log is kept, but nobody is punched in or out.",
                verbose_name="attendance is kept here",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="locked_down",
            field=models.DateTimeField(editable=False, null=True, verbose_name="locked down since"),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="after",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="followed_by",
                to="access.snapshot",
            ),
        ),
        migrations.AddField(
            model_name="snapshotpicture",
            name="credentials",
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="kind",
            field=models.CharField(
                choices=[("snapshot", "snapshot"), ("crop", "crop"), ("pass", "without a picture")],
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="Card",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("card", "card"), ("qr", "QR code")], max_length=4, verbose_name="kind"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("hint", models.CharField(max_length=4, verbose_name="ends with")),
                ("valid_from", models.DateTimeField(blank=True, null=True, verbose_name="valid from")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                ("revoked", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
                ("issued", models.DateTimeField(auto_now_add=True, verbose_name="issued")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cards",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "card",
                "verbose_name_plural": "cards",
                "ordering": ["-issued"],
            },
        ),
        migrations.CreateModel(
            name="Pepper",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wrapped", models.BinaryField()),
                ("only", models.BooleanField(default=True, unique=True)),
            ],
            options={
                "verbose_name": "pepper",
                "verbose_name_plural": "peppers",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("only", True)), name="one_pepper")
                ],
            },
        ),
        migrations.CreateModel(
            name="PinTries",
            fields=[
                ("subject", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last", models.DateTimeField()),
                ("locked_until", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "PIN tries",
                "verbose_name_plural": "PIN tries",
                "indexes": [models.Index(fields=["last"], name="pin_tries_by_time")],
            },
        ),
        migrations.CreateModel(
            name="Zone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "passback",
                    models.CharField(
                        choices=[
                            ("off", "not watched"),
                            ("soft", "soft: noted only"),
                            ("hard", "hard: refused"),
                            ("timed", "timed: refused for some minutes"),
                        ],
                        default="off",
                        help_text="Needs a kiosk with a fixed direction on each side. Nobody is ever kept in.",
                        max_length=8,
                        verbose_name="entering twice",
                    ),
                ),
                (
                    "passback_minutes",
                    models.PositiveIntegerField(
                        default=15,
                        help_text="For timed only.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                        verbose_name="for so many minutes",
                    ),
                ),
                (
                    "most",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="most people",
                    ),
                ),
                (
                    "reset_at",
                    models.TimeField(
                        blank=True,
                        help_text="In the site's time: whoever forgot to go out starts the next day outside.",
                        null=True,
                        verbose_name="emptied daily at",
                    ),
                ),
                (
                    "exempt",
                    models.ManyToManyField(
                        blank=True,
                        help_text="People of these galleries may enter twice. They count as people inside.",
                        related_name="exempt_in",
                        to="access.gallery",
                        verbose_name="exempt",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="zones",
                        to="access.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "zone",
                "verbose_name_plural": "zones",
                "ordering": ["site__name", "name"],
            },
        ),
        migrations.CreateModel(
            name="Presence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="since")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="presences",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
                (
                    "zone",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="presences",
                        to="access.zone",
                        verbose_name="zone",
                    ),
                ),
            ],
            options={
                "verbose_name": "person in a zone",
                "verbose_name_plural": "people in zones",
                "ordering": ["-since"],
            },
        ),
        migrations.AddField(
            model_name="door",
            name="enters",
            field=models.ForeignKey(
                blank=True,
                help_text="The zone that whoever goes in enters, and whoever goes out leaves.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="doors_into",
                to="access.zone",
                verbose_name="leads into",
            ),
        ),
        migrations.AddField(
            model_name="door",
            name="leaves",
            field=models.ForeignKey(
                blank=True,
                help_text="The zone that whoever goes in leaves. Empty: the street.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="doors_out_of",
                to="access.zone",
                verbose_name="leads out of",
            ),
        ),
        migrations.AddConstraint(
            model_name="zone",
            constraint=models.UniqueConstraint(
                models.F("site"), models.F("name"), name="one_zone_per_name_and_site"
            ),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.UniqueConstraint(
                models.F("zone"), models.F("person"), name="one_presence_per_zone_and_person"
            ),
        ),
    ]
