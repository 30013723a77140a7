"""Workers say which liveness model they have, or none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0021_door_memory"),
    ]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="liveness",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=80, verbose_name="liveness model"
            ),
        ),
    ]
