"""What doors remember between decisions; tries are counted elsewhere; a card may get another holder."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0020_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="DoorMemory",
            fields=[
                (
                    "door",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="memory",
                        serialize=False,
                        to="access.door",
                    ),
                ),
                ("opened", models.DateTimeField(null=True, verbose_name="last opened")),
                ("came", models.DateTimeField(null=True, verbose_name="first person came")),
                ("waiting_since", models.DateTimeField(null=True)),
                ("waiting_snapshot", models.UUIDField(null=True)),
            ],
            options={
                "verbose_name": "door's memory",
                "verbose_name_plural": "doors' memories",
            },
        ),
        migrations.DeleteModel(
            name="PinTries",
        ),
        migrations.AlterField(
            model_name="card",
            name="digest",
            field=models.BinaryField(max_length=32),
        ),
        migrations.AddIndex(
            model_name="card",
            index=models.Index(fields=["digest"], name="cards_by_number"),
        ),
        migrations.AddConstraint(
            model_name="card",
            constraint=models.UniqueConstraint(
                models.F("digest"), condition=models.Q(("revoked__isnull", True)), name="one_holder_per_card"
            ),
        ),
        migrations.AddField(
            model_name="doormemory",
            name="waiting",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="access.person"
            ),
        ),
    ]
