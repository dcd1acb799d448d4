"""Many rows over REST: an array in one request, against DRF with django-simple-history as they come.

Neither side shows the rows it wrote: what a list costs is measured elsewhere.
"""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.db import connection
from rest_framework import serializers

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Specimen, Study
from tests.bench.history import timed
from tests.bench.measuring import figure
from tests.support.clients import ApiClient
from tests.zoo.peers import TrackedSpecimen, TrackedStudy

ROWS = 1_000
SPECIMENS = "/api/v1/specimens/"


class PeerSerializer(serializers.ModelSerializer[Any]):
    """What a project writes that has both packages and nothing else."""

    class Meta:
        model = TrackedSpecimen
        fields = "__all__"


def peer_create(body: str) -> None:
    """Validate and save as ``many=True`` does."""
    serializer = PeerSerializer(data=json.loads(body), many=True)
    serializer.is_valid(raise_exception=True)
    serializer.save()


def peer_update(body: str) -> None:
    """Find, validate and save each row, since a list serializer does not update by itself."""
    for given in json.loads(body):
        row = TrackedSpecimen.objects.get(pk=given["id"])
        serializer = PeerSerializer(row, data=given, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()


@contextmanager
def in_alpha() -> Iterator[ApiClient]:
    """Bind alpha; ana acts, and has a client."""
    namespace, ana = Namespace.objects.get(slug="alpha"), User.objects.get(email="ana@example.org")
    with namespace_scope(namespace), operation(actor=Actor.user(ana)):
        yield ApiClient(ana, namespace)


def empty(model: Any) -> None:
    """Start from a table without rows, as both ways began."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608 - a name


def new_rows(study: Any) -> list[dict[str, Any]]:
    """What is sent for 1,000 new rows."""
    return [
        {"study": str(study.pk), "number": number, "individual": f"N{number}", "species": "Adelie"}
        for number in range(ROWS)
    ]


def answered(api: ApiClient, method: str, rows: Any) -> None:
    """Send the array and insist that it is accepted."""
    answer = getattr(api, method)(SPECIMENS, rows, prefer="return=minimal")
    assert answer.status_code == 204, answer.content


def studies() -> tuple[Any, Any]:
    """A parent of ours and one of the peer's."""
    ours, _ = Study.objects.get_or_create(code="BENCH", island="Dream")
    peer, _ = TrackedStudy.objects.get_or_create(code="BENCH")
    return ours, peer


def compare(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> float:
    """Return the ratio of the medians, taken turn by turn; the peer takes seconds."""
    ours(), peer()
    # What was loaded until now is not garbage: neither side is to look through all of it again and again.
    gc.collect()
    gc.freeze()
    pairs = [(ours(), peer()) for _ in range(max(rounds // 20, 3))]
    return median(pair[0] for pair in pairs) / median(pair[1] for pair in pairs)


@figure("bulk.create_1000", ceiling=0.05)
def create_1000(rounds: int) -> float:
    """1,000 new rows with a parent and a value that is unique: request to answer, history included."""
    with in_alpha() as api:
        study, plain = studies()
        return compare(
            lambda: timed(lambda: empty(Specimen), lambda _: answered(api, "post", new_rows(study))),
            lambda: timed(lambda: empty(TrackedSpecimen), lambda _: peer_create(json.dumps(new_rows(plain)))),
            rounds,
        )


@figure("bulk.update_1000", ceiling=0.02)
def update_1000(rounds: int) -> float:
    """1,000 rows changed, each in its own way, a value that is unique among them."""

    def changes(model: Any, study: Any) -> list[dict[str, Any]]:
        empty(model)
        fixed = {"study": study, "species": "Adelie"}
        made = model.objects.bulk_create([model(number=n, individual=f"N{n}", **fixed) for n in range(ROWS)])
        return [
            {"id": str(row.pk), "study": str(study.pk), "species": "Gentoo", "number": row.number + ROWS,
             "stage": f"S{row.number}"}
            for row in made
        ]  # fmt: skip

    with in_alpha() as api:
        study, plain = studies()
        return compare(
            lambda: timed(lambda: changes(Specimen, study), lambda rows: answered(api, "patch", rows)),
            lambda: timed(
                lambda: changes(TrackedSpecimen, plain), lambda rows: peer_update(json.dumps(rows))
            ),
            rounds,
        )
