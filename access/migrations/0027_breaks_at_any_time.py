"""A break of a shift has a length and no time of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0026_paid_days"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="shiftbreak",
            name="begins",
        ),
        migrations.AlterField(
            model_name="correction",
            name="punch",
            field=models.ForeignKey(
                blank=True,
                help_text="Those around the day, once a person and a day are chosen. Empty: none is taken away.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrections",
                to="access.punch",
                verbose_name="punch that counts no more",
            ),
        ),
    ]
