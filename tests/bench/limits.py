"""What counting a request costs beside the request."""

from functools import partial
from typing import Any

from django.test import override_settings

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.models import Namespace
from tests.bench.measuring import figure, ratio
from tests.support.clients import ApiClient

REQUESTS = 20
_HUGE = {"principal": (10**9, 60), "namespace": (10**9, 60)}


def ask(api: Any, limits: dict[str, tuple[int, int]], counter: str) -> None:
    """Send some requests under these limits."""
    path = f"smartmodels.rest.access.counters.{counter}"
    with override_settings(SMARTMODELS_RATE_LIMITS=limits, SMARTMODELS_RATE_COUNTER=path):
        for _ in range(REQUESTS):
            assert api.get("/api/v1/studies/").status_code == 200


def compare(counter: str, rounds: int) -> float:
    """Return what a list costs with both limits, over what it costs without any."""
    Token.objects.filter(user__email="ana@example.org").delete()
    api = ApiClient(User.objects.get(email="ana@example.org"), Namespace.objects.get(slug="alpha"))
    return ratio(partial(ask, api, _HUGE, counter), partial(ask, api, {}, counter), rounds=rounds)


@figure("limits.cache", ceiling=1.05)
def in_cache(rounds: int) -> float:
    """Counting in memory."""
    return compare("CacheCounter", rounds)


@figure("limits.postgres", ceiling=1.25)
def in_postgres(rounds: int) -> float:
    """Counting by one statement."""
    return compare("PostgresCounter", rounds)
