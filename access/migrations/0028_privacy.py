"""How consent came and ended, invitations to enrol, notices, and how long each kind of data is kept."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0027_breaks_at_any_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("made", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("expires", models.DateTimeField(verbose_name="expires")),
                ("agreed", models.DateTimeField(null=True, verbose_name="agreed")),
                ("used", models.DateTimeField(null=True, verbose_name="used")),
                ("revoked", models.DateTimeField(null=True, verbose_name="revoked")),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "ordering": ["-made"],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("de", "Deutsch"), ("fr", "Français")],
                        max_length=2,
                        primary_key=True,
                        serialize=False,
                        verbose_name="language",
                    ),
                ),
                (
                    "responsible",
                    models.TextField(
                        help_text="Name and address of the company, as the law asks.",
                        verbose_name="who is responsible",
                    ),
                ),
                (
                    "contact",
                    models.CharField(
                        help_text="Whom people ask, and where they use their rights.",
                        max_length=200,
                        verbose_name="contact",
                    ),
                ),
                (
                    "more",
                    models.TextField(
                        blank=True,
                        help_text="For example the legal basis, the works agreement, the data protection authority.",
                        verbose_name="what else must be said",
                    ),
                ),
                ("changed", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "privacy notice",
                "verbose_name_plural": "privacy notices",
                "ordering": ["language"],
            },
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                (
                    "kind",
                    models.CharField(
                        editable=False, max_length=30, primary_key=True, serialize=False, verbose_name="kind"
                    ),
                ),
                (
                    "days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: as long as the consent stands.",
                        null=True,
                        verbose_name="days",
                    ),
                ),
                ("since", models.DateTimeField(auto_now=True, verbose_name="since")),
            ],
            options={
                "verbose_name": "retention",
                "verbose_name_plural": "retention",
                "ordering": ["kind"],
            },
        ),
        migrations.CreateModel(
            name="Sweep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run", models.DateTimeField(db_index=True, verbose_name="run")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("days", models.PositiveIntegerField(null=True, verbose_name="days")),
                ("deleted", models.PositiveIntegerField(default=0, verbose_name="deleted")),
                ("oldest_left", models.DateTimeField(null=True, verbose_name="oldest left")),
                ("finished", models.DateTimeField(null=True, verbose_name="finished")),
                ("error", models.CharField(blank=True, max_length=80, verbose_name="error")),
            ],
            options={
                "verbose_name": "nightly deletion",
                "verbose_name_plural": "nightly deletions",
                "ordering": ["-run", "id"],
            },
        ),
        migrations.AlterModelOptions(
            name="person",
            options={
                "ordering": ["name", "badge"],
                "permissions": [
                    ("reach_everybody", "Can see the working time of everybody, in all departments"),
                    ("disclose_person", "Can download all that is kept about a person"),
                ],
                "verbose_name": "person",
                "verbose_name_plural": "people",
            },
        ),
        migrations.AddField(
            model_name="consent",
            name="channel",
            field=models.CharField(
                choices=[
                    ("office", "at the office"),
                    ("self", "by the person, with a link"),
                    ("command", "with a list"),
                ],
                default="office",
                max_length=10,
                verbose_name="how",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="ended by",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[("withdrawn", "withdrawn"), ("replaced", "replaced by newer words")],
                max_length=10,
                verbose_name="ending",
            ),
        ),
        migrations.AddField(
            model_name="enrolment",
            name="answer",
            field=models.CharField(blank=True, max_length=200, verbose_name="answer"),
        ),
        migrations.AddField(
            model_name="enrolment",
            name="needs_approval",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="person",
            name="last_seen",
            field=models.DateField(editable=False, null=True, verbose_name="last seen"),
        ),
        migrations.AddField(
            model_name="person",
            name="suspended",
            field=models.DateTimeField(editable=False, null=True, verbose_name="suspended since"),
        ),
        migrations.AlterField(
            model_name="consenttext",
            name="language",
            field=models.CharField(
                default="en", help_text="Two letters: en, de, fr, …", max_length=10, verbose_name="language"
            ),
        ),
        migrations.AlterField(
            model_name="consenttext",
            name="version",
            field=models.CharField(
                help_text="The same for the same words in another language.",
                max_length=40,
                verbose_name="version",
            ),
        ),
        migrations.AlterField(
            model_name="enrolment",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("done", "done"),
                    ("refused", "refused"),
                    ("review", "to review"),
                    ("approve", "to approve"),
                ],
                db_index=True,
                default="waiting",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="consenttext",
            constraint=models.UniqueConstraint(
                models.F("version"), models.F("language"), name="one_text_per_version_and_language"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invitations",
                to="access.person",
                verbose_name="person",
            ),
        ),
        migrations.AddField(
            model_name="enrolment",
            name="invitation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="enrolments",
                to="access.invitation",
            ),
        ),
        migrations.AddConstraint(
            model_name="sweep",
            constraint=models.UniqueConstraint(
                models.F("run"), models.F("kind"), name="one_sweep_per_run_and_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                models.F("person"),
                condition=models.Q(("revoked", None), ("used", None)),
                name="one_open_invitation_per_person",
            ),
        ),
    ]
