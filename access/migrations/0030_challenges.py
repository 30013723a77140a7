"""What a door may ask of whoever stands before it, and the frames that answer."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0029_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="Challenge",
            fields=[
                (
                    "kiosk",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="challenge",
                        serialize=False,
                        to="access.kiosk",
                    ),
                ),
                ("nonce", models.UUIDField(verbose_name="nonce")),
                ("kind", models.CharField(max_length=16, verbose_name="kind")),
                ("issued", models.DateTimeField(verbose_name="issued")),
            ],
            options={
                "verbose_name": "challenge",
                "verbose_name_plural": "challenges",
            },
        ),
        migrations.AddField(
            model_name="snapshotpicture",
            name="asked",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="snapshotpicture",
            name="frames",
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name="door",
            name="liveness",
            field=models.CharField(
                choices=[
                    ("nothing", "nothing"),
                    ("passive", "that each picture is judged, and judged live"),
                    ("colour", "that the face takes the colours which the screen shows"),
                    ("turn", "that the head turns as the screen asks"),
                    ("two_factor", "that nobody passes by a face alone: a card or PIN too"),
                ],
                default="nothing",
                help_text="What this door demands; what cannot be judged is refused. Judging a picture stops some prints and screens, and refuses everybody while the workers have no model for it. Colours stop films made before, not prints; a turn stops prints, not films; both need the kiosk page and some five seconds. Only a card or PIN stops a good picture of a face.",
                max_length=10,
                verbose_name="against pictures of faces",
            ),
        ),
    ]
