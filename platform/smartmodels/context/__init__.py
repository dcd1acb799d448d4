"""Who acts, in which operation and namespace, at which work: ContextVars and the managers that bind them."""

from smartmodels.context.actor import Actor, ActorKind
from smartmodels.context.namespace import (
    PUBLIC_SCHEMA,
    BoundNamespace,
    current_namespace,
    current_schema,
    namespace_scope,
    public_scope,
    require_namespace,
)
from smartmodels.context.operation import Operation, current_operation, operation, require_operation
from smartmodels.context.threads import Thread, ThreadPoolExecutor, carrying
from smartmodels.context.work import current_work, working

__all__ = [
    "PUBLIC_SCHEMA",
    "Actor",
    "ActorKind",
    "BoundNamespace",
    "Operation",
    "Thread",
    "ThreadPoolExecutor",
    "carrying",
    "current_namespace",
    "current_operation",
    "current_schema",
    "current_work",
    "namespace_scope",
    "operation",
    "public_scope",
    "require_namespace",
    "require_operation",
    "working",
]
