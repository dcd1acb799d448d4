"""What lists cost: keyset pages against OFFSET, compiled rows against Django REST framework."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.db.models import Q
from rest_framework.renderers import JSONRenderer

from smartmodels.rest.filtering import Selection
from smartmodels.rest.lists.paging import Window, read_page
from smartmodels.rest.lists.reading import reading_of
from smartmodels.rest.registry import discover, registered
from tenant_apps.research.models import Observation, Study
from tests.bench.history import as_ana, parents, saved
from tests.bench.measuring import figure, ratio
from tests.support.orders import with_key

ROWS, DEPTH, PAGE = 1_000_000, 900_000, 50

FILL = """
INSERT INTO research_study (id, code, title, region, island, notes, owner_id, created_by_id, updated_by_id,
                            created_at, updated_at)
SELECT md5('bench' || n)::uuid, 'K' || n, 'Season ' || n, '', 'Dream', '', u.id, u.id, u.id,
       now() + n * interval '1 microsecond', now()
FROM generate_series(1, %s) n, public.accounts_user u WHERE u.email = 'ana@example.org'
"""


@cache
def a_million() -> None:
    """Fill alpha's studies set by set, without a version each."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE research_study DISABLE TRIGGER USER")
        cursor.execute(FILL, [ROWS])
        cursor.execute("ALTER TABLE research_study ENABLE TRIGGER USER")
        cursor.execute("VACUUM ANALYZE research_study")


def view_of(path: str) -> Any:
    """The endpoint of a list, as a request would make it."""
    return registered()[path](
        request=SimpleNamespace(query_params={}), format_kwarg=None, action="list", kwargs={}
    )


@contextmanager
def listing() -> Iterator[None]:
    """Bind alpha; all endpoints are known."""
    discover()
    with as_ana():
        yield


def page_of(view: Any, rows: Any, window: Window) -> bytes:
    """A page as our lists answer it."""
    reading = reading_of(view, rows.model, Selection(Q(), window.terms))
    return reading.as_json(read_page(rows, window, reading.read).rows).encode()


@figure("list.keyset_deep", ceiling=0.05)
def keyset_deep(rounds: int) -> float:
    """50 rows behind 900,000 of 1,000,000, in the order of creation: by cursor, by OFFSET."""
    with listing():
        a_million()
        view, rows = view_of("studies"), Study.objects.all()
        terms = with_key(Study, ())
        reading = reading_of(view, Study, Selection(Q(), terms))
        deep = Window(terms, 1, DEPTH - 1)
        position = read_page(rows, deep, reading.read).next
        ours, peer = Window(terms, PAGE, position=position), Window(terms, PAGE, DEPTH)
        assert page_of(view, rows, ours) == page_of(view, rows, peer)
        return ratio(
            lambda: page_of(view, rows, ours), lambda: page_of(view, rows, peer), rounds=max(rounds // 10, 5)
        )


def of_rows(count: int, rounds: int) -> float:
    """Compare a page of observations, query and all, with the same serializer and its JSON renderer."""
    with listing():
        specimen, _ = parents()
        saved(Observation, specimen, max(count - Observation.objects.count(), 0))
        view, terms = view_of("observations"), with_key(Observation, ())
        window = Window(terms, count)

        def peer() -> bytes:
            rows = Observation.objects.order_by("id")[:count]
            return JSONRenderer().render(view.get_serializer(rows, many=True).data)

        assert peer().decode() == f"[{page_of(view, Observation.objects.all(), window).decode()}]"
        return ratio(lambda: page_of(view, Observation.objects.all(), window), peer, rounds=rounds)


@figure("list.rows_1000", ceiling=0.2)
def rows_1000(rounds: int) -> float:
    """1,000 rows on one page."""
    return of_rows(1_000, max(rounds // 5, 10))


@figure("list.rows_50", ceiling=0.5)
def rows_50(rounds: int) -> float:
    """50 rows on one page."""
    return of_rows(50, rounds)
