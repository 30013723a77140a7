"""A door is opened, unlocked and locked by whoever may, and says why."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0018_terminals"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="doorcommand",
            options={
                "ordering": ["-id"],
                "permissions": [("order_door", "Can open, unlock and lock doors")],
                "verbose_name": "door command",
                "verbose_name_plural": "door commands",
            },
        ),
        migrations.AddField(
            model_name="doorcommand",
            name="reason",
            field=models.CharField(blank=True, max_length=200, verbose_name="reason"),
        ),
    ]
