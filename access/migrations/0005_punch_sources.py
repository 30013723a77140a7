"""A punch may come from elsewhere than a kiosk, once; and says whether its direction was given."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_liveness"),
    ]

    operations = [
        migrations.AddField(
            model_name="punch",
            name="explicit",
            field=models.BooleanField(default=False, verbose_name="direction was given"),
        ),
        migrations.AddField(
            model_name="punch",
            name="origin",
            field=models.CharField(blank=True, max_length=200, null=True, unique=True, verbose_name="origin"),
        ),
        migrations.AlterField(
            model_name="punch",
            name="direction",
            field=models.CharField(
                choices=[
                    ("in", "in"),
                    ("out", "out"),
                    ("break_out", "to a break"),
                    ("break_in", "back from a break"),
                ],
                max_length=9,
                verbose_name="direction",
            ),
        ),
        migrations.AlterField(
            model_name="punch",
            name="source",
            field=models.CharField(
                choices=[
                    ("kiosk", "kiosk"),
                    ("pin", "PIN"),
                    ("card", "card or QR"),
                    ("manual", "by hand"),
                    ("import", "import"),
                    ("terminal", "terminal"),
                ],
                max_length=10,
                verbose_name="source",
            ),
        ),
    ]
