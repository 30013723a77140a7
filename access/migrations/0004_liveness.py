"""What a door demands against pictures of faces, what a site risks, and what that risk comes to."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="SiteRisk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(max_length=80, verbose_name="embedding model")),
                ("faceprints", models.PositiveIntegerField(verbose_name="faceprints compared")),
                ("rate", models.FloatField(verbose_name="wanted false-identification rate")),
                ("threshold", models.FloatField(null=True, verbose_name="score needed")),
                ("extrapolated", models.BooleanField(default=False, verbose_name="beyond what was measured")),
                ("updated", models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated")),
            ],
            options={
                "verbose_name": "risk of a site",
                "verbose_name_plural": "risks of sites",
            },
        ),
        migrations.AddField(
            model_name="door",
            name="liveness",
            field=models.CharField(
                choices=[("nothing", "nothing"), ("passive", "that each picture is judged, and judged live")],
                default="nothing",
                help_text="What this door demands. Judging a picture stops some prints and screens, not all of them. What cannot be judged is refused: every face while the workers have no liveness model, and faces too near to the edge of their picture.",
                max_length=10,
                verbose_name="against pictures of faces",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="false_identification_rate",
            field=models.FloatField(
                blank=True,
                help_text="Of the unknown people at a kiosk, the share that may be taken for somebody: 0.003 is 1 in 333. The score needed follows from it and grows with the gallery. Empty: the system's own rate.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1e-06),
                    django.core.validators.MaxValueValidator(0.1),
                ],
                verbose_name="wanted false-identification rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("false_identification_rate", None),
                    ("false_identification_rate__range", (1e-06, 0.1)),
                    _connector="OR",
                ),
                name="false_identification_rate_within_reason",
            ),
        ),
        migrations.AddField(
            model_name="siterisk",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="risks",
                to="access.site",
                verbose_name="site",
            ),
        ),
        migrations.AddConstraint(
            model_name="siterisk",
            constraint=models.UniqueConstraint(
                models.F("site"), models.F("model"), name="one_risk_per_site_and_model"
            ),
        ),
    ]
