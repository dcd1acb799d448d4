"""Give a namespace another slug, and so another host; the old one leads to it."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from smartmodels.exceptions import NamespaceNotFound, SlugTaken
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.hosts import release_host, require_free_host
from smartmodels.tenancy.life.logins import end_sessions
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import HostState, get_domain_model, get_namespace_model
from smartmodels.tenancy.names import primary_host, validate_slug
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["find_renamed", "rename"]


def rename(namespace: Any, slug: str) -> Any:
    """Change the slug and its host, in one transaction; the schema keeps its name.

    The old host answers with a redirect to the primary one until ``remove_domain`` ends that, and nobody
    else gets the old slug before. Sessions end, since their cookies are the old host's; tokens go on.
    Raises SlugInvalid, SlugTaken, HostTaken and NamespaceStateRefused.
    """
    with audited("rename", namespace, to=slug[:63]) as record:
        locked = lock(namespace)
        require_state(locked, "rename")
        wanted = validate_slug(slug)
        if wanted == locked.slug:
            record.unchanged()
        else:
            record.note(**{"from": locked.slug, "to": wanted})
            _take_slug(locked, wanted)
            end_sessions(locked)
    namespace.refresh_from_db()
    return namespace


def _take_slug(locked: Any, wanted: str) -> None:
    old, new = primary_host(locked.slug), primary_host(wanted)
    hosts = get_domain_model().objects.filter(tenant=locked)
    was_primary = hosts.filter(domain=old, is_primary=True).exists()
    locked.slug = wanted
    try:
        with transaction.atomic():
            locked.save(update_fields=["slug"])
            hosts.filter(domain=old).update(state=HostState.REDIRECT, is_primary=False)
            _serve_on(locked, new, is_primary=was_primary)
    except IntegrityError as error:
        if not get_namespace_model().objects.filter(slug=wanted).exclude(pk=locked.pk).exists():
            require_free_host(new, locked.pk)
        raise SlugTaken(
            f"A namespace {wanted!r} exists already: choose another slug.", slug=wanted
        ) from error
    require_free_host(new, locked.pk)
    release_host(new)


def _serve_on(namespace: Any, host: str, *, is_primary: bool) -> None:
    model = get_domain_model()
    values = {"state": HostState.SERVED, "is_primary": is_primary}
    if not model.objects.filter(tenant=namespace, domain=host).update(**values):
        model.objects.bulk_create([model(tenant=namespace, domain=host, **values)])


def find_renamed(slug: str, wanted: str) -> Any:
    """Return the namespace of the slug, or the one that had it and bears the wanted one by now.

    So that renaming can be repeated. Raises NamespaceNotFound.
    """
    try:
        return find_namespace(slug)
    except NamespaceNotFound as unknown:
        try:
            found = find_namespace(wanted)
        except NamespaceNotFound:
            # The one to be renamed is missing, not the name that it is to get.
            raise unknown from None
        old = get_domain_model().objects.filter(tenant=found, domain=primary_host(slug.strip().lower()))
        if not old.filter(state=HostState.REDIRECT).exists():
            raise
        return found
