"""Links that a soft deletion cut, so that a restore can tie them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.apps import apps
from django.db import connections, models
from django.db.models import Case, F, Value, When

from smartmodels.conf import settings
from smartmodels.querysets import ScopedQuerySet
from smartmodels.softdelete.relations import Fate, Link, Model, links_below
from smartmodels.tenancy.triggers import quoted

__all__ = [
    "AbstractSeveredLink",
    "Tie",
    "consume",
    "cut_links",
    "forget_links",
    "remember",
    "severed_links",
    "tie",
    "ties",
]


class AbstractSeveredLink(models.Model):
    """One foreign key that was set to null (SET_NULL) because what it pointed at was soft-deleted.

    The triggers of :class:`LivingParents` forget it as soon as somebody else writes the key.
    """

    operation_id = models.UUIDField(editable=False)
    table = models.CharField(max_length=63, editable=False)
    column = models.CharField(max_length=63, editable=False)
    row_key = models.TextField(editable=False)
    target_key = models.TextField(editable=False)

    objects: ClassVar[Any] = models.Manager.from_queryset(ScopedQuerySet)()

    class Meta:
        abstract = True
        db_table = "ledger_severed_link"
        indexes: ClassVar = [
            models.Index(fields=["operation_id", "table"], name="ledger_severed_operation"),
            models.Index(fields=["row_key", "table"], name="ledger_severed_row"),
        ]


def severed_links() -> Any:
    """Return the concrete model, which lives in the app that ``SMARTMODELS_LEDGER_APP`` names."""
    return apps.get_model(settings().LEDGER_APP, "SeveredLink")


# Cutting


def remember(link: Link, rows: Iterable[Any], using: str) -> int:
    """Write down the links that ``rows`` have to deleted rows; return how many there are."""
    column, key = quoted(link.field.column), quoted(link.child._meta.pk.column)
    sql = (
        f"INSERT INTO {quoted(severed_links()._meta.db_table)} "  # noqa: S608 - names of tables and columns
        '(operation_id, "table", "column", row_key, target_key) '
        f"SELECT p.deleted_in, %s, %s, c.{key}::text, c.{column}::text "
        f"FROM {quoted(link.child._meta.db_table)} c JOIN {quoted(link.parent._meta.db_table)} p "
        f"ON p.{quoted(link.parent._meta.pk.column)} = c.{column} "
        f"WHERE c.{key} = ANY(%s) AND p.deleted_in IS NOT NULL"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [link.child._meta.db_table, link.field.column, list(rows)])
        return int(cursor.rowcount)


def cut_links(
    going: Mapping[Model, Iterable[Any]], staying: Mapping[Model, Iterable[Any]], using: str
) -> None:
    """Cut the links from rows that stay to rows that were just marked as deleted, and remember them."""
    for model, keys in going.items():
        for link in links_below(model):
            rows = staying.get(link.child)
            if link.fate is Fate.CUT and rows and remember(link, rows, using):
                held = {"pk__in": rows, f"{link.field.name}__in": keys}
                links = link.child.all_objects.using(using).filter(**held)
                links.update(**{link.field.attname: link.value_when_cut})


# Tying


@dataclass(frozen=True, slots=True)
class Tie:
    """Links of one foreign key that restored rows get back: what each row, by its key, pointed at."""

    link: Link
    targets: Mapping[Any, Any]

    def rows(self) -> set[Any]:
        """Return the rows that had the links."""
        return set(self.targets)


def _cut_below(models_: Iterable[Model]) -> dict[tuple[str, str], Link]:
    """Return the links that deletions of the models cut, by table and column."""
    return {
        (link.child._meta.db_table, link.field.column): link
        for model in models_
        for link in links_below(model)
        if link.fate is Fate.CUT
    }


def _remembered(coming: Mapping[Model, Mapping[Any, Any]], using: str) -> Any:
    """Return what is remembered of the rows' deletions; ``coming`` is deletion by key, by model."""
    held = [deletions for model, deletions in coming.items() if _cut_below([model])]
    return (
        severed_links()
        .objects.using(using)
        .filter(
            operation_id__in={deletion for deletions in held for deletion in deletions.values()},
            target_key__in=[str(key) for deletions in held for key in deletions],
        )
    )


def ties(coming: Mapping[Model, Mapping[Any, Any]], using: str) -> list[Tie]:
    """Return the links that were cut when the rows were deleted, in one query or, without any, in none."""
    known = _cut_below(coming)
    targets: dict[tuple[str, str], dict[Any, Any]] = {}
    found = _remembered(coming, using).order_by("pk") if known else ()
    for each in found:
        if (link := known.get((each.table, each.column))) is not None:
            row, target = link.child._meta.pk.to_python, link.parent._meta.pk.to_python
            targets.setdefault((each.table, each.column), {})[row(each.row_key)] = target(each.target_key)
    return [Tie(known[place], by_row) for place, by_row in targets.items()]


def consume(made: Iterable[Tie], coming: Mapping[Model, Mapping[Any, Any]], using: str) -> None:
    """Forget the links that were tied, or could not be."""
    if list(made):
        _remembered(coming, using).delete()


def tie(made: Tie, free: Iterable[Any], deletions: Mapping[Any, Any], using: str) -> None:
    """Tie the links of the rows in ``free`` again, to targets among ``deletions``."""
    by_target: dict[Any, list[Any]] = {}
    for row in free:
        if made.targets[row] in deletions:
            by_target.setdefault(made.targets[row], []).append(row)
    if by_target:
        cases = [When(pk__in=rows, then=Value(target)) for target, rows in by_target.items()]
        rows = [row for group in by_target.values() for row in group]
        value = Case(*cases, default=F(made.link.field.attname), output_field=made.link.field.target_field)
        made.link.child.all_objects.using(using).filter(pk__in=rows).update(
            **{made.link.field.attname: value}
        )


def forget_links(model: Model, keys: Iterable[Any], using: str) -> None:
    """Forget the links from and to rows that are removed for good."""
    gone = [str(key) for key in keys]
    links = severed_links().objects.using(using)
    links.filter(table=model._meta.db_table, row_key__in=gone).delete()
    for link in links_below(model):
        if link.fate is Fate.CUT:
            kept = {"table": link.child._meta.db_table, "column": link.field.column}
            links.filter(target_key__in=gone, **kept).delete()
