"""``resource.namespaces``: where a row is visible, as a manager like those of many-to-many fields."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from smartmodels.context import require_namespace
from smartmodels.sharing.deciding import revoke
from smartmodels.sharing.grants import GrantRole, GrantStatus
from smartmodels.sharing.offering import share
from smartmodels.sharing.reading import grants_of
from smartmodels.tenancy.models import get_namespace_model

__all__ = ["ResourceNamespaces"]


class ResourceNamespaces:
    """The namespaces of one row: its home, and every one that an active grant gives it to."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def all(self) -> models.QuerySet[Any]:
        """Return the home and the namespaces with an active grant."""
        granted = grants_of(self._resource).filter(status=GrantStatus.ACTIVE).values("target_id")
        namespaces: models.QuerySet[Any] = get_namespace_model().objects.all()
        return namespaces.filter(models.Q(pk=require_namespace().pk) | models.Q(pk__in=granted))

    def filter(self, *args: Any, **kwargs: Any) -> models.QuerySet[Any]:
        """Return those of :meth:`all` that match."""
        return self.all().filter(*args, **kwargs)

    def exists(self, namespace: Any) -> bool:
        """Tell whether the row is visible in ``namespace``."""
        return self.all().filter(pk=namespace.pk).exists()

    def add(self, *namespaces: Any, role: str = GrantRole.VIEW) -> list[Any]:
        """Share the row with each namespace; return the grants."""
        with transaction.atomic():
            return [share(self._resource, namespace, role=role) for namespace in namespaces]

    def remove(self, *namespaces: Any) -> list[Any]:
        """Take the row back from each namespace; return the grants that ended."""
        keys = [namespace.pk for namespace in namespaces]
        with transaction.atomic():
            return [revoke(grant) for grant in grants_of(self._resource).filter(target_id__in=keys)]

    def clear(self) -> list[Any]:
        """Take the row back from everybody; return the grants that ended."""
        with transaction.atomic():
            return [revoke(grant) for grant in grants_of(self._resource)]

    def set(self, namespaces: Any, role: str = GrantRole.VIEW) -> None:
        """Make the row visible in exactly these namespaces, and at home."""
        home = require_namespace().pk
        wanted = {namespace.pk: namespace for namespace in namespaces if namespace.pk != home}
        with transaction.atomic():
            for grant in grants_of(self._resource).exclude(target_id__in=list(wanted)):
                revoke(grant)
            self.add(*wanted.values(), role=role)
