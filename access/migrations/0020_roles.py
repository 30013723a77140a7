"""Roles of staff."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0019_door_orders"),
    ]

    operations = [
        migrations.AddField(
            model_name="staff",
            name="roles",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                default=list,
                size=None,
                verbose_name="roles",
            ),
        ),
    ]
