"""The table of write paths in docs/explanation/history.md is what happens, here and with stock packages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django import VERSION
from django.db import connection, transaction
from django.db.models import F

from smartmodels.history import history_model
from tests.docs.session import ROOT
from tests.zoo.models import (
    Animal,
    Enclosure,
    Keeper,
    StockAnimal,
    StockEnclosure,
    StockKeeper,
    StockTag,
    Tag,
)

ROW = re.compile(r"^\| `(?P<path>[^`]+)` \| (?P<stock>\w+) \| (?P<ours>\w+) \|$", re.MULTILINE)
PAGE = ROOT / "docs" / "explanation" / "history.md"


class Zoo:
    """One animal with all it is related to, of our models or of the stock ones."""

    def __init__(self, animal: Any, enclosure: Any, keeper: Any, tag: Any) -> None:
        self.model = animal
        self.enclosure = enclosure.objects.create(name="E")
        self.keeper = keeper.objects.create(name="K")
        self.tag = tag.objects.create(label="t")
        self.animal = self.make("first")
        self.table = animal._meta.db_table

    def make(self, name: str) -> Any:
        return self.model.objects.create(name=name, enclosure=self.enclosure, keeper=self.keeper)

    def sql(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def ours() -> Zoo:
    return Zoo(Animal, Enclosure, Keeper, Tag)


def stock() -> Zoo:
    return Zoo(StockAnimal, StockEnclosure, StockKeeper, StockTag)


def save(zoo: Zoo) -> None:
    zoo.animal.name = "saved"
    zoo.animal.save()


def save_expression(zoo: Zoo) -> None:
    zoo.model.all_objects.update(weight=1)
    fresh = zoo.model.objects.get()
    fresh.weight = F("weight") + 1
    fresh.save(update_fields=["weight"])


def bulk_create(zoo: Zoo) -> None:
    zoo.model.objects.bulk_create([zoo.model(name="bulk", enclosure=zoo.enclosure, keeper=zoo.keeper)])


def bulk_update(zoo: Zoo) -> None:
    zoo.animal.name = "bulk"
    zoo.model.objects.bulk_update([zoo.animal], ["name"])


def queryset_update(zoo: Zoo) -> None:
    zoo.model.objects.update(name="updated")


def update_or_create(zoo: Zoo) -> None:
    zoo.model.objects.update_or_create(pk=zoo.animal.pk, defaults={"name": "found"})


def upsert(zoo: Zoo) -> None:
    zoo.animal.name = "upsert"
    key = zoo.model._meta.pk.name
    zoo.model.objects.bulk_create(
        [zoo.animal], update_conflicts=True, unique_fields=[key], update_fields=["name"]
    )


def soft_delete(zoo: Zoo) -> None:
    zoo.animal.delete()


def cascade(zoo: Zoo) -> None:
    zoo.enclosure.delete()


def set_null(zoo: Zoo) -> None:
    zoo.keeper.delete()


def restore(zoo: Zoo) -> None:
    zoo.animal.delete()
    zoo.animal.undelete()


def m2m(zoo: Zoo) -> None:
    zoo.tag.animals.add(zoo.animal) if zoo.model is Animal else zoo.tag.stockanimal_set.add(zoo.animal)


def copy(zoo: Zoo) -> None:
    columns = [field.column for field in zoo.model._meta.concrete_fields if field.column != "id"]
    names = ", ".join(columns)
    source = f"SELECT {names} FROM {zoo.table}"  # noqa: S608
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY ({source}) TO STDOUT") as out:
            lines = b"".join(bytes(part) for part in out)
        key = "id, " if zoo.model is Animal else ""
        value = b"01900000-0000-7000-8000-000000000000\t" if zoo.model is Animal else b""
        with cursor.copy(f"COPY {zoo.table} ({key}{names}) FROM STDIN") as into:
            into.write(value + lines)


def raw_sql(zoo: Zoo) -> None:
    zoo.sql(f"UPDATE {zoo.table} SET name = 'raw'")  # noqa: S608


PATHS: dict[str, Callable[[Zoo], None]] = {
    "save()": save,
    "save() with F()": save_expression,
    "bulk_create()": bulk_create,
    "bulk_update()": bulk_update,
    "queryset.update()": queryset_update,
    "update_or_create()": update_or_create,
    "bulk_create(update_conflicts=True)": upsert,
    "delete()": soft_delete,
    "delete() of what it cascades from": cascade,
    "delete() of what SET_NULL points at": set_null,
    "undelete()": restore,
    "tag.animals.add()": m2m,
    "COPY": copy,
    "UPDATE in SQL": raw_sql,
}


def outcome(zoo: Zoo, path: str) -> str:
    """Walk the path; say whether history has the ``true`` version, a ``false`` one, ``none``, or fails."""
    history = history_model(zoo.model)
    before = history.objects.count()
    try:
        with transaction.atomic():
            PATHS[path](zoo)
    except (ValueError, AttributeError):
        return "error"
    expected = {"save() with F()": 1, "undelete()": 2}.get(path, 1)
    if history.objects.count() == before:
        return "none"
    live = {row.pk: row for row in zoo.model.all_objects.all()}
    newest = {row.id: row for row in history.objects.order_by("history_id")}
    columns = [field.attname for field in history.tracked_fields]
    same = set(newest) == set(live) and all(
        getattr(newest[key], name) == getattr(row, name) for key, row in live.items() for name in columns
    )
    deleted_at = "deleted_at"
    told = all(
        (newest[key].history_type == "-") == (getattr(row, deleted_at) is not None)
        for key, row in live.items()
    )
    tags = {key: sorted(tag.pk for tag in row.tags.all()) for key, row in live.items()}
    kept = {
        key: sorted(
            getattr(link, f"{'tag' if zoo.model is Animal else 'stocktag'}_id") for link in row.tags.all()
        )
        for key, row in newest.items()
    }
    restored = path != "undelete()" or newest[zoo.animal.pk].history_type == "+"
    enough = path == "save() with F()" or history.objects.count() - before == expected
    return "true" if same and told and kept == tags and restored and enough else "false"


def told_by_the_page() -> dict[str, tuple[str, str]]:
    return {row["path"]: (row["stock"], row["ours"]) for row in ROW.finditer(PAGE.read_text())}


def test_table__of_write_paths__has_all_of_them() -> None:
    """The page and this test speak of the same paths."""
    assert list(told_by_the_page()) == list(PATHS)


@pytest.mark.usefixtures("in_alpha")
@pytest.mark.parametrize("path", PATHS)
def test_table__a_path__is_as_the_page_says(path: str) -> None:
    """What history holds after the write is what the table says, in both columns."""
    happened = (outcome(stock(), path), outcome(ours(), path))
    if path == "save() with F()" and VERSION >= (6, 1):
        # The footnote: there an UPDATE returns what it computed.
        assert happened == ("true", "true")
    else:
        assert told_by_the_page()[path] == happened
