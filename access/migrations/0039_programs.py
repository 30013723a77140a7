"""Programs that call the API for a login, by a token."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0038_pictures_of_passages"),
    ]

    operations = [
        migrations.CreateModel(
            name="Program",
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
                        help_text="What calls, such as “Night export”.", max_length=80, verbose_name="name"
                    ),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), size=None, verbose_name="may do what"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("hint", models.CharField(max_length=12, verbose_name="token begins with")),
                ("issued", models.DateTimeField(auto_now_add=True, verbose_name="issued")),
                ("expires", models.DateTimeField(verbose_name="ends")),
                ("revoked", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
                ("last_used", models.DateTimeField(blank=True, null=True, verbose_name="last call")),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="programs",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="acts for",
                    ),
                ),
            ],
            options={
                "verbose_name": "program",
                "verbose_name_plural": "programs",
                "ordering": ["-issued"],
            },
        ),
    ]
