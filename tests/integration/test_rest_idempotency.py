"""A write that is sent twice under one key is done once, whoever asks when, and whoever is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shared_apps.operations.models import KeptAnswer
from smartmodels.context import Thread, namespace_scope
from smartmodels.tenancy.remembering import forget_expired
from tenant_apps.research.models import Study
from tests.support.bulk import STUDIES, codes, new_studies
from tests.support.clients import ApiClient
from tests.support.databases import ROOT

KEY = {"idempotency-key": "k-1"}
ROW = {"code": "A", "island": "Dream"}


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


@pytest.mark.parametrize("body", [ROW, new_studies(3), {"code": "x" * 30}], ids=["one", "many", "refused"])
def test_request__sent_twice__is_answered_the_same(api: ApiClient, body: Any) -> None:
    """Status, body and headers, and it says that it is a repetition."""
    first, second = (api.post(STUDIES, body, **KEY) for _ in range(2))
    assert (second.status_code, second.content, set(second.items()) - set(first.items())) == (
        first.status_code,
        first.content,
        {("X-Request-Id", second["X-Request-Id"]), ("Idempotency-Replayed", "true")},
    )


def test_request__sent_twice__is_done_once(api: ApiClient, alpha: Any) -> None:
    """For every method."""
    made = [api.post(STUDIES, {"code": "A"}, **KEY).json()["id"] for _ in range(2)]
    deleted = [api.delete(f"{STUDIES}{made[0]}/", **{"idempotency-key": "k-2"}).status_code for _ in range(2)]
    assert (len(set(made)), deleted, codes(alpha)) == (1, [204, 204], [])


def test_key__with_another_body__is_refused(api: ApiClient, alpha: Any) -> None:
    """422, and nothing is written."""
    api.post(STUDIES, ROW, **KEY)
    assert (api.post(STUDIES, {"code": "B"}, **KEY).status_code, codes(alpha)) == (422, ["A"])


def test_key__with_another_address__is_refused(api: ApiClient) -> None:
    """Also where only the query differs."""
    api.post(STUDIES, [ROW], **KEY)
    assert api.post(f"{STUDIES}?on_conflict=code,island", [ROW], **KEY).status_code == 422


def test_key__of_somebody_else_or_elsewhere__is_another_key(
    api_of: Callable[..., ApiClient], alpha: Any, beta: Any, ana: Any, ben: Any
) -> None:
    """Keys are those of one account in one namespace."""
    answers = [api_of(*who).post(STUDIES, {"code": f"N{n}"}, **KEY) for n, who in
               enumerate([(ana, alpha), (ben, alpha), (ben, beta)])]  # fmt: skip
    assert [answer.status_code for answer in answers] == [201, 201, 201]


def test_key__after_24_hours__is_free(api: ApiClient, alpha: Any) -> None:
    """And the row of the old answer is removed by the hourly job."""
    api.post(STUDIES, ROW, **KEY)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert (api.post(STUDIES, {"code": "B"}, **KEY).status_code, forget_expired()) == (201, 0)


def test_key__expired__is_forgotten(api: ApiClient) -> None:
    """Nothing is kept for ever."""
    api.post(STUDIES, ROW, **KEY)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert (forget_expired(), KeptAnswer.objects.count()) == (1, 0)


def test_key__of_a_rehearsal__is_not_used_up(api: ApiClient, alpha: Any) -> None:
    """What was taken back is not what was asked for."""
    api.post(STUDIES, [ROW], prefer="tx=rollback", **KEY)
    assert (api.post(STUDIES, [ROW], **KEY).status_code, codes(alpha)) == (201, ["A"])


def test_key__after_a_backup_took_the_schemas_place__is_free(api: ApiClient, alpha: Any) -> None:
    """Nothing is answered of rows that are gone."""
    api.post(STUDIES, ROW, **KEY)
    KeptAnswer.objects.update(schema_name="t_alpha_before")
    assert api.post(STUDIES, ROW, **KEY).status_code == 409


def test_key__of_a_purged_namespace__is_gone(api: ApiClient, alpha: Any) -> None:
    """The answers go with the namespace."""
    api.post(STUDIES, ROW, **KEY)
    assert KeptAnswer._meta.get_field("namespace").remote_field.on_delete.__name__ == "CASCADE"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
def test_key__unusable__is_refused(api: ApiClient, key: str) -> None:
    """Before anything is done."""
    assert api.post(STUDIES, ROW, **{"idempotency-key": key}).status_code == 400


# With real processes and threads

SLOW = """
import sys
import django; django.setup()
from django.db import connection
from tests.support.clients import ApiClient
from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
api = ApiClient(User.objects.get(email="ana@example.org"), Namespace.objects.get(slug="alpha"))

def execute(run, sql, *rest):
    done = run(sql, *rest)
    if "research_study" in sql and "INSERT" in sql:
        print("written", flush=True)
        sys.stdin.readline()
    return done

with connection.execute_wrapper(execute):
    api.post("/api/v1/studies/", {"code": "A", "island": "Dream"}, **{"idempotency-key": "k-1"})
"""


@pytest.fixture
def writing(committing: Any) -> Any:
    """A process that has written under the key, and waits in its transaction."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
               "DJANGO_SETTINGS_MODULE": "tests.settings"}  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SLOW], cwd=ROOT, env=environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


def test_key__while_the_first_is_under_way__is_refused(writing: Any, api: ApiClient) -> None:
    """409 at once, with the time after which to ask again."""
    answer = api.post(STUDIES, ROW, **KEY)
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer) == (
        409, "request-under-way", True
    )  # fmt: skip


def test_key__of_a_killed_process__blocks_nobody(writing: Any, api: ApiClient, alpha: Any) -> None:
    """Neither the row nor the key is left behind."""
    os.kill(writing.pid, signal.SIGKILL)
    writing.wait()
    assert (api.post(STUDIES, ROW, **KEY).status_code, codes(alpha)) == (201, ["A"])


def test_key__in_ten_threads_at_once__is_done_once(
    committing: Any, api_of: Callable[..., ApiClient], ana: Any, alpha: Any
) -> None:
    """Every answer is the row, or that it is being made."""
    clients = [api_of(ana, alpha) for _ in range(6)]
    found: list[int] = []

    def ask(client: ApiClient) -> None:
        found.append(client.post(STUDIES, {"code": "A"}, **KEY).status_code)
        connection.close()

    threads = [Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with namespace_scope(alpha):
        assert (set(found) <= {201, 409}, 201 in found, Study.objects.count()) == (True, True, 1)
