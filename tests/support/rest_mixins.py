"""A URLconf of viewsets made of mixins, and of deprecated ones: for the tests of smartmodels.rest."""

from datetime import UTC, datetime
from typing import Any

from smartmodels.rest import (
    Deprecation,
    NamespaceRowsMixin,
    OwnRowsMixin,
    ReadOnlyMixin,
    ResourceViewSet,
    Response,
    action,
    derive_serializer,
)
from smartmodels.rest.registry import discover
from smartmodels.rest.served import _extended
from smartmodels.rest.urls import namespace_api
from tenant_apps.research.models import Study

SINCE, SUNSET = datetime(2026, 1, 2, tzinfo=UTC), datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


class Studies(ResourceViewSet):
    """Studies."""

    model = Study
    serializer_class = derive_serializer(Study)


class Mine(OwnRowsMixin, Studies):
    """The caller's studies."""


class Ours(NamespaceRowsMixin, Studies):
    """The namespace's studies."""


class Look(ReadOnlyMixin, Studies):
    """Studies to read."""


class LookAtMine(ReadOnlyMixin, OwnRowsMixin, Studies):
    """The caller's studies, to read."""


class Old(Studies):
    """Studies, as they were served once."""

    deprecated = Deprecation(since=SINCE, sunset=SUNSET, link="/docs/studies/")


class Half(Studies):
    """Studies with one action that will go away."""

    @action(detail=False, deprecated=Deprecation(since=SINCE))
    def gone(self, request: Any) -> Response:
        """Answer."""
        return Response({})


discover()
urlpatterns = namespace_api(
    __name__,
    {
        name: _extended(viewset)
        for name, viewset in {
            "mine": Mine, "ours": Ours, "look": Look, "look-at-mine": LookAtMine, "old": Old, "half": Half,
        }.items()
    },
)  # fmt: skip
