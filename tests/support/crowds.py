"""A crowd of namespaces with all their tables, made once in a database and shared by whoever measures."""

import queue
import threading
from contextlib import suppress

from django.db import connection, transaction

from shared_apps.namespaces.models import Namespace
from smartmodels.tenancy.migrating import note_schema_state
from smartmodels.tenancy.models import State
from smartmodels.tenancy.names import new_schema_name
from smartmodels.tenancy.schemas import create_schema
from smartmodels.tenancy.template import current_template, replay

THREADS = 2
_SCHEMAS_PER_CONNECTION = 50


def crowd(count: int) -> list[Namespace]:
    """So many namespaces without hosts and members; those that are missing are made from the script."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in range(Namespace.objects.filter(slug__startswith="crowd").count(), count):
        waiting.put(f"crowd{number:05}")
    if not waiting.empty():
        template = current_template()
        assert template is not None
        threads = [threading.Thread(target=_make, args=(waiting, template.script)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return list(Namespace.objects.filter(slug__startswith="crowd").order_by("slug")[:count])


def _make(waiting: "queue.SimpleQueue[str]", script: str) -> None:
    made = 0
    with suppress(queue.Empty):
        while True:
            _make_one(waiting.get_nowait(), script)
            made += 1
            if made % _SCHEMAS_PER_CONNECTION == 0:
                connection.close()
    connection.close()


def _make_one(slug: str, script: str) -> None:
    with transaction.atomic():
        namespace = Namespace.objects.create(
            slug=slug, name=slug.title(), schema_name=new_schema_name(slug), state=State.ACTIVE
        )
        create_schema(namespace.schema_name, namespace.pk)
        replay(script, namespace.schema_name)
        note_schema_state(namespace.schema_name)
