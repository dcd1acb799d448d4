"""A member is somebody: neither the sentinel nor a closed account (smartmodels/ownership/owner.sql)."""

from __future__ import annotations

from django.db import migrations

REFUSE = """
CREATE TRIGGER namespaces_member_open BEFORE INSERT OR UPDATE OF user_id ON public.namespaces_membership FOR EACH ROW
    EXECUTE FUNCTION public.smartmodels_account_open();
"""

ADMIT = "DROP TRIGGER namespaces_member_open ON public.namespaces_membership"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sentinel"), ("namespaces", "0002_announce_routing")]
    operations = [migrations.RunSQL(REFUSE, ADMIT)]
