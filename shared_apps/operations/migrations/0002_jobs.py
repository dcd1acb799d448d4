"""The records of jobs, which triggers keep in step with the queue, and daily samples of usage."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from smartmodels.jobs import CreateJobTriggers


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0003_open_members"),
        ("operations", "0001_initial"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("namespace_id", models.UUIDField(editable=False)),
                ("slug", models.CharField(editable=False, max_length=31)),
                ("day", models.DateField()),
                ("bytes", models.BigIntegerField()),
                ("rows", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("namespace_id", "day"), name="operations_one_usage_sample_per_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=128)),
                ("queue", models.CharField(max_length=128)),
                ("actor", models.TextField()),
                ("user_id", models.UUIDField(null=True)),
                ("operation_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("parked", "Parked"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("scheduled_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("failures", models.IntegerField(default=0)),
                ("deaths", models.IntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(null=True)),
                ("message", models.TextField(blank=True, default="")),
                ("result", models.JSONField(null=True)),
                ("error_code", models.CharField(blank=True, default="", max_length=200)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "namespace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="namespaces.namespace",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["state", "-id"], name="operations_job_state"),
                    models.Index(fields=["name", "-id"], name="operations_job_name"),
                    models.Index(fields=["namespace", "-id"], name="operations_job_namespace"),
                    models.Index(
                        condition=models.Q(("state__in", ("queued", "parked"))),
                        fields=["namespace"],
                        name="operations_job_waiting",
                    ),
                ],
            },
        ),
        CreateJobTriggers(job="operations_job", namespace="namespaces_namespace"),
    ]
