"""Payroll profiles with their columns and codes, the files handed out, and people’s numbers in payroll."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import access.payroll.profiles


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0032_saved_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="PayrollCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        max_length=20,
                        validators=[access.payroll.profiles.check_kind],
                        verbose_name="kind of pay",
                    ),
                ),
                ("code", models.CharField(max_length=12, verbose_name="pay code")),
            ],
            options={
                "verbose_name": "pay code",
                "verbose_name_plural": "pay codes",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="PayrollColumn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)], verbose_name="position"
                    ),
                ),
                ("heading", models.CharField(blank=True, max_length=40, verbose_name="heading")),
                (
                    "content",
                    models.CharField(
                        max_length=30,
                        validators=[access.payroll.profiles.check_content],
                        verbose_name="holds",
                    ),
                ),
                (
                    "text",
                    models.CharField(
                        blank=True,
                        help_text="The text itself, or how a date is written: %d.%m.%Y",
                        max_length=40,
                        verbose_name="text or form of a date",
                    ),
                ),
                (
                    "width",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Fixed width only.",
                        validators=[django.core.validators.MaxValueValidator(200)],
                        verbose_name="width",
                    ),
                ),
                (
                    "align",
                    models.CharField(
                        choices=[
                            ("left", "blanks behind"),
                            ("right", "blanks before"),
                            ("zeros", "zeros before"),
                        ],
                        default="left",
                        max_length=5,
                        verbose_name="filled",
                    ),
                ),
            ],
            options={
                "verbose_name": "column",
                "verbose_name_plural": "columns",
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="PayrollExport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "serial",
                    models.PositiveIntegerField(
                        help_text="Counted within the profile.", verbose_name="number"
                    ),
                ),
                (
                    "draft",
                    models.BooleanField(help_text="Made while the period was open.", verbose_name="draft"),
                ),
                ("made", models.DateTimeField(auto_now_add=True, verbose_name="made")),
                ("file_name", models.CharField(max_length=120, verbose_name="file name")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256 of the file")),
                ("size_bytes", models.PositiveBigIntegerField(verbose_name="bytes")),
                ("row_count", models.PositiveIntegerField(verbose_name="rows")),
                ("people", models.PositiveIntegerField(verbose_name="people")),
                ("totals", models.JSONField(default=list, verbose_name="totals")),
                ("layout", models.JSONField(default=dict)),
                ("accounts", models.JSONField(default=list)),
                ("problems", models.JSONField(default=list, verbose_name="acknowledged")),
            ],
            options={
                "verbose_name": "payroll export",
                "verbose_name_plural": "payroll exports",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="PayrollProfile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                (
                    "form",
                    models.CharField(
                        choices=[
                            ("csv", "separated by a character (CSV)"),
                            ("fixed", "columns of fixed width"),
                        ],
                        default="csv",
                        max_length=5,
                        verbose_name="form",
                    ),
                ),
                (
                    "rows",
                    models.CharField(
                        choices=[
                            ("person", "each person, hours side by side"),
                            ("code", "each person and pay code"),
                        ],
                        default="person",
                        max_length=6,
                        verbose_name="one row for",
                    ),
                ),
                (
                    "apart",
                    models.BooleanField(
                        default=False,
                        help_text="Otherwise they are added to the person's hours.",
                        verbose_name="adjustments in rows of their own",
                    ),
                ),
                (
                    "company",
                    models.CharField(
                        blank=True,
                        help_text="ADP: Co Code.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[\\w\\-]*\\Z", "Letters, digits, - and _ only."
                            )
                        ],
                        verbose_name="company code",
                    ),
                ),
                (
                    "batch",
                    models.CharField(
                        blank=True,
                        help_text="ADP: Batch ID. {first}, {last} and {serial} are filled in.",
                        max_length=40,
                        validators=[access.payroll.profiles.check_pattern],
                        verbose_name="batch",
                    ),
                ),
                (
                    "file_name",
                    models.CharField(
                        default="payroll-{first}-{last}.csv",
                        help_text="{company}, {serial}, {first} and {last} are filled in. ADP: EPI{company}{serial}.csv",
                        max_length=80,
                        validators=[
                            access.payroll.profiles.check_pattern,
                            django.core.validators.RegexValidator(
                                "^[\\w.\\-{} ]+\\Z", "Letters, digits, blanks and . - _ { } only."
                            ),
                        ],
                        verbose_name="file name",
                    ),
                ),
                (
                    "code_from",
                    models.CharField(
                        choices=[("badge", "badge number"), ("payroll_number", "number in payroll")],
                        default="badge",
                        help_text="Always text: leading zeros stay.",
                        max_length=14,
                        verbose_name="employee code",
                    ),
                ),
                (
                    "code_length",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Shorter ones get zeros in front, longer ones do not fit. 0: as they are.",
                        validators=[django.core.validators.MaxValueValidator(20)],
                        verbose_name="digits of the employee code",
                    ),
                ),
                (
                    "separator",
                    models.CharField(
                        choices=[(",", "comma ,"), (";", "semicolon ;"), ("\t", "tab"), ("|", "bar |")],
                        default=",",
                        max_length=1,
                        verbose_name="between columns",
                    ),
                ),
                (
                    "mark",
                    models.CharField(
                        blank=True,
                        choices=[(".", "point 8.50"), (",", "comma 8,50"), ("", "none 850")],
                        default=".",
                        max_length=1,
                        verbose_name="decimal mark",
                    ),
                ),
                (
                    "places",
                    models.PositiveSmallIntegerField(
                        default=2,
                        validators=[django.core.validators.MaxValueValidator(4)],
                        verbose_name="decimal places",
                    ),
                ),
                (
                    "encoding",
                    models.CharField(
                        choices=[
                            ("utf-8", "UTF-8"),
                            ("utf-8-sig", "UTF-8 with a mark, for Excel"),
                            ("cp1252", "Windows-1252"),
                        ],
                        default="utf-8",
                        max_length=10,
                        verbose_name="letters",
                    ),
                ),
                (
                    "line_end",
                    models.CharField(
                        choices=[("crlf", "Windows"), ("lf", "Unix")],
                        default="crlf",
                        max_length=4,
                        verbose_name="end of a line",
                    ),
                ),
                ("headings", models.BooleanField(default=True, verbose_name="headings in the first line")),
                ("totals", models.BooleanField(default=False, verbose_name="totals in the last line")),
                (
                    "zeros",
                    models.BooleanField(
                        default=False, help_text="Otherwise left empty.", verbose_name="write noughts"
                    ),
                ),
                (
                    "most_hours",
                    models.PositiveSmallIntegerField(
                        default=14,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(24),
                        ],
                        verbose_name="ask about days longer than (hours)",
                    ),
                ),
            ],
            options={
                "verbose_name": "payroll profile",
                "verbose_name_plural": "payroll profiles",
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="person",
            name="payroll_number",
            field=models.CharField(
                blank=True,
                help_text="Where it differs from the badge number. Leading zeros count.",
                max_length=20,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[\\w.\\-/]+\\Z", "Letters, digits and . - _ / only."
                    )
                ],
                verbose_name="number in payroll",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(
                models.F("payroll_number"),
                condition=models.Q(("payroll_number", ""), _negated=True),
                name="one_person_per_payroll_number",
            ),
        ),
        migrations.AddField(
            model_name="payrollexport",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="payrollexport",
            name="period",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exports",
                to="access.payrollperiod",
                verbose_name="payroll period",
            ),
        ),
        migrations.AddField(
            model_name="payrollprofile",
            name="departments",
            field=models.ManyToManyField(
                blank=True,
                help_text="None chosen: everybody.",
                related_name="+",
                to="access.department",
                verbose_name="departments",
            ),
        ),
        migrations.AddField(
            model_name="payrollexport",
            name="profile",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exports",
                to="access.payrollprofile",
                verbose_name="profile",
            ),
        ),
        migrations.AddField(
            model_name="payrollcolumn",
            name="profile",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="columns",
                to="access.payrollprofile",
            ),
        ),
        migrations.AddField(
            model_name="payrollcode",
            name="profile",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="codes", to="access.payrollprofile"
            ),
        ),
        migrations.AddConstraint(
            model_name="payrollexport",
            constraint=models.UniqueConstraint(
                models.F("profile"), models.F("serial"), name="payroll_exports_are_numbered"
            ),
        ),
        migrations.AddConstraint(
            model_name="payrollcode",
            constraint=models.UniqueConstraint(
                models.F("profile"), models.F("kind"), name="one_pay_code_a_kind"
            ),
        ),
    ]
