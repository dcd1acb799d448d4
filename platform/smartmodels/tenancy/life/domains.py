"""Hosts of a namespace besides that of its slug: claimed, proved, served, primary, removed.

A host is served once a TXT record shows that whoever controls it wants it served here. A removed one is
held for a time, so that nobody else gets the visitors who still come to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.exceptions import HostTaken
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.errors import HostNotFound, HostPrimary, HostUnproved, ResolverFailed
from smartmodels.tenancy.hosts import hold_host, release_host, require_free_host
from smartmodels.tenancy.life.naming import custom_host, wanted_host
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import HostState, get_domain_model
from smartmodels.tenancy.names import primary_host

__all__ = [
    "add_domain",
    "domains_of",
    "make_primary",
    "proof_record",
    "remove_domain",
    "verify_domain",
]

_PREFIX = "_smartmodels"


def proof_record(domain: Any) -> tuple[str, str]:
    """Return name and text of the TXT record that proves a host."""
    return f"{_PREFIX}.{domain.domain}", f"smartmodels={domain.proof}"


def domains_of(namespace: Any) -> list[Any]:
    """Return the hosts of a namespace, the primary one first, then by name."""
    with public_scope():
        return list(get_domain_model().objects.filter(tenant=namespace).order_by("-is_primary", "domain"))


def _begin(namespace: Any) -> Any:
    locked = lock(namespace)
    require_state(locked, "domain")
    return locked


def _find(namespace: Any, host: str) -> Any:
    found = get_domain_model().objects.filter(tenant=namespace, domain=wanted_host(host)).first()
    if found is None:
        raise HostNotFound(
            f"{namespace.slug} has no host {host!r}: see `namespace domain list {namespace.slug}`.", host=host
        )
    return found


def _drop_stale_claim(host: str, namespace: Any) -> None:
    oldest = timezone.now() - timedelta(days=settings().HOST_CLAIM_DAYS)
    claims = get_domain_model().objects.filter(domain=host, state=HostState.PENDING, added_at__lt=oldest)
    claims.exclude(tenant=namespace).delete()


def _claim(namespace: Any, host: str) -> Any:
    model = get_domain_model()
    claim = model(
        tenant=namespace, domain=host, is_primary=False, state=HostState.PENDING, proof=secrets.token_hex(16)
    )
    _drop_stale_claim(host, namespace)
    try:
        with transaction.atomic():
            # Not saved one by one, since django-tenants would make the first host the primary one.
            model.objects.bulk_create([claim])
    except IntegrityError as error:
        require_free_host(host, namespace.pk)
        raise HostTaken(f"{host} has just been added: look again.", host=host) from error
    require_free_host(host, namespace.pk)
    return claim


def add_domain(namespace: Any, host: str) -> Any:
    """Claim a host for the namespace; it is served once :func:`verify_domain` has seen the proof.

    A host that is the namespace's already is returned as it is. A claim that was not proved within
    ``SMARTMODELS_HOST_CLAIM_DAYS`` gives way to another namespace's. Raises HostInvalid, HostTaken and
    NamespaceStateRefused.
    """
    with audited("domain-add", namespace, host=host[:253]) as record:
        locked = _begin(namespace)
        name = custom_host(host)
        record.note(host=name)
        known = get_domain_model().objects.filter(tenant=locked, domain=name).first()
        if known is not None:
            record.unchanged()
            return known
        return _claim(locked, name)


def _resolver() -> Callable[[str], list[str]]:
    path = settings().TXT_RESOLVER
    try:
        found: Callable[[str], list[str]] = import_string(path)
    except ImportError as error:
        raise ResolverFailed(
            f"{path} cannot be loaded ({error}): install the extra `domains`, or set "
            "SMARTMODELS_TXT_RESOLVER."
        ) from error
    return found


def verify_domain(namespace: Any, host: str) -> Any:
    """Look for the proof of a pending host; it is served from then on.

    A host that is served already is returned as it is. Raises HostNotFound, HostUnproved while the record
    is not there, ResolverFailed when the DNS does not answer, and NamespaceStateRefused.
    """
    with audited("domain-verify", namespace, host=host[:253]) as record:
        seen = _find(namespace, host)
        # Asked before anything is locked: the DNS takes its time.
        proved = seen.state == HostState.PENDING and _is_proved(seen)
        domain = _find(_begin(namespace), host)
        if domain.state != HostState.PENDING:
            record.unchanged()
            return domain
        if not proved or domain.proof != seen.proof:
            name, text = proof_record(domain)
            raise HostUnproved(
                f"{domain.domain} is not proved: the TXT record {name} does not say {text!r}. "
                "New records take a while to be seen; then verify again.",
                name=name,
                text=text,
            )
        domain.state, domain.verified_at = HostState.SERVED, timezone.now()
        rows = get_domain_model().objects.filter(pk=domain.pk)
        rows.update(state=domain.state, verified_at=domain.verified_at)
        release_host(domain.domain)
        return domain


def _is_proved(domain: Any) -> bool:
    name, text = proof_record(domain)
    return text in [record.strip() for record in _resolver()(name)]


def make_primary(namespace: Any, host: str) -> Any:
    """Make a served host the one that the namespace is known by, to which its old hosts lead.

    Raises HostNotFound, HostUnproved for a pending one, and NamespaceStateRefused.
    """
    with audited("domain-primary", namespace, host=host[:253]) as record:
        locked = _begin(namespace)
        domain = _find(locked, host)
        if domain.state != HostState.SERVED:
            raise HostUnproved(
                f"{domain.domain} is {domain.state}, and only a host that is served can be the primary one: "
                "verify it first.",
                host=domain.domain,
            )
        if domain.is_primary:
            record.unchanged()
            return domain
        hosts = get_domain_model().objects.filter(tenant=locked)
        record.note(before=hosts.filter(is_primary=True).values_list("domain", flat=True).first())
        hosts.filter(is_primary=True).update(is_primary=False)
        hosts.filter(pk=domain.pk).update(is_primary=True)
        domain.is_primary = True
        return domain


def remove_domain(namespace: Any, host: str) -> None:
    """Take a host from the namespace; it is held for the namespace for a time.

    A redirect from a former slug goes the same way. Repeating it changes nothing for as long as the host
    is held. Raises HostNotFound, HostPrimary for the primary host and that of the slug, and
    NamespaceStateRefused.
    """
    with audited("domain-remove", namespace, host=host[:253]):
        locked = _begin(namespace)
        domain = _find(locked, host)
        if domain.is_primary or domain.domain == primary_host(locked.slug):
            raise HostPrimary(
                f"{domain.domain} is the primary host of {locked.slug}, or that of its slug: "
                "make another one primary first; the slug's goes with a new slug.",
                host=domain.domain,
            )
        if domain.state != HostState.PENDING:
            hold_host(domain.domain, locked.pk)
        domain.delete()
