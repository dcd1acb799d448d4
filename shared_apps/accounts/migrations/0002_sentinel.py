"""The sentinel user, who owns what deleted users and deleted rows leave behind."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import migrations

from smartmodels.ownership import sentinel_id


def create_sentinel(apps: Any, _: Any) -> None:
    """Make the account, which has no usable password and is not active."""
    apps.get_model("accounts", "User").objects.get_or_create(
        id=sentinel_id(),
        defaults={
            "email": "sentinel@sentinel.invalid",
            "name": "Sentinel",
            "is_active": False,
            "password": make_password(None),
        },
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(create_sentinel, migrations.RunPython.noop)]
