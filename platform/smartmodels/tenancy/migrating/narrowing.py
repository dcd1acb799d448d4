"""The few models that a migration looks at, so that no others are rendered.

Django renders again all that is related to a model with every operation on it: in a project where everything
refers to a user, half of it, four times for one field of a tracked model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.migrations.migration import Migration
from django.db.migrations.operations import AddConstraint, AddField, AddIndex, RemoveConstraint, RemoveIndex
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

from smartmodels.tenancy.triggers import TriggerConstraint

__all__ = ["narrowed"]

_ON_CONSTRAINTS = (AddConstraint, RemoveConstraint)
_ON_INDEXES = (AddIndex, RemoveIndex)

Name = tuple[str, str]


def narrowed(project: ProjectState, migration: Migration) -> ProjectState | None:
    """Return a project of the models that the migration changes and those that these refer to.

    None where an operation may look at others, such as those that refer to the model: any but adding a
    column that is no relation, and adding or removing indexes and constraints of Django's or of ours.
    """
    if not all(_is_local(each, project, migration.app_label) for each in migration.operations):
        return None
    names = [(migration.app_label, each.model_name_lower) for each in migration.operations]  # type: ignore[attr-defined]
    found = _with_referred(names, project)
    return None if found is None else ProjectState(found, real_apps=project.real_apps).clone()


def _is_local(operation: Any, project: ProjectState, app_label: str) -> bool:
    """Tell whether the operation looks at its model's own columns alone."""
    if type(operation) is AddField:
        return not operation.field.is_relation and _is_of_django(operation.field)
    if type(operation) in _ON_INDEXES:
        return type(operation) is RemoveIndex or _is_of_django(operation.index)
    if type(operation) not in _ON_CONSTRAINTS:
        return False
    if type(operation) is AddConstraint:
        return _is_known(operation.constraint)
    state = project.models.get((app_label, operation.model_name_lower))
    known = () if state is None else state.options.get("constraints", ())
    return all(_is_known(each) for each in known if each.name == operation.name)


def _is_of_django(part: Any) -> bool:
    return type(part).__module__.startswith("django.")


def _is_known(constraint: Any) -> bool:
    return _is_of_django(constraint) or isinstance(constraint, TriggerConstraint)


def _with_referred(names: Iterable[Name], project: ProjectState) -> dict[Name, ModelState] | None:
    """Return these models and all that they refer to, directly or not; None if one is not to be found."""
    found: dict[Name, ModelState] = {}
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        if (state := project.models.get(name)) is None:
            return None
        found[name] = state
        ahead += _referred(state)
    return found


def _referred(state: ModelState) -> Iterator[Name]:
    own = (state.app_label, state.name_lower)
    for base in state.bases:
        if isinstance(base, str):
            yield resolve_relation(base, *own)
    for field in state.fields.values():
        remote: Any = field.remote_field
        for model in (getattr(remote, "model", None), getattr(remote, "through", None)):
            if model is not None:
                yield resolve_relation(model, *own)
