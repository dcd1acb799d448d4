"""Make a namespace, and bring a half-made one to an end.

A state machine in the namespace's row: ``reserved -> creating -> active``. Every step can be repeated and
records itself when it is done, so a process that is killed at any point leaves a namespace that
:func:`resume` finishes or :func:`rollback` removes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.utils import timezone

from smartmodels.context import public_scope
from smartmodels.exceptions import (
    HostTaken,
    InvalidInput,
    NamespaceFailed,
    NamespaceNotFound,
    SlugTaken,
    SmartModelsError,
)
from smartmodels.tenancy.hosts import require_free_host
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating import forget_schema_state
from smartmodels.tenancy.models import (
    Role,
    State,
    get_domain_model,
    get_membership_model,
    get_namespace_model,
)
from smartmodels.tenancy.names import new_schema_name, primary_host, validate_slug
from smartmodels.tenancy.schemas import create_schema, drop_schema
from smartmodels.tenancy.tables import make_tables

__all__ = [
    "STEPS",
    "exclusively",
    "find_namespace",
    "provision",
    "require_unfinished",
    "reserve",
    "resume",
    "rollback",
    "unfinished",
]

Progress = Callable[[str], None]
"""Called with the name of each step when it begins, and of each migration when it is applied."""

_UNFINISHED = (State.RESERVED, State.CREATING, State.FAILED)


def _silent(_: str) -> None:
    """Report to nobody."""


def _is_plain(text: str) -> bool:
    return text.isprintable() and text.encode("utf-8", "replace").decode() == text


def find_namespace(slug: str) -> Any:
    """Return the namespace of this slug; raise NamespaceNotFound."""
    wanted = slug.strip().lower()
    with public_scope():
        # What is no plain text was never stored, and PostgreSQL refuses to look for it.
        rows = get_namespace_model().objects.filter(slug=wanted) if _is_plain(wanted) else ()
        namespace = next(iter(rows), None)
    if namespace is None:
        raise NamespaceNotFound(f"No namespace {slug!r}: see `manage.py namespace list`.", slug=slug)
    return namespace


def unfinished() -> list[Any]:
    """Return the namespaces whose provisioning did not come to an end."""
    with public_scope():
        return list(get_namespace_model().objects.filter(state__in=_UNFINISHED).order_by("created_at"))


def _reload(namespace: Any) -> None:
    """Read the row again; raise NamespaceNotFound when another process removed it meanwhile."""
    try:
        namespace.refresh_from_db()
    except ObjectDoesNotExist as error:
        raise NamespaceNotFound(f"Namespace {namespace.slug!r} was removed meanwhile.") from error


def _validated_name(name: str) -> str:
    field = get_namespace_model()._meta.get_field("name")
    if not _is_plain(name):
        raise InvalidInput("The name cannot be used: it holds characters that cannot be shown.", field="name")
    try:
        cleaned: str = field.clean(name.strip(), None)
    except ValidationError as error:
        raise InvalidInput(f"The name cannot be used: {' '.join(error.messages)}", field="name") from error
    return cleaned


def reserve(slug: str, *, name: str, owner: Any) -> Any:
    """Take the slug: one row, at once visible to everybody else who wants it.

    Raises SlugInvalid, SlugTaken, HostTaken or InvalidInput.
    """
    slug = validate_slug(slug)
    name = _validated_name(name)
    model = get_namespace_model()
    namespace = model(slug=slug, name=name, schema_name=new_schema_name(slug), state=State.RESERVED)
    try:
        with public_scope(), transaction.atomic():
            namespace.save(force_insert=True)
            get_membership_model().objects.create(namespace=namespace, user=owner, role=Role.OWNER)
            require_free_host(primary_host(slug), namespace.pk)
    except IntegrityError as error:
        taken = model.objects.filter(slug=slug).first()
        if taken is None:
            raise
        half = f", half-made: finish it with `namespace resume {slug}`," if taken.state in _UNFINISHED else ""
        raise SlugTaken(
            f"A namespace {slug!r} exists already{half or ':'} choose another slug.", slug=slug
        ) from error
    return namespace


def _schema(namespace: Any, _: Progress) -> None:
    create_schema(namespace.schema_name, namespace.pk)


def _tables(namespace: Any, progress: Progress) -> None:
    make_tables(namespace, progress=progress)


def _host(namespace: Any, _: Progress) -> None:
    host = primary_host(namespace.slug)
    domain, _made = get_domain_model().objects.get_or_create(
        domain=host, defaults={"tenant": namespace, "is_primary": True}
    )
    if domain.tenant_id != namespace.pk:
        raise HostTaken(f"{host} is served by another namespace.", host=host)


def _activate(namespace: Any, _: Progress) -> None:
    namespace.state = State.ACTIVE
    namespace.activated_at = timezone.now()


STEPS: dict[str, Callable[[Any, Progress], None]] = {
    "schema": _schema,
    "tables": _tables,
    "host": _host,
    "activate": _activate,
}
"""What turns a reservation into a served namespace, in order."""


def _advance(namespace: Any, step: str, progress: Progress) -> None:
    progress(step)
    if namespace.state != State.CREATING:
        namespace.state, namespace.error = State.CREATING, ""
    STEPS[step](namespace, progress)
    namespace.step = step
    namespace.save(update_fields=["state", "step", "error", "activated_at"])


def resume(namespace: Any, *, progress: Progress = _silent) -> Any:
    """Finish provisioning; a namespace that is finished already is returned as it is.

    Raises NamespaceBusy while another process works on it, and NamespaceFailed, with what went wrong
    kept in the row, when a step fails.
    """
    with public_scope(), exclusively(namespace):
        _reload(namespace)
        if namespace.state not in _UNFINISHED:
            return namespace
        for step in STEPS:
            try:
                _advance(namespace, step, progress)
            except (DatabaseError, SmartModelsError, OSError) as error:
                _record_failure(namespace, step, error)
                raise NamespaceFailed(
                    f"Step {step!r} of namespace {namespace.slug!r} failed: {error} "
                    f"Run `namespace resume {namespace.slug}` to go on or `namespace rollback "
                    f"{namespace.slug}` to remove it.",
                    slug=namespace.slug,
                    step=step,
                ) from error
    return namespace


def _record_failure(namespace: Any, step: str, error: Exception) -> None:
    connection = connections["default"]
    if not connection.in_atomic_block:
        # A connection that was lost is replaced, so that the reason can be kept.
        connection.close_if_unusable_or_obsolete()
    # The lock went with a lost connection, so somebody else may have finished the work by now.
    rows = get_namespace_model().objects.filter(pk=namespace.pk, state__in=_UNFINISHED)
    rows.update(state=State.FAILED, error=f"{step}: {error}"[:2000])


def provision(slug: str, *, name: str, owner: Any, progress: Progress = _silent) -> Any:
    """Make a namespace: its schema, its host and its owner's membership; return it active.

    Raises what :func:`reserve` and :func:`resume` raise.
    """
    progress("reserve")
    namespace = reserve(slug, name=name, owner=owner)
    return resume(namespace, progress=progress)


def require_unfinished(namespace: Any) -> None:
    """Raise InvalidInput unless the namespace is half-made, and so may be rolled back."""
    if namespace.state not in (*_UNFINISHED, State.LOADING):
        raise InvalidInput(
            f"Namespace {namespace.slug!r} is {namespace.state}, not half-made: "
            "use `namespace delete` to remove it.",
            slug=namespace.slug,
        )


def rollback(namespace: Any) -> None:
    """Remove a namespace whose provisioning did not come to an end; an active one is refused."""
    with public_scope(), exclusively(namespace):
        _reload(namespace)
        require_unfinished(namespace)
        _remove(namespace)


def _remove(namespace: Any) -> None:
    drop_schema(namespace.schema_name, namespace.pk)
    forget_schema_state(namespace.schema_name)
    get_namespace_model().objects.filter(pk=namespace.pk).delete()
