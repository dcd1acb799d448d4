"""Every change of a namespace or a host is announced, whatever wrote it (smartmodels/tenancy/routing.py)."""

from __future__ import annotations

from django.db import migrations

ANNOUNCE = """
CREATE FUNCTION public.smartmodels_announce_routing() RETURNS trigger LANGUAGE plpgsql AS $announce$
BEGIN
    PERFORM pg_notify('smartmodels_routing', '');
    RETURN NULL;
END
$announce$;
CREATE TRIGGER namespaces_announce AFTER INSERT OR UPDATE OR DELETE ON public.namespaces_namespace
    FOR EACH STATEMENT EXECUTE FUNCTION public.smartmodels_announce_routing();
CREATE TRIGGER domains_announce AFTER INSERT OR UPDATE OR DELETE ON public.namespaces_domain
    FOR EACH STATEMENT EXECUTE FUNCTION public.smartmodels_announce_routing();
"""

SILENCE = """
DROP TRIGGER namespaces_announce ON public.namespaces_namespace;
DROP TRIGGER domains_announce ON public.namespaces_domain;
DROP FUNCTION public.smartmodels_announce_routing();
"""


class Migration(migrations.Migration):
    dependencies = [("namespaces", "0001_initial")]
    operations = [migrations.RunSQL(ANNOUNCE, SILENCE)]
