"""The function that captures history, shared by all tracked tables of all schemas."""

from __future__ import annotations

from django.db import migrations

from smartmodels.history import CreateCaptureFunction


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [CreateCaptureFunction()]
