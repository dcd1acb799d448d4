"""What shared rows cost: lists over a thousand homes, details, and writes at home that many others see."""

import re
import secrets
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.sharing.registering import register
from smartmodels.tenancy.models import State
from smartmodels.tenancy.names import new_schema_name
from tenant_apps.research.models import Study
from tests.bench.history import as_ana
from tests.bench.measuring import figure, ratio
from tests.support.clients import ApiClient

NAMESPACES, QUICK, FEW, SHARED, TARGETS = 1_000, 100, 10, 2_000, 100
STUDIES = "/api/v1/studies/"
AT_MOST = 50

FILL = """
INSERT INTO {schema}.research_study (id, code, title, region, island, notes, owner_id, created_by_id,
    updated_by_id, created_at, updated_at)
SELECT md5(n::text || %s)::uuid, 'K' || n, 'Season ' || n, '', 'Dream', '', u.id, u.id, u.id, now(), now()
FROM generate_series(1, %s) n, public.accounts_user u WHERE u.email = 'ana@example.org'
"""
REGISTER = """
INSERT INTO public.sharing_sharedresource (id, home_id, model, resource_id, label, sorted_at)
SELECT gen_random_uuid(), %s, 'research.study', id, code, created_at
FROM {schema}.research_study ORDER BY id LIMIT %s ON CONFLICT DO NOTHING
"""
GRANT = """
INSERT INTO public.sharing_grant (id, resource_id, model, row_id, home_id, target_id, target_slug, role,
    cause, covers_below, may_reshare, status, resource_deleted, history, at_end, created_by_label,
    decided_by_label, ended_by_label, copy_refused)
SELECT gen_random_uuid(), r.id, '', r.resource_id, r.home_id, t.id, t.slug, 'view', 'manual', false, false,
    'active', false, 'none', 'none', '', '', '', ''
FROM public.sharing_sharedresource r, public.namespaces_namespace t
WHERE r.home_id = ANY(%s) AND r.purged_at IS NULL AND t.id = ANY(%s) AND t.id <> r.home_id
ORDER BY r.resource_id LIMIT %s
"""


def execute(statement: str, values: Sequence[Any]) -> None:
    """Send one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def home(like: Namespace) -> Namespace:
    """A namespace that has nothing but a table of studies."""
    slug = f"s{secrets.token_hex(4)}"
    made: Namespace = Namespace.objects.create(
        slug=slug, name=slug, schema_name=new_schema_name(slug), state=State.ACTIVE
    )
    execute(
        f'CREATE SCHEMA "{made.schema_name}"; CREATE TABLE "{made.schema_name}".research_study '
        f'(LIKE "{like.schema_name}".research_study INCLUDING ALL)',
        [],
    )
    return made


def fill(namespace: Namespace, number: int) -> None:
    """Make studies, the keys of which lie among those of all other namespaces."""
    execute(FILL.format(schema=f'"{namespace.schema_name}"'), [namespace.slug, number])


def share(homes: Sequence[Namespace], targets: Sequence[Namespace], number: int) -> None:
    """Register the studies of the homes, and grant so many of them."""
    for each in homes:
        execute(REGISTER.format(schema=f'"{each.schema_name}"'), [each.pk, number])
    execute(GRANT, [[each.pk for each in homes], [each.pk for each in targets], number])


@cache
def fleet(number: int) -> list[Namespace]:
    """So many homes, with 2,000 studies in all that beta sees, and the first ten with as many for alpha."""
    alpha, beta = (Namespace.objects.get(slug=slug) for slug in ("alpha", "beta"))
    homes = [home(alpha) for _ in range(number - 1)]
    each = -(-SHARED // len(homes))
    for place in homes:
        fill(place, each)
    share(homes, [beta], SHARED)
    few = [home(alpha) for _ in range(FEW)]
    for place in few:
        fill(place, SHARED // FEW)
    share(few, [alpha], SHARED)
    for namespace in (alpha, beta):
        with namespace_scope(namespace):
            execute("ALTER TABLE research_study DISABLE TRIGGER USER", [])
            fill(namespace, SHARED)
            execute("ALTER TABLE research_study ENABLE TRIGGER USER", [])
            execute("VACUUM ANALYZE research_study", [])
    execute("VACUUM ANALYZE public.sharing_grant, public.sharing_sharedresource", [])
    return homes


def number_of(rounds: int) -> int:
    """How many namespaces there are."""
    return NAMESPACES if rounds >= 100 else QUICK


def client(slug: str, email: str) -> ApiClient:
    """Somebody's client in a namespace."""
    return ApiClient(User.objects.get(email=email), Namespace.objects.get(slug=slug))


def answered(api: ApiClient, path: str = STUDIES, **query: str) -> Any:
    """Ask, and insist on an answer; return it."""
    answer = api.get(path, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def check_statements(api: ApiClient) -> None:
    """Insist that no statement of any list touches more than 50 schemas."""
    for query in ({}, {"filter": '{"where": {"island": "Dream"}, "order": "title"}'}):
        with CaptureQueriesContext(connection) as context:
            answered(api, **query)
        touched = [len(set(re.findall(r'FROM "(t_\w+)"', each["sql"]))) for each in context.captured_queries]
        assert 1 < max(touched) <= AT_MOST, max(touched)


@figure("sharing.first_page", ceiling=3)
def first_page(rounds: int) -> float:
    """The first page of 2,000 own and 2,000 shared rows against that of the own rows alone."""
    fleet(number_of(rounds))
    api = client("beta", "bea@example.org")
    assert {row["shared"] for row in answered(api)["results"]} == {False, True}
    assert {row["shared"] for row in answered(api, scope="own")["results"]} == {False}
    check_statements(api)
    return ratio(lambda: answered(api), lambda: answered(api, scope="own"), rounds=rounds)


@figure("sharing.homes_growth", ceiling=2)
def homes_growth(rounds: int) -> float:
    """The first page of 2,000 rows that 999 homes share (--quick: 99) against as many from 10."""
    fleet(number_of(rounds))
    many, few = client("beta", "bea@example.org"), client("alpha", "ana@example.org")
    assert len({row["home"] for row in answered(few)["results"]}) == FEW + 1
    return ratio(lambda: answered(many), lambda: answered(few), rounds=rounds)


@figure("sharing.detail", ceiling=2)
def detail(rounds: int) -> float:
    """A row that is shared against one of the own."""
    fleet(number_of(rounds))
    api = client("beta", "bea@example.org")
    shared, own = (answered(api, scope=scope)["results"][0]["id"] for scope in ("shared", "own"))
    return ratio(
        lambda: answered(api, f"{STUDIES}{shared}/"), lambda: answered(api, f"{STUDIES}{own}/"), rounds=rounds
    )


@figure("sharing.write_targets", ceiling=1.3)
def write_targets(rounds: int) -> float:
    """A write of a row that 100 namespaces see against one that one sees."""
    homes = fleet(number_of(rounds))
    with as_ana():
        one, many = (Study.objects.create(code=f"W{secrets.token_hex(4)}") for _ in range(2))
        for study, targets in ((one, homes[:1]), (many, homes[:TARGETS])):
            register(Study, [study.pk])
            execute(GRANT.replace("r.home_id = ANY(%s)", "r.resource_id = ANY(%s)"),
                    [[study.pk], [each.pk for each in targets], TARGETS])  # fmt: skip

        def write(study: Study) -> None:
            study.title = secrets.token_hex(4)
            study.save()

        return ratio(lambda: write(many), lambda: write(one), rounds=rounds)
