"""Rows of a namespace: keys without a constraint, sequences, and history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection

from smartmodels.conf import settings
from smartmodels.fsck.findings import Check, Finding, keys_of
from smartmodels.history import defects, repair, tracked_models, write_versions
from smartmodels.history.evidence.chain import verify_anchors
from smartmodels.history.evidence.findings import Verification
from smartmodels.history.evidence.living import verify_living
from smartmodels.history.evidence.snapshots import moment
from smartmodels.softdelete import soft_delete
from smartmodels.tenancy.placement import is_tenant_model, tenant_models
from smartmodels.tenancy.triggers import quoted
from smartmodels.transfer.catalogue import qualified, sequence_states, sequences_of

__all__ = ["CHECKS"]


# Keys without a constraint


def _loose_keys() -> Iterator[tuple[Any, Any]]:
    """Yield the foreign keys of live rows that the database does not check, but for those of accounts."""
    versions = {model.history.model for model in _tracked()}
    for model in tenant_models():
        if model in versions:
            continue
        for field in model._meta.concrete_fields:
            to = field.remote_field.model if field.remote_field is not None else None
            if to is None or field.db_constraint or to._meta.label == django_settings.AUTH_USER_MODEL:  # type: ignore[attr-defined]
                continue
            yield model, field


def _tracked() -> list[Any]:
    return list(tracked_models())


def _orphans(model: Any, field: Any) -> list[Any]:
    to = field.remote_field.model
    schema = "" if is_tenant_model(to) else "public."
    alive = " AND t.deleted_at IS NULL" if hasattr(model, "all_objects") else ""
    return keys_of(
        f"SELECT t.{quoted(model._meta.pk.column)} FROM {quoted(model._meta.db_table)} t "  # noqa: S608
        f"WHERE t.{quoted(field.column)} IS NOT NULL{alive} AND NOT EXISTS "
        f"(SELECT FROM {schema}{quoted(to._meta.db_table)} o "
        f"WHERE o.{quoted(field.target_field.column)} = t.{quoted(field.column)}) ORDER BY 1"
    )


def _find_orphans(namespace: Any) -> Iterator[Finding]:
    for model, field in _loose_keys():
        keys = _orphans(model, field)
        if keys:
            place = f"{model._meta.db_table}.{field.column}"
            what = f"{len(keys)} rows point at a {field.remote_field.model._meta.verbose_name} that is gone."
            mendable = hasattr(model, "all_objects")
            yield Finding(
                "orphan-key", namespace.slug, place, len(keys), what, mendable, (model, field, keys)
            )


def _mend_orphans(_: Any, found: list[Finding]) -> None:
    """Cut the key where it may be empty; else delete the row, which can be restored."""
    for finding in found:
        model, field, keys = finding.about
        if field.null:
            model.all_objects.filter(pk__in=keys).update(**{field.attname: None})
        else:
            soft_delete(model, keys)


# Sequences


def _find_sequences(namespace: Any) -> Iterator[Finding]:
    schema = namespace.schema_name
    for place, (last, used) in sequence_states(schema).items():
        table, _, column = place.partition(".")
        (highest,) = keys_of(f"SELECT max({quoted(column)}) FROM {qualified(schema, table)}")  # noqa: S608
        if highest is not None and (highest > last or (highest == last and not used)):
            what = f"The next row would get number {last + used}, but {highest} is taken."
            yield Finding("sequence-behind", namespace.slug, place, 1, what, about=(place, highest))


def _mend_sequences(namespace: Any, found: list[Finding]) -> None:
    names = sequences_of(namespace.schema_name)
    with connection.cursor() as cursor:
        for finding in found:
            place, highest = finding.about
            name = qualified(namespace.schema_name, names[place])
            cursor.execute("SELECT setval(%s::regclass, %s)", [name, highest])


# History


def _find_triggers(namespace: Any) -> Iterator[Finding]:
    for each in defects([namespace.schema_name]):
        if each.schema == namespace.schema_name:
            yield Finding("history-trigger", namespace.slug, each.table, 1, str(each), each.mendable, each)


def _mend_triggers(_: Any, found: list[Finding]) -> None:
    repair(finding.about for finding in found)


def _find_living(namespace: Any) -> Iterator[Finding]:
    result = Verification(namespace.slug)
    with moment():
        verify_living(result)
    by_table: dict[str, list[Any]] = {}
    for each in result.findings:
        by_table.setdefault(each.table, []).append(each)
    models = {model._meta.db_table: model for model in _tracked()}
    for table, found in by_table.items():
        model = models.get(table)
        yield Finding("history-behind", namespace.slug, table, len(found), found[0].what, model is not None,
                      (model, [each.row for each in found]))  # fmt: skip


def _mend_living(_: Any, found: list[Finding]) -> None:
    """Write what rows are now as their newest version, so that history tells who repaired it, and when."""
    for finding in found:
        write_versions(*finding.about)


def _find_anchors(namespace: Any) -> Iterator[Finding]:
    anchors: Any = apps.get_model(settings().ANCHOR_MODEL).objects.filter(namespace_id=namespace.pk)
    links = [(position, bytes(chain)) for position, chain in anchors.values_list("position", "chain")]
    result = Verification(namespace.slug)
    with moment():
        verify_anchors(result, links)
    for each in result.findings:
        yield Finding("anchor", namespace.slug, each.table, 1, each.what, mendable=False)


CHECKS = (
    Check("orphan-key", _find_orphans, _mend_orphans),
    Check("sequence-behind", _find_sequences, _mend_sequences),
    Check("history-trigger", _find_triggers, _mend_triggers),
    Check("history-behind", _find_living, _mend_living),
    Check("anchor", _find_anchors),
)
