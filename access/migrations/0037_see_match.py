"""A right of its own to see whom a face resembled."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("access", "0036_report_files")]

    operations = [
        migrations.AlterModelOptions(
            name="decision",
            options={
                "ordering": ["-at"],
                "permissions": [("see_match", "Can see whom a face resembled, and how nearly")],
                "verbose_name": "decision",
                "verbose_name_plural": "decisions",
            },
        ),
    ]
