"""Where every change of a rule is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0015_sign_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="RuleChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=60, verbose_name="table")),
                ("key", models.BigIntegerField(verbose_name="key")),
                ("row", models.JSONField(verbose_name="row")),
                ("gone", models.BooleanField(verbose_name="deleted")),
                ("at", models.DateTimeField(db_index=True, verbose_name="at")),
            ],
            options={
                "verbose_name": "change of a rule",
                "verbose_name_plural": "changes of rules",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["table", "key", "-id"], name="rule_changes_of_a_row")],
            },
        ),
    ]
