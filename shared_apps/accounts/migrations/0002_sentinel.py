"""The sentinel user, who owns what deleted users and deleted rows leave behind, and what protects it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import migrations

from smartmodels.ownership import CreateOwnerFunctions, sentinel_id


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


PROTECT = """
CREATE TRIGGER accounts_sentinel_fixed BEFORE UPDATE OR DELETE ON public.accounts_user FOR EACH ROW
    WHEN (OLD.id = public.smartmodels_sentinel()) EXECUTE FUNCTION public.smartmodels_sentinel_fixed();
CREATE TRIGGER accounts_token_open BEFORE INSERT OR UPDATE OF user_id ON public.accounts_token FOR EACH ROW
    EXECUTE FUNCTION public.smartmodels_account_open();
"""

LEAVE_ALONE = """
DROP TRIGGER accounts_sentinel_fixed ON public.accounts_user;
DROP TRIGGER accounts_token_open ON public.accounts_token;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        CreateOwnerFunctions(),
        migrations.RunPython(create_sentinel, migrations.RunPython.noop),
        migrations.RunSQL(PROTECT, LEAVE_ALONE),
    ]
