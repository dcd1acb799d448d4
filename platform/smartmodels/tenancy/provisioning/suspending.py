"""Stop serving a namespace, and serve it again."""

from __future__ import annotations

from typing import Any

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.provisioning.finding import reload

__all__ = ["set_suspended"]


def set_suspended(namespace: Any, suspended: bool) -> Any:
    """Stop or resume serving an active namespace; repeating it changes nothing.

    Raises InvalidInput for one that is neither active nor suspended.
    """
    before, after = State.ACTIVE, State.SUSPENDED
    if not suspended:
        before, after = after, before
    with public_scope():
        model = get_namespace_model()
        changed = model.objects.filter(pk=namespace.pk, state=before).update(state=after)
        reload(namespace)
    if not changed and namespace.state != after:
        raise InvalidInput(
            f"Namespace {namespace.slug!r} is {namespace.state}: only an active one can be suspended.",
            slug=namespace.slug,
        )
    return namespace
