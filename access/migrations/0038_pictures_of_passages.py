"""Pictures of passages may be kept; at first for no time at all."""

import django.db.models.deletion
from django.db import migrations, models

DEFAULTS = {"passage_pictures": 0}
PERIOD = """
INSERT INTO access_retention (kind, days, since) VALUES ('passage_pictures', 0, now())
ON CONFLICT (kind) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0037_see_match")]

    operations = [
        migrations.CreateModel(
            name="KeptPicture",
            fields=[
                (
                    "snapshot",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="kept_picture",
                        serialize=False,
                        to="access.snapshot",
                    ),
                ),
                ("wrapped_key", models.BinaryField()),
                ("sealed", models.BinaryField()),
                ("at", models.DateTimeField(db_index=True, verbose_name="at")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kept_pictures",
                        to="access.person",
                        verbose_name="person",
                    ),
                ),
            ],
            options={"verbose_name": "picture of a passage", "verbose_name_plural": "pictures of passages"},
        ),
        migrations.RunSQL(PERIOD, "DELETE FROM access_retention WHERE kind = 'passage_pictures'"),
    ]
