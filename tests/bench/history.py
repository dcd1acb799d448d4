"""What truth costs: writes of smart models against plain Django, cascades against django-safedelete."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Observation, Specimen, Study
from tests.bench.measuring import figure
from tests.zoo.peers import (
    PlainObservation,
    PlainSpecimen,
    PlainStudy,
    StockObservation,
    StockSpecimen,
    StockStudy,
)

SINGLE, BULK, UPDATED = 10, 1_000, 5_000
OFTEN = 5
"""How many more rounds short ones need: ten rows take ten milliseconds, and machines have moods."""
VALUES = {
    "culmen_length_mm": Decimal("39.1"), "culmen_depth_mm": Decimal("18.7"), "flipper_length_mm": 181,
    "body_mass_g": 3750, "comments": "Adult not sampled.",
}  # fmt: skip


@contextmanager
def as_ana() -> Iterator[None]:
    """Bind alpha; ana acts."""
    ana = User.objects.get(email="ana@example.org")
    with namespace_scope(Namespace.objects.get(slug="alpha")), operation(actor=Actor.user(ana)):
        yield


def parents() -> tuple[Any, Any]:
    """Return a specimen of ours and one of plain Django."""
    study, _ = Study.objects.get_or_create(code="BENCH", island="Dream")
    specimen, _ = Specimen.objects.get_or_create(study=study, number=1, defaults={"species": "Adelie"})
    plain_study, _ = PlainStudy.objects.get_or_create(code="BENCH")
    plain, _ = PlainSpecimen.objects.get_or_create(study=plain_study, number=1)
    return specimen, plain


def timed(prepare: Callable[[], Any], act: Callable[[Any], None]) -> float:
    """Return the seconds that ``act`` takes on what ``prepare`` made, which is not counted."""
    rows = prepare()
    began = time.perf_counter()
    act(rows)
    return time.perf_counter() - began


def against(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> float:
    """Return the ratio of the medians, taken turn by turn."""
    with as_ana():
        ours(), peer()
        pairs = [(ours(), peer()) for _ in range(rounds)]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


def of_both(prepare: Callable[[Any, Any], Any], act: Callable[[Any], None], rounds: int) -> float:
    """Compare one way to write on both kinds of observation; ``prepare`` takes a model and a specimen."""
    with as_ana():
        specimen, plain = parents()
    return against(
        lambda: timed(lambda: prepare(Observation, specimen), act),
        lambda: timed(lambda: prepare(PlainObservation, plain), act),
        rounds,
    )


def unsaved(model: Any, specimen: Any, count: int = SINGLE) -> list[Any]:
    """Return rows that are not in the database yet."""
    return [model(specimen=specimen, **VALUES) for _ in range(count)]


def saved(model: Any, specimen: Any, count: int = SINGLE) -> list[Any]:
    """Return rows that are in the database."""
    return list(model.objects.bulk_create(unsaved(model, specimen, count)))


def save_each(rows: list[Any]) -> None:
    """Save row by row, each in a transaction of its own."""
    for row in rows:
        row.save()


def change_each(rows: list[Any]) -> None:
    """Change and save row by row."""
    for row in rows:
        row.body_mass_g += 1
        row.save()


def delete_each(rows: list[Any]) -> None:
    """Delete row by row."""
    for row in rows:
        row.delete()


@figure("history.save_create", ceiling=2.5)
def save_create(rounds: int) -> float:
    """One new row per statement."""
    return of_both(unsaved, save_each, rounds * OFTEN)


@figure("history.save_update", ceiling=2.5)
def save_update(rounds: int) -> float:
    """One changed row per statement."""
    return of_both(saved, change_each, rounds * OFTEN)


@figure("history.save_delete", ceiling=2.5)
def save_delete(rounds: int) -> float:
    """One deleted row at a time: marked here, gone there."""
    return of_both(saved, delete_each, rounds * OFTEN)


@figure("history.bulk_create", ceiling=1.7)
def bulk_create(rounds: int) -> float:
    """1,000 new rows."""
    return of_both(
        lambda model, specimen: unsaved(model, specimen, BULK),
        lambda rows: type(rows[0]).objects.bulk_create(rows),
        max(rounds // 4, 5),
    )


@figure("history.queryset_update", ceiling=4)
def queryset_update(rounds: int) -> float:
    """5,000 changed rows in one statement."""

    def prepare(model: Any, specimen: Any) -> Any:
        missing = UPDATED - model.objects.filter(specimen=specimen).count()
        saved(model, specimen, missing)
        # Old versions of the rows would make the peer's table the slower one from round to round.
        with connection.cursor() as cursor:
            cursor.execute(f'VACUUM "{model._meta.db_table}"')
        keys = model.objects.filter(specimen=specimen).values("pk")[:UPDATED]
        return model.objects.filter(pk__in=keys)

    def act(rows: Any) -> None:
        rows.update(body_mass_g=4000 + int(time.monotonic() * 1000) % 1000)

    return of_both(prepare, act, max(rounds // 10, 5))


def tree(study: Any, specimen: Any, observation: Any) -> Any:
    """Return a study with 20 specimens of 14 observations each: 301 rows in three levels."""
    root = study.objects.create(code=f"T{time.monotonic_ns() % 10**15}")
    specimens = specimen.objects.bulk_create([specimen(study=root, number=n) for n in range(20)])
    observation.objects.bulk_create(
        [observation(specimen=each, body_mass_g=4000) for each in specimens for _ in range(14)]
    )
    return root


def deleted(root: Any) -> Any:
    """Delete the tree and return its root."""
    root.delete()
    return root


def of_trees(prepare: Callable[[Any], Any], act: Callable[[Any], None], rounds: int) -> float:
    """Compare what happens to whole trees, ours and django-safedelete's."""
    ours = (Study, Specimen, Observation)
    stock = (StockStudy, StockSpecimen, StockObservation)
    return against(
        lambda: timed(lambda: prepare(tree(*ours)), act),
        lambda: timed(lambda: prepare(tree(*stock)), act),
        max(rounds // 10, 5),
    )


@figure("history.cascade_delete", ceiling=0.1)
def cascade_delete(rounds: int) -> float:
    """301 rows in three levels, deleted from the top."""
    return of_trees(lambda root: root, lambda root: root.delete(), rounds)


@figure("history.cascade_restore", ceiling=0.1)
def cascade_restore(rounds: int) -> float:
    """301 rows in three levels, restored from the top."""
    return of_trees(deleted, lambda root: root.undelete(), rounds)
